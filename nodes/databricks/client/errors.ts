/** Every way in which the driver, the warehouse and the REST API fail, as errors that say what to do. */

import {
  type ErrorCause,
  type ErrorClass,
  isSyncError,
  type SyncError,
  syncError,
} from '../../../sync/contract/errors.ts'
import { hideValues, oneLine, readReason, retryAfterMs } from '../../../vendor/answers.ts'
import { type Destination, wayError } from '../../../vendor/fault.ts'
import { hostAnswered } from '../../../vendor/hosts.ts'
import { redirect } from '../../../vendor/http.ts'
import { isOverLimit, type OverLimit, overBytes } from '../../../vendor/limits.ts'
import { brokenReply, tooSlowHint } from '../../../vendor/network-error.ts'
import type { Refused } from './driver.ts'

/** Where a failure happened; decides whether the statement may have been done. */
export interface FailurePoint {
  /** What was being done, for the message: `MERGE into main.finance.gl_entry`. */
  readonly what: string
  /** `open`: nothing was sent; `execute`: the statement was sent; `finish`: it was running; `http`: a REST request. */
  readonly phase: 'open' | 'execute' | 'finish' | 'http'
  /** Doing it twice does no harm because it only reads: an unknown outcome is `transient` then. */
  readonly reads?: boolean
}

interface Finding {
  readonly cls: ErrorClass
  readonly code: string
  readonly text: string
  readonly hint?: string
  readonly details?: Partial<ErrorCause>
}

/** Classes that say more than their SQLSTATE. */
const BY_CLASS: Readonly<Record<string, string>> = {
  SCHEMA_NOT_FOUND:
    'Tieout makes tables, not schemas: create it (CREATE SCHEMA), and give the principal USE SCHEMA and CREATE TABLE on it.',
  NO_SUCH_CATALOG_EXCEPTION: 'Check the name of the catalog, and that the principal has USE CATALOG on it.',
}

const AGAIN = 'It is tried again by itself; if it goes on, look at the warehouse in Databricks.'
const BUG = 'This is a fault of Tieout: please report it with this text.'

/** SQLSTATEs and their classes by prefix, longest first (docs.databricks.com, error handling: SQLSTATE codes; delta-error-classes.json). */
const BY_STATE: readonly (readonly [prefix: string, cls: ErrorClass, hint: string])[] = [
  [
    '2D521',
    'transient',
    'Another writer changed the table at the same moment; nothing was written, and it is tried again.',
  ],
  ['21506', 'config', `Two rows with one key in one batch. ${BUG}`],
  ['22', 'data', 'Correct the value in the source or map the column to a wider type, then replay the record.'],
  ['23', 'data', 'A constraint of the table refuses the row: correct the record or the constraint, then replay it.'],
  ['42501', 'config', 'Ask the owner of the object for the missing right.'],
  ['42P01', 'config', 'Check catalog, schema and table name, and that the principal may see the table (SELECT).'],
  [
    '42704',
    'config',
    'Check that catalog and schema exist and that the principal may use them (USE CATALOG, USE SCHEMA).',
  ],
  ['42703', 'config', 'A column was dropped or renamed in the target: put it back, or let the next run add it.'],
  [
    '42P2',
    'config',
    'Columns with different collations meet: change them in the target (ALTER COLUMN ... TYPE STRING COLLATE UTF8_BINARY).',
  ],
  ['42601', 'config', BUG],
  ['42', 'config', 'The warehouse does not take the statement: check the table, its columns and rights.'],
  ['0A', 'config', 'The warehouse or the table does not support this; a Unity Catalog managed Delta table is needed.'],
  ['54', 'config', 'A limit of Databricks was reached.'],
  [
    'KP001',
    'config',
    'This is a real-time (Lakehouse//RT) warehouse, which the SQL driver cannot use: choose a serverless, pro or classic SQL warehouse.',
  ],
  ['K', 'config', 'The warehouse does not take the statement.'],
]

/** A table that a statement names is not there. */
export const isMissing = (error: unknown): boolean => isSyncError(error) && error.code === 'databricks.42P01'

