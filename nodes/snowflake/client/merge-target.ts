/** Typed tables, one for the header and one for each list, written by MERGE in one transaction. */
import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import { isDeletion, listTable, type Schema } from '../../../sync/contract/message.ts'
import type { Prepared, Rejection, Target, WriteBatch, WriteContext } from '../../../sync/contract/target.ts'
import { compileSerializer, packRows, type Serializer, stagedFields } from '../../../vendor/warehouse/staged-rows.ts'
import { findTables, HEADER_COLUMNS, LIST_COLUMNS } from '../../../vendor/warehouse/technical-columns.ts'
import type { Connection, ResultRow, Work } from './connection.ts'
import { isLostSession } from './errors.ts'
import { storedKeys } from './keys.ts'
import { readMarks } from './mark.ts'
import { headerMerge, listMerge, type MergeTable, rangeColumns, rejectedQuery, vanishedQuery } from './merge.ts'
import type { Shaped, ShapeTable } from './shape.ts'
import { plainTable, quoteTable, type TableName } from './sql.ts'
import {
  batchPath,
  type ReadyRows,
  readyRows,
  removeLater,
  type StageOptions,
  type StagingTable,
  stageRows,
  stagingName,
  uploadAhead,
} from './stage.ts'
import { addressOf, filledTables, haveRows, isMissing, type WantedTable } from './tables.ts'
import { totalsOf } from './totals.ts'

export interface MergeOptions extends StageOptions {
  /** Table of an entity or of a list. */
  readonly tableOf: (entity: string) => TableName
  readonly shapeTable: ShapeTable
}

/** A table with what is compiled for one schema. */
interface Part {
  readonly list: string
  readonly wanted: WantedTable
  readonly serialize: Serializer
}

/** A table as it was found, with its MERGE. */
interface Ready {
  readonly part: Part
  readonly table: MergeTable
  readonly sql: string
}

interface Plan {
  readonly fingerprint: string
  readonly parts: readonly Part[]
  readonly staging: StagingTable
  /** Lists first, the header last; undefined until the tables were looked at. */
  ready: readonly Ready[] | undefined
  /** Key columns of which each batch names the lowest and highest value. */
  ranged: readonly string[]
}

type ReadyPlan = Plan & { readonly ready: readonly Ready[] }

/** The rows of a batch, and how many there are for each table. */
interface PackedBatch {
  readonly counts: readonly number[]
  readonly rows: ReadyRows
}

