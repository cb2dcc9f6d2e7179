import { randomUUID } from 'node:crypto'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Account } from './account.ts'
import type { Stage, Table } from './catalog.ts'
import type { SessionView } from './sql/cursor.ts'
import { rollback, type Transaction } from './transaction.ts'

/** One session: what USE and ALTER SESSION change, its temporary tables and its transaction. */
export interface Session extends SessionView {
  connection: DuckDBConnection
  parameters: Map<string, string>
  temporary: Map<string, Table>
  stages: Map<string, Stage>
  transaction: Transaction | undefined
  /** Its statements run one after the other. */
  last: Promise<unknown>
  /** Statements under way or waiting their turn. */
  busy: number
  lastUsed: number
  ended: boolean
}

/** Parameters that a session may set, with Snowflake's defaults. */
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
  LOCK_TIMEOUT: '43200',
  MULTI_STATEMENT_COUNT: '1',
  QUERY_TAG: '',
  QUOTED_IDENTIFIERS_IGNORE_CASE: 'false',
  READ_CONSISTENCY_MODE: 'SESSION',
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
  TIME_OUTPUT_FORMAT: 'HH24:MI:SS',
  TRANSACTION_ABORT_ON_ERROR: 'false',
  USE_CACHED_RESULT: 'true',
  WEEK_START: '0',
}

export interface Begin {
  user: string
  role: string
  warehouse: string | undefined
  database: string | undefined
  schema: string | undefined
}

export async function openSession(account: Account, begin: Begin): Promise<Session> {
  const connection = await account.store.instance.connect()
  account.sessions += 1
  const session: Session = {
    ...begin,
    id: String(900_000_000_000 + account.sessions),
    account: account.name,
    connection,
    parameters: new Map(Object.entries(PARAMETERS)),
    temporary: new Map(),
    stages: new Map(),
    variables: new Map(),
    lastQueryId: '',
    transaction: undefined,
    last: Promise.resolve(),
    busy: 0,
    lastUsed: Date.now(),
    ended: false,
  }
  account.open.add(session)
  return session
}

/** Ends a session: its transaction is rolled back, its temporary objects are gone. */
export async function closeSession(account: Account, session: Session): Promise<void> {
  if (session.ended) return
  session.ended = true
  account.open.delete(session)
  session.connection.interrupt()
  await session.last.catch(() => undefined)
  await rollback(account, session)
  for (const stage of session.stages.values()) await account.stages.removeStage(stage.id)
  session.connection.closeSync()
}

export function newQueryId(): string {
  return `01${randomUUID().slice(2)}`
}
