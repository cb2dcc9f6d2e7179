import type { Size } from '../books/types.ts'
import type { FaultPlan } from '../faults.ts'
import type { Habits } from './company/habits.ts'

export interface BaswareOptions {
  /** Invoices, orders and masters are derived from these books as they stood on their first day. */
  seed: number
  size: Size | number
  /** The books' first day. */
  today: string
  /** The clock that stamps are taken from, ms since 1970. */
  clock: { now(): number }
  /** What delays, tokens and links live by, ms; the machine's clock unless told. */
  now?: () => number
  /** Port of the API; 0 takes a free one. */
  port?: number
  /** Port of the second origin, to which it redirects. */
  filesPort?: number
  /** The tenant's region first, then others, in which nobody knows the tenant. */
  regions?: readonly string[]
  clientId?: string
  clientSecret?: string
  username?: string
  password?: string
  /** What the client may be given; every scope of this server unless told. */
  scopes?: readonly string[]
  /** How many invoices there are at the beginning. */
  invoices?: number
  habits?: Partial<Habits>
  /**
   * What stands there at the beginning: all that the ERP's interface would have sent (`sent`), or what people typed before there
   * was one (`byHand`). `sent`
   */
  begins?: 'sent' | 'byHand'
  /** Where what was done is kept over restarts; nothing is without it. */
  file?: string
  faults?: FaultPlan
  /** What `tune` can change later. */
  settings?: Partial<BaswareSettings>
}

/** What the contract leaves open, or a test wants otherwise; the default is told at each. Changed by `tune` at any time. */
export interface BaswareSettings {
  /** Life of a token, 3600. */
  tokenSeconds: number
  /** The contract says that `expires_in` is in minutes, its example that it is in seconds. `seconds` */
  expiresIn: 'seconds' | 'minutes'
  /** A scope that was not granted: the token is refused, or given without it. `refused` */
  ungrantedScope: 'refused' | 'dropped'
  /** A call outside the token's scopes, 401. */
  noScope: 401 | 403
  /** Until P2P has what the API layer took, ms. 0 */
  p2pMs: number
  /** Until the API layer has what happened in P2P, ms. 0 */
  publishMs: number
  /** Until an acknowledgement that was answered with 200 has changed the state, ms. 0 */
  acknowledgeMs: number
  /** Until a request's status can be asked for; 404 before, ms. 0 */
  statusMs: number
  /** A response changes the invoice at once, or when P2P has it. `atOnce` */
  responded: 'atOnce' | 'afterP2p'
  /** A response to an invoice that is transferred already, 400. */
  transferredAgain: 400 | 409
  /** Added for each record by itself, up to so much, ms: results come out of order. 0 */
  spreadMs: number
  /** How long P2P waits for what a record refers to before it says so, ms. 0 */
  retriesMs: number
  /** A version that is followed by another one so soon is skipped, if P2P does not have it yet, ms. 1000 */
  expiresMs: number
  /** A record that is equal to the one before is not handed on to P2P. `skipped` */
  unchanged: 'skipped' | 'processed'
  /** A record that is not valid: the whole request is refused, or the others are taken all the same. `whole` */
  rejects: 'whole' | 'record'
  /** One externalCode twice in a request. `refused` with 409 */
  sameCode: 'refused' | 'taken'
  /** A code of the ERP that another record of the company has, or an order's number: an error, or one more record. `refused` */
  sameRecordCode: 'refused' | 'taken'
  /** Accounts and cost centres of an order's coding that P2P does not have: left out with a warning, an error, or saved. `warned` */
  unknownCoding: 'warned' | 'refused' | 'saved'
  /** State of a request whose worst result is a warning. `Error` */
  warnedRequest: 'Error' | 'Success'
  /** What PATCH must have: all that the entity wants, or nothing. `all` */
  patchRequired: 'all' | 'nothing'
  /** Lists that PATCH brings: in the place of the old ones, or joined with them by externalCode. `replaced` */
  patchLists: 'replaced' | 'joined'
  /** Another PATCH of a line of an order within so much is a 503, ms. 1000 */
  patchBusyMs: number
  /** What people edit in P2P comes to the API layer, or does not. `inside` */
  edits: 'inside' | 'published'
  /** A second response with the same externalCode, while one may be given. `refused` with 409 */
  sameResponse: 'refused' | 'taken'
  /** A response to an invoice that nobody acknowledged. `taken` */
  unacknowledged: 'taken' | 'refused'
  /** A transfer that is begun anew keeps the voucher numbers. true */
  keepsVoucher: boolean
  /** Pages go on behind the last key, or at a number of records of what the filter finds then. `key` */
  paging: 'key' | 'offset'
  /** The greatest number of coding rows on a page of invoices, 400. */
  pageRows: number
  /** Each page but the first begins with the last record of the one before. false */
  repeats: boolean
  /** How results are ordered. `updated` */
  order: 'updated' | 'reverse' | 'id'
  /** Which reply has the continuation token where there is a redirect. `final` */
  tokenOn: 'final' | 'redirect' | 'both'
  /** What is answered with a redirect. `documents` */
  redirects: 'documents' | 'all' | 'none'
  /** Life of a link, 900. */
  linkSeconds: number
  /** A link that is fetched with Authorization. `refused` with 400 */
  linkAuthorization: 'refused' | 'taken'
  /** A list of nothing, 404. */
  emptyList: 404 | 200
  /** Bodies of 401, 404 and 405, which the contract does not have. `empty` */
  bare: 'empty' | 'message'
  /** Names of query parameters: another case is not understood and left aside, or is. `exact` */
  queryNames: 'exact' | 'anyCase'
  /** Fields without a value. `omitted` */
  nulls: 'omitted' | 'null'
  /** Amounts are JSON numbers, which the contract calls doubles: as short as they can be, or a last digit away. `exact` */
  sums: 'exact' | 'noisy'
  /** A field that the contract does not have, on each record. false */
  extraField: boolean
  /** The header X-BW-REQUEST-ID, which is the Network API's: given back, not looked at, or wanted on each request. `echo` */
  bwRequestId: 'echo' | 'ignored' | 'wanted'
  /** Requests a minute before 429; null without a limit. null */
  requestsPerMinute: number | null
  /** 429 says how long to wait. true */
  retryAfter: boolean
  latencyMs: number
}

