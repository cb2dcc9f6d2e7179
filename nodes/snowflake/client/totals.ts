/** How Snowflake writes the statement of control totals. */
import { createTotals, type TotalsDialect } from '../../../vendor/warehouse/stored-totals.ts'
import type { Connection } from './connection.ts'
import type { MergeTable } from './merge.ts'
import { plainTable, quote, quoteTable } from './sql.ts'

export const TOTALS: TotalsDialect<MergeTable> = {
  table: ({ name }) => quoteTable(name),
  plain: ({ name }) => plainTable(name),
  columns: ({ columns }) => columns,
  column: ({ find }, name) => quote(find(name)?.name ?? name.toUpperCase()),
  alias: (name) => `"${name}"`,
  textType: 'VARCHAR',
  decimalType: 'NUMBER',
  run: ':1',
}

export const totalsOf = (connection: Connection) =>
  createTotals(TOTALS, ({ sql, run, what }, context) => connection.run({ sql, binds: [run], what }, context))
