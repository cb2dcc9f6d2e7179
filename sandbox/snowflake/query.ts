import { boundIn } from '../sql/engine.ts'
import type { Account } from './account.ts'
import type { Value } from './api.ts'
import { fromEngine, SqlError } from './errors.ts'
import { newScope } from './execute.ts'
import { createRights } from './rights.ts'
import type { SessionView } from './sql/cursor.ts'
import { originalName } from './sql/names.ts'
import { parseStatement } from './sql/statement.ts'

/** Rows of a query beside the driver: as an administrator sees them, a part at a time. */
export async function* streamRows(
  account: Account,
  sql: string,
): AsyncGenerator<{ columns: string[]; rows: Value[][] }> {
  const view: SessionView = {
    database: account.catalog.database,
    schema: 'PUBLIC',
    role: 'ACCOUNTADMIN',
    warehouse: account.warehouses[0],
    user: 'ADMIN',
    account: account.name,
    id: '0',
    parameters: new Map(),
    temporary: new Map(),
    stages: new Map(),
    variables: new Map(),
    lastQueryId: '',
  }
  const scope = newScope({ ...account, rights: createRights() }, view)
  const statement = parseStatement(sql, scope)
  if (statement.kind !== 'query') throw new SqlError('001003', '42000', 'Only a query can be run beside the driver.')
  const connection = await account.store.instance.connect()
  try {
    const values = boundIn({ connection, bound: scope.bound }, statement.sql)
    const result = values ? await connection.stream(statement.sql, values) : await connection.stream(statement.sql)
    const columns = result.columnNames().map(originalName)
    const types = result.columnTypes().map(String)
    let isEmpty = true
    for await (const rows of result.yieldRowsJson()) {
      isEmpty = false
      yield { columns, rows: rows.map((row) => row.map((value, index) => plain(value, types[index] ?? ''))) }
    }
    if (isEmpty) yield { columns, rows: [] }
  } catch (error) {
    throw fromEngine(error)
  } finally {
    connection.closeSync()
  }
}

function plain(value: unknown, type: string): Value {
  if (value === null || value === undefined) return null
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'object') return JSON.stringify(value)
  if (/INT$|^DECIMAL\(\d+,\s?0\)/.test(type) && Number.isSafeInteger(Number(value))) return Number(value)
  return type === 'TIMESTAMP WITH TIME ZONE' ? String(value).replace(/\+00$/, '') : String(value)
}
