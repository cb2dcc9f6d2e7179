/** One record as it stands in its tables now, for a person who asks for it. */
import { keyParts, type Row, type Schema } from '../../sync/contract/message.ts'
import type { StandingRecord, WriteContext } from '../../sync/contract/target.ts'
import type { FindColumn, SqlDialect, TableName } from './dialect.ts'
import type { Part } from './merging.ts'
import { findColumn, quoteColumn, quoteTable } from './tables.ts'
import type { StoredRow } from './technical-columns.ts'

interface Asked {
  readonly key: string
  readonly schema: Schema
  /** Rows of a list at most. */
  readonly most: number
}

const STAMPS = ['_sync_read', '_sync_run', '_sync_at'] as const

/** A stored value as text. */
function textAt(dialect: SqlDialect, find: FindColumn, name: string): string {
  const at = `t.${quoteColumn(dialect, find, name)}`
  const found = find(name)
  return (found && dialect.told?.(at, found)) ?? `CAST(${at} AS ${dialect.textType})`
}

/** Columns of the tables that there are, by their places. */
async function findersOf(
  dialect: SqlDialect,
  names: readonly TableName[],
  context: WriteContext,
): Promise<readonly (FindColumn | undefined)[]> {
  const found = await dialect.columns(names, context)
  return found.map((columns) => columns && findColumn(dialect.newName, columns))
}

/** Rows of one table of typed columns whose document has this key; its columns as texts under their names. */
async function rowsOf(
  dialect: SqlDialect,
  { wanted, columns, key }: Part,
  find: FindColumn,
  { key: text, schema, most }: Asked,
  context: WriteContext,
): Promise<readonly StoredRow[]> {
  const isThere = ({ name }: { readonly name: string }): boolean => find(name) !== undefined
  const names = [...columns.filter(isThere).map(({ name }) => name), ...STAMPS.filter((name) => isThere({ name }))]
  const parts = keyParts(text)
  const own = key.slice(0, schema.key.length)
  // A table without a column of the key has no such record.
  if (!own.every((name) => isThere({ name }))) return []
  const values = own.map((_, i) => [`k${i}`, parts[i] ?? ''] as const)
  const tests = own.map((name, i) => `${textAt(dialect, find, name)} = ${dialect.parameter(`k${i}`, i + 1)}`)
  const order = key.slice(own.length).filter((name) => isThere({ name }))
  const sql = [
    `SELECT ${names.map((name, i) => `${textAt(dialect, find, name)} AS ${dialect.alias(`c${i}`)}`).join(', ')}`,
    `FROM ${quoteTable(dialect, wanted.name)} AS t WHERE ${tests.join(' AND ')}`,
    ...(order.length > 0
      ? [`ORDER BY ${order.map((name) => `t.${quoteColumn(dialect, find, name)}`).join(', ')}`]
      : []),
    `LIMIT ${most}`,
  ].join(' ')
  const rows = await dialect.run(
    { sql, values, what: `A record of ${dialect.plain(wanted.name)}`, kind: 'read' },
    context,
  )
  return rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[`c${i}`] ?? null])))
}

/** Of typed tables: the header, and the rows of each list. Undefined: there is no such header. */
export async function standingRecord(
  dialect: SqlDialect,
  parts: readonly Part[],
  asked: Asked,
  context: WriteContext,
): Promise<StandingRecord | undefined> {
  const finders = await findersOf(
    dialect,
    parts.map(({ wanted }) => wanted.name),
    context,
  )
  const [header, ...lists] = parts
  const [find] = finders
  if (!header || !find) return undefined
  const [row] = await rowsOf(dialect, header, find, { ...asked, most: 1 }, context)
  if (!row) return undefined
  const record: Row = ownOf(row)
  const cut: string[] = []
  for (const [i, part] of lists.entries()) {
    const at = finders[i + 1]
    const found = at ? await rowsOf(dialect, part, at, { ...asked, most: asked.most + 1 }, context) : []
    if (found.length > asked.most) cut.push(part.list)
    record[part.list] = found.slice(0, asked.most).map(ownOf)
  }
  return { record, ...stampsOf(row), cut }
}

/** Without the technical columns. */
const ownOf = (row: StoredRow): Row =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !(STAMPS as readonly string[]).includes(name))) as Row

const textOf = (value: unknown): string | null => (value === null || value === undefined ? null : String(value))

const stampsOf = (row: StoredRow): Pick<StandingRecord, 'read' | 'run' | 'at'> => ({
  read: textOf(row._sync_read),
  run: textOf(row._sync_run),
  at: textOf(row._sync_at),
})

/** Of a table of versions: the newest one, of the schema's columns alone. Undefined: there is none, or it is a deletion. */
export async function standingVersion(
  dialect: SqlDialect,
  table: TableName,
  { key, schema, most }: Asked,
  context: WriteContext,
): Promise<StandingRecord | undefined> {
  const [find] = await findersOf(dialect, [table], context)
  if (!find) return undefined
  const { alias, parameter } = dialect
  const at = (name: string): string => `t.${quoteColumn(dialect, find, name)}`
  const columns = ['operation', 'record', ...STAMPS].map(
    (name) => `${textAt(dialect, find, name)} AS ${alias(name.replaceAll('_', ''))}`,
  )
  const sql = [
    `SELECT ${columns.join(', ')} FROM ${quoteTable(dialect, table)} AS t`,
    `WHERE ${at('source')} = ${parameter('source', 1)} AND ${at('key')} = ${parameter('key', 2)} AND ${at('_sync_run')} IS NOT NULL`,
    `ORDER BY ${at('_sync_read')} DESC LIMIT 1`,
  ].join(' ')
  const values = [['source', keyParts(key)[0] ?? ''] as const, ['key', key] as const]
  const [row] = await dialect.run({ sql, values, what: `A record of ${dialect.plain(table)}`, kind: 'read' }, context)
  if (!row || row.operation === 'delete') return undefined
  const kept = JSON.parse(String(row.record)) as Row
  const cut: string[] = []
  const record = columnsOf(kept, schema)
  for (const [list, { columns: own }] of Object.entries(schema.lists ?? {})) {
    const lines = Array.isArray(kept[list]) ? (kept[list] as Row[]) : []
    if (lines.length > most) cut.push(list)
    record[list] = lines.slice(0, most).map((line) => columnsOf(line, { columns: own }))
  }
  const [read, run, when] = [row.syncread, row.syncrun, row.syncat].map(textOf)
  return { record, read: read ?? null, run: run ?? null, at: when ?? null, cut }
}

/** What a schema does not name may be sensitive. */
const columnsOf = (row: Row, { columns }: Pick<Schema, 'columns'>): Row =>
  Object.fromEntries(columns.filter(({ name }) => row[name] !== undefined).map(({ name }) => [name, row[name]]))
