/** Tables in the target: how they are made, with comments and informational keys, and what is read back of them. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { Column } from '../../../sync/contract/message.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import type { FoundColumn, TableName, WantedTable } from '../../../vendor/warehouse/dialect.ts'
import type { Connection } from './connection.ts'
import { foundType, literal, plainTable, quote, quoteTable, sqlType } from './sql.ts'

/** How Tieout names the columns that it makes: found by SQL without quotes. */
export const newName = (name: string): string => name.toUpperCase()

export function createTable(table: WantedTable): string {
  const columns = table.columns.map(
    (column) => `${definition(column)}${table.key.includes(column.name) ? ' NOT NULL' : ''}${comment(column)}`,
  )
  return `CREATE TABLE IF NOT EXISTS ${quoteTable(table.name)} (${[...columns, ...primaryKey(table)].join(', ')}) COMMENT = ${literal(table.comment)}`
}

/** What the comment of every table that Tieout makes begins with. */
export const OURS = 'Tieout: '

export const primaryKey = ({ kind, key }: WantedTable): readonly string[] =>
  kind !== 'versions' ? [`PRIMARY KEY (${key.map((name) => quote(newName(name))).join(', ')})`] : []

/** Texts compare by their bytes, as the ledger compares them, whatever DEFAULT_DDL_COLLATION says. */
const definition = ({ name, type }: Column): string =>
  `${quote(newName(name))} ${sqlType(type)}${type === 'string' ? " COLLATE ''" : ''}`

const comment = ({ description }: Column): string => (description ? ` COMMENT ${literal(description)}` : '')

/** One for each column, its comment apart: no published grammar has several with IF NOT EXISTS, nor a comment behind it. */
export const addColumns = (name: TableName, columns: readonly Column[]): readonly string[] =>
  columns.flatMap((column) => [
    `ALTER TABLE ${quoteTable(name)} ADD COLUMN ${definition(column)}`,
    ...(column.description
      ? [`COMMENT ON COLUMN ${quoteTable(name)}.${quote(newName(column.name))} IS ${literal(column.description)}`]
      : []),
  ])

/** Columns of a table; undefined where there is none, or the role may not see it. Needs no running warehouse. */
export async function describe(
  connection: Connection,
  name: TableName,
  context: WriteContext,
): Promise<readonly FoundColumn[] | undefined> {
  try {
    const rows = await connection.run(
      { sql: `DESCRIBE TABLE ${quoteTable(name)}`, what: `Columns of ${plainTable(name)}` },
      context,
    )
    return rows.map((row) => ({
      name: String(row.name),
      declared: String(row.type),
      type: foundType(String(row.type)),
      nullable: String(row['null?']).toUpperCase() !== 'N',
      comment: String(row.comment ?? ''),
    }))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** The column that is added is there: another writer was first, or an attempt whose answer was lost. */
export const isThere = (error: unknown): boolean => isSyncError(error) && error.code === 'snowflake.001430'

/** Missing and forbidden are one answer (002003). */
export const isMissing = (error: unknown): boolean => isSyncError(error) && error.code === 'snowflake.002003'