export function createMergeTarget(connection: Connection, entity: string, options: MergeOptions): Target {
  const name = options.tableOf(entity)
  const storedTotals = totalsOf(connection)
  let plan: Plan | undefined

  const planFor = (schema: Schema): Plan => {
    const fingerprint = JSON.stringify(schema)
    if (plan?.fingerprint !== fingerprint) plan = compile(schema, fingerprint, options)
    return plan
  }

  async function shape(current: Plan, context: WriteContext): Promise<readonly Shaped[]> {
    const shaped: Shaped[] = []
    for (const { wanted } of current.parts) shaped.push(await options.shapeTable(wanted, context))
    const tables = current.parts.map(({ wanted }, i): MergeTable => {
      const { key } = wanted
      const columns = wanted.columns.filter((column) => !HEADER_COLUMNS.includes(column))
      return { name: wanted.name, key, columns, find: shaped[i]?.find ?? (() => undefined), tag: String(i) }
    })
    const header = tables[0] as MergeTable
    const ranged = rangeColumns(tables)
    current.ranged = ranged
    const ready = tables.map((table, i): Ready => {
      const { name: staging } = current.staging
      const sql = i === 0 ? headerMerge(header, staging, ranged) : listMerge(table, header, staging, ranged)
      return { part: current.parts[i] as Part, table, sql }
    })
    current.ready = [...ready.slice(1), ...ready.slice(0, 1)]
    return shaped
  }

  const readyFor = async (schema: Schema, context: WriteContext): Promise<ReadyPlan> => {
    const current = planFor(schema)
    if (current.ready === undefined) await shape(current, context)
    return current as ReadyPlan
  }

  /** The rows of all tables, and how many there are for each. */
  async function pack(batch: WriteBatch, purpose = ''): Promise<PackedBatch> {
    const { parts } = planFor(batch.schema)
    const counts = parts.map(() => 0)
    const packed = packRows(({ add, end }) => {
      for (const [i, { serialize }] of parts.entries())
        serialize(batch.records, {
          add,
          end() {
            counts[i] = (counts[i] ?? 0) + 1
            end()
          },
        })
    })
    const path = batchPath(options.stage, batch.id, purpose)
    return { counts, rows: await readyRows(packed, path, options, plainTable(name)) }
  }

  /** The MERGEs, and what they left out without a word. */
  async function merge(
    work: Work,
    batch: WriteBatch,
    { ready, staging, ranged }: ReadyPlan,
    counts: readonly number[],
  ) {
    const missing: { readonly table: MergeTable; readonly documents: readonly number[] }[] = []
    const short: MergeTable[] = []
    const upserts = batch.records.filter(({ record }) => !isDeletion(record)).length
    const binds = [batch.run, batch.at, ...ranges(batch, ranged)]
    for (const { table, sql } of ready) {
      const [result] = await work.run({ sql, binds, what: `MERGE into ${plainTable(table.name)}` })
      const expected = table.tag === '0' ? upserts : (counts[Number(table.tag)] ?? 0)
      if (touched(result) < expected) short.push(table)
    }
    const header = (ready.at(-1) as Ready).table
    for (const table of short) {
      const query = vanishedQuery(table, header, staging.name)
      const found = await work.run({ sql: query, what: `Rows that ${plainTable(table.name)} left out` })
      if (found.length > 0) missing.push({ table, documents: found.map((row) => Number(row.n)) })
    }
    return missing
  }

  const inTransaction = async <T>(work: Work, task: () => Promise<T>, keep: (result: T) => boolean): Promise<T> => {
    await work.run({ sql: 'BEGIN TRANSACTION', what: 'Begin of the transaction' })
    try {
      const result = await task()
      const end = keep(result) ? 'COMMIT' : 'ROLLBACK'
      await work.run({ sql: end, what: `${end} of the batch for ${plainTable(name)}` })
      return result
    } catch (error) {
      // a statement that fails leaves the transaction open; a lost session takes it away itself
      if (isSyncError(error) && !isLostSession(error) && error.cause.class !== 'unknown-outcome')
        await work.run({ sql: 'ROLLBACK', what: 'Rollback' }).catch(() => work.discard())
      throw error
    }
  }

  const tags = (batch: WriteBatch) => ({ sync: batch.sync, run: batch.run, entity: batch.entity })

  async function write(batch: WriteBatch, { counts, rows }: PackedBatch, context: WriteContext): Promise<void> {
    const current = await readyFor(batch.schema, context)
    await connection.work(
      `Batch for ${plainTable(name)}`,
      tags(batch),
      async (work) => {
        await stageRows(work, current.staging, rows)
        const missing = await inTransaction(
          work,
          () => merge(work, batch, current, counts),
          ({ length }) => length === 0,
        )
        const [first] = missing
        if (first) throw leftOut(first.table.name, missing.flatMap(({ documents }) => documents).length)
      },
      context,
    )
  }

  return {
    address: addressOf(connection, name),
    mode: 'merge',
    statements: connection.statements,
    tables: (schema) =>
      planFor(schema).parts.map(({ list, wanted }) => ({ list, address: addressOf(connection, wanted.name) })),
    hasRows(tables, schema, context) {
      const asked = planFor(schema).parts.filter(({ list }) => tables.some((one) => one.list === list))
      return haveRows(
        connection,
        asked.map(({ wanted }) => wanted.name),
        context,
      )
    },

    async prepare(schema, context): Promise<Prepared> {
      const current = planFor(schema)
      const shaped = await shape(current, context)
      const tables = current.parts.map(({ list, wanted }, i) => ({
        list,
        name: plainTable(wanted.name),
        table: wanted.name,
        made: shaped[i]?.created ?? false,
      }))
      return {
        tables: await findTables(tables, context.filled, (names) => filledTables(connection, names, context)),
        notices: shaped.flatMap(({ notices }) => notices),
      }
    },

    isLost: isMissing,

    async stage(batch, staging) {
      const packed = await pack(batch)
      await uploadAhead(connection, packed.rows, staging)
      return {
        write: (context) => write(batch, packed, context),
        drop: () => removeLater(connection, packed.rows),
      }
    },

    async write(batch, context) {
      if (batch.records.length > 0) await write(batch, await pack(batch), context)
    },

    findRejected: (batch, context) =>
      connection.work(
        `Check of the values for ${plainTable(name)}`,
        tags(batch),
        async (work) => {
          const current = await readyFor(batch.schema, context)
          const { counts, rows } = await pack(batch, '-check')
          await stageRows(work, current.staging, rows)
          const found: Rejection[] = []
          for (const { table } of current.ready) found.push(...(await rejectedIn(work, table, current.staging)))
          if (found.length === 0) {
            // nothing to see in the values: the tables may leave rows out, which only trying tells
            const missing = await inTransaction(
              work,
              () => merge(work, batch, current, counts),
              () => false,
            )
            for (const { table, documents } of missing)
              found.push(...documents.map((index) => ({ index, code: LEFT_OUT, message: leftOutText(table.name) })))
          }
          const first = new Map<number, Rejection>()
          for (const rejection of found) if (!first.has(rejection.index)) first.set(rejection.index, rejection)
          return [...first.values()].sort((a, b) => a.index - b.index)
        },
        context,
      ),

    readMark: (context) => readMarks(connection, name, context),
    writeMark: (mark, context, replaced) => connection.writeMark({ table: name, mark, context, replaced }),
    keys: (schema, source, context) => storedKeys(connection, name, schema, source, context),

    async totals(question, context) {
      const { ready } = await readyFor(question.schema, context)
      const found = ready.find(({ part }) => part.list === question.list) ?? (ready.at(-1) as Ready)
      return storedTotals(found.table, question, context)
    },
  }
}

