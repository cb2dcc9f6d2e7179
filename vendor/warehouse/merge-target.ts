/** Typed tables, one for the header and one for each list, written by MERGE from staged rows. */
import { isSyncError, syncError } from '../../sync/contract/errors.ts'
import { listTable, type Schema, type TableSchema } from '../../sync/contract/message.ts'
import type { Prepared, Rejection, StagedBatch, WriteBatch, WriteContext } from '../../sync/contract/target.ts'
import type { FindColumn, SqlDialect, Statement, TableName, WantedTable, Work } from './dialect.ts'
import { storedKeys } from './stored-keys.ts'
import { createTotals } from './stored-totals.ts'
import { addressOf, filledTables, haveRows } from './tables.ts'
import { findTables, HEADER_COLUMNS, LIST_COLUMNS, type StoredRow } from './technical-columns.ts'
import type { MergeTarget, Warehouse } from './warehouse.ts'

/** A table of an entity: the header, or one list. */
export interface Part {
  /** `''` the header, else the list's name. */
  readonly list: string
  readonly wanted: WantedTable
  /** Without the technical ones. */
  readonly columns: TableSchema['columns']
  readonly key: readonly string[]
}

/** A statement's text and its values. */
export type Text = Pick<Statement, 'sql' | 'values'>

/** How the rows of a batch come to where statements can read them; `R` is what stands for them. */
export interface Staging<R> {
  /** In no table yet. `purpose` keeps the files of a check apart from those of the batch. */
  stage(batch: WriteBatch, purpose: '' | '-check', context: WriteContext): Promise<R>
  /** Makes them readable in the session of the statements; absent: they are. */
  load?(work: Work, rows: R): Promise<void>
  /** Takes away what is left of them, without waiting; done twice it does nothing more. */
  drop(rows: R): void
  /**
   * A further attempt at a batch puts its rows where the failed one had them: they are overwritten then and not taken away,
   * which might meet the new ones.
   */
  readonly samePlace: boolean
  /** The statements, `found` being the columns of each part's table as they are stored. */
  statements(found: readonly FindColumn[]): MergeStatements<R>
}

/** The statements of an entity's tables; `place` is that of the part. */
export interface MergeStatements<R> {
  /** Insert, update, delete, of the header or of the lines of documents: nothing older than what is there, an exact repeat changes nothing. */
  merge(place: number, rows: R, batch: WriteBatch): Text
  /** The rows whose values do not fit: `n` index in the batch, `field` the first such (`c0`, `c1`, ...). Undefined: any value fits. */
  rejected(place: number, rows: R): Text | undefined
  /** For tables that may leave rows out without an error, and a transaction that takes the others back; absent: there are none. */
  readonly leftOut?: LeftOut<R>
}

export interface LeftOut<R> {
  readonly code: string
  readonly why: (table: TableName) => string
  /** Rows that the MERGE must touch, and did. */
  expected(place: number, rows: R, batch: WriteBatch): number
  touched(result: StoredRow | undefined): number
  /** After the MERGE: the documents (`n`) of which the table does not have every row that it should. */
  query(place: number): Text
}

export interface MergeOptions<R> {
  /** Table of an entity or of a list. */
  readonly tableOf: (entity: string) => TableName
  readonly staging: (schema: Schema, parts: readonly Part[]) => Staging<R>
}

