/**
 * The ledger compares keys by their characters. A column with a collation may take two of them for one (`abc` and `ABC`), and
 * then one record overwrites the other; Snowflake cannot change the collation of a column that is there.
 */
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import type { FoundColumn, TableName, WantedTable } from '../../../vendor/warehouse/dialect.ts'
import type { Connection } from './connection.ts'
import { literal, noDefault, plainTable, quote, quoteTable, typed } from './sql.ts'
import { OURS, primaryKey } from './tables.ts'

/** The error for a table whose key columns have a collation: how it is made anew, if Tieout made it. */
export async function collated(
  connection: Connection,
  table: WantedTable,
  columns: readonly FoundColumn[],
  column: FoundColumn,
  context: WriteContext,
): Promise<SyncError> {
  const isOurs = await hasOurComment(connection, table.name, context)
  return isOurs ? madeWithCollation(table, columns, column) : foreignCollation(table.name, column)
}

async function hasOurComment(connection: Connection, name: TableName, context: WriteContext): Promise<boolean> {
  const place = [name.catalog, name.schema].map(quote).join('.')
  const sql = `SHOW TABLES LIKE ${literal(name.table)} IN SCHEMA ${place}`
  const rows = await connection.run({ sql, what: `Comment of ${plainTable(name)}` }, context)
  return rows.some((row) => row.name === name.table && String(row.comment).startsWith(OURS))
}

const says = (name: TableName, { name: column, type }: FoundColumn): string =>
  `Key column ${typed(column)} of ${plainTable(name)} has the collation '${type.collation}', by which keys that differ only in case, accents or the like are one row.`

const foreignCollation = (name: TableName, column: FoundColumn): SyncError =>
  syncError(
    'config',
    'snowflake.collation',
    `${says(name, column)} Nothing is written into it. The table was not made by Tieout: have the column made anew with COLLATE '', or choose another table.`,
    { field: column.name, hint: "Have the column made anew with COLLATE '', or choose another table." },
  )

const madeWithCollation = (table: WantedTable, columns: readonly FoundColumn[], column: FoundColumn): SyncError =>
  syncError(
    'config',
    'snowflake.collation',
    `${says(table.name, column)} It came from DEFAULT_DDL_COLLATION of the account, database or schema (should it come back: ${noDefault(table.name)}). Nothing is written until the table was made anew, with its rows and grants: ${makeAnew(table, columns).join(' ')} Then send {full: true} once, for the records that were one row.`,
    { field: column.name, hint: 'Run the statements of the message, then a full refresh of the entity.' },
  )

/** The statements that make a table anew without collations; the old one stays beside it until somebody drops it. */
export function makeAnew(table: WantedTable, columns: readonly FoundColumn[]): readonly string[] {
  const name = quoteTable(table.name)
  const kept = quoteTable({ ...table.name, table: `${table.name.table}_COLLATED` })
  const names = columns.map((column) => quote(column.name)).join(', ')
  const definitions = columns.map(({ name: column, declared, type, nullable, comment }) =>
    [
      quote(column),
      declared.replace(/\s+COLLATE\s+'[^']*'/i, ''),
      ...(type.kind === 'VARCHAR' ? ["COLLATE ''"] : []),
      ...(nullable ? [] : ['NOT NULL']),
      ...(comment ? [`COMMENT ${literal(comment)}`] : []),
    ].join(' '),
  )
  return [
    `CREATE TABLE ${kept} CLONE ${name};`,
    `CREATE OR REPLACE TABLE ${name} (${[...definitions, ...primaryKey(table)].join(', ')}) COPY GRANTS COMMENT = ${literal(table.comment)};`,
    `INSERT INTO ${name} (${names}) SELECT ${names} FROM ${kept};`,
  ]
}
