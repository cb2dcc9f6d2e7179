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
  // what the sandbox redirects to is on another port of this machine
  settings: { BASWARE_REDIRECT_HOSTS: '127.0.0.1', BASWARE_COMPANIES: COMPANIES.join(', ') },
  fill(node) {
    return node.type === 'basware-poll' ? { ...node, visibleSeconds: 1 } : node
  },
}
