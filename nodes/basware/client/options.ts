/** What a connection to Basware needs to know; the node's dialog and tests fill it. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { RetryOptions } from '../../../sync/contract/retry.ts'
import { withScheme } from '../../../vendor/address.ts'
import type { QuietHours } from '../../../vendor/quiet.ts'
import type { Route } from '../../../vendor/route.ts'

export type BaswareAuth =
  | { readonly kind: 'oauth'; readonly clientId: string; readonly clientSecret: string }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }

export interface BaswareOptions extends Route {
  /** `https://api.basware.com`; the token comes from there too. */
  readonly url: string
  readonly auth: BaswareAuth
  /** Value of the `source` column. */
  readonly source: string
  /** Hosts (`host`, which stands for those below it too, or `host:port`) that a redirect may lead to. */
  readonly redirectHosts: readonly string[]
  readonly requestsPerSecond?: number
  /** Requests at a time, default 2. */
  readonly concurrency?: number
  /** Milliseconds of silence that are borne: until the reply begins, and between its parts. Default 120,000. */
  readonly timeoutMs?: number
  /** Milliseconds for one request with its reply, default 600,000. */
  readonly totalMs?: number
  /** Greatest reply in bytes, default 20 MB. */
  readonly maxReplyBytes?: number
  readonly quietHours?: QuietHours
  /** How often and how long a failure that may pass is tried again; absent: the engine's rule. */
  readonly retry?: Partial<RetryOptions>
  /** Local clock in milliseconds since 1970; tests set it. */
  readonly now?: () => number
}

/** The API's address where it is known: Basware's own repositories name these two. Of other regions Basware tells it. */
export const knownUrl = (region: string, system: string): string | undefined =>
  region === 'EU' ? `https://${system === 'test' ? 'test-' : ''}api.basware.com` : undefined

const hint = 'Write it as https://api.basware.com, without a path. For US, AU and CA ask Basware for the address.'
const fault = (text: string) => syncError('config', 'basware.url', `API address ${text}`, { field: 'url', hint })

/** Origin of the API. Secrets go there, so that plain HTTP is for this machine alone. */
export function apiOrigin(text: string): string {
  const url = withScheme(text)
  if (!url) throw fault(`"${text.slice(0, 200)}" of the Basware connection is no address`)
  if (url.username !== '' || url.password !== '') throw fault('must not carry a user or a password')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isHere(url))) throw fault(`${url.origin} is not https`)
  if (url.pathname !== '/' || url.search !== '') throw fault(`"${url.host}${url.pathname}" carries a path`)
  return url.origin
}

const isHere = ({ hostname }: URL): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)

/** Where a redirect leads that is not followed: by plain HTTP, or to a host that is not allowed; undefined: it is followed. */
export function redirectFault(from: string, to: URL, allowed: readonly string[]): string | undefined {
  if (to.protocol !== 'https:' && !(to.protocol === 'http:' && new URL(from).protocol === 'http:')) return to.origin
  const fits = allowed.some((entry) => {
    const one = entry.toLowerCase().replace(/^\*?\./, '')
    return to.host === one || to.hostname === one || to.hostname.endsWith(`.${one}`)
  })
  return fits ? undefined : to.origin
}

/** What a token is asked for: scopes that go together, so that a tenant without orders needs no right to them. */
export const SCOPES = {
  invoices: ['accountingDocuments.read', 'accountingDocuments.write', 'requestStatus.read'],
  orders: ['matchingOrders.read', 'matchingOrderLines.read'],
  results: ['requestStatus.read'],
  vendors: ['vendors.read', 'vendors.write'],
  accounts: ['accounts.read', 'accounts.write'],
  costCenters: ['costCenters.read', 'costCenters.write'],
  lists: ['lists.read', 'lists.write'],
  projects: ['projects.read', 'projects.write'],
  sendOrders: ['matchingOrders.read', 'matchingOrders.write', 'matchingOrderLines.read', 'matchingOrderLines.write'],
  requisitions: ['purchaseRequisitions.read', 'purchaseRequisitions.write'],
} as const
export type ScopeGroup = keyof typeof SCOPES
