/** Every way in which the driver, the account and the stage fail, as errors that say what to do. */

import {
  type ErrorCause,
  type ErrorClass,
  isSyncError,
  type SyncError,
  syncError,
} from '../../../sync/contract/errors.ts'
import { hideValues, oneLine } from '../../../vendor/answers.ts'
import { type Destination, wayError } from '../../../vendor/fault.ts'
import { hostAnswered } from '../../../vendor/hosts.ts'
import { redirect } from '../../../vendor/http.ts'
import { isOverLimit } from '../../../vendor/limits.ts'
import { brokenReply, tooSlowHint } from '../../../vendor/network-error.ts'

/** Where a failure happened; decides whether the statement may have been done. */
export interface FailurePoint {
  /** What was being done, for the message: `MERGE into FINANCE.PUBLIC.GL_ENTRY`. */
  readonly what: string
  /** `login`: no session yet; `execute`: the statement was sent; `upload`: a file to the stage. */
  readonly phase: 'login' | 'execute' | 'upload'
}

interface Finding {
  readonly cls: ErrorClass
  readonly code: string
  readonly text: string
  readonly hint: string
  readonly details?: Partial<ErrorCause>
  /** The line failed: no answer of Snowflake. */
  readonly isLine?: boolean
}

const AGAIN = 'It is tried again by itself; if it goes on, look at the query history in Snowflake.'
const BUG = 'This is a fault of Tieout: please report it with this text.'

/** The session is gone: only a new one helps. The driver's own codes and those that a server answers with. */
const SESSION = new Set(['407001', '407002', '405502', '405503', '401004', '390104', '390111', '390112', '390114'])

export const LOST_SESSION = 'snowflake.session'
export const isLostSession = ({ code }: SyncError): boolean => code === LOST_SESSION

const KEY_PAIR =
  'Check account and user; that the public key of this private key is set on the user (ALTER USER .. SET RSA_PUBLIC_KEY, DESC USER shows its fingerprint); and the clock of this machine, from which a login may differ by a minute.'

const ACCESS_TOKEN =
  'The programmatic access token is expired, revoked or disabled: make a new one (ALTER USER .. ADD PROGRAMMATIC ACCESS TOKEN) and enter it.'

/** Login codes (facts of key-pair-auth-troubleshooting; the driver's gs_errors): what is wrong and its cure. */
const LOGIN: Readonly<Record<string, string>> = {
  '390100':
    'User or secret is wrong, or the access token is expired, revoked or not for this role: make a new one (ALTER USER .. ADD PROGRAMMATIC ACCESS TOKEN) and enter it.',
  '390144': KEY_PAIR,
  '390189':
    'The role does not exist or is not granted to the user: GRANT ROLE <role> TO USER <user>, or correct the role in the connection.',
  '390195': 'The identity token is refused: sign in anew.',
  '390303':
    'The OAuth token is refused: check that the security integration trusts this issuer and maps the client to a user.',
  '390318': 'The OAuth token has expired.',
  '390422': 'A network policy does not let this address in: have it allowed for the user.',
  '390432': 'A network policy is needed for this user before it may use an access token.',
  '394300': 'There is no such user: check the user name.',
  '394302': KEY_PAIR,
  '394303': KEY_PAIR,
  '394304': KEY_PAIR,
  '394306': KEY_PAIR,
  '394307': 'The account is another one than that of the key: check the account identifier.',
}

/** Codes of failed statements (facts sheet 4.8). */
const CODES: Readonly<Record<string, readonly [cls: ErrorClass, hint: string]>> = {
  '000603': ['transient', `Snowflake had an internal fault. ${AGAIN}`],
  '000604': ['transient', `The statement was cancelled. ${AGAIN}`],
  '000606': [
    'transient',
    'The warehouse does not run: it is suspended without AUTO_RESUME, or a resource monitor stopped it. It is waited for; resume it (ALTER WAREHOUSE .. RESUME) or raise the quota.',
  ],
  '000625': [
    'transient',
    'Another session holds a lock on the table, perhaps one that crashed: Snowflake ends it after five idle minutes. It is tried again; SHOW LOCKS says who it is.',
  ],
  '000630': [
    'transient',
    'The statement ran longer than its time limit: raise the limit in the connection, or use a larger warehouse.',
  ],
  '000904': ['config', 'A column was dropped or renamed in the target: put it back, or let the next run add it.'],
  '001003': ['config', BUG],
  '001795': ['config', BUG],
  '002003': [
    'config',
    'The object does not exist, or the role may not see it: check database, schema and table name, and that the role has USAGE on database and schema and SELECT on the table.',
  ],
  '002043': [
    'config',
    'The object does not exist, or the role may not see it: check its name and the rights of the role.',
  ],
  '003001': ['config', 'The role lacks a right: ask the owner of the object for it.'],
  '090105': ['config', 'No database is chosen, or the role may not use it: GRANT USAGE ON DATABASE .. TO ROLE ..'],
  '090106': ['config', 'No schema is chosen, or the role may not use it: GRANT USAGE ON SCHEMA .. TO ROLE ..'],
  '091016': ['transient', `The staged file is gone. ${AGAIN}`],
  '100090': ['config', `Two rows with one key in one batch. ${BUG}`],
}

