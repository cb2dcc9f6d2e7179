/** The keys that a table holds of one source, for a ledger that lost its memory and for a full refresh of what only appends. */
import { keyText, type Row, type Schema } from '../../sync/contract/message.ts'
import type { StoredKey, StoredLines, WriteContext } from '../../sync/contract/target.ts'
import type { DialectText, FindColumn, SqlDialect, TableName } from './dialect.ts'
import { findColumn, quoteColumn, quoteTable } from './tables.ts'
import type { StoredRow } from './technical-columns.ts'

const KEYS_AT_ONCE = 10_000

/** `rows`: the newest of each record; `lines`: documents by the rows that they have in a list. */
type Asked = 'rows' | 'lines'

/** One page in the order of the key's parts as texts, behind the last key of the page before. */
export function keysQuery(
  dialect: DialectText,
  table: TableName,
  find: FindColumn,
  { key }: Pick<Schema, 'key'>,
  isFurther: boolean,
  most: number,
  asked: Asked = 'rows',
): string {
  const { textType, decimalType, alias, parameter, told } = dialect
  const at = (name: string): string => `t.${quoteColumn(dialect, find, name)}`
  const parts = key.map((name) => {
    const found = find(name)
    return (found && told?.(at(name), found)) ?? `CAST(${at(name)} AS ${textType})`
  })
  const behind = parts
    .map((_, i) => {
      const tests = parts.slice(0, i + 1).map((part, k) => `${part} ${k < i ? '=' : '>'} ${parameter(`k${k}`, k + 1)}`)
      return `(${tests.join(' AND ')})`
    })
    .slice(1)
  const values =
    asked === 'rows'
      ? `${at('_source_stamp')} AS ${alias('s')}, ${at('_row_hash')} AS ${alias('h')}, CAST(${at('_sync_read')} AS ${textType}) AS ${alias('r')}`
      : `CAST(COUNT(*) AS ${textType}) AS ${alias('n')}, CAST(SUM(CAST(${at('_sync_read')} AS ${decimalType}(38,0))) AS ${textType}) AS ${alias('r')}`
  return [
    `SELECT ${parts.map((part, i) => `${part} AS ${alias(`k${i}`)}`).join(', ')}, ${values} FROM ${quoteTable(dialect, table)} AS t`,
    ` WHERE ${parts[0]} = ${parameter('k0', 1)} AND ${at('_sync_read')} IS NOT NULL AND ${at('_sync_run')} IS NOT NULL`,
    isFurther && behind.length > 0 ? ` AND (${behind.join(' OR ')})` : '',
    asked === 'lines' ? ` GROUP BY ${parts.join(', ')}` : '',
    ` ORDER BY ${parts.map((_, i) => i + 1).join(', ')} LIMIT ${most}`,
  ].join('')
}

/** The columns of a table where their stored names count; undefined where there is no table. */
async function columnsOf(
  dialect: SqlDialect,
  table: TableName,
  context: WriteContext,
): Promise<FindColumn | undefined> {
  if (dialect.anyCase) return () => undefined
  const [columns] = await dialect.columns([table], context)
  return columns && findColumn(dialect.newName, columns)
}

/** None where a table is not there, which only shows when it is asked: where its columns were looked at before, a failure is one. */
async function* orNone<T>(
  { anyCase }: SqlDialect,
  pages: AsyncIterable<T>,
  isNone: (error: unknown) => boolean,
): AsyncGenerator<T> {
  try {
    yield* pages
  } catch (error) {
    if (!anyCase || !isNone(error)) throw error
  }
}

/** What a table of the newest version of each record holds; none where it is missing, or has no such key. */
export const storedKeys = (
  dialect: SqlDialect,
  table: TableName,
  schema: Schema,
  source: string,
  context: WriteContext,
  most: number = KEYS_AT_ONCE,
): AsyncGenerator<readonly StoredKey[]> =>
  orNone(
    dialect,
    keyPages(dialect, table, schema, 'rows', source, context, most, storedKeyOf),
    // A mapping gave the key's columns other names: nothing is found under the source's keys.
    (error) => dialect.isMissing(error) || dialect.lacksColumn(error),
  )

const storedKeyOf = (key: string, { s, h, r }: StoredRow): StoredKey => ({
  key,
  stamp: (s ?? null) as string | null,
  read: Number(r),
  hash: (h ?? null) as string | null,
})

