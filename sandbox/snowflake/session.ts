import { randomUUID } from 'node:crypto'
import type { Account, Session } from './account.ts'
import { applyParameters, inheritedAll } from './parameters.ts'
import { rollback } from './transaction.ts'

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
