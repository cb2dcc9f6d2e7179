/** Tables in the target: created with comments and informational keys, extended, checked, never narrowed. */
import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import type { Column } from '../../../sync/contract/message.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import {
  filledQuery,
  MARK_COLUMNS,
  MARK_KEY,
  MARK_TABLE,
  planColumns,
} from '../../../vendor/warehouse/technical-columns.ts'
import { checkCollations, runMaking } from './collation.ts'
import type { Connection, ResultRow } from './connection.ts'
import { isMissing } from './errors.ts'
import { holds, type JsonType, literal, plainTable, quote, quoteTable, sqlType, type TableName } from './sql.ts'

/** A table as it should be. */
export interface WantedTable {
  readonly name: TableName
  readonly comment: string
  readonly columns: readonly Column[]
  /** Not null; the informational primary key where `unique`. */
  readonly key: readonly string[]
  readonly unique: boolean
  readonly cluster: readonly string[]
}

export interface FoundColumn {
  readonly table: string
  readonly name: string
  /** As the table declares it: `decimal(18,2)`. */
  readonly type: string
}

/** Characters that Delta takes in a column name only with column mapping (DELTA_INVALID_CHARACTERS_IN_COLUMN_NAME). */
const NEEDS_MAPPING = /[ ,;{}()\n\t=]/

/** CREATE TABLE as Unity Catalog takes it: liquid clustering, comments, an informational key. `collate` stands behind STRING. */
export function createTable(table: WantedTable, json: JsonType, collate: string): string {
  const columns = table.columns.map((column) => {
    const required = table.key.includes(column.name) ? ' NOT NULL' : ''
    return `${typed(column, json, collate)}${required}${comment(column)}`
  })
  const primary = table.unique ? [`PRIMARY KEY (${table.key.map(quote).join(', ')})`] : []
  const mapping = table.columns.some(({ name }) => NEEDS_MAPPING.test(name))
    ? ", 'delta.columnMapping.mode' = 'name'"
    : ''
  return [
    `CREATE TABLE IF NOT EXISTS ${quoteTable(table.name)} (${[...columns, ...primary].join(', ')})`,
    'USING DELTA',
    `CLUSTER BY (${table.cluster.map(quote).join(', ')})`,
    `COMMENT ${literal(table.comment)}`,
    `TBLPROPERTIES ('tieout.created' = 'true'${mapping})`,
  ].join('\n')
}

function typed({ name, type }: Column, json: JsonType, collate: string): string {
  const declared = sqlType(type, json)
  return `${quote(name)} ${declared}${declared === 'STRING' ? collate : ''}`
}

const comment = (column: Column): string => (column.description ? ` COMMENT ${literal(column.description)}` : '')

export const addColumns = (name: TableName, columns: readonly Column[], json: JsonType, collate: string): string =>
  `ALTER TABLE ${quoteTable(name)} ADD COLUMNS (${columns.map((column) => `${typed(column, json, collate)}${comment(column)}`).join(', ')})`

/** A GL fact is asked by account and date; everything else is found by its key. Liquid clustering takes four columns. */
export function clusterOf(columns: readonly Column[], key: readonly string[], isList: boolean): readonly string[] {
  const fact = ['account', 'accounting_date'].filter((name) => columns.some((column) => column.name === name))
  return isList && fact.length === 2 ? fact : key.slice(0, 4)
}

/** Columns of the tables that there are, from the catalog's information schema. */
export async function readColumns(
  connection: Connection,
  tables: readonly TableName[],
  context: WriteContext,
): Promise<readonly FoundColumn[]> {
  const found: FoundColumn[] = []
  for (const group of groupBySchema(tables)) {
    const [first] = group
    if (!first) continue
    const parameters = Object.fromEntries(group.map(({ table }, i) => [`t${i}`, table]))
    const rows = await connection.run(
      {
        sql: `SELECT c.table_name AS table_name, c.column_name AS column_name, c.full_data_type AS data_type FROM ${quote(first.catalog)}.information_schema.columns AS c WHERE c.table_schema = :schema AND c.table_name IN (${group.map((_, i) => `:t${i}`).join(', ')}) ORDER BY c.table_name, c.ordinal_position`,
        parameters: { schema: first.schema, ...parameters },
        what: `Columns of ${group.map(plainTable).join(', ')}`,
        kind: 'read',
      },
      context,
    )
    found.push(...rows.map((row) => toColumn(row, first)))
  }
  return found
}

const toColumn = (row: ResultRow, { catalog, schema }: TableName): FoundColumn => ({
  table: `${catalog}.${schema}.${String(row.table_name).toLowerCase()}`,
  name: String(row.column_name),
  type: String(row.data_type),
})

function groupBySchema(tables: readonly TableName[]): readonly TableName[][] {
  const groups = new Map<string, TableName[]>()
  for (const table of tables) {
    const key = JSON.stringify([table.catalog, table.schema])
    groups.set(key, [...(groups.get(key) ?? []), table])
  }
  return [...groups.values()]
}

