import { literal } from '../sql/reader.ts'
import type { Account, Level, Session } from './account.ts'
import { SqlError } from './errors.ts'
import { engineCollation } from './sql/collation.ts'
import { engineFormat } from './sql/formats.ts'

/** Session parameters with Snowflake's defaults: they may be set for account, user and session. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  ABORT_DETACHED_QUERY: 'false',
  AUTOCOMMIT: 'true',
  BINARY_INPUT_FORMAT: 'HEX',
  BINARY_OUTPUT_FORMAT: 'HEX',
  CLIENT_RESULT_CHUNK_SIZE: '160',
  CLIENT_SESSION_KEEP_ALIVE: 'false',
  CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY: '3600',
  CLIENT_TIMESTAMP_TYPE_MAPPING: 'TIMESTAMP_LTZ',
  DATE_INPUT_FORMAT: 'AUTO',
  DATE_OUTPUT_FORMAT: 'YYYY-MM-DD',
  ERROR_ON_NONDETERMINISTIC_MERGE: 'true',
  ERROR_ON_NONDETERMINISTIC_UPDATE: 'false',
  JSON_INDENT: '2',
  JS_TREAT_INTEGER_AS_BIGINT: 'false',
  LOCK_TIMEOUT: '43200',
  MULTI_STATEMENT_COUNT: '1',
  QUERY_TAG: '',
  QUOTED_IDENTIFIERS_IGNORE_CASE: 'false',
  ROWS_PER_RESULTSET: '0',
  STATEMENT_QUEUED_TIMEOUT_IN_SECONDS: '0',
  STATEMENT_TIMEOUT_IN_SECONDS: '172800',
  STRICT_JSON_OUTPUT: 'false',
  TIMESTAMP_INPUT_FORMAT: 'AUTO',
  TIMESTAMP_LTZ_OUTPUT_FORMAT: '',
  TIMESTAMP_NTZ_OUTPUT_FORMAT: 'YYYY-MM-DD HH24:MI:SS.FF3',
  TIMESTAMP_OUTPUT_FORMAT: 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM',
  TIMESTAMP_TYPE_MAPPING: 'TIMESTAMP_NTZ',
  TIMESTAMP_TZ_OUTPUT_FORMAT: '',
  TIMEZONE: 'America/Los_Angeles',
  TIME_INPUT_FORMAT: 'AUTO',
  TIME_OUTPUT_FORMAT: 'HH24:MI:SS',
  TRANSACTION_ABORT_ON_ERROR: 'false',
  TWO_DIGIT_CENTURY_START: '1970',
  UNSUPPORTED_DDL_ACTION: 'ignore',
  USE_CACHED_RESULT: 'true',
  WEEK_START: '0',
}

/** Parameters of objects: they may be set for the account, which hands them down to what is made in it. */
const OBJECT_PARAMETERS: Readonly<Record<string, string>> = { DEFAULT_DDL_COLLATION: '' }

const refuse = (text: string) => new SqlError('001008', '22023', `SQL compilation error:\n${text}`)

/** A value as it is kept; raises where there is no such parameter, or it cannot have this value. */
function checked(name: string, value: string, known: string | undefined): string {
  if (known === undefined) throw refuse(`invalid parameter '${name}'`)
  const isBoolean = /^(true|false)$/.test(known)
  const text = isBoolean ? value.toLowerCase() : value
  const fits = isBoolean ? /^(true|false)$/.test(text) : /^\d+$/.test(known) ? /^\d+$/.test(text) : isKnown(name, text)
  if (!fits) throw refuse(`invalid value [${value}] for parameter '${name}'`)
  return text
}

const VALUES: Readonly<Record<string, RegExp>> = {
  BINARY_INPUT_FORMAT: /^(HEX|BASE64|UTF-?8)$/i,
  BINARY_OUTPUT_FORMAT: /^(HEX|BASE64)$/i,
  TIMESTAMP_TYPE_MAPPING: /^TIMESTAMP_(NTZ|LTZ|TZ)$/,
}

function isKnown(name: string, value: string): boolean {
  if (name === 'DEFAULT_DDL_COLLATION') engineCollation(value)
  if (name !== 'TIMEZONE') return VALUES[name]?.test(value) ?? true
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }) !== undefined
  } catch {
    return false
  }
}

/** ALTER ACCOUNT SET and ALTER USER SET; sessions that are open keep what they began with. */
export function setForLevel({ parameters }: Account, level: Level, values: Readonly<Record<string, string>>): void {
  const known = level === 'account' ? { ...PARAMETERS, ...OBJECT_PARAMETERS } : PARAMETERS
  for (const [name, value] of Object.entries(values)) parameters[level].set(name, checked(name, value, known[name]))
}

/** What a session begins with: Snowflake's own value, the account's, the user's. */
export function inherited({ parameters }: Pick<Account, 'parameters'>, name: string): string {
  return parameters.user.get(name) ?? parameters.account.get(name) ?? PARAMETERS[name] ?? ''
}

export function inheritedAll(account: Pick<Account, 'parameters'>): Map<string, string> {
  return new Map(Object.keys(PARAMETERS).map((name) => [name, inherited(account, name)]))
}

export function setParameter(session: Session, name: string, value: string): void {
  session.parameters.set(name, checked(name, value, PARAMETERS[name]))
}

/** Formats that the engine's macros look up, with the parameters that they come from. */
const FORMATS = [
  ['date_in', 'DATE_INPUT_FORMAT', 'in'],
  ['time_in', 'TIME_INPUT_FORMAT', 'in'],
  ['timestamp_in', 'TIMESTAMP_INPUT_FORMAT', 'in'],
  ['date_out', 'DATE_OUTPUT_FORMAT', 'out'],
  ['timestamp_out', 'TIMESTAMP_NTZ_OUTPUT_FORMAT', 'out'],
] as const

/** Tells the engine what the session's formats and time zone are, as far as they are not the usual ones. */
export async function applyParameters({ connection, parameters, applied }: Session): Promise<void> {
  const apply = async (name: string, sql: string) => {
    if (applied.get(name) === sql) return
    await connection.run(sql)
    applied.set(name, sql)
  }
  for (const [variable, name, way] of FORMATS) {
    const usual = PARAMETERS[name] ?? ''
    const value = parameters.get(name) ?? usual
    if (value === usual && !applied.has(name)) continue
    const format = value !== 'AUTO' ? engineFormat(value, way) : way === 'in' ? value : engineFormat(usual, way)
    await apply(name, `SET VARIABLE ${variable} = ${literal(format)}`)
  }
  const zone = parameters.get('TIMEZONE') ?? 'UTC'
  await apply('TIMEZONE', `SET TimeZone = ${literal(zone)}`)
}
