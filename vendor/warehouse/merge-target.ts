/** Typed tables, one for the header and one for each list, written by MERGE from staged rows. */
import { listTable, type Schema } from '../../sync/contract/message.ts'
import type { WriteBatch, WriteContext } from '../../sync/contract/target.ts'
import { type FindColumn, type SqlDialect, type TableName, tagsOf } from './dialect.ts'
import { mergeBatch, type Plan, rejectedOf, thenDrop } from './merge-batch.ts'
import type { Part, Staging } from './merging.ts'
import type { Shaped } from './shape.ts'
import { standingRecord } from './standing-record.ts'
import { storedKeys, storedLines } from './stored-keys.ts'
import { createTotals } from './stored-totals.ts'
import { addressOf, haveRows } from './tables.ts'
import { HEADER_COLUMNS, LIST_COLUMNS } from './technical-columns.ts'
import { atTable, type MergeTarget, preparedOf, type Warehouse } from './warehouse.ts'
import { wholeQuery, wholeTables } from './whole-tables.ts'

export interface MergeOptions<R> {
  /** Table of an entity or of a list. */
  readonly tableOf: (entity: string) => TableName
  readonly staging: (schema: Schema, parts: readonly Part[]) => Staging<R>
}

export function createMergeTarget<R>(warehouse: Warehouse, entity: string, options: MergeOptions<R>): MergeTarget {
  const { dialect } = warehouse
  const name = options.tableOf(entity)
  const storedTotals = createTotals(dialect)
  const plans = createPlans(warehouse, options)
  const stage = createStage(dialect, name, plans)

  return {
    ...atTable(warehouse, name),
    mode: 'merge',
    tables: (schema) =>
      plans.of(schema).parts.map(({ list, wanted }) => ({ list, address: addressOf(dialect, wanted.name) })),
    hasRows(tables, schema, context) {
      const asked = plans.of(schema).parts.filter(({ list }) => tables.some((one) => one.list === list))
      return haveRows(
        dialect,
        asked.map(({ wanted }) => wanted.name),
        context,
      )
    },
    async prepare(schema, context) {
      const { parts } = plans.of(schema)
      const shaped = await plans.shape(schema, context)
      const told = parts.map(({ list, wanted }, i) => ({ list, wanted, shaped: shaped[i] }))
      return preparedOf(warehouse, told, context)
    },

    stage,
    async write(batch, context) {
      if (batch.records.length === 0) return
      const staged = await stage(batch, context)
      await staged.write(context)
    },
    findRejected: async (batch, context) =>
      rejectedOf(dialect, await plans.ready(batch.schema, context), batch, context),

    keys: (schema, source, context) => storedKeys(dialect, name, schema, source, context),
    standing: (key, schema, most, context) =>
      standingRecord(dialect, plans.of(schema).parts, { key, schema, most }, context),
    lines: (schema, list, source, context) =>
      storedLines(dialect, options.tableOf(listTable(schema.entity, list)), schema, source, context),
    async whole(schema, source, context) {
      const { parts, found } = await plans.ready(schema, context)
      const tables = parts.map(({ list, wanted, key }, place) => ({
        list,
        name: wanted.name,
        source: key[0] as string,
        find: found?.[place] ?? asGiven,
      }))
      return wholeTables(warehouse, tables, wholeQuery(dialect, tables), source, context)
    },
    async totals(question, context) {
      const { parts, found } = await plans.ready(question.schema, context)
      const place = Math.max(
        0,
        parts.findIndex(({ list }) => list === question.list),
      )
      const { wanted, columns } = parts[place] as Part
      return storedTotals({ name: wanted.name, columns, find: found?.[place] ?? asGiven }, question, context)
    },
  }
}

type Plans<R> = ReturnType<typeof createPlans<R>>

/** What is compiled, for the schema that came last. */
function createPlans<R>({ dialect, shape: shapeTables }: Warehouse, options: MergeOptions<R>) {
  let plan: Plan<R> | undefined

  const of = (schema: Schema): Plan<R> => {
    const fingerprint = JSON.stringify(schema)
    if (plan?.fingerprint !== fingerprint) plan = compile(schema, fingerprint, options)
    return plan
  }
  const shape = async (schema: Schema, context: WriteContext): Promise<readonly Shaped[]> => {
    const current = of(schema)
    const wanted = current.parts.map((part) => part.wanted)
    const shaped = await shapeTables(wanted, context)
    current.found = shaped.map(({ find }) => find)
    current.statements = current.staging.statements(current.found)
    return shaped
  }
  /** The tables were looked at, where a statement needs what was found. */
  const ready = async (schema: Schema, context: WriteContext): Promise<Plan<R>> => {
    const current = of(schema)
    if (current.found === undefined && !dialect.anyCase) await shape(schema, context)
    return current
  }
  return { of, shape, ready }
}

function createStage<R>(dialect: SqlDialect, name: TableName, plans: Plans<R>): MergeTarget['stage'] {
  const write = async (batch: WriteBatch, rows: R, context: WriteContext): Promise<void> => {
    const plan = await plans.ready(batch.schema, context)
    await dialect.session(
      `Batch for ${dialect.plain(name)}`,
      tagsOf(batch),
      async (work) => {
        await plan.staging.load?.(work, rows)
        await mergeBatch(dialect, work, plan, batch, rows)
      },
      context,
    )
  }
  return async (batch, context) => {
    const { staging } = plans.of(batch.schema)
    const rows = await staging.stage(batch, '', context)
    return {
      write: (own) => thenDrop(staging, rows, write(batch, rows, own)),
      drop: () => staging.drop(rows),
    }
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
