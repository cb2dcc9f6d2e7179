/** Typed tables, one for the header and one for each list, written by MERGE from staged rows. */
import { listTable, type Schema } from '../../sync/contract/message.ts'
import type { Prepared, StagedBatch, WriteBatch, WriteContext } from '../../sync/contract/target.ts'
import { type FindColumn, type TableName, tagsOf } from './dialect.ts'
import { mergeBatch, type Plan, rejectedOf, thenDrop } from './merge-batch.ts'
import type { Part, Staging } from './merging.ts'
import { storedKeys } from './stored-keys.ts'
import { createTotals } from './stored-totals.ts'
import { addressOf, filledTables, haveRows } from './tables.ts'
import { findTables, HEADER_COLUMNS, LIST_COLUMNS } from './technical-columns.ts'
import type { MergeTarget, Warehouse } from './warehouse.ts'

export interface MergeOptions<R> {
  /** Table of an entity or of a list. */
  readonly tableOf: (entity: string) => TableName
  readonly staging: (schema: Schema, parts: readonly Part[]) => Staging<R>
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
