/** Databricks as a SQL warehouse: its words and types, how tables are made and looked at, what it guarantees. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import type { DialectText, SqlDialect, Statement } from '../../../vendor/warehouse/dialect.ts'
import { collated, createMaking } from './collation.ts'
import type { Connection } from './connection.ts'
import { isMissing } from './errors.ts'
import { cast, holds, type JsonType, plainTable, quote, sqlType } from './sql.ts'
import { addColumns, allowNames, createTable, readColumns } from './tables.ts'

export const TEXT: DialectText = {
  anyCase: true,
  quote,
  plain: plainTable,
  newName: (name) => name,
  alias: (name) => name,
  textType: 'STRING',
  decimalType: 'DECIMAL',
  parameter: (name) => `:${name}`,
  qualifiedSet: true,
  cast: (text, type) => cast(text, type, 'string'),
  fromHex: (text) => `conv(${text}, 16, 10)`,
}

/** `json`: how JSON columns are made. */
export function createDialect(connection: Connection, json: JsonType): SqlDialect {
  const run = ({ values, ...statement }: Statement, context: WriteContext) =>
    connection.run({ ...statement, ...parametersOf(values) }, context)
  const make = createMaking(run)
  return {
    ...TEXT,
    vendor: 'Databricks',
    code: 'databricks',
    address: connection.address,
    statements: connection.statements,
    run,
    // any session sees what another has written
    session: (_what, tags, task, context) =>
      task({
        context,
        run: ({ values, ...statement }) => connection.run({ ...statement, ...parametersOf(values), tags }, context),
        discard: () => undefined,
      }),
    cast: (text, type) => cast(text, type, json),
    manyAtOnce: true,
    cheapMisses: true,
    columns: (names, context) => readColumns(run, names, context),
    async create(wanted, context) {
      const what = `CREATE TABLE ${plainTable(wanted.name)}`
      await make({ sql: (collate) => createTable(wanted, json, collate), what }, context)
      return true
    },
    async addColumns(name, columns, context) {
      await allowNames(run, name, columns, context)
      const what = `ALTER TABLE ${plainTable(name)} ADD COLUMNS`
      await make({ sql: (collate) => addColumns(name, columns, json, collate), what }, context)
    },
    addColumnsText: (name, columns) => addColumns(name, columns, json, ''),
    holds: ({ declared }, type) => holds(declared, type),
    sqlType: (type) => sqlType(type, json),
    widen: (table, { name }, type) => `ALTER TABLE ${plainTable(table)} ALTER COLUMN ${quote(name)} TYPE ${type}`,
    collated: async (table, _columns, keys) => collated(table.name, keys),
    isMissing,
    // in a MERGE it is another class of error than in a query
    lacksColumn: (error) =>
      isSyncError(error) &&
      (error.code === 'databricks.42703' || /MERGE_UNRESOLVED/.test(error.cause.vendorText ?? '')),
  }
}

const parametersOf = (values: Statement['values']) => (values ? { parameters: Object.fromEntries(values) } : {})
