/** The newest version of each key in a table that keeps every version (`VERSION_COLUMNS`), page by page, whatever the warehouse. */

import type { StoredKey } from '../../sync/contract/target.ts'
import type { StoredRow } from './technical-columns.ts'

const KEYS_AT_ONCE = 10_000

/** How a warehouse writes what the statement needs. */
export interface VersionDialect {
  /** The table as it stands in a statement. */
  readonly table: string
  /** One of `VERSION_COLUMNS` as it stands in a statement. */
  readonly column: (name: string) => string
  /** A name of the result's own. */
  readonly alias: (name: string) => string
  readonly textType: string
  /** The parameters: the source, and the last key of the page before. */
  readonly source: string
  readonly after: string
}

/** Keys in the order of their bytes; one whose newest version is a deletion is not there. */
export function versionKeysQuery(
  { table, column, alias, textType, source, after }: VersionDialect,
  most: number,
): string {
  const at = (name: string): string => `t.${column(name)}`
  const newest = (value: string): string => `MAX_BY(${value}, ${at('_sync_read')})`
  const columns = [
    `${at('key')} AS ${alias('k')}`,
    `${newest(at('_row_hash'))} AS ${alias('h')}`,
    // a null is no value to some: another version's stamp would come in its place
    `NULLIF(${newest(`COALESCE(${at('_source_stamp')}, '')`)}, '') AS ${alias('s')}`,
    `CAST(MAX(${at('_sync_read')}) AS ${textType}) AS ${alias('r')}`,
  ]
  return [
    `SELECT ${columns.join(', ')} FROM ${table} AS t`,
    `WHERE ${at('source')} = ${source} AND ${at('key')} > ${after}`,
    `GROUP BY ${at('key')} HAVING ${newest(at('operation'))} <> 'delete'`,
    `ORDER BY 1 LIMIT ${most}`,
  ].join(' ')
}

/** @param ask gives the rows of a page behind a key */
export async function* versionKeys(
  ask: (after: string, most: number) => Promise<readonly StoredRow[]>,
  most: number = KEYS_AT_ONCE,
): AsyncGenerator<readonly StoredKey[]> {
  for (let after = ''; ; ) {
    const rows = await ask(after, most)
    if (rows.length > 0) yield rows.map(toKey)
    if (rows.length < most) return
    after = String(rows.at(-1)?.k)
  }
}

const toKey = ({ k, s, r, h }: StoredRow): StoredKey => ({
  key: String(k),
  stamp: (s ?? null) as string | null,
  read: Number(r),
  hash: h === null || h === undefined ? null : String(h),
})
