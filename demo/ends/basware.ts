import type { End } from './end.ts'

/** Companies that the ERP has; the sandbox's Basware has one more, which must be left alone. */
export const COMPANIES = ['FR10', 'GB10']

/** Basware as a source of approved invoices. */
export const basware: End = {
  server: 'basware',
  environment: {
    BASWARE_URL: 'url',
    BASWARE_CLIENT_ID: 'clientId',
    BASWARE_CLIENT_SECRET: 'clientSecret',
  },
  fill(node) {
    // what the sandbox redirects to is on another port of this machine
    if (node.type === 'basware-connection') return { ...node, redirectHosts: '127.0.0.1' }
    return node.type === 'basware-poll' ? { ...node, companies: COMPANIES.join(', '), visibleSeconds: 1 } : node
  },
}