const DATA_HINT = 'Correct the value in the source or map the column to a wider type, then replay the record.'

/** Makes a `SyncError` of anything the driver or we threw. */
export async function toSyncError(
  error: unknown,
  at: FailurePoint,
  to: Pick<Destination, 'url' | 'route'>,
): Promise<SyncError> {
  if (isSyncError(error)) return error
  const found = find(error, at)
  const way = found.isLine && (await wayError(wayOf(error, to.url), whither(to), 'snowflake', at.what))
  if (way) return way
  if (found.details?.vendorCode) hostAnswered(new URL(to.url).hostname)
  const { cls, code, text, hint, details } = found
  return syncError(cls, code, `${at.what}: ${text.replace(/([^.])$/, '$1.')} ${hint}`, { ...details, hint })
}

const whither = (to: Pick<Destination, 'url' | 'route'>): Destination => ({
  ...to,
  vendor: 'Snowflake',
  address: 'Check account and host',
})

/** The error, or the redirect that the driver was told not to follow. */
function wayOf(error: unknown, url: string | URL): unknown {
  const { response } = (typeof error === 'object' && error !== null ? error : {}) as {
    response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>> }
  }
  const status = response?.statusCode ?? 0
  return status >= 300 && status < 400 ? redirect(url, status, response?.headers?.location) : error
}

function find(error: unknown, at: FailurePoint): Finding {
  const shape = (typeof error === 'object' && error !== null ? error : { message: String(error) }) as Record<
    string,
    unknown
  >
  const message = typeof shape.message === 'string' ? shape.message : ''
  const code = shape.code === undefined || shape.code === null ? '' : String(shape.code)
  const sqlState = typeof shape.sqlState === 'string' ? shape.sqlState : ''
  const inner = innerCode(shape)
  if (at.phase === 'login') return loginFinding(inner || code, shape, message, at)
  if (SESSION.has(code) || SESSION.has(inner) || shape.isFatal === true) return sessionLost(message)
  if (code === '401001' || code === '401002' || (code === '' && at.phase === 'execute'))
    return { ...networkFinding(shape, message, at), isLine: true }
  if (at.phase === 'upload' && !/^\d{6}$/.test(code)) return uploadFinding(message)
  return sqlFinding(code, sqlState, message)
}

