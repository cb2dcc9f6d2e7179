import { randomUUID } from 'node:crypto'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Account } from './account.ts'
import type { Stage, Table } from './catalog.ts'
import { applyParameters, inheritedAll } from './parameters.ts'
import type { SessionView } from './sql/cursor.ts'
import { rollback, type Transaction } from './transaction.ts'

/** One session: what USE and ALTER SESSION change, its temporary tables and its transaction. */
export interface Session extends SessionView {
  connection: DuckDBConnection
  parameters: Map<string, string>
  /** What the engine was told of them. */
  applied: Map<string, string>
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
    parameters: inheritedAll(account),
    applied: new Map(),
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
  await applyParameters(session)
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