/** Makes a `SyncError` of anything the driver, undici or we threw. */
export async function toSyncError(
  error: unknown,
  at: FailurePoint,
  to: Pick<Destination, 'url' | 'route'>,
): Promise<SyncError> {
  if (isSyncError(error)) return error
  const found = await find(error, at, to)
  if (isSyncError(found)) return found
  const cls = found.cls === 'unknown-outcome' && at.reads ? 'transient' : found.cls
  return syncError(cls, found.code, `${at.what}: ${found.text}${found.hint ? ` ${found.hint}` : ''}`, {
    ...found.details,
    ...(found.hint ? { hint: found.hint } : {}),
  })
}

async function find(
  error: unknown,
  at: FailurePoint,
  to: Pick<Destination, 'url' | 'route'>,
): Promise<Finding | SyncError> {
  if (isOverLimit(error)) return tooMuch(error, at)
  const shape = (typeof error === 'object' && error !== null ? error : { message: String(error) }) as Record<
    string,
    unknown
  >
  const message = typeof shape.message === 'string' ? shape.message : ''
  if (typeof shape.statusCode === 'number') {
    const response = shape.response as HttpResponse | undefined
    const way = await wayError(refusedWay(shape.statusCode, response, to.url) ?? {}, whither(to), 'databricks', at.what)
    const reason = way ? '' : await reasonOf(response)
    ;(shape as Refused).letGo?.()
    if (way) return way
    hostAnswered(new URL(to.url).hostname)
    return httpFinding(shape.statusCode, reason, retryAfterMs(response?.headers?.get('retry-after')), at)
  }
  const errorCode = shape.errorCode
  if (typeof errorCode === 'string' && 'response' in shape) return operationFinding(errorCode, shape, message)
  if (shape.name === 'Status Error') return statusFinding(message)
  const most = /over limit: (\d+)$/.exec(message)?.[1]
  if (most !== undefined) return tooMuch(overBytes(Number(most)), at)
  if (/timed out|^Response timeout/i.test(message)) return silent(at)
  if (/Max retry count exceeded|Retry timeout exceeded/.test(message)) return lost(at, 'databricks.retries', message)
  if (isSessionClosed(message)) return sessionLost(message)
  return (await wayError(error, whither(to), 'databricks', at.what)) ?? networkFinding(shape, message, at)
}

const whither = (to: Pick<Destination, 'url' | 'route'>): Destination => ({
  ...to,
  vendor: 'Databricks',
  address: 'Check host and port',
})

/** A refusal that is not the warehouse's: of a proxy that asks for a login, or a redirect, which the driver does not follow. */
function refusedWay(status: number, response: HttpResponse | undefined, url: string | URL): unknown {
  if (status === 407) return { statusCode: status }
  return status >= 300 && status < 400 ? redirect(url, status, response?.headers?.get('location')) : undefined
}

interface HttpResponse {
  readonly headers?: { get(name: string): string | null }
  text?(): Promise<string>
}

/** The reason stands in a header or in the body, which the driver has not read. */
async function reasonOf(response: HttpResponse | undefined): Promise<string> {
  const header = response?.headers?.get('x-thriftserver-error-message')
  if (header) return header
  try {
    return readReason((await response?.text?.()) ?? '')
  } catch {
    return ''
  }
}

