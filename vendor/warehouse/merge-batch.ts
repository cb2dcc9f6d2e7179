/** The order of work on a batch whose rows are staged: what is written when, taken back when, and asked when it is refused. */
import { isSyncError, syncError } from '../../sync/contract/errors.ts'
import type { Rejection, WriteBatch, WriteContext } from '../../sync/contract/target.ts'
import { type FindColumn, type SqlDialect, type TableName, tagsOf, type Work } from './dialect.ts'
import type { LeftOut, MergeStatements, Part, Staging } from './merging.ts'

/** What is compiled for one schema. */
export interface Plan<R> {
  readonly fingerprint: string
  readonly parts: readonly Part[]
  readonly staging: Staging<R>
  /** Columns of each part's table; undefined until they were looked at. */
  found: readonly FindColumn[] | undefined
  statements: MergeStatements<R>
}

/** Rows that a table left out. */
interface Missing {
  readonly place: number
  readonly documents: readonly number[]
}

/** Takes the rows away behind what was done with them; where it failed only if no further attempt's could be meant. */
export async function thenDrop<T, R>(staging: Staging<R>, rows: R, done: Promise<T>): Promise<T> {
  try {
    const result = await done
    staging.drop(rows)
    return result
  } catch (error) {
    if (!staging.samePlace) staging.drop(rows)
    throw error
  }
}

/** Writes a batch whose rows can be read; with a transaction all of it or nothing. */
export async function mergeBatch<R>(
  dialect: SqlDialect,
  work: Work,
  plan: Plan<R>,
  batch: WriteBatch,
  rows: R,
): Promise<void> {
  const missing = await inTransaction(
    dialect,
    work,
    plan,
    () => mergeAll(dialect, work, plan, batch, rows),
    ({ length }) => length === 0,
  )
  const [first] = missing
  const { leftOut } = plan.statements
  if (!first || !leftOut) return
  const count = missing.flatMap(({ documents }) => documents).length
  throw syncError(
    'data',
    leftOut.code,
    `${count} record(s): ${leftOut.why(nameOf(plan, first.place))} Nothing of the batch was kept.`,
    { hint: 'Correct the values or the columns, then replay the records.' },
  )
}

const nameOf = <R>({ parts }: Plan<R>, place: number): TableName => (parts[place] as Part).wanted.name

/** Lists first, the header last; gives what the tables left out without a word. */
async function mergeAll<R>(
  dialect: SqlDialect,
  work: Work,
  plan: Plan<R>,
  batch: WriteBatch,
  rows: R,
): Promise<readonly Missing[]> {
  const { parts, statements } = plan
  const { leftOut } = statements
  const short: number[] = []
  const merge = async (place: number): Promise<void> => {
    const what = `MERGE into ${dialect.plain(nameOf(plan, place))}`
    const [result] = await work.run({ ...statements.merge(place, rows, batch), what, kind: 'write' })
    if (leftOut && leftOut.touched(result) < leftOut.expected(place, rows, batch)) short.push(place)
  }
  const lists = parts.map((_, place) => place).slice(1)
  if (dialect.transaction) for (const place of lists) await merge(place)
  else await allEnded(lists.map(merge))
  await merge(0)
  const missing: Missing[] = []
  for (const place of leftOut ? short : []) {
    const what = `Rows that ${dialect.plain(nameOf(plan, place))} left out`
    const found = await work.run({ ...(leftOut as LeftOut<R>).query(place), what, kind: 'read' })
    if (found.length > 0) missing.push({ place, documents: found.map((row) => Number(row.n)) })
  }
  return missing
}

/** All have ended, whatever becomes of one, before the batch is given back or the header says that they are in. */
async function allEnded<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  return (await Promise.allSettled(work)).map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

async function inTransaction<T, R>(
  { transaction, plain }: SqlDialect,
  work: Work,
  plan: Plan<R>,
  task: () => Promise<T>,
  keep: (result: T) => boolean,
): Promise<T> {
  if (!transaction) return task()
  const { begin, commit, rollback, isLost } = transaction
  await work.run({ sql: begin, what: 'Begin of the transaction', kind: 'write' })
  try {
    const result = await task()
    const end = keep(result) ? commit : rollback
    await work.run({ sql: end, what: `${end} of the batch for ${plain(nameOf(plan, 0))}`, kind: 'write' })
    return result
  } catch (error) {
    // a statement that fails leaves the transaction open; a lost session takes it away itself
    if (isSyncError(error) && !isLost(error) && error.cause.class !== 'unknown-outcome')
      await work.run({ sql: rollback, what: 'Rollback', kind: 'write' }).catch(() => work.discard())
    throw error
  }
}

/** Asks the tables which records do not fit. */
export async function rejectedOf<R>(
  dialect: SqlDialect,
  plan: Plan<R>,
  batch: WriteBatch,
  context: WriteContext,
): Promise<readonly Rejection[]> {
  const { parts, staging, statements } = plan
  const { leftOut } = statements
  const ask = async (work: Work, rows: R): Promise<readonly Rejection[]> => {
    await staging.load?.(work, rows)
    const found: Rejection[] = []
    const check = (place: number) => rejectedIn(dialect, work, plan, place, rows)
    if (dialect.transaction) for (const place of parts.keys()) found.push(...(await check(place)))
    else found.push(...(await allEnded([...parts.keys()].map(check))).flat())
    if (found.length > 0 || !leftOut) return found
    // nothing to see in the values: the tables may leave rows out, which only trying tells
    const missing = await inTransaction(
      dialect,
      work,
      plan,
      () => mergeAll(dialect, work, plan, batch, rows),
      () => false,
    )
    return missing.flatMap(({ place, documents }) =>
      documents.map((index) => ({ index, code: leftOut.code, message: leftOut.why(nameOf(plan, place)) })),
    )
  }
  const rows = await staging.stage(batch, '-check', context)
  const what = `Check of the values for ${dialect.plain(nameOf(plan, 0))}`
  const asked = dialect.session(what, tagsOf(batch), (work) => ask(work, rows), context)
  const found = await thenDrop(staging, rows, asked)
  const first = new Map<number, Rejection>()
  for (const rejection of found) if (!first.has(rejection.index)) first.set(rejection.index, rejection)
  return [...first.values()].sort((a, b) => a.index - b.index)
}

async function rejectedIn<R>(
  dialect: SqlDialect,
  work: Work,
  { parts, statements, found }: Plan<R>,
  place: number,
  rows: R,
): Promise<readonly Rejection[]> {
  const { wanted, columns } = parts[place] as Part
  const text = statements.rejected(place, rows)
  if (text === undefined) return []
  const table = dialect.plain(wanted.name)
  const refused = await work.run({ ...text, what: `Check of the values for ${table}`, kind: 'read' })
  return refused.flatMap((row) => {
    const index = Number(row.n)
    const column = columns[Number(String(row.field).slice(1))]
    if (!Number.isInteger(index) || !column) return []
    const there = found?.[place]?.(column.name)
    const required = there?.nullable === false ? ' and may not be null' : ''
    return [
      {
        index,
        field: column.name,
        code: `${dialect.code}.22018`,
        message: `${table} does not take the value of ${column.name}: the column is ${there?.declared ?? column.type}${required}.`,
      },
    ]
  })
}