export const USUAL: BaswareSettings = {
  tokenSeconds: 3600,
  expiresIn: 'seconds',
  ungrantedScope: 'refused',
  noScope: 401,
  p2pMs: 0,
  publishMs: 0,
  acknowledgeMs: 0,
  statusMs: 0,
  responded: 'atOnce',
  transferredAgain: 400,
  spreadMs: 0,
  retriesMs: 0,
  expiresMs: 1000,
  unchanged: 'skipped',
  rejects: 'whole',
  sameCode: 'refused',
  sameRecordCode: 'refused',
  unknownCoding: 'warned',
  warnedRequest: 'Error',
  patchRequired: 'all',
  patchLists: 'replaced',
  patchBusyMs: 1000,
  edits: 'inside',
  sameResponse: 'refused',
  unacknowledged: 'taken',
  keepsVoucher: true,
  paging: 'key',
  pageRows: 400,
  repeats: false,
  order: 'updated',
  tokenOn: 'final',
  redirects: 'documents',
  linkSeconds: 900,
  linkAuthorization: 'refused',
  emptyList: 404,
  bare: 'empty',
  queryNames: 'exact',
  nulls: 'omitted',
  sums: 'exact',
  extraField: false,
  bwRequestId: 'echo',
  requestsPerMinute: null,
  retryAfter: true,
  latencyMs: 0,
}

/**
 * What a test has the next requests of a site answered with: pages of a proxy instead of the reply, a 404 that is not
 * Basware's, a reply without its request id, more bytes than anybody wants, redirects that lead astray, and records that the
 * API layer keeps while P2P is never told of them (a 500).
 */
export const INJECTIONS = [
  ...(['html-200', 'html-404', 'html-502', 'no-request-id', 'huge', 'not-json'] as const),
  ...(['redirect-elsewhere', 'redirect-loop', 'link-expired', 'not-published'] as const),
] as const
export type Injection = (typeof INJECTIONS)[number]

export interface BaswareSandbox {
  /** Base address of the tenant's region. */
  readonly url: string
  readonly port: number
  /** The second origin. */
  readonly filesUrl: string
  readonly filesPort: number
  /** Base addresses by region. */
  readonly regions: Readonly<Record<string, string>>
  readonly clientId: string
  readonly clientSecret: string
  readonly username: string
  readonly password: string
  readonly scopes: readonly string[]
  /** What people do in P2P, by name; see `acts.ts`. `inject` is one of them. Throws where it cannot be done. */
  act(name: string, body: unknown): unknown
  /** A business day has begun: more invoices are approved. */
  newDay(): void
  /** Requests of all kinds, and by site. */
  stats(): { requests: number } & Record<string, number>
  /** The last requests, oldest first, without what opens doors. */
  requests(): readonly LoggedRequest[]
  setFaults(plan: FaultPlan): void
  inject(what: Injection, on: { readonly site: string; readonly times?: number }): void
  tune(change: Partial<BaswareSettings>): void
  close(): Promise<void>
}

export interface LoggedRequest {
  readonly origin: 'api' | 'files'
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly status: number
}
