/** What the tables of an entity hold of one source, as a whole: rows and sums that the ledger expects, in one statement. */
import type { WholeTable, WriteContext } from '../../sync/contract/target.ts'
import type { DialectText, FindColumn, TableName } from './dialect.ts'
import { quoteColumn, quoteTable } from './tables.ts'
import type { Warehouse } from './warehouse.ts'

/** A table of an entity, header first. */
export interface AskedTable {
  /** `''` the header's, else the list's name. */
  readonly list: string
  readonly name: TableName
  /** The column that says the source. */
  readonly source: string
  readonly find: FindColumn
}

/** Sums leave the warehouse as text and are never floats, so that no digit is lost. `q` is the place of the table. */
export function wholeQuery(dialect: DialectText, tables: readonly AskedTable[]): string {
  const { alias, textType, decimalType, parameter, fromHex } = dialect
  return tables
    .map(({ list, name, source, find }, place) => {
      const at = (column: string): string => `t.${quoteColumn(dialect, find, column)}`
      const text = (expression: string, as: string): string => `CAST(${expression} AS ${textType}) AS ${alias(as)}`
      const value = list === '' ? fromHex(`substr(${at('_row_hash')}, 1, 8)`) : at('_sync_read')
      const run = at('_sync_run')
      const columns = [
        `'${place}' AS ${alias('q')}`,
        text(`COUNT(${run})`, 'n'),
        text(`SUM(CASE WHEN ${run} IS NOT NULL THEN CAST(${value} AS ${decimalType}(38,0)) END)`, 's'),
        text(`MAX(${at('_sync_read')})`, 'm'),
        text(`COUNT(*) - COUNT(${run})`, 'o'),
      ]
      return `SELECT ${columns.join(', ')} FROM ${quoteTable(dialect, name)} AS t WHERE ${at(source)} = ${parameter('source', 1)}`
    })
    .join('\nUNION ALL\n')
}

/** The same of a table of versions (`VERSION_COLUMNS`): the newest of each key counts, one that is a deletion does not. */
export function wholeVersionsQuery(dialect: DialectText, { name, source, find }: AskedTable): string {
  const { alias, textType, decimalType, parameter, fromHex } = dialect
  const at = (column: string): string => `t.${quoteColumn(dialect, find, column)}`
  const inner = (as: string): string => `v.${alias(as)}`
  const text = (expression: string, as: string): string => `CAST(${expression} AS ${textType}) AS ${alias(as)}`
  const newest = (column: string, as: string): string => `MAX_BY(${at(column)}, ${at('_sync_read')}) AS ${alias(as)}`
  const counts = `${inner('c')} > 0 AND ${inner('p')} <> 'delete'`
  const columns = [
    `'0' AS ${alias('q')}`,
    text(`SUM(CASE WHEN ${counts} THEN 1 ELSE 0 END)`, 'n'),
    text(
      `SUM(CASE WHEN ${counts} THEN CAST(${fromHex(`substr(${inner('h')}, 1, 8)`)} AS ${decimalType}(38,0)) END)`,
      's',
    ),
    text(`MAX(${inner('r')})`, 'm'),
    text(`SUM(${inner('a')}) - SUM(${inner('c')})`, 'o'),
    text(`SUM(${inner('c')})`, 'v'),
  ]
  const versions = [
    `SELECT ${newest('_row_hash', 'h')}, ${newest('operation', 'p')}`,
    `MAX(${at('_sync_read')}) AS ${alias('r')}, COUNT(${at('_sync_run')}) AS ${alias('c')}, COUNT(*) AS ${alias('a')}`,
  ]
  return `SELECT ${columns.join(', ')} FROM (${versions.join(', ')} FROM ${quoteTable(dialect, name)} AS t WHERE ${at(source)} = ${parameter('source', 1)} GROUP BY ${at('key')}) AS v`
}

/** `sql`: one of the queries above for these tables. */
export async function wholeTables(
  { dialect, looks }: Warehouse,
  tables: readonly AskedTable[],
  sql: string,
  source: string,
  context: WriteContext,
): Promise<readonly WholeTable[]> {
  const what = `Rows and sums of ${tables.map(({ name }) => dialect.plain(name)).join(', ')}`
  const values = [['source', source] as const]
  const look = () => dialect.run({ sql, values, what, kind: 'read', apart: true }, context)
  const rows = await looks.run(look, context.signal)
  return tables.map(({ list, name }, place) => {
    const { n, s, m, o, v } = rows.find(({ q }) => String(q) === String(place)) ?? {}
    return {
      list,
      name: dialect.plain(name),
      rows: Number(n ?? 0),
      sum: BigInt(String(s ?? 0)),
      highest: Number(m ?? 0),
      others: Number(o ?? 0),
      ...(v === undefined ? {} : { versions: Number(v ?? 0) }),
    }
  })
}