/** Code in the body of an HTTP error, which the driver does not look at. */
function innerCode(shape: Record<string, unknown>): string {
  const response = shape.response as { body?: unknown; data?: unknown } | undefined
  const data = shape.data as { code?: unknown } | undefined
  for (const body of [data, response?.body, response?.data]) {
    const parsed = typeof body === 'string' ? parse(body) : body
    const code = (parsed as { code?: unknown } | undefined)?.code
    if (typeof code === 'string' || typeof code === 'number') return String(code)
  }
  return ''
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const sessionLost = (message: string): Finding => ({
  cls: 'transient',
  code: LOST_SESSION,
  text: `the session is gone (${oneLine(message)}).`,
  hint: 'A new one is opened by itself.',
})

function loginFinding(code: string, shape: Record<string, unknown>, message: string, at: FailurePoint): Finding {
  // all of 3944xx are about access tokens
  const known = LOGIN[code] ?? (/^3944\d\d$/.test(code) ? ACCESS_TOKEN : undefined)
  const details = { vendorCode: code, vendorText: oneLine(message) }
  if (known !== undefined || /^39\d{4}$/.test(code))
    return {
      cls: 'auth',
      code: `snowflake.${code}`,
      text: `${oneLine(message)} (${code}).`,
      hint: known ?? 'Check account, user, role and what the user signs in with.',
      details,
    }
  if (/private key|passphrase|PEM|decrypt|asn1|DECODER/i.test(message))
    return {
      cls: 'auth',
      code: 'snowflake.key',
      text: 'the private key cannot be read.',
      hint: 'It must be the whole PEM text of an RSA key (PKCS#8), with its passphrase where it is encrypted.',
    }
  return { ...networkFinding(shape, message, at), isLine: true }
}

function sqlFinding(code: string, sqlState: string, message: string): Finding {
  const [cls, hint] = CODES[code] ?? byState(sqlState)
  // 'Numeric value 'abc' is not recognized': the value may be a bank account
  const text =
    cls === 'data' ? hideValues(oneLine(message)) : oneLine(message.replace(/^SQL compilation error:\s*/i, ''))
  const name = [code, sqlState].filter(Boolean).join(', ')
  return {
    cls,
    code: code ? `snowflake.${code}` : 'snowflake.error',
    text: `${text || 'Snowflake gave no reason'}${name ? ` (${name}).` : '.'}`,
    hint: (code === '003001' || /insufficient privileges/i.test(message) ? missingRight(message) : undefined) ?? hint,
    details: { vendorCode: code || sqlState, vendorText: text },
  }
}

/** What SQLSTATE classes mean where the code is not known. 57014 covers cancelling, time limits and locks alike. */
function byState(state: string): readonly [ErrorClass, string] {
  if (/^2[23]/.test(state)) return ['data', DATA_HINT]
  if (/^(42|0A|54)/.test(state))
    return ['config', 'Snowflake does not take the statement: check the table, its columns and the rights of the role.']
  return ['transient', AGAIN]
}

/** `Insufficient privileges to operate on table 'GL_ENTRY'` */
function missingRight(text: string): string | undefined {
  const found = /privileges to operate on (\w+(?: \w+)?) '?([^'\s]+)'?/i.exec(text)
  if (!found?.[1] || !found[2]) return undefined
  const kind = found[1].toUpperCase()
  const rights: Readonly<Record<string, string>> = {
    SCHEMA: 'USAGE, CREATE TABLE',
    DATABASE: 'USAGE',
    WAREHOUSE: 'USAGE',
    TABLE: 'SELECT, INSERT, UPDATE, DELETE',
    STAGE: 'READ, WRITE',
  }
  return `The role lacks a right on the ${kind.toLowerCase()} ${found[2]}: GRANT ${rights[kind] ?? 'the right'} ON ${kind} ${found[2]} TO ROLE <its role>${kind === 'TABLE' ? '; adding columns needs OWNERSHIP' : ''}.`
}

function networkFinding(shape: Record<string, unknown>, message: string, at: FailurePoint): Finding {
  const inner = (shape.cause ?? {}) as Record<string, unknown>
  const response = shape.response as { statusCode?: unknown; status?: unknown } | undefined
  const status = [response?.statusCode, response?.status].find((part): part is number => typeof part === 'number')
  const words = [message, inner.message, inner.code, (inner.cause as { code?: unknown } | undefined)?.code]
    .filter((part): part is string => typeof part === 'string')
    .join(' ')
  const text = `${oneLine(message) || 'no connection'}${status ? ` (HTTP ${status})` : ''}.`
  const details = status ? { httpStatus: status, vendorCode: String(status) } : {}
  if (/ECONNREFUSED|EHOSTUNREACH|ENETUNREACH/.test(words))
    return {
      cls: 'transient',
      code: 'snowflake.connect',
      text,
      hint: 'Nothing answers there: check account, host, port, proxy and firewall.',
    }
  if (status === 429)
    return { cls: 'throttled', code: 'snowflake.http429', text, hint: `Too many requests. ${AGAIN}`, details }
  if (status === 403 || status === 404 || status === 400)
    return {
      cls: 'config',
      code: `snowflake.http${status}`,
      text,
      hint: 'Check account, host and protocol: no Snowflake account answers at this address, or a network policy refuses this machine.',
      details,
    }
  const over = [shape, inner].find(isOverLimit)
  const broken = brokenReply(shape.cause) ?? brokenReply(shape)
  const said = over
    ? `the answer of Snowflake ${over.message}.`
    : broken
      ? `the answer of Snowflake ${broken}.`
      : `the connection to Snowflake broke: ${text}`
  const code = over?.limit === 'time' ? 'timeout' : over ? 'reply' : status ? `http${status}` : 'network'
  const next = over?.limit === 'time' ? tooSlowHint('Snowflake') : AGAIN
  return {
    // A login that was not answered is made again; a statement may have been done.
    cls: at.phase === 'login' ? 'transient' : 'unknown-outcome',
    code: `snowflake.${code}`,
    text: said,
    hint:
      at.phase === 'login'
        ? next
        : `Whether it was done is not known; it is sent again under the same request id. ${next}`,
    details,
  }
}

/** The stage's storage answers without a code; its credentials are new on every attempt. */
const uploadFinding = (message: string): Finding => ({
  cls: 'transient',
  code: 'snowflake.upload',
  text: `the stage's storage did not take the file (${oneLine(message)}).`,
  hint: `${AGAIN} Where it never passes, the way to the storage of the stage (S3, Azure or Google Cloud) is closed.`,
})