/** The documents of a source in the table of a list; none where it is missing. */
export const storedLines = (
  dialect: SqlDialect,
  table: TableName,
  schema: Pick<Schema, 'key'>,
  source: string,
  context: WriteContext,
  most: number = KEYS_AT_ONCE,
): AsyncGenerator<readonly StoredLines[]> =>
  orNone(
    dialect,
    keyPages(dialect, table, schema, 'lines', source, context, most, (key, { n, r }) => ({
      key,
      rows: Number(n),
      sum: BigInt(String(r ?? 0)),
    })),
    dialect.isMissing,
  )

async function* keyPages<T>(
  dialect: SqlDialect,
  table: TableName,
  schema: Pick<Schema, 'key'>,
  asked: Asked,
  source: string,
  context: WriteContext,
  most: number,
  toAnswer: (key: string, row: StoredRow) => T,
): AsyncGenerator<readonly T[]> {
  const find = await columnsOf(dialect, table, context)
  if (!find) return
  const isThere = (name: string): boolean => dialect.anyCase || find(name) !== undefined
  const needed = asked === 'rows' ? ['_source_stamp', '_row_hash'] : []
  if (![...schema.key, '_sync_read', '_sync_run', ...needed].every(isThere)) return
  const what = `Keys in ${dialect.plain(table)}`
  let values: readonly (readonly [string, string])[] = [['k0', source]]
  for (let isFurther = false; ; isFurther = true) {
    const sql = keysQuery(dialect, table, find, schema, isFurther, most, asked)
    const rows = await dialect.run({ sql, values, what, kind: 'read' }, context)
    yield rows.map((row) => {
      const record: Row = Object.fromEntries(schema.key.map((name, i) => [name, String(row[`k${i}`] ?? '')]))
      return toAnswer(keyText(schema, record), row)
    })
    const last = rows.at(-1)
    if (rows.length < most || !last || schema.key.length < 2) return
    values = schema.key.map((_, i) => [`k${i}`, String(last[`k${i}`])])
  }
}

/** Keys in the order of their bytes; one whose newest version is a deletion is not there. */
export function versionKeysQuery(dialect: DialectText, table: TableName, find: FindColumn, most: number): string {
  const { quote, textType, parameter } = dialect
  const at = (name: string): string => `t.${quoteColumn(dialect, find, name)}`
  const newest = (value: string): string => `MAX_BY(${value}, ${at('_sync_read')})`
  const columns = [
    `${at('key')} AS ${quote('k')}`,
    `${newest(at('_row_hash'))} AS ${quote('h')}`,
    // a null is no value to some: another version's stamp would come in its place
    `NULLIF(${newest(`COALESCE(${at('_source_stamp')}, '')`)}, '') AS ${quote('s')}`,
    `CAST(MAX(${at('_sync_read')}) AS ${textType}) AS ${quote('r')}`,
  ]
  return [
    `SELECT ${columns.join(', ')} FROM ${quoteTable(dialect, table)} AS t`,
    `WHERE ${at('source')} = ${parameter('source', 1)} AND ${at('key')} > ${parameter('after', 2)} AND ${at('_sync_run')} IS NOT NULL`,
    `GROUP BY ${at('key')} HAVING ${newest(at('operation'))} <> 'delete'`,
    `ORDER BY 1 LIMIT ${most}`,
  ].join(' ')
}

/** The newest version of each key of one source in a table that keeps them all (`VERSION_COLUMNS`); none where there is no table. */
export const storedVersions = (
  dialect: SqlDialect,
  table: TableName,
  source: string,
  context: WriteContext,
  most: number = KEYS_AT_ONCE,
): AsyncGenerator<readonly StoredKey[]> =>
  orNone(dialect, versionPages(dialect, table, source, context, most), dialect.isMissing)

async function* versionPages(
  dialect: SqlDialect,
  table: TableName,
  source: string,
  context: WriteContext,
  most: number,
): AsyncGenerator<readonly StoredKey[]> {
  const find = await columnsOf(dialect, table, context)
  if (!find) return
  const sql = versionKeysQuery(dialect, table, find, most)
  const what = `Keys in ${dialect.plain(table)}`
  for (let after = ''; ; ) {
    const values = [['source', source] as const, ['after', after] as const]
    const rows = await dialect.run({ sql, values, what, kind: 'read' }, context)
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
