import { DuckDBInstance } from '@duckdb/node-api'
import { run, type Work } from '../sql/engine.ts'
import { literal } from '../sql/reader.ts'
import { type TableName, tableNotFound } from './errors.ts'
import { LAKE, OWN } from './sql/cursor.ts'
import { MACROS } from './sql/types.ts'

/** A table's column as the catalogue knows it. */
export interface ColumnInfo {
  name: string
  type: string
  nullable: boolean
  comment: string | null
}

const own = (table: string) => `${LAKE}.${OWN}.${table}`

const TABLES = [
  `CREATE SCHEMA IF NOT EXISTS ${LAKE}.${OWN}`,
  `CREATE TABLE IF NOT EXISTS ${own('schemas')} (name VARCHAR, comment VARCHAR)`,
  `CREATE TABLE IF NOT EXISTS ${own('volumes')} (schema VARCHAR, name VARCHAR, comment VARCHAR)`,
  `CREATE TABLE IF NOT EXISTS ${own('tables')} (schema VARCHAR, name VARCHAR, comment VARCHAR, cluster_by VARCHAR[], primary_key VARCHAR[], properties VARCHAR, id VARCHAR, created TIMESTAMPTZ)`,
  `CREATE TABLE IF NOT EXISTS ${own('columns')} (schema VARCHAR, table_name VARCHAR, position INTEGER, name VARCHAR, type VARCHAR, nullable BOOLEAN, comment VARCHAR)`,
  `CREATE TABLE IF NOT EXISTS ${own('copied')} (schema VARCHAR, table_name VARCHAR, path VARCHAR)`,
  // not there in a file of an earlier version
  ...['schemas', 'tables'].map((name) => `ALTER TABLE ${own(name)} ADD COLUMN IF NOT EXISTS compares_by VARCHAR`),
]

/** The views behind `information_schema`, with the columns that Databricks documents and that say something here. */
function informationViews(catalog: string): string[] {
  const here = literal(catalog)
  const type = `upper(regexp_replace(type, '( collate |[(<]).*', ''))`
  const digits = (group: number) =>
    `CASE WHEN type LIKE 'decimal%' THEN CAST(regexp_extract(type, '(\\d+),(\\d+)', ${group}) AS INTEGER) END`
  return [
    'CREATE SCHEMA info',
    `CREATE VIEW info.catalogs AS SELECT unnest([${here}, 'system']) AS catalog_name`,
    `CREATE VIEW info.schemata AS SELECT ${here} AS catalog_name, name AS schema_name, 'sandbox' AS schema_owner, comment FROM ${own('schemas')} UNION ALL SELECT ${here}, 'information_schema', 'System user', NULL`,
    `CREATE VIEW info.tables AS SELECT ${here} AS table_catalog, schema AS table_schema, name AS table_name, 'MANAGED' AS table_type, 'sandbox' AS table_owner, comment, created, 'DELTA' AS data_source_format FROM ${own('tables')}`,
    `CREATE VIEW info.volumes AS SELECT ${here} AS volume_catalog, schema AS volume_schema, name AS volume_name, 'MANAGED' AS volume_type, comment FROM ${own('volumes')}`,
    `CREATE VIEW info.columns AS SELECT ${here} AS table_catalog, schema AS table_schema, table_name, name AS column_name, position AS ordinal_position, CASE WHEN nullable THEN 'YES' ELSE 'NO' END AS is_nullable, type AS full_data_type, ${type} AS data_type, ${digits(1)} AS numeric_precision, ${digits(2)} AS numeric_scale, comment FROM ${own('columns')}`,
  ]
}

export const INFORMATION_VIEWS = new Set(['catalogs', 'schemata', 'tables', 'volumes', 'columns'])

/** Opens the database: in memory, or in `file`, where everything but the sessions stays. */
export async function openStore(file: string | undefined, catalog: string): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const setup = [
    `SET GLOBAL TimeZone = 'UTC'`,
    // In memory there is nothing to write back; a checkpoint would only stall a statement.
    ...(file ? [] : [`SET GLOBAL checkpoint_threshold = '64GB'`]),
    `ATTACH ${literal(file ?? ':memory:')} AS ${LAKE}`,
    ...MACROS,
    ...TABLES,
    ...informationViews(catalog),
  ]
  for (const sql of setup) await connection.run(sql)
  connection.closeSync()
  return instance
}

/**
 * Runs `action` in a transaction: everything is there afterwards, or nothing. `guard` commits the result, or refuses to.
 * A statement that was stopped is not committed, however far it came.
 */
export async function atomically<T>(
  work: Work,
  action: () => Promise<T>,
  guard: (result: T, commit: () => Promise<void>) => Promise<void> = (_, commit) => commit(),
): Promise<T> {
  await work.connection.run('BEGIN TRANSACTION')
  try {
    const result = await action()
    await guard(result, async () => void (await run(work, 'COMMIT')))
    return result
  } catch (error) {
    // After a failed COMMIT there is no transaction left to roll back.
    await work.connection.run('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function strings(work: Work, sql: string): Promise<string[]> {
  const reader = await run(work, sql)
  return reader.getRowsJson().map(([value]) => String(value))
}

export async function hasSchema(work: Work, schema: string): Promise<boolean> {
  if (schema === 'information_schema') return true
  return (await strings(work, `SELECT name FROM ${own('schemas')} WHERE name = ${literal(schema)}`)).length > 0
}

const at = ({ schema, name }: TableName) => `schema = ${literal(schema)} AND name = ${literal(name)}`

export async function hasTable(work: Work, table: TableName): Promise<boolean> {
  if (table.schema === 'information_schema') return INFORMATION_VIEWS.has(table.name)
  return (await strings(work, `SELECT name FROM ${own('tables')} WHERE ${at(table)}`)).length > 0
}

export async function hasVolume(work: Work, volume: TableName): Promise<boolean> {
  return (await strings(work, `SELECT name FROM ${own('volumes')} WHERE ${at(volume)}`)).length > 0
}

/** The columns in order; TABLE_OR_VIEW_NOT_FOUND where there is no such table. */
export async function columnsOf(work: Work, table: TableName): Promise<ColumnInfo[]> {
  const reader = await run(
    work,
    `SELECT name, type, nullable, comment FROM ${own('columns')} WHERE schema = ${literal(table.schema)} AND table_name = ${literal(table.name)} ORDER BY position`,
  )
  const rows = reader.getRowsJson()
  if (rows.length === 0) throw tableNotFound(table)
  return rows.map(([name, type, nullable, comment]) => ({
    name: String(name),
    type: String(type),
    nullable: nullable === true,
    comment: comment === null ? null : String(comment),
  }))
}

/** Files of which COPY INTO has already loaded the rows into the table. */
export async function copiedInto(work: Work, table: TableName): Promise<Set<string>> {
  const where = `schema = ${literal(table.schema)} AND table_name = ${literal(table.name)}`
  return new Set(await strings(work, `SELECT path FROM ${own('copied')} WHERE ${where}`))
}

export async function rememberCopied(work: Work, table: TableName, paths: readonly string[]): Promise<void> {
  const rows = paths.map((path) => `(${[table.schema, table.name, path].map(literal).join(', ')})`)
  await run(work, `INSERT INTO ${own('copied')} VALUES ${rows.join(', ')}`)
}
