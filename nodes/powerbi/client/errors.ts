/** Every way in which Power BI, the identity platform and the line to them fail, as errors that say what to do. */

import {
  type ErrorCause,
  type ErrorClass,
  isSyncError,
  type SyncError,
  syncError,
} from '../../../sync/contract/errors.ts'
import { oneLine, readReason } from '../../../vendor/answers.ts'
import { type Destination, wayError } from '../../../vendor/fault.ts'
import { isOverLimit } from '../../../vendor/limits.ts'
import { brokenReply, tooSlowHint } from '../../../vendor/network-error.ts'

/** What was being done when it failed. */
export interface FailurePoint {
  /** For the message: `POST rows to gl_entry_line`. */
  readonly what: string
  /** `rows`: sent twice it is in twice, so that a lost answer leaves the outcome unknown. `query`: a DAX question. */
  readonly kind: 'call' | 'rows' | 'query'
}

/** An error body, whatever its envelope (four are known). */
export interface Envelope {
  readonly code: string
  readonly message: string
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** `{error:{code,message,details}}`, `{error:{code,"pbi.error":{...}}}`, `{code,message}`, `{message}`; else the page's words. */
export function readEnvelope(body: string): Envelope {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return { code: '', message: readReason(body) }
  }
  const outer = record(json)
  const inner = typeof outer.error === 'string' ? { code: outer.error } : record(outer.error ?? outer)
  const power = record(inner['pbi.error'])
  const details = [inner.details, power.details].flatMap((list) => (Array.isArray(list) ? list : []))
  const words = details.map((detail) => {
    const { message, detail: nested } = record(detail)
    return text(message) || text(record(nested).value)
  })
  const message = [text(inner.message), ...words].filter((part) => part !== '').join(' ')
  return { code: text(inner.code) || text(power.code), message: oneLine(message || text(outer.message)) }
}

const CAUSES =
  'Power BI answers several causes alike; these remain: (1) the tenant setting "Service principals can call Fabric public APIs" (admin portal, Developer settings) is off, or its security group does not have this app; (2) the app has no role on the workspace: add it there as Contributor, or as Member if that does not suffice.'
const QUERY_CAUSES =
  'These causes remain: (1) the tenant setting "Dataset Execute Queries REST API" (admin portal, Integration settings) is off; (2) the app lacks Build permission on the dataset: Contributor on the workspace gives it; (3) the dataset has row-level security.'
const GONE =
  'Power BI says the same of what is not there and of what one may not see: check that it was not deleted, and that the app is Contributor (or Member) of the workspace.'
export const CREATION_ENDS =
  'Microsoft ends the creation of push datasets (31 October 2027; for some tenants earlier). Existing ones go on: choose one by its id. Ways onward: write to a warehouse and refresh a dataset on it, or open mirroring in Fabric.'

interface Rule {
  readonly status?: number
  readonly code?: RegExp
  readonly message?: RegExp
  readonly cls: ErrorClass
  readonly id: string
  readonly hint: string
}

/** First match wins. Sources: contract folder `powerbi`, error-bodies.json. */
const RULES: readonly Rule[] = [
  { code: /^FeatureDeprecatedError$/, cls: 'config', id: 'creation-off', hint: CREATION_ENDS },
  {
    message: /not Push API dataset/i,
    cls: 'config',
    id: 'not-push',
    hint: 'Rows can only be pushed to a dataset made for it (addRowsAPIEnabled): choose another, or let this node create one. For a dataset on a warehouse use the mode "refresh".',
  },
  {
    code: /ItemNotFound/,
    message: /table/i,
    cls: 'config',
    id: 'no-table',
    hint: 'No table can be added to a dataset, and names are case-sensitive: correct the table names, or let this node create a dataset of its own.',
  },
  {
    code: /^TokenExpired$/,
    cls: 'auth',
    id: 'token-expired',
    hint: 'A new token is asked for by itself; check the clock of this machine if it stays.',
  },
  {
    code: /^Request Throttled$/,
    message: /refresh/i,
    cls: 'config',
    id: 'refresh-cap',
    hint: 'Shared capacity allows 8 refreshes in 24 hours, scheduled ones included: refresh less often, or move the workspace to a Premium or Fabric capacity.',
  },
  { status: 404, cls: 'config', id: 'not-found', hint: GONE },
]