const LEFT_OUT = 'snowflake.left-out'
const leftOutText = (table: TableName): string =>
  `${plainTable(table)} leaves the row out without an error, because ERROR_LOGGING is on: SELECT * FROM ERROR_TABLE(${quoteTable(table)}) says why.`
const leftOut = (table: TableName, count: number) =>
  syncError('data', LEFT_OUT, `${count} record(s): ${leftOutText(table)} Nothing of the batch was kept.`, {
    hint: 'Correct the values or the columns, then replay the records.',
  })

/** Rows inserted and updated, as the MERGE says. */
const touched = (row: ResultRow | undefined): number =>
  Number(row?.['number of rows inserted'] ?? 0) + Number(row?.['number of rows updated'] ?? 0)

/** Lowest and highest value of each range column, in the order in which Snowflake compares texts: by their UTF-8 bytes. */
function ranges({ records }: WriteBatch, ranged: readonly string[]): readonly string[] {
  return ranged.flatMap((name) => {
    let low: Buffer | undefined
    let high: Buffer | undefined
    for (const { record } of records) {
      const text = Buffer.from(String(record[name] ?? ''))
      if (low === undefined || text.compare(low) < 0) low = text
      if (high === undefined || text.compare(high) > 0) high = text
    }
    return [String(low ?? ''), String(high ?? '')]
  })
}

function compile(schema: Schema, fingerprint: string, options: MergeOptions): Plan {
  const part = (list: string, tag: number): Part => {
    const table = list === '' ? schema : (schema.lists?.[list] ?? schema)
    return {
      list,
      serialize: compileSerializer(schema, { list, columns: table.columns, tag: String(tag) }),
      wanted: {
        name: options.tableOf(list === '' ? schema.entity : listTable(schema.entity, list)),
        comment: list === '' ? `Tieout: ${schema.entity}` : `Tieout: ${list} of ${schema.entity}`,
        columns: [...table.columns, ...(list === '' ? HEADER_COLUMNS : LIST_COLUMNS)],
        key: table.key,
        unique: true,
      },
    }
  }
  const parts = ['', ...Object.keys(schema.lists ?? {})].map(part)
  const tables = [schema, ...Object.values(schema.lists ?? {})]
  const widest = tables.reduce((a, b) => (b.columns.length > a.columns.length ? b : a))
  const staging: StagingTable = {
    name: stagingName(options.tableOf(schema.entity)),
    fields: ['t', ...stagedFields(widest.columns)],
  }
  return { fingerprint, parts, staging, ready: undefined, ranged: [] }
}

async function rejectedIn(work: Work, table: MergeTable, staging: StagingTable): Promise<readonly Rejection[]> {
  const sql = rejectedQuery(table, staging.name)
  if (sql === '') return []
  const found = await work.run({ sql, what: `Check of the values for ${plainTable(table.name)}` })
  return found.flatMap((row) => {
    const index = Number(row.n)
    const column = table.columns[Number(String(row.field).slice(1))]
    if (!Number.isInteger(index) || !column) return []
    const there = table.find(column.name)
    return [
      {
        index,
        field: column.name,
        code: 'snowflake.22018',
        message: `${plainTable(table.name)} does not take the value of ${column.name}: the column is ${there?.declared ?? column.type}${there?.nullable === false ? ' and may not be null' : ''}.`,
      },
    ]
  })
}
