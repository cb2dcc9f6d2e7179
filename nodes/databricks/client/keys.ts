/** The keys that a table holds of one source, for a ledger that lost its memory and for a full refresh of what only appends. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import { keyText, type Row, type Schema } from '../../../sync/contract/message.ts'
import type { StoredKey, WriteContext } from '../../../sync/contract/target.ts'
import { versionKeys, versionKeysQuery } from '../../../vendor/warehouse/version-keys.ts'
import type { Connection } from './connection.ts'
import { isMissing } from './errors.ts'
import { plainTable, quote, quoteTable, type TableName } from './sql.ts'

const KEYS_AT_ONCE = 10_000

/** One page in the order of the key's parts as texts, behind the last key of the page before. */
export function keysQuery(table: TableName, { key }: Schema, isFurther: boolean, most: number): string {
  const parts = key.map((name) => `CAST(t.${quote(name)} AS STRING)`)
  const behind = parts
    .map(
      (_, i) =>
        `(${parts
          .slice(0, i + 1)
          .map((part, k) => `${part} ${k < i ? '=' : '>'} :k${k}`)
          .join(' AND ')})`,
    )
    .slice(1)
  return [
    `SELECT ${parts.map((part, i) => `${part} AS k${i}`).join(', ')}, t.`,
    `\`_source_stamp\` AS s, CAST(t.\`_sync_read\` AS STRING) AS r FROM ${quoteTable(table)} AS t`,
    ` WHERE ${parts[0]} = :k0 AND t.\`_sync_read\` IS NOT NULL`,
    isFurther && behind.length > 0 ? ` AND (${behind.join(' OR ')})` : '',
    ` ORDER BY ${parts.map((_, i) => `k${i}`).join(', ')} LIMIT ${most}`,
  ].join('')
}

export async function* storedKeys(
  connection: Connection,
  table: TableName,
  schema: Schema,
  source: string,
  context: WriteContext,
  most: number = KEYS_AT_ONCE,
): AsyncGenerator<readonly StoredKey[]> {
  const what = `Keys in ${plainTable(table)}`
  let parameters: Record<string, string> = { k0: source }
  for (let isFurther = false; ; isFurther = true) {
    const sql = keysQuery(table, schema, isFurther, most)
    let rows: Awaited<ReturnType<Connection['run']>>
    try {
      rows = await connection.run({ sql, parameters, what, kind: 'read' }, context)
    } catch (error) {
      // A mapping gave the key's columns other names, or nothing was written yet: nothing is found under the source's keys.
      if (isMissing(error) || (isSyncError(error) && error.code === 'databricks.42703')) return
      throw error
    }
    yield rows.map((row) => {
      const record: Row = Object.fromEntries(schema.key.map((name, i) => [name, String(row[`k${i}`] ?? '')]))
      return { key: keyText(schema, record), stamp: (row.s ?? null) as string | null, read: Number(row.r) }
    })
    const last = rows.at(-1)
    if (rows.length < most || !last || schema.key.length < 2) return
    parameters = Object.fromEntries(schema.key.map((_, i) => [`k${i}`, String(last[`k${i}`])]))
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
  const dialect = { table: quoteTable(table), column: quote, alias: quote, textType: 'STRING' }
  const what = `Keys in ${plainTable(table)}`
  const ask = (after: string, count: number) => {
    const sql = versionKeysQuery({ ...dialect, source: ':source', after: ':after' }, count)
    return connection.run({ sql, parameters: { source, after }, what, kind: 'read' }, context)
  }
  try {
    yield* versionKeys(ask, most)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