/** What an HTTP status means; used for Thrift and for REST. */
export function httpFinding(status: number, reason: string, retryAfter: number | undefined, at: FailurePoint): Finding {
  const text = `Databricks answers HTTP ${status}${reason ? `, ${shorten(reason).replace(/\.+$/, '')}` : ''}.`
  const details: Partial<ErrorCause> = {
    httpStatus: status,
    vendorCode: String(status),
    ...(reason ? { vendorText: shorten(reason) } : {}),
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
  }
  const code = `databricks.http${status}`
  const known = (cls: ErrorClass, hint: string): Finding => ({ cls, code, text, hint, details })
  if (status === 429) return known('throttled', 'Too many requests; it is tried again after the time Databricks named.')
  if (status === 503)
    return known('transient', 'The warehouse is not ready (starting, stopped or overloaded); it is tried again.')
  if (status === 401)
    return known(
      'auth',
      'The token was refused: check client id and secret (or the access token) and that the principal belongs to this workspace.',
    )
  if (status === 403 && /invalid (access )?token|token.{0,40}(expired|invalid|revoked)/i.test(reason)) {
    return {
      ...known('auth', 'The access token is wrong, expired or revoked: enter a new one.'),
      code: 'databricks.token-refused',
    }
  }
  if (status === 403)
    return known(
      'auth',
      'The principal may not do this: give it CAN USE on the warehouse, access to the workspace, and READ VOLUME and WRITE VOLUME on the staging volume.',
    )
  if (status === 404)
    return known(
      'config',
      at.phase === 'http'
        ? 'The path does not exist, or the principal may not see it.'
        : 'No warehouse at this path: copy the HTTP path from the warehouse, Connection details.',
    )
  if (status === 400) {
    const state = /\bKP001\b/.test(reason) || /real-?time|Lakehouse\/\/RT/i.test(reason) ? byState('KP001') : undefined
    if (state) return { cls: 'config', code: 'databricks.KP001', text, hint: state[2], details }
    return known(
      'config',
      /limit is 256/.test(reason) ? BUG : 'Databricks does not take the request; check host and HTTP path.',
    )
  }
  if (status === 408 || status >= 500) {
    // 501 is a refusal; the others may come from a gateway after the warehouse took the statement
    if (status === 501) return known('config', 'The warehouse does not support this.')
    return at.phase === 'execute' || at.phase === 'finish'
      ? known('unknown-outcome', 'Whether it was done is not known.')
      : known('transient', AGAIN)
  }
  return known('config', 'Check host, port and HTTP path.')
}

function operationFinding(errorCode: string, shape: Record<string, unknown>, message: string): Finding {
  const response = (shape.response ?? {}) as Record<string, unknown>
  const text =
    [response.displayMessage, response.errorMessage, message].find(
      (part): part is string => typeof part === 'string' && part !== '',
    ) ?? ''
  if (errorCode === 'CLOSED') return sessionLost(text || 'the operation was closed')
  if (errorCode === 'TIMEOUT')
    return {
      cls: 'transient',
      code: 'databricks.timeout',
      text: 'the statement ran longer than its time limit and was stopped.',
      hint: 'Raise the statement time limit of the connection or use a larger warehouse.',
    }
  if (errorCode === 'CANCELED')
    return { cls: 'transient', code: 'databricks.cancelled', text: 'the statement was cancelled.', hint: AGAIN }
  return sqlFinding(text, typeof response.sqlState === 'string' ? response.sqlState : undefined)
}

function statusFinding(message: string): Finding {
  if (isSessionClosed(message)) return sessionLost(message)
  return sqlFinding(message, undefined)
}

/** Real texts: trino #29376, dbt-databricks #892, lightdash #28654. */
function isSessionClosed(message: string): boolean {
  return (
    /session.{0,120}(has not been initialized|already closed|is closed|invalid|not found|does not exist|expired)/is.test(
      message,
    ) ||
    /invalid.{0,20}(session|operation)?\s*handle/i.test(message) ||
    /Couldn't create directory \/local_disk0/.test(message)
  )
}

const sessionLost = (message: string): Finding => ({
  cls: 'transient',
  code: 'databricks.session',
  text: `the session is gone (${shorten(message)}).`,
  hint: 'A new one is opened by itself; while a warehouse starts this can happen several times.',
})

