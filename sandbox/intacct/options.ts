import type { Books } from '../books/types.ts'
import type { FaultPlan } from '../faults.ts'

export interface IntacctOptions {
  books: Books
  /** The ERP's clock, ms since 1970: sessions, `Date`, audit rows and what is visible follow it. */
  clock: { now(): number }
  /** Port of the sign-in host; 0 takes a free one. */
  port?: number
  /** Port of the company's own host, to which sessions belong; 0 takes a free one. */
  companyPort?: number
  senderId?: string
  senderPassword?: string
  companyId?: string
  userId?: string
  userPassword?: string
  faults?: FaultPlan
  latencyMs?: number
  /** Keep each reply to a query and serve it again to the same query, for benches on books that stand still. */
  keepReplies?: boolean
  /** What `tune` can change later. */
  settings?: Partial<IntacctSettings>
}

/** What a company's administrator, or a test, can set; changed by `tune` at any time. */
export interface IntacctSettings {
  /** Zone in which stamps of change are told and filters understood: `+hh:mm`, or an IANA name with its summer time. The user's gmtoffset is that of now. `+00:00` */
  timeZone: string
  /** Zone of single fields, such as `{AUWHENCREATED: '+00:00'}`: recorded replies show both on one bill. */
  fieldZones: Readonly<Record<string, string>>
  /** The user's date format as readUserFormatting tells it: a separator and the order of y, m and d. `/mdY` */
  dateFormat: string
  /** `24` */
  clock: '12' | '24'
  /** `en_US` */
  locale: string
  /** Life of a session without a request, 2 h. */
  sessionSeconds: number
  /** Whether a session is refused on the sign-in host. true */
  sessionsTied: boolean
  /** What getAPISession gives as endpoint instead of the company's host. */
  endpoint: string | undefined
  /** Requests of the company that are worked on at once; the others wait. 2 */
  concurrent: number
  /** How long one waits before it is refused with 429 and GW-0010. 30 s */
  queueMs: number
  /** Greatest `pagesize` of query, 2000. */
  maxPageSize: number
  /** Life of a result set of readByQuery, 10 min. */
  resultSetSeconds: number
  /** Whether the user may see the audit history. true */
  auditHistory: boolean
  /** Form of AUDITHISTORY.OBJECTKEY by lower-case object, where it is not the usual one. */
  auditKeys: Readonly<Record<string, 'number' | 'number--rec' | 'business'>>
  /** Requests that read an object before the right to it is lost in mid-run, 1. */
  lostAfter: number
  /** Seconds for which a refused repeat of a function's controlid is remembered where uniqueid is true. 1 day */
  uniqueSeconds: number
  /** Replies are compressed for clients that accept it. true */
  gzip: boolean
  latencyMs: number
  /** Object of one more user-defined dimension, named as people name things: `Make/Break_Kits`. Empty: there is none. */
  oddDimension: string
}

export interface IntacctStats {
  /** POSTs on both hosts. */
  requests: number
  byStatus: Record<string, number>
  /** Every function name that was ever received, refused ones included, as written. */
  functions: Record<string, number>
  /** Names of the objects that were ever asked for, as written. */
  objects: Record<string, number>
  /** Billable calls (query, readByQuery) by month `YYYY-MM` of the ERP's clock, then by object. */
  meter: Record<string, Record<string, number>>
  /** Sessions that were opened. */
  sessions: number
  /** Most requests that were under way at once. */
  concurrent: number
  ambushes: number
  /** The last function of each of the last requests, without credentials. */
  last: { host: 'sign-in' | 'company'; function: string; xml: string; status: number; reply: string }[]
}

/** An entity of the company: LOCATIONENTITY. */
export interface IntacctEntity {
  id: string
  name: string
  currency: string
  /** Its rows are hidden at the top level unless `showprivate` is true. */
  private: boolean
}

export interface IntacctSandbox {
  /** Where to sign in: `http://127.0.0.1:<port>/ia/xml/xmlgw.phtml`. */
  url: string
  /** The endpoint that getAPISession gives; sessions are valid only there. */
  endpoint: string
  port: number
  companyPort: number
  senderId: string
  senderPassword: string
  companyId: string
  userId: string
  userPassword: string
  entities: readonly IntacctEntity[]
  /** Name of the user-defined dimension's object, as getDimensions tells it. */
  userDimension: string
  stats(): IntacctStats
  setFaults(plan: FaultPlan | undefined): void
  setLatency(ms: number): void
  tune(settings: Partial<IntacctSettings>): void
  /** Makes the next `times` requests end with this error, or spoils their reply in this way; `on` narrows to a kind of request: a site, a function or an object (`GLENTRY`). */
  inject(what: Injection, options?: { times?: number; on?: string }): void
  /** Takes back what was injected and has not been played. */
  withdraw(): void
  /** Puts this text into a field of a record, as it is (control characters too), until `unset`. */
  setText(object: string, recordNo: number | string, field: string, text: string): void
  unset(): void
  /** Takes the right to read an object (`APBILL`) away. */
  deny(object: string): void
  /** Gives it back; all of them without a name. */
  allow(object?: string): void
  denied(): string[]
  /** Ends every session. */
  endSessions(): void
  /** Call when the books have moved on a business day. */
  newDay(): void
  close(): Promise<void>
}

/** Rows of the error table by name, and ways in which a reply is no reply. */
export type Injection =
  | 'wrong-sender'
  | 'wrong-policy'
  | 'wrong-user'
  | 'sender-not-authorized'
  | 'invalid-session'
  | 'sign-in-401'
  | 'company-expired'
  | 'schema'
  | 'schema-text'
  | 'gateway-400'
  | 'throttled-429'
  | 'throttled-text'
  | 'offline'
  | 'generic'
  | 'no-permission'
  | 'object-not-found'
  | 'invalid-fields'
  | 'rolled-back'
  | 'several-errors'
  | 'partial-data'
  | 'cloudflare-500'
  | 'cloudflare-520'
  | 'upstream-503'
  | 'gateway-504'
  | 'html-200'
  | 'empty-200'
  | 'bom'
  | 'control-characters'
  | 'invalid-utf8'
  | 'two-roots'
  | 'doctype-bomb'
  | 'huge-text'
  | 'huge-reply'
  | 'slow-drip'
  | 'cut-body'
  | 'row-missing'
  | 'row-doubled'
  | 'no-totalcount'
  | 'compressed-bomb'
