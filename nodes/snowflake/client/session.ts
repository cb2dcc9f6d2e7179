/**
 * What every session is set to. An account, a user or the driver may have other defaults, and then dates swap day and month,
 * appended rows are rolled back and results are cut off, without an error.
 */
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { ResultRow } from './driver.ts'

export interface SessionOptions {
  /** How long a statement waits for another session's lock. */
  readonly lockTimeoutSeconds?: number
  /** Longest run of one statement. */
  readonly statementTimeoutSeconds?: number
}

/**
 * Session parameters that a statement, or the driver that reads its answer, could depend on. Most statements name their
 * formats and kinds of timestamp themselves; of what is set here beside them none may stand in the way. Of CLIENT_* the driver
 * says at login that it keeps no session alive; the others are about binds of arrays and about other drivers.
 */
const settings = ({
  lockTimeoutSeconds = 60,
  statementTimeoutSeconds = 1800,
}: SessionOptions): Readonly<Record<string, string>> => ({
  // each statement is in by its answer; several that belong together begin a transaction themselves
  AUTOCOMMIT: 'TRUE',
  TRANSACTION_ABORT_ON_ERROR: 'FALSE',
  // names as they are stored, UTC
  QUOTED_IDENTIFIERS_IGNORE_CASE: 'FALSE',
  TIMEZONE: 'UTC',
  TIMESTAMP_TYPE_MAPPING: 'TIMESTAMP_NTZ',
  DATE_INPUT_FORMAT: 'YYYY-MM-DD',
  DATE_OUTPUT_FORMAT: 'YYYY-MM-DD',
  TIME_INPUT_FORMAT: 'AUTO',
  TIME_OUTPUT_FORMAT: 'HH24:MI:SS',
  TIMESTAMP_INPUT_FORMAT: 'AUTO',
  TIMESTAMP_OUTPUT_FORMAT: 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM',
  TIMESTAMP_NTZ_OUTPUT_FORMAT: 'YYYY-MM-DD HH24:MI:SS.FF3',
  TIMESTAMP_LTZ_OUTPUT_FORMAT: 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM',
  TIMESTAMP_TZ_OUTPUT_FORMAT: 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM',
  BINARY_INPUT_FORMAT: 'HEX',
  BINARY_OUTPUT_FORMAT: 'HEX',
  JSON_INDENT: '0',
  STRICT_JSON_OUTPUT: 'TRUE',
  JS_TREAT_INTEGER_AS_BIGINT: 'FALSE',
  // whole results, of the table as it is now
  ROWS_PER_RESULTSET: '0',
  USE_CACHED_RESULT: 'FALSE',
  MULTI_STATEMENT_COUNT: '1',
  ERROR_ON_NONDETERMINISTIC_MERGE: 'TRUE',
  // no lock is waited for half a day, nothing is left running alone, a warehouse that resumes is waited for
  LOCK_TIMEOUT: String(lockTimeoutSeconds),
  STATEMENT_TIMEOUT_IN_SECONDS: String(statementTimeoutSeconds),
  STATEMENT_QUEUED_TIMEOUT_IN_SECONDS: '0',
  ABORT_DETACHED_QUERY: 'TRUE',
})

const isBare = (value: string): boolean => /^(TRUE|FALSE|\d+)$/.test(value)

/** The statement that sets a session. */
export const sessionSettings = (options: SessionOptions): string =>
  `ALTER SESSION SET ${Object.entries(settings(options))
    .map(([name, value]) => `${name} = ${isBare(value) ? value : `'${value}'`}`)
    .join(' ')}`

/** What the session says of itself; Snowflake lists a parameter by `key` and `value`, needs no warehouse for it. */
export const SHOW_SETTINGS = 'SHOW PARAMETERS IN SESSION'

/** The first setting that is not as it was set; a parameter that is not listed cannot be compared. */
export function wrongSetting(rows: readonly ResultRow[], options: SessionOptions): SyncError | undefined {
  const found = new Map(rows.map((row) => [String(row.key), String(row.value ?? '')]))
  const wrong = Object.entries(settings(options)).find(
    ([name, value]) => (found.get(name) ?? value).toUpperCase() !== value.toUpperCase(),
  )
  if (found.has('AUTOCOMMIT') && wrong === undefined) return undefined
  const [name, value] = wrong ?? ['AUTOCOMMIT', 'TRUE']
  return syncError(
    'config',
    'snowflake.parameter',
    `The session parameter ${name} is ${found.get(name) ?? 'not listed'} although it was set to ${value}; nothing is written, since it decides what statements mean.`,
    { hint: `Find out what sets it back (SHOW PARAMETERS LIKE '${name}' IN SESSION says at which level).` },
  )
}
