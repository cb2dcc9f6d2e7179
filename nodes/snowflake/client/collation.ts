/**
 * The ledger compares keys by their characters. A column with a collation may take two of them for one (`abc` and `ABC`), and
 * then one record overwrites the other; Snowflake cannot change the collation of a column that is there.
 */
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import type { Connection } from './connection.ts'
import { literal, noDefault, plainTable, quote, quoteTable, type TableName, typed } from './sql.ts'
import { findColumn, OURS, primaryKey, type StoredColumn, type WantedTable } from './tables.ts'

/** Throws where a key column has a collation; gives a notice of other text columns that have one. */
export async function checkCollations(
  connection: Connection,
  table: WantedTable,
  columns: readonly StoredColumn[],
  context: WriteContext,
): Promise<readonly string[]> {
  const find = findColumn(columns)
  const collated = (names: readonly string[]): readonly StoredColumn[] =>
    names.flatMap((name) => find(name) ?? []).filter(({ type }) => type.collation !== '')
  const [bad] = collated(table.key)
  if (bad) {
    const isOurs = await hasOurComment(connection, table.name, context)
    throw isOurs ? madeWithCollation(table, columns, bad) : foreignCollation(table.name, bad)
  }
  const others = collated(table.columns.map(({ name }) => name))
  if (others.length === 0) return []
  const list = others.map(({ name, type }) => `${typed(name)} (${type.collation})`).join(', ')
  return [
    `Columns of ${plainTable(table.name)} with a collation: ${list}. Their values are kept as they are, but whoever compares or groups by them takes different texts for one.`,
  ]
}

async function hasOurComment(connection: Connection, name: TableName, context: WriteContext): Promise<boolean> {
  const place = [name.database, name.schema].map(quote).join('.')
  const sql = `SHOW TABLES LIKE ${literal(name.table)} IN SCHEMA ${place}`
  const rows = await connection.run({ sql, what: `Comment of ${plainTable(name)}` }, context)
  return rows.some((row) => row.name === name.table && String(row.comment).startsWith(OURS))
}

const says = (name: TableName, { name: column, type }: StoredColumn): string =>
  `Key column ${typed(column)} of ${plainTable(name)} has the collation '${type.collation}', by which keys that differ only in case, accents or the like are one row.`

const foreignCollation = (name: TableName, column: StoredColumn): SyncError =>
  syncError(
    'config',
    'snowflake.collation',
    `${says(name, column)} Nothing is written into it. The table was not made by Tieout: have the column made anew with COLLATE '', or choose another table.`,
    { field: column.name, hint: "Have the column made anew with COLLATE '', or choose another table." },
  )

const madeWithCollation = (table: WantedTable, columns: readonly StoredColumn[], column: StoredColumn): SyncError =>
  syncError(
    'config',
    'snowflake.collation',
    `${says(table.name, column)} It came from DEFAULT_DDL_COLLATION of the account, database or schema (should it come back: ${noDefault(table.name)}). Nothing is written until the table was made anew, with its rows and grants: ${makeAnew(table, columns).join(' ')} Then send {full: true} once, for the records that were one row.`,
    { field: column.name, hint: 'Run the statements of the message, then a full refresh of the entity.' },
  )

/** The statements that make a table anew without collations; the old one stays beside it until somebody drops it. */
export function makeAnew(table: WantedTable, columns: readonly StoredColumn[]): readonly string[] {
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
