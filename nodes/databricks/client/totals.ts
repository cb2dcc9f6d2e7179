/** How Databricks writes the statement of control totals. */
import { createTotals, type TotalsDialect } from '../../../vendor/warehouse/stored-totals.ts'
import type { Connection } from './connection.ts'
import { plainTable, quote, quoteTable } from './sql.ts'
import type { WantedTable } from './tables.ts'

const DIALECT: TotalsDialect<Pick<WantedTable, 'name' | 'columns'>> = {
  table: ({ name }) => quoteTable(name),
  plain: ({ name }) => plainTable(name),
  columns: ({ columns }) => columns,
  column: (_, name) => quote(name),
  alias: (name) => name,
  textType: 'STRING',
  decimalType: 'DECIMAL',
  run: ':run',
}

export const totalsOf = (connection: Connection) =>
  createTotals(DIALECT, ({ sql, run, what }, context) =>
    connection.run({ sql, parameters: { run }, what, kind: 'read' }, context),
  )