/** The error of an answer that is no success. */
export function refusal(status: number, body: string, retryAfter: number | undefined, at: FailurePoint): SyncError {
  const { code, message } = readEnvelope(body)
  const vendor = [code, message].filter(Boolean).join(': ')
  const said = `Power BI answers HTTP ${status}${vendor ? ` (${vendor})` : ''}`
  const details: Partial<ErrorCause> = {
    httpStatus: status,
    ...(code ? { vendorCode: code } : {}),
    ...(message ? { vendorText: message } : {}),
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
  }
  const make = (cls: ErrorClass, id: string, hint: string): SyncError =>
    syncError(cls, `powerbi.${id}`, `${at.what}: ${said}. ${hint}`, { ...details, hint })
  if (status === 429) {
    // without the header the general throttle says it in words: "Retry in 3392 seconds"
    const seconds = /retry in (\d+) seconds/i.exec(message)?.[1]
    if (retryAfter === undefined) details.retryAfterMs = seconds === undefined ? 60_000 : Number(seconds) * 1000
    return make(
      'throttled',
      'throttled',
      'A limit of Power BI is reached; it goes on by itself after the time that Power BI names.',
    )
  }
  const rule = RULES.find(
    (one) =>
      (one.status === undefined || one.status === status) &&
      (one.code?.test(code) ?? true) &&
      (one.message?.test(message) ?? true),
  )
  if (rule) return make(rule.cls, rule.id, rule.hint)
  if (status === 401 || status === 403)
    return make('auth', at.kind === 'query' ? 'no-queries' : 'not-allowed', at.kind === 'query' ? QUERY_CAUSES : CAUSES)
  if (status === 408 || (status >= 500 && status !== 501))
    return make(lostClass(at), `http${status}`, at.kind === 'rows' ? ROWS_UNKNOWN : 'It is tried again by itself.')
  if (at.kind === 'rows' && status === 400)
    return make('data', code || 'http400', 'Correct the value in the source or the mapping, then replay the record.')
  if (status === 413)
    return make('config', 'too-large', 'The request is larger than Power BI takes: lower "MB in a post" of the node.')
  return make(
    'config',
    code || `http${status}`,
    'Power BI does not take the request: check dataset, tables and columns.',
  )
}

const ROWS_UNKNOWN = 'Whether the rows are in is not known.'
const TOO_MUCH = "Check that the API address of the connection is Power BI's, and what stands between (a proxy)."

const lostClass = (at: FailurePoint): ErrorClass => (at.kind === 'rows' ? 'unknown-outcome' : 'transient')

/** Nothing was sent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** A failure of the line itself: no answer at all, or one that broke off. */
export async function networkError(
  error: unknown,
  { url, route }: Pick<Destination, 'url' | 'route'>,
  at: FailurePoint,
): Promise<SyncError> {
  if (isSyncError(error)) return error
  const address = 'Check the cloud and the addresses of the connection'
  const way = await wayError(error, { vendor: 'Power BI', url, route, address }, 'powerbi', at.what)
  if (way) return way
  const host = URL.canParse(String(url)) ? new URL(url).host : String(url).slice(0, 100)
  if (isOverLimit(error)) {
    const cls = lostClass(at)
    const hint = error.limit === 'time' ? tooSlowHint('Power BI') : TOO_MUCH
    const id = error.limit === 'time' ? 'timeout' : 'reply'
    const rows = at.kind === 'rows' ? ` ${ROWS_UNKNOWN}` : ''
    return syncError(
      id === 'reply' && cls === 'transient' ? 'config' : cls,
      `powerbi.${id}`,
      `${at.what}: the answer of Power BI ${error.message} (${host}).${rows} ${hint}`,
      { hint },
    )
  }
  const shape = record(error)
  const code = text(record(shape.cause).code) || text(shape.code) || text(shape.name)
  const words = oneLine(text(shape.message) || code)
  const make = (cls: ErrorClass, id: string, said: string, hint: string): SyncError =>
    syncError(cls, `powerbi.${id}`, `${at.what}: ${said} (${host}). ${hint}`, {
      hint,
      ...(code ? { vendorCode: code } : {}),
    })
  if (NOT_SENT.has(code))
    return make(
      'transient',
      'connect',
      words,
      'Check the addresses, proxy, DNS and firewall; it is tried again by itself.',
    )
  if (code === 'ERR_INVALID_URL') return make('config', 'address', words, 'Correct the address in the connection.')
  const slow = /TIMEOUT/i.test(code)
  const broken = brokenReply(error)
  return make(
    lostClass(at),
    slow ? 'timeout' : 'lost',
    slow
      ? 'no answer of Power BI within the time-out'
      : broken
        ? `the answer of Power BI ${broken}`
        : `the connection to Power BI broke: ${words}`,
    at.kind === 'rows' ? ROWS_UNKNOWN : 'It is tried again by itself.',
  )
}