/** What is compiled for one schema. */
interface Plan<R> {
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

export function createMergeTarget<R>(
  { dialect, shape, marks }: Warehouse,
  entity: string,
  options: MergeOptions<R>,
): MergeTarget {
  const { plain } = dialect
  const name = options.tableOf(entity)
  const storedTotals = createTotals(dialect)
  let plan: Plan<R> | undefined

  const planFor = (schema: Schema): Plan<R> => {
    const fingerprint = JSON.stringify(schema)
    if (plan?.fingerprint !== fingerprint) plan = compile(schema, fingerprint, options)
    return plan
  }

  async function shapeAll(current: Plan<R>, context: WriteContext) {
    const shaped = await shape(
      current.parts.map(({ wanted }) => wanted),
      context,
    )
    current.found = shaped.map(({ find }) => find)
    current.statements = current.staging.statements(current.found)
    return shaped
  }

  const readyFor = async (schema: Schema, context: WriteContext): Promise<Plan<R>> => {
    const current = planFor(schema)
    if (current.found === undefined && !dialect.anyCase) await shapeAll(current, context)
    return current
  }

  const writeStaged = (batch: WriteBatch, rows: R, context: WriteContext): Promise<void> =>
    dialect.session(
      `Batch for ${plain(name)}`,
      tagsOf(batch),
      async (work) => {
        const current = await readyFor(batch.schema, context)
        await current.staging.load?.(work, rows)
        await mergeBatch(dialect, work, current, batch, rows)
      },
      context,
    )

  const stage = async (batch: WriteBatch, staging: WriteContext): Promise<StagedBatch> => {
    const { staging: by } = planFor(batch.schema)
    const rows = await by.stage(batch, '', staging)
    const drop = (): void => by.drop(rows)
    return { drop, write: (context) => thenDrop(by, rows, writeStaged(batch, rows, context)) }
  }

  return {
    address: addressOf(dialect, name),
    mode: 'merge',
    statements: dialect.statements,
    isLost: dialect.isMissing,
    tables: (schema) =>
      planFor(schema).parts.map(({ list, wanted }) => ({ list, address: addressOf(dialect, wanted.name) })),
    hasRows(tables, schema, context) {
      const asked = planFor(schema).parts.filter(({ list }) => tables.some((one) => one.list === list))
      return haveRows(
        dialect,
        asked.map(({ wanted }) => wanted.name),
        context,
      )
    },

    async prepare(schema, context): Promise<Prepared> {
      const current = planFor(schema)
      const shaped = await shapeAll(current, context)
      const tables = current.parts.map(({ list, wanted }, i) => ({
        list,
        name: plain(wanted.name),
        table: wanted.name,
        made: shaped[i]?.created ?? false,
      }))
      return {
        tables: await findTables(tables, context.filled, (names) => filledTables(dialect, names, context)),
        notices: shaped.flatMap(({ notices }) => notices),
      }
    },

    stage,
    async write(batch, context) {
      if (batch.records.length === 0) return
      const staged = await stage(batch, context)
      await staged.write(context)
    },
    findRejected: async (batch, context) => rejectedOf(dialect, await readyFor(batch.schema, context), batch, context),

    keys: (schema, source, context) => storedKeys(dialect, name, schema, source, context),
    readMark: (context) => marks.read(name, context),
    writeMark: (mark, context, replaced) => marks.write({ table: name, mark, context, replaced }),

    async totals(question, context) {
      const { parts, found } = await readyFor(question.schema, context)
      const place = Math.max(
        0,
        parts.findIndex(({ list }) => list === question.list),
      )
      const { wanted, columns } = parts[place] as Part
      return storedTotals({ name: wanted.name, columns, find: found?.[place] ?? asGiven }, question, context)
    },
  }
}

const asGiven: FindColumn = () => undefined
const tagsOf = ({ sync, run, entity }: WriteBatch) => ({ sync, run, entity })

function compile<R>(schema: Schema, fingerprint: string, options: MergeOptions<R>): Plan<R> {
  const part = (list: string): Part => {
    const { key, columns } = list === '' ? schema : (schema.lists?.[list] ?? schema)
    return {
      list,
      key,
      columns,
      wanted: {
        kind: list === '' ? 'header' : 'list',
        name: options.tableOf(list === '' ? schema.entity : listTable(schema.entity, list)),
        comment: list === '' ? `Tieout: ${schema.entity}` : `Tieout: ${list} of ${schema.entity}`,
        columns: [...columns, ...(list === '' ? HEADER_COLUMNS : LIST_COLUMNS)],
        key,
      },
    }
  }
  const parts = ['', ...Object.keys(schema.lists ?? {})].map(part)
  const staging = options.staging(schema, parts)
  return { fingerprint, parts, staging, found: undefined, statements: staging.statements(parts.map(() => asGiven)) }
}

/** Takes the rows away behind what was done with them; where it failed only if no further attempt's could be meant. */
async function thenDrop<T, R>(staging: Staging<R>, rows: R, done: Promise<T>): Promise<T> {
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
async function mergeBatch<R>(
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
async function rejectedOf<R>(
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
    for (const place of parts.keys()) found.push(...(await rejectedIn(dialect, work, plan, place, rows)))
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
