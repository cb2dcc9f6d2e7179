/** *Test connection*: whether tables can be made, read and changed in a schema. */
import type { WriteContext } from '../../sync/contract/target.ts'
import type { SqlDialect, TableName } from './dialect.ts'
import { quoteTable, wantedMarks } from './tables.ts'

export type Right = 'create' | 'read' | 'change'

/**
 * Rights come through groups, roles and owners and cannot be asked for reliably, so each is tried: the table of marks, which
 * the first load needs anyway, is created where it is missing, read, and a DELETE that meets no row is run on it. `refused`
 * may say more of a failure, such as what to grant.
 */
export async function tryTables(
  dialect: SqlDialect,
  place: Omit<TableName, 'table'>,
  context: WriteContext,
  refused: (error: unknown, right: Right, table: string) => never = (error) => {
    throw error
  },
): Promise<void> {
  const { alias, quote, newName, run } = dialect
  const wanted = wantedMarks(dialect, { ...place, table: '' })
  const [name, table] = [dialect.plain(wanted.name), quoteTable(dialect, wanted.name)]
  const found = `SELECT 1 AS ${alias('found')} FROM ${table} LIMIT 1`
  const none = `DELETE FROM ${table} WHERE ${quote(newName('table_name'))} IS NULL`
  const attempt = (right: Right, work: Promise<unknown>) => work.catch((error) => refused(error, right, name))
  await attempt('create', dialect.create(wanted, context))
  await attempt('read', run({ sql: found, what: `SELECT from ${name}`, kind: 'read' }, context))
  await attempt('change', run({ sql: none, what: `DELETE from ${name}`, kind: 'write' }, context))
}
