/** Silver: typed tables, one for the header and one for each list, written by MERGE. */
import type { SyncError } from '../../../sync/contract/errors.ts'
import { listTable, type Schema } from '../../../sync/contract/message.ts'
import type {
  Prepared,
  Rejection,
  StagedBatch,
  Target,
  WriteBatch,
  WriteContext,
} from '../../../sync/contract/target.ts'
import { findTables, HEADER_COLUMNS, LIST_COLUMNS } from '../../../vendor/warehouse/technical-columns.ts'
import type { Connection } from './connection.ts'
import { isMissing } from './errors.ts'
import { storedKeys } from './keys.ts'
import { readMarks } from './mark.ts'
import { headerMerge, listMerge, type MergeTable, rejectedQuery } from './merge.ts'
import { type JsonType, plainTable, quoteTable, type TableName } from './sql.ts'
import { createStager, type Staged, type StageOptions, type Stager } from './stage.ts'
import { addressOf, clusterOf, filledTables, haveRows, shapeTables, type WantedTable } from './tables.ts'
import { totalsOf } from './totals.ts'

export interface SilverOptions extends StageOptions {
  /** Table of an entity or of a list. */
  readonly tableOf: (entity: string) => TableName
  readonly json: JsonType
}

/** A table with what is compiled for one schema. */
interface Part {
  readonly list: string
  readonly name: TableName
  readonly merge: MergeTable
  readonly wanted: WantedTable
  readonly stager: Stager
}

interface Plan {
  readonly fingerprint: string
  readonly header: Part
  readonly lists: readonly Part[]
}

export function createSilverTarget(connection: Connection, entity: string, options: SilverOptions): Target {
  const table = options.tableOf(entity)
  const storedTotals = totalsOf(connection)
  let plan: Plan | undefined

  function planFor(schema: Schema): Plan {
    const fingerprint = JSON.stringify(schema)
    if (plan?.fingerprint === fingerprint) return plan
    plan = compile(connection, schema, fingerprint, options)
    return plan
  }

  const stage = async (batch: WriteBatch, staging: WriteContext): Promise<StagedBatch> => {
    const { header, lists } = planFor(batch.schema)
    const results = await Promise.allSettled([header, ...lists].map(({ stager }) => stager.stage(batch, staging)))
    let dropped = false
    const drop = (): void => {
      if (dropped) return
      dropped = true
      for (const result of results) if (result.status === 'fulfilled') result.value.drop()
    }
    const careful = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        return await work()
      } catch (error) {
        drop()
        throw error
      }
    }
    const [rows, ...listRows] = await careful(async () => results.map((result) => resultOf(result)))
    const write = async (context: WriteContext): Promise<void> => {
      const merge = (part: Part, sql: string, { parameters }: Staged) =>
        connection.run(
          {
            sql,
            parameters: { ...parameters, run: batch.run, at: batch.at },
            what: `MERGE into ${plainTable(part.name)}`,
            kind: 'write',
            tags: { sync: batch.sync, run: batch.run, entity: batch.entity },
          },
          context,
        )
      // all lists have ended, whatever becomes of one, before the batch is given back or the header says that they are in
      const done = await Promise.allSettled(
        lists.map((part, i) => {
          const lines = listRows[i] as Staged
          return merge(part, listMerge(part.merge, header.merge, lines.select, options.json), lines)
        }),
      )
      for (const result of done) resultOf(result)
      const headers = rows as Staged
      await merge(header, headerMerge(header.merge, headers.select, options.json), headers)
      drop()
    }
    return { write: (context) => careful(() => write(context)), drop }
  }

  return {
    address: addressOf(connection, table),
    mode: 'merge',
    statements: connection.statements,
    tables: (schema) => {
      const { header, lists } = planFor(schema)
      return [header, ...lists].map(({ list, name }) => ({ list, address: addressOf(connection, name) }))
    },
    hasRows(tables, schema, context) {
      const { header, lists } = planFor(schema)
      const asked = [header, ...lists].filter(({ list }) => tables.some((one) => one.list === list))
      return haveRows(
        connection,
        asked.map(({ name }) => name),
        context,
      )
    },

    async prepare(schema, context): Promise<Prepared> {
      const { header, lists } = planFor(schema)
      const parts = [header, ...lists]
      const { created, notices } = await shapeTables(
        connection,
        parts.map(({ wanted }) => wanted),
        options.json,
        context,
      )
      const tables = parts.map(({ list, name }) => {
        const plain = plainTable(name)
        return { list, name: plain, table: name, made: created.includes(plain) }
      })
      return {
        tables: await findTables(tables, context.filled, (names) => filledTables(connection, names, context)),
        notices,
      }
    },

    isLost: isMissing,
    stage,

    async write(batch, context) {
      if (batch.records.length === 0) return
      const staged = await stage(batch, context)
      await staged.write(context)
    },

    async findRejected(batch, context) {
      const { header, lists } = planFor(batch.schema)
      const found = await Promise.all(
        [header, ...lists].map((part) => rejectedIn(connection, part, batch, options.json, context)),
      )
      const first = new Map<number, Rejection>()
      for (const rejection of found.flat()) if (!first.has(rejection.index)) first.set(rejection.index, rejection)
      return [...first.values()].sort((a, b) => a.index - b.index)
    },

    keys: (schema, source, context) => storedKeys(connection, table, schema, source, context),
    readMark: (context) => readMarks(connection, table, context),
    writeMark: (mark, context, replaced) => connection.writeMark({ table, mark, context, replaced }),

    totals(question, context) {
      const { header, lists } = planFor(question.schema)
      const part = question.list === '' ? header : (lists.find(({ list }) => list === question.list) ?? header)
      return storedTotals(part.wanted, question, context)
    },
  }
}

function resultOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason as SyncError
  return result.value
}

function compile(connection: Connection, schema: Schema, fingerprint: string, options: SilverOptions): Plan {
  const part = (list: string): Part => {
    const table = list === '' ? schema : (schema.lists?.[list] ?? schema)
    const name = options.tableOf(list === '' ? schema.entity : listTable(schema.entity, list))
    const merge: MergeTable = { table: quoteTable(name), key: table.key, columns: table.columns }
    return {
      list,
      name,
      merge,
      stager: createStager(connection, schema, { list, columns: table.columns }, plainTable(name), options),
      wanted: {
        name,
        comment: list === '' ? `Tieout: ${schema.entity}` : `Tieout: ${list} of ${schema.entity}`,
        columns: [...table.columns, ...(list === '' ? HEADER_COLUMNS : LIST_COLUMNS)],
        key: table.key,
        unique: true,
        cluster: clusterOf(table.columns, table.key, list !== ''),
      },
    }
  }
  return { fingerprint, header: part(''), lists: Object.keys(schema.lists ?? {}).map(part) }
}

async function rejectedIn(
  connection: Connection,
  part: Part,
  batch: WriteBatch,
  json: JsonType,
  context: WriteContext,
): Promise<readonly Rejection[]> {
  const rows = await part.stager.stage(batch, context, '-check')
  try {
    const sql = rejectedQuery(part.merge, rows.select, json)
    if (sql === '') return []
    const found = await connection.run(
      { sql, parameters: rows.parameters, what: `Check of the values for ${plainTable(part.name)}`, kind: 'read' },
      context,
    )
    return found.flatMap((row) => {
      const index = Number(row.n)
      const column = part.merge.columns[Number(String(row.field).slice(1))]
      if (!Number.isInteger(index) || !column) return []
      return [
        {
          index,
          field: column.name,
          code: 'databricks.22018',
          message: `${plainTable(part.name)} does not take the value of ${column.name}: it is no ${column.type}.`,
        },
      ]
    })
  } finally {
    rows.drop()
  }
}