/** A failed statement: the class in brackets and the SQLSTATE decide. */
function sqlFinding(text: string, sqlState: string | undefined): Finding {
  const vendorClass = /\[([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\]/.exec(text)?.[1]
  const state = sqlState && sqlState !== '00000' ? sqlState : /SQLSTATE:?\s*\(?([0-9A-Z]{5})\b/.exec(text)?.[1]
  if (/background threadpool cannot accept new task/i.test(text)) {
    return {
      cls: 'throttled',
      code: 'databricks.busy',
      text: 'the warehouse cannot accept a new statement.',
      hint: AGAIN,
      details: { vendorText: shorten(text) },
    }
  }
  const conflict = /^(DELTA_CONCURRENT_|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED|COPY_INTO_DUPLICATED_FILES)/.test(
    vendorClass ?? '',
  )
  const permission =
    /^(INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED)/.test(vendorClass ?? '') || /\bPERMISSION_DENIED\b/.test(text)
  const key = conflict ? '2D521' : permission ? '42501' : state
  const rule = key ? byState(key) : undefined
  const [, cls, hint] = rule ?? ['', 'transient' as ErrorClass, AGAIN]
  const vendorText = cls === 'data' ? hideValues(shorten(text)) : shorten(text)
  const right = key === '42501' ? missingRight(text) : undefined
  const name = [vendorClass, state && `SQLSTATE ${state}`].filter(Boolean).join(', ')
  return {
    cls,
    code: `databricks.${conflict ? '2D521' : permission ? '42501' : (state ?? vendorClass ?? 'error')}`,
    text: `${vendorText || 'the warehouse gave no reason'}${name && !vendorText.includes(name) ? ` (${name})` : ''}${/[.)]$/.test(vendorText) ? '' : '.'}`,
    hint: right ?? BY_CLASS[vendorClass ?? ''] ?? hint,
    details: { ...((vendorClass ?? state) ? { vendorCode: vendorClass ?? state ?? '' } : {}), vendorText },
  }
}

/** The sentence to send to the administrator: `User does not have MODIFY on Table 'main.finance.gl_entry'`. */
function missingRight(text: string): string | undefined {
  const found =
    /does not have (?:the )?(?:permission |privilege )?`?([A-Z][A-Z ]*[A-Z])`? (?:permission |privilege )?on (\w+) ['"`]?([^'"\s]+?)['"`]?[.\s]*(?:SQLSTATE|$|\s)/i.exec(
      text,
    )
  if (!found?.[1] || !found[2] || !found[3]) return undefined
  const [, right, kind, name] = found
  return `The right ${right.toUpperCase()} on ${kind.toLowerCase()} ${name.replaceAll('`', '')} is missing: GRANT ${right.toUpperCase()} ON ${kind.toUpperCase()} ${name} TO the service principal.`
}

function byState(state: string): (typeof BY_STATE)[number] | undefined {
  return BY_STATE.find(([prefix]) => state.startsWith(prefix))
}

function networkFinding(shape: Record<string, unknown>, message: string, at: FailurePoint): Finding {
  const inner = (shape.cause ?? {}) as Record<string, unknown>
  const code = [shape.code, inner.code].find((part): part is string => typeof part === 'string') ?? ''
  const text = `${shorten(message) || code || 'no connection'}.`
  const details = code ? { vendorCode: code } : {}
  if (code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'EHOSTUNREACH') {
    return {
      cls: 'transient',
      code: 'databricks.connect',
      text,
      hint: 'Nothing answers there: check host, port, proxy and firewall.',
      details,
    }
  }
  if (/^UND_ERR_(HEADERS|BODY)_TIMEOUT$/.test(code)) return silent(at)
  const broken = brokenReply(shape instanceof Error ? shape : inner)
  const said = broken ? `the answer of Databricks ${broken}.` : `the connection to Databricks broke: ${text}`
  return { ...lost(at, code ? `databricks.${code}` : 'databricks.network', said), details }
}

/** An answer that was given up since it is over a limit. */
function tooMuch({ limit, message }: OverLimit, at: FailurePoint): Finding {
  const text = `the answer of Databricks ${message}.`
  if (limit === 'time') return { ...lost(at, 'databricks.timeout', text), hint: tooSlowHint('Databricks') }
  const hint = 'Check that the host is a Databricks workspace, and what stands between (a proxy).'
  return { ...lost(at, 'databricks.reply', text), ...(at.phase === 'http' ? { cls: 'config' } : {}), hint }
}

const silent = (at: FailurePoint): Finding =>
  lost(at, 'databricks.timeout', 'no answer of Databricks within the time limit of the connection.')

/** The connection broke: a statement that was sent may have been done. */
function lost(at: FailurePoint, code: string, text: string): Finding {
  return at.phase === 'execute' || at.phase === 'finish'
    ? { cls: 'unknown-outcome', code, text, hint: 'Whether it was done is not known.' }
    : { cls: 'transient', code, text, hint: AGAIN }
}

/** One line of at most 400 characters, without what Spark and Hive put around it. */
const shorten = (text: string): string =>
  oneLine(
    text
      .replace(/^org\.apache\.hive\.service\.cli\.HiveSQLException:\s*(Error running query:\s*)?/, '')
      .split(/\n\s*(?:== SQL|at |\tat )/)[0] ?? '',
  )
