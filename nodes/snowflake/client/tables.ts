/** Tables in the target: how they are made, with comments and informational keys, and what is read back of them. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { Column } from '../../../sync/contract/message.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { filledQuery } from '../../../vendor/warehouse/technical-columns.ts'
import type { Connection } from './connection.ts'
import { type FoundType, foundType, literal, plainTable, quote, quoteTable, sqlType, type TableName } from './sql.ts'

/** A table as it should be. */
export interface WantedTable {
  readonly name: TableName
  readonly comment: string
  readonly columns: readonly Column[]
  /** Not null; the informational primary key where `unique`. */
  readonly key: readonly string[]
  readonly unique: boolean
}

/** A column as the table has it. */
export interface StoredColumn {
  /** Exactly, to be quoted. */
  readonly name: string
  /** As the table declares it: `NUMBER(18,2)`. */
  readonly declared: string
  readonly type: FoundType
  readonly nullable: boolean
  readonly comment: string
}

/** Finds a column of a table by the name that it has here; undefined where there is none. */
export type FindColumn = (name: string) => StoredColumn | undefined

/** How Tieout names the columns that it makes: found by SQL without quotes. */
const newName = (name: string): string => name.toUpperCase()

export function createTable(table: WantedTable): string {
  const columns = table.columns.map(
    (column) => `${definition(column, table.key.includes(column.name) ? ' NOT NULL' : '')}`,
  )
  return `CREATE TABLE IF NOT EXISTS ${quoteTable(table.name)} (${[...columns, ...primaryKey(table)].join(', ')}) COMMENT = ${literal(table.comment)}`
}

/** What the comment of every table that Tieout makes begins with. */
export const OURS = 'Tieout: '

export const primaryKey = ({ unique, key }: WantedTable): readonly string[] =>
  unique ? [`PRIMARY KEY (${key.map((name) => quote(newName(name))).join(', ')})`] : []

/** Texts compare by their bytes, as the ledger compares them, whatever DEFAULT_DDL_COLLATION says. */
const definition = ({ name, type, description }: Column, more = ''): string =>
  `${quote(newName(name))} ${sqlType(type)}${type === 'string' ? " COLLATE ''" : ''}${more}${description ? ` COMMENT ${literal(description)}` : ''}`

export const addColumns = (name: TableName, columns: readonly Column[]): string =>
  `ALTER TABLE ${quoteTable(name)} ADD COLUMN ${columns.map((column) => `IF NOT EXISTS ${definition(column)}`).join(', ')}`

/** Columns of a table; undefined where there is none, or the role may not see it. Needs no running warehouse. */
export async function describe(
  connection: Connection,
  name: TableName,
  context: WriteContext,
): Promise<readonly StoredColumn[] | undefined> {
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

/** Missing and forbidden are one answer (002003). */
export const isMissing = (error: unknown): boolean => isSyncError(error) && error.code === 'snowflake.002003'

/** Upper case first, as SQL without quotes means it; then exactly; then alone in another case. */
export function findColumn(columns: readonly StoredColumn[]): FindColumn {
  const exact = new Map(columns.map((column) => [column.name, column]))
  return (name) => {
    const alike = exact.get(newName(name)) ?? exact.get(name)
    if (alike) return alike
    const others = columns.filter((column) => column.name.toLowerCase() === name.toLowerCase())
    return others.length === 1 ? others[0] : undefined
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
      sql: filledQuery(names.map(quoteTable), '"place"'),
      what: `First row of ${names.map(plainTable).join(', ')}`,
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
