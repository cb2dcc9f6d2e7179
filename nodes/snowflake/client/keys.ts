/** The keys that a table holds of one source, for a ledger that lost its memory and for a full refresh of what only appends. */
import { keyText, type Row, type Schema } from '../../../sync/contract/message.ts'
import type { StoredKey, WriteContext } from '../../../sync/contract/target.ts'
import { versionKeys, versionKeysQuery } from '../../../vendor/warehouse/version-keys.ts'
import type { Connection } from './connection.ts'
import { plainTable, quote, quoteTable, type TableName } from './sql.ts'
import { describe, type FindColumn, findColumn } from './tables.ts'

const KEYS_AT_ONCE = 10_000

/** One page in the order of the key's parts as texts, behind the last key of the page before (binds from 2 on). */
export function keysQuery(
  table: TableName,
  find: FindColumn,
  { key }: Schema,
  isFurther: boolean,
  most: number,
): string {
  const at = (name: string): string => `t.${quote(find(name)?.name ?? name.toUpperCase())}`
  const parts = key.map((name) =>
    find(name)?.type.kind === 'DATE' ? `TO_VARCHAR(${at(name)}, 'YYYY-MM-DD')` : `CAST(${at(name)} AS VARCHAR)`,
  )
  const behind = parts
    .map((_, i) => {
      const tests = parts.slice(0, i + 1).map((part, k) => `${part} ${k < i ? '=' : '>'} :${k + 1}`)
      return `(${tests.join(' AND ')})`
    })
    .slice(1)
  const further = isFurther && behind.length > 0 ? ` AND (${behind.join(' OR ')})` : ''
  return `SELECT ${parts.map((part, i) => `${part} AS "k${i}"`).join(', ')}, ${at('_source_stamp')} AS "s", CAST(${at('_sync_read')} AS VARCHAR) AS "r" FROM ${quoteTable(table)} AS t WHERE ${parts[0]} = :1 AND ${at('_sync_read')} IS NOT NULL${further} ORDER BY ${parts.map((_, i) => i + 1).join(', ')} LIMIT ${most}`
}

export async function* storedKeys(
  connection: Connection,
  table: TableName,
  schema: Schema,
  source: string,
  context: WriteContext,
  most: number = KEYS_AT_ONCE,
): AsyncGenerator<readonly StoredKey[]> {
  const find = findColumn((await describe(connection, table, context)) ?? [])
  // A mapping gave the key's columns other names: nothing is found under the source's keys.
  if ([...schema.key, '_source_stamp', '_sync_read'].some((name) => find(name) === undefined)) return
  let binds: readonly string[] = [source]
  for (let isFurther = false; ; isFurther = true) {
    const sql = keysQuery(table, find, schema, isFurther, most)
    const rows = await connection.run({ sql, binds, what: `Keys in ${plainTable(table)}` }, context)
    yield rows.map((row) => {
      const record: Row = Object.fromEntries(schema.key.map((name, i) => [name, String(row[`k${i}`] ?? '')]))
      return { key: keyText(schema, record), stamp: (row.s ?? null) as string | null, read: Number(row.r) }
    })
    const last = rows.at(-1)
    if (rows.length < most || !last || schema.key.length < 2) return
    binds = schema.key.map((_, i) => String(last[`k${i}`]))
  }
}

/** The newest version of each key of one source in a table that keeps them all; none where there is no table. */
export async function* storedVersions(
  connection: Connection,
  table: TableName,
  source: string,
  context: WriteContext,
  most?: number,
): AsyncGenerator<readonly StoredKey[]> {
  const columns = await describe(connection, table, context)
  if (columns === undefined) return
  const find = findColumn(columns)
  const column = (name: string): string => quote(find(name)?.name ?? name.toUpperCase())
  const dialect = { table: quoteTable(table), column, alias: quote, textType: 'VARCHAR', source: ':1', after: ':2' }
  yield* versionKeys((after, count) => {
    const what = `Keys in ${plainTable(table)}`
    return connection.run({ sql: versionKeysQuery(dialect, count), binds: [source, after], what }, context)
  }, most)
}
