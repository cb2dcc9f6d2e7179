/** Tables in the target: how they are made, with comments and informational keys, and what the catalog says of them. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { Column } from '../../../sync/contract/message.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import type { FoundColumn, SqlDialect, TableName, WantedTable } from '../../../vendor/warehouse/dialect.ts'
import type { StoredRow } from '../../../vendor/warehouse/technical-columns.ts'
import { collationOf } from './collation.ts'
import { type JsonType, literal, plainTable, quote, quoteTable, sqlType } from './sql.ts'

/** Characters that Delta takes in a column name only with column mapping (DELTA_INVALID_CHARACTERS_IN_COLUMN_NAME). */
const NEEDS_MAPPING = /[ ,;{}()\n\t=]/

/** CREATE TABLE as Unity Catalog takes it: liquid clustering, comments, an informational key. `collate` stands behind STRING. */
export function createTable(table: WantedTable, json: JsonType, collate: string): string {
  const columns = table.columns.map((column) => {
    const required = table.key.includes(column.name) ? ' NOT NULL' : ''
    return `${typed(column, json, collate)}${required}${comment(column)}`
  })
  const primary = table.kind !== 'versions' ? [`PRIMARY KEY (${table.key.map(quote).join(', ')})`] : []
  const mapping = table.columns.some(({ name }) => NEEDS_MAPPING.test(name))
    ? ", 'delta.columnMapping.mode' = 'name'"
    : ''
  return [
    `CREATE TABLE IF NOT EXISTS ${quoteTable(table.name)} (${[...columns, ...primary].join(', ')})`,
    'USING DELTA',
    `CLUSTER BY (${clusterOf(table).map(quote).join(', ')})`,
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

/**
 * Lets a table have columns whose names Delta takes only with column mapping, which cannot be taken back and which old readers
 * do not know: a table that Tieout made gets it, for one of others whoever owns it decides (docs.databricks.com, column mapping).
 */
export async function allowNames(
  run: SqlDialect['run'],
  table: TableName,
  columns: readonly Column[],
  context: WriteContext,
): Promise<void> {
  const odd = columns.find(({ name }) => NEEDS_MAPPING.test(name))
  if (odd === undefined) return
  const what = `Properties of ${plainTable(table)}`
  const [detail] = await run({ sql: `DESCRIBE DETAIL ${quoteTable(table)}`, what, kind: 'read' }, context)
  const properties = String(detail?.properties ?? '')
  if (/columnMapping\.mode"\s*:\s*"(name|id)"/.test(properties)) return
  const sql = `ALTER TABLE ${quoteTable(table)} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')`
  if (!/"tieout\.created"/.test(properties))
    throw syncError(
      'config',
      'databricks.column-name',
      `The column "${odd.name}" cannot be added to ${plainTable(table)}: Delta takes such a name only with column mapping, and the table is none of Tieout's.`,
      { field: odd.name, hint: `Name the column otherwise in the mapping, or have the owner run: ${sql}` },
    )
  await run({ sql, what, kind: 'write' }, context)
}

/** A GL fact is asked by account and date; everything else is found by its key. Liquid clustering takes four columns. */
export function clusterOf({ kind, columns, key }: Pick<WantedTable, 'kind' | 'columns' | 'key'>): readonly string[] {
  const fact = ['account', 'accounting_date'].filter((name) => columns.some((column) => column.name === name))
  if (kind === 'list' && fact.length === 2) return fact
  return key.slice(0, kind === 'marks' ? 2 : 4)
}

/** Columns of the tables that there are, from the catalog's information schema; one question for each schema. */
export async function readColumns(
  run: SqlDialect['run'],
  tables: readonly TableName[],
  context: WriteContext,
): Promise<readonly (readonly FoundColumn[] | undefined)[]> {
  const found = new Map<string, FoundColumn[]>()
  for (const group of groupBySchema(tables)) {
    const [first] = group
    if (!first) continue
    const names = group.map(({ table }, i) => [`t${i}`, table] as const)
    const rows = await run(
      {
        sql: `SELECT c.table_name AS table_name, c.column_name AS column_name, c.full_data_type AS data_type FROM ${quote(first.catalog)}.information_schema.columns AS c WHERE c.table_schema = :schema AND c.table_name IN (${group.map((_, i) => `:t${i}`).join(', ')}) ORDER BY c.table_name, c.ordinal_position`,
        values: [['schema', first.schema], ...names],
        what: `Columns of ${group.map(plainTable).join(', ')}`,
        kind: 'read',
      },
      context,
    )
    for (const row of rows) {
      const table = plainTable({ ...first, table: String(row.table_name).toLowerCase() })
      found.set(table, [...(found.get(table) ?? []), toColumn(row)])
    }
  }
  return tables.map((table) => found.get(plainTable(table)))
}

function toColumn({ column_name, data_type }: StoredRow): FoundColumn {
  const declared = String(data_type)
  const [, kind = '', precision = '38', scale = '0'] =
    /^(\w+)(?:\((\d+),\s*(\d+)\))?/.exec(declared.toLowerCase()) ?? []
  const collation = collationOf(declared)
  const type = { kind, precision: Number(precision), scale: Number(scale), length: Number.MAX_SAFE_INTEGER, collation }
  return { name: String(column_name), declared, type, nullable: true, comment: '' }
}

function groupBySchema(tables: readonly TableName[]): readonly TableName[][] {
  const groups = new Map<string, TableName[]>()
  for (const table of tables) {
    const key = JSON.stringify([table.catalog, table.schema])
    groups.set(key, [...(groups.get(key) ?? []), table])
  }
  return [...groups.values()]
}