/** What was done to bring the tables into shape. */
export interface Shaped {
  readonly created: readonly string[]
  readonly notices: readonly string[]
}

/**
 * Creates the tables that are missing, adds the columns that are missing, and refuses a column that could not hold
 * every value, naming it with both types.
 */
export async function shapeTables(
  connection: Connection,
  wanted: readonly WantedTable[],
  json: JsonType,
  context: WriteContext,
): Promise<Shaped> {
  const names = wanted.map(({ name }) => name)
  const marks = names.slice(0, 1).map((name) => ({ ...name, table: MARK_TABLE }))
  const found = await readColumns(connection, [...names, ...marks], context)
  for (const name of marks) {
    const columns = found.filter(({ table }) => table === plainTable(name))
    checkCollations({ name, columns: MARK_COLUMNS, key: MARK_KEY }, columns)
  }
  /** What was made is what counts: a default collation holds where the warehouse did not take ours. */
  const readBack = async (table: WantedTable): Promise<readonly string[]> =>
    checkCollations(table, await readColumns(connection, [table.name], context))
  const shape = async (table: WantedTable): Promise<Shaped> => {
    const name = plainTable(table.name)
    const columns = found.filter((column) => column.table === name)
    if (columns.length === 0) {
      await create(connection.run, table, json, context)
      return { created: [name], notices: [`Created ${name}.`, ...(await readBack(table))] }
    }
    const collated = checkCollations(table, columns)
    const missing = checkColumns(table, columns)
    if (missing.length === 0) return { created: [], notices: collated }
    await extend(connection, table, missing, json, context)
    const names = missing.map((column) => column.name).join(', ')
    return { created: [], notices: [`Added to ${name}: ${names}.`, ...(await readBack(table))] }
  }
  // Side by side; all have ended before the first error goes on.
  const done = await Promise.allSettled(wanted.map(shape))
  const shaped = done.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
  return {
    created: shaped.flatMap(({ created }) => created),
    notices: shaped.flatMap(({ notices }) => notices),
  }
}

/** Creates a table that is not there. */
export const create = (
  run: Connection['run'],
  table: WantedTable,
  json: JsonType,
  context: WriteContext,
): Promise<void> =>
  runMaking(
    run,
    { sql: (collate) => createTable(table, json, collate), what: `CREATE TABLE ${plainTable(table.name)}` },
    context,
  )

/** The columns to add; a `config` error for the first that is too narrow. */
export function checkColumns(table: WantedTable, columns: readonly FoundColumn[]): readonly Column[] {
  const byName = new Map(columns.map((column) => [column.name.toLowerCase(), column]))
  const { missing, narrow } = planColumns(
    table.columns,
    (column) => byName.get(column.toLowerCase()),
    ({ type }, column) => holds(type, column.type),
  )
  if (!narrow) return missing
  const { column, found } = narrow
  const name = plainTable(table.name)
  const type = sqlType(column.type, 'string')
  throw syncError(
    'config',
    'databricks.narrow',
    `Column ${column.name} of ${name} is ${found.type}, which cannot hold every ${column.type} that is sent.`,
    {
      field: column.name,
      hint: `Widen it in Databricks (ALTER TABLE ${name} ALTER COLUMN ${quote(column.name)} TYPE ${type}, or add it anew as ${type}), or round or retype it in the mapping. It is never narrowed or rounded by itself.`,
    },
  )
}

/** Another writer may add the same columns at the same moment, or an attempt whose answer was lost. */
async function extend(
  connection: Connection,
  table: WantedTable,
  missing: readonly Column[],
  json: JsonType,
  context: WriteContext,
): Promise<void> {
  try {
    await runMaking(
      connection.run,
      {
        sql: (collate) => addColumns(table.name, missing, json, collate),
        what: `ALTER TABLE ${plainTable(table.name)} ADD COLUMNS`,
      },
      context,
    )
  } catch (error) {
    if (!isSyncError(error) || context.signal.aborted) throw error
    const now = await readColumns(connection, [table.name], context)
    if (checkColumns(table, now).length > 0) throw error
  }
}

/** Which of the tables have a row, by their places; one statement. */
export async function filledTables(
  connection: Connection,
  names: readonly TableName[],
  context: WriteContext,
): Promise<ReadonlySet<number>> {
  const rows = await connection.run(
    {
      sql: filledQuery(names.map(quoteTable), 'place'),
      what: `First row of ${names.map(plainTable).join(', ')}`,
      kind: 'read',
    },
    context,
  )
  return new Set(rows.map((row) => Number(row.place)))
}

/** What tells a table from all others. */
export const addressOf = (connection: Pick<Connection, 'address'>, table: TableName): string =>
  `${connection.address}/${plainTable(table)}`

/** Whether one of them has a row. */
export async function haveRows(
  connection: Connection,
  tables: readonly TableName[],
  context: WriteContext,
): Promise<boolean> {
  // One that is not there would hide the others.
  for (const table of tables)
    try {
      if ((await filledTables(connection, [table], context)).size > 0) return true
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  return false
}
