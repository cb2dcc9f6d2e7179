import type { Work } from '../sql/engine.ts'
import type { Account } from './account.ts'
import { keyOf, nameOf, type Table } from './catalog.ts'
import { canceled } from './errors.ts'
import type { Session } from './session.ts'

/** An open transaction of a session. */
export interface Transaction {
  id: string
  explicit: boolean
  /** What it has done so far, to be done again where the engine has lost it. */
  actions: (() => Promise<unknown>)[]
  /** The commits that its snapshot holds, by table. */
  seen: Map<string, number>
  wrote: Set<string>
  /** What is to be remembered once it is committed. */
  after: (() => void)[]
}

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
  session.transaction = { id, explicit, actions: [], seen: new Map(account.versions), wrote: new Set(), after: [] }
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
  const lose = async () => {
    if (isAutomatic) await rollback(account, session)
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
