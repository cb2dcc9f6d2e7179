/** Snowflake as a SQL warehouse: its words and types, how tables are made and looked at, what it guarantees. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { DialectText, SqlDialect, Statement } from '../../../vendor/warehouse/dialect.ts'
import { collated } from './collation.ts'
import type { Connection } from './connection.ts'
import { isLostSession } from './errors.ts'
import type { Statement as Sent } from './send.ts'
import { cast, holds, plainTable, quote, sqlType } from './sql.ts'
import { addColumns, createTable, describe, isMissing, isThere, newName } from './tables.ts'

export const TEXT: DialectText = {
  anyCase: false,
  quote,
  plain: plainTable,
  newName,
  alias: quote,
  textType: 'VARCHAR',
  decimalType: 'NUMBER',
  parameter: (_name, place) => `:${place}`,
  qualifiedSet: true,
  cast: (text, type) => cast(text, type),
  fromHex: (text) => `TRY_TO_NUMBER(${text}, '${'X'.repeat(8)}')`,
  told: (value, { type }) => (type.kind === 'DATE' ? `TO_VARCHAR(${value}, 'YYYY-MM-DD')` : undefined),
  exact: (value) => `COLLATE(${value}, '')`,
}

/** As the connection sends it: binds are numbered. */
const sent = ({ sql, what, values }: Statement): Sent => ({
  sql,
  what,
  ...(values ? { binds: values.map(([, value]) => value) } : {}),
})

export function createDialect(connection: Connection): SqlDialect {
  return {
    ...TEXT,
    vendor: 'Snowflake',
    code: 'snowflake',
    address: connection.address,
    statements: connection.statements,
    run: (statement, context) => connection.run({ ...sent(statement), apart: statement.apart }, context),
    session: (what, tags, task, context) =>
      connection.work(
        what,
        tags,
        ({ run, discard }) => task({ context, run: (statement) => run(sent(statement)), discard }),
        context,
      ),
    transaction: {
      begin: 'BEGIN TRANSACTION',
      commit: 'COMMIT',
      rollback: 'ROLLBACK',
      isLost: (error) => isSyncError(error) && isLostSession(error),
    },
    manyAtOnce: false,
    cheapMisses: false,
    columns: async (names, context) => {
      const found = []
      for (const name of names) found.push(await describe(connection, name, context))
      return found
    },
    async create(wanted, context) {
      const what = `CREATE TABLE ${plainTable(wanted.name)}`
      const [row] = await connection.run({ sql: createTable(wanted), what }, context)
      // else that it "already exists"
      return /successfully created/i.test(String(row?.status))
    },
    async addColumns(name, columns, context) {
      const what = `ALTER TABLE ${plainTable(name)} ADD COLUMN`
      for (const sql of addColumns(name, columns))
        await connection.run({ sql, what }, context).catch((error: unknown) => {
          if (!isThere(error)) throw error
        })
    },
    addColumnsText: (name, columns) => addColumns(name, columns).join('; '),
    holds: ({ type: found }, type) => holds(found, type),
    sqlType,
    widen: (table, { name }, type) =>
      `ALTER TABLE ${plainTable(table)} ALTER COLUMN ${quote(name)} SET DATA TYPE ${type}`,
    collated: (table, columns, [first], context) => collated(connection, table, columns, first, context),
    isMissing,
    lacksColumn: (error) => isSyncError(error) && error.code === 'snowflake.000904',
  }
}
