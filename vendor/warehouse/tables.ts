/** Tables of a warehouse: their names in statements, their columns, whether they have a row. */
import type { WriteContext } from '../../sync/contract/target.ts'
import type { DialectText, FindColumn, FoundColumn, SqlDialect, TableName, WantedTable } from './dialect.ts'
import { filledQuery, MARK_COLUMNS, MARK_COMMENT, MARK_KEY, MARK_TABLE } from './technical-columns.ts'

/** A table as it stands in a statement. */
export const quoteTable = ({ quote }: Pick<DialectText, 'quote'>, { catalog, schema, table }: TableName): string =>
  [catalog, schema, table].map(quote).join('.')

/** A column as it stands in a statement: by its stored name where that counts. */
export const quoteColumn = (
  { quote, newName, anyCase }: Pick<DialectText, 'quote' | 'newName' | 'anyCase'>,
  find: FindColumn,
  name: string,
): string => quote(anyCase ? name : (find(name)?.name ?? newName(name)))

/** As Tieout names new columns; then exactly; then alone in another case. */
export function findColumn(newName: (name: string) => string, columns: readonly FoundColumn[]): FindColumn {
  const exact = new Map(columns.map((column) => [column.name, column]))
  return (name) => {
    const alike = exact.get(newName(name)) ?? exact.get(name)
    if (alike) return alike
    const others = columns.filter((column) => column.name.toLowerCase() === name.toLowerCase())
    return others.length === 1 ? others[0] : undefined
  }
}

/** What tells a table from all others. */
export const addressOf = ({ address, plain }: SqlDialect, table: TableName): string => `${address}/${plain(table)}`

/** Which of the tables have a row, by their places; one statement. */
export async function filledTables(
  dialect: SqlDialect,
  names: readonly TableName[],
  context: WriteContext,
): Promise<ReadonlySet<number>> {
  const sql = filledQuery(
    names.map((name) => quoteTable(dialect, name)),
    dialect.alias('place'),
  )
  const rows = await dialect.run(
    { sql, what: `First row of ${names.map(dialect.plain).join(', ')}`, kind: 'read' },
    context,
  )
  return new Set(rows.map((row) => Number(row.place)))
}

/** Whether one of them has a row. */
export async function haveRows(
  dialect: SqlDialect,
  tables: readonly TableName[],
  context: WriteContext,
): Promise<boolean> {
  // One that is not there would hide the others.
  for (const table of tables)
    try {
      if ((await filledTables(dialect, [table], context)).size > 0) return true
    } catch (error) {
      if (!dialect.isMissing(error)) throw error
    }
  return false
}

/** The table of marks beside a table. */
export const markTable = ({ newName }: DialectText, table: TableName): TableName => ({
  ...table,
  table: newName(MARK_TABLE),
})

export const wantedMarks = (dialect: DialectText, table: TableName): WantedTable => ({
  kind: 'marks',
  name: markTable(dialect, table),
  comment: MARK_COMMENT,
  columns: MARK_COLUMNS,
  key: MARK_KEY,
})
