import type { Work } from '../sql/engine.ts'
import type { Account, Session, Transaction } from './account.ts'
import { keyOf, nameOf, type Table } from './catalog.ts'
import { canceled, transactionAborted } from './errors.ts'
import { inTurn } from './turn.ts'

interface Step {
  account: Account
  session: Session
  work: Work
  queryId: string
  /** Tables that the statement reads or writes. */
  uses: readonly Table[]
  /** The table that it writes, and whether it must be alone in that. */
  writes: { table: Table; alone: boolean } | undefined
}

/** Begins the session's transaction in the engine. */
export async function begin(account: Account, session: Session, explicit: boolean): Promise<Transaction> {
  await session.connection.run('BEGIN TRANSACTION')
  account.transactions += 1
  const id = String(1_000_000 + account.transactions)
  session.transaction = {
    id,
    explicit,
    actions: [],
    started: Date.now(),
    seen: new Map(account.versions),
    wrote: new Set(),
    after: [],
  }
  return session.transaction
}

export async function commit(account: Account, session: Session): Promise<void> {
  const { transaction } = session
  if (!transaction) return
  session.transaction = undefined
  try {
    // Counted before and after: who begins in between cannot know whether its snapshot holds this commit.
    for (const key of transaction.wrote) account.versions.set(key, (account.versions.get(key) ?? 0) + 1)
    await session.connection.run('COMMIT')
    for (const remember of transaction.after) remember()
    for (const key of transaction.wrote) account.versions.set(key, (account.versions.get(key) ?? 0) + 1)
  } finally {
    account.locks.release(transaction.id)
  }
}

export async function rollback(account: Account, session: Session): Promise<void> {
  const { transaction } = session
  if (!transaction) return
  session.transaction = undefined
  await session.connection.run('ROLLBACK').catch(() => undefined)
  account.locks.release(transaction.id)
}

/** What TRANSACTION_ABORT_ON_ERROR makes of a failure: what was done is gone, the transaction is still to be ended. */
async function abort(account: Account, session: Session, transaction: Transaction): Promise<void> {
  await session.connection.run('ROLLBACK').catch(() => undefined)
  await session.connection.run('BEGIN TRANSACTION')
  account.locks.release(transaction.id)
  transaction.aborted = true
}

/** Takes the engine back to where the transaction was, on a new snapshot: a failure there loses it, in Snowflake it does not. */
async function again(account: Account, session: Session, transaction: Transaction): Promise<void> {
  await session.connection.run('ROLLBACK').catch(() => undefined)
  await session.connection.run('BEGIN TRANSACTION')
  transaction.seen = new Map(account.versions)
  for (const action of transaction.actions) await action()
}

/**
 * Runs what a statement does. Without BEGIN it is a transaction of its own: everything is there afterwards, or nothing.
 * Within one a failed statement leaves what was before it, and each statement sees what others have committed meanwhile.
 */
export async function inTransaction<T>(step: Step, action: () => Promise<T>): Promise<T> {
  const { account, session, work, writes } = step
  const isAutomatic = session.transaction === undefined && session.parameters.get('AUTOCOMMIT') !== 'false'
  if (isAutomatic && !writes) return await action()
  const transaction = session.transaction ?? (await begin(account, session, !isAutomatic))
  if (transaction.aborted) throw transactionAborted()
  const lose = async () => {
    if (isAutomatic) await rollback(account, session)
    else if (session.parameters.get('TRANSACTION_ABORT_ON_ERROR') === 'true') await abort(account, session, transaction)
    else await again(account, session, transaction)
  }
  try {
    if (writes?.alone && writes.table.kind !== 'TEMPORARY') {
      await account.locks.acquire(keyOf(writes.table), {
        holder: transaction.id,
        queryId: step.queryId,
        table: nameOf(writes.table),
        waitMs: 1000 * Number(session.parameters.get('LOCK_TIMEOUT') ?? 43_200),
        signal: work.signal,
        inTheWay: (holder) => abortIdle(account, holder),
      })
    }
    if (step.uses.some((table) => isStale(account, transaction, table))) await again(account, session, transaction)
    const result = await action()
    if (work.signal?.aborted) throw canceled()
    if (writes && writes.table.kind !== 'TEMPORARY') transaction.wrote.add(keyOf(writes.table))
    if (isAutomatic) await commit(account, session)
    else if (writes) transaction.actions.push(action)
    return result
  } catch (error) {
    await lose()
    throw error
  }
}

function isStale(account: Account, { seen, wrote }: Transaction, table: Table): boolean {
  const key = keyOf(table)
  return !wrote.has(key) && (account.versions.get(key) ?? 0) !== (seen.get(key) ?? 0)
}

/** Rolls back the transaction of a session that does nothing while others wait for its lock. */
export async function abortIdle(account: Account, holder: string): Promise<void> {
  const session = [...account.open].find((one) => one.transaction?.id === holder)
  if (!session || session.busy > 0 || Date.now() - session.lastUsed < account.idleMs()) return
  await inTurn(session, () => rollback(account, session))
}

/** Rolls back a transaction of the user's, wherever it is open; whether there was one. */
export async function abortTransaction(account: Account, id: string, asking: Session): Promise<boolean> {
  const session = [...account.open].find((one) => one.transaction?.id === id)
  if (!session) return false
  if (session === asking) await rollback(account, session)
  else {
    session.connection.interrupt()
    await inTurn(session, () => rollback(account, session))
  }
  return true
}
