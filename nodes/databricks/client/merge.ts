/** The MERGE statements: insert, update and line delete of a batch in one statement for each table. */
import type { Column } from '../../../sync/contract/message.ts'
import { HEADER_COLUMNS, LIST_COLUMNS } from '../../../vendor/warehouse/technical-columns.ts'
import { cast, type JsonType, quote, tryCast } from './sql.ts'

export interface MergeTable {
  /** Quoted name. */
  readonly table: string
  readonly key: readonly string[]
  readonly columns: readonly Column[]
}

/** Sources of a MERGE: the staged rows and how their fields become values. */
interface Field {
  readonly column: Column
  readonly field: string
}

const fieldsOf = (columns: readonly Column[]): readonly Field[] =>
  columns.map((column, i) => ({ column, field: `c${i}` }))
const equal = (left: string, right: string, names: readonly string[]): string =>
  names.map((name) => `${left}.${quote(name)} = ${right}.${quote(name)}`).join(' AND ')

/**
 * The header: written when the target has no newer read of it. An exact repeat (same read, run and hash) changes nothing.
 */
export function headerMerge(header: MergeTable, staged: string, json: JsonType): string {
  const names = [...header.columns, ...HEADER_COLUMNS].map(({ name }) => name)
  const values = fieldsOf(header.columns).map(
    ({ column, field }) => `${cast(`g.${field}`, column.type, json)} AS ${quote(column.name)}`,
  )
  const older = 't.`_sync_read` IS NULL OR t.`_sync_read` < s.`_sync_read`'
  const changed =
    't.`_row_hash` IS NULL OR t.`_row_hash` <> s.`_row_hash` OR t.`_sync_run` IS NULL OR t.`_sync_run` <> s.`_sync_run`'
  return [
    `MERGE INTO ${header.table} AS t`,
    `USING (SELECT g.x AS \`_op\`, ${values.join(', ')}, :run AS \`_sync_run\`, CAST(g.r AS BIGINT) AS \`_sync_read\`, CAST(:at AS TIMESTAMP) AS \`_sync_at\`, g.s AS \`_source_stamp\`, g.h AS \`_row_hash\` FROM (${staged}) AS g) AS s`,
    `ON ${equal('t', 's', header.key)}`,
    "WHEN MATCHED AND s.`_op` = 'x' AND (t.`_sync_read` IS NULL OR t.`_sync_read` <= s.`_sync_read`) THEN DELETE",
    `WHEN MATCHED AND s.\`_op\` = 'u' AND (${older} OR (t.\`_sync_read\` = s.\`_sync_read\` AND (${changed}))) THEN UPDATE SET ${assign(names, header.key)}`,
    `WHEN NOT MATCHED AND s.\`_op\` = 'u' THEN ${insert(names)}`,
  ].join('\n')
}

/**
 * A list. Its source is the staged lines plus the target's lines that a document of the batch no longer has. A document is
 * left alone as a whole when its header or one of its lines in the target comes from a newer read, so that an old batch
 * that is sent again neither brings back nor takes away a line; and when its header says that exactly this was written,
 * because the header is written last. What is left out is left out by anti joins: Delta Lake reads no table within EXISTS
 * or IN of a MERGE ("Table does not support reads", delta-io/delta issue 3099).
 */
export function listMerge(list: MergeTable, header: MergeTable, staged: string, json: JsonType): string {
  const names = [...list.columns, ...LIST_COLUMNS].map(({ name }) => name)
  const fields = fieldsOf(list.columns)
  const value = (alias: string, { column, field }: Field): string =>
    `${cast(`${alias}.${field}`, column.type, json)} AS ${quote(column.name)}`
  const documentKey = fields.filter(({ column }) => header.key.includes(column.name))
  const nothing = (name: string): string => {
    const column = list.columns.find((known) => known.name === name)
    return list.key.includes(name)
      ? `o.${quote(name)} AS ${quote(name)}`
      : `${cast('CAST(NULL AS STRING)', column?.type ?? 'string', json)} AS ${quote(name)}`
  }
  return [
    `MERGE INTO ${list.table} AS t`,
    'USING (',
    `WITH staged AS (${staged}),`,
    `named AS (SELECT g.n AS n, g.x AS x, CAST(g.r AS BIGINT) AS r, g.h AS h, ${documentKey.map((field) => value('g', field)).join(', ')} FROM staged AS g WHERE g.x IS NOT NULL),`,
    `docs AS (SELECT d.* FROM named AS d`,
    ` LEFT ANTI JOIN ${header.table} AS h ON ${equal('h', 'd', header.key)} AND (h.\`_sync_read\` > d.r OR (h.\`_sync_read\` = d.r AND h.\`_row_hash\` = d.h AND h.\`_sync_run\` = :run AND d.x = 'u'))`,
    ` LEFT ANTI JOIN ${list.table} AS l ON ${equal('l', 'd', header.key)} AND l.\`_sync_read\` > d.r),`,
    `lines AS (SELECT ${fields.map((field) => value('g', field)).join(', ')}, d.r AS \`_sync_read\` FROM staged AS g JOIN docs AS d ON g.n = d.n WHERE g.x IS NULL)`,
    `SELECT false AS \`_gone\`, ${list.columns.map(({ name }) => `i.${quote(name)} AS ${quote(name)}`).join(', ')}, :run AS \`_sync_run\`, i.\`_sync_read\` AS \`_sync_read\`, CAST(:at AS TIMESTAMP) AS \`_sync_at\` FROM lines AS i`,
    'UNION ALL',
    `SELECT true AS \`_gone\`, ${list.columns.map(({ name }) => nothing(name)).join(', ')}, :run AS \`_sync_run\`, d.r AS \`_sync_read\`, CAST(:at AS TIMESTAMP) AS \`_sync_at\` FROM ${list.table} AS o JOIN docs AS d ON ${equal('o', 'd', header.key)} LEFT ANTI JOIN lines AS i ON ${equal('i', 'o', list.key)}`,
    ') AS s',
    `ON ${equal('t', 's', list.key)}`,
    'WHEN MATCHED AND s.`_gone` THEN DELETE',
    `WHEN MATCHED THEN UPDATE SET ${assign(names, list.key)}`,
    `WHEN NOT MATCHED AND NOT s.\`_gone\` THEN ${insert(names)}`,
  ].join('\n')
}

/** The rows whose values do not fit their columns: index in the batch and the first such column. */
export function rejectedQuery(table: MergeTable, staged: string, json: JsonType): string {
  const doubts = fieldsOf(table.columns).flatMap(({ column, field }) => {
    const attempt = tryCast(`g.${field}`, column.type, json)
    return attempt === `g.${field}` ? [] : [`WHEN g.${field} IS NOT NULL AND ${attempt} IS NULL THEN '${field}'`]
  })
  if (doubts.length === 0) return ''
  return `SELECT q.n AS n, q.field AS field FROM (SELECT g.n AS n, CASE ${doubts.join(' ')} END AS field FROM (${staged}) AS g) AS q WHERE q.field IS NOT NULL LIMIT 10000`
}

const assign = (names: readonly string[], key: readonly string[]): string =>
  names
    .filter((name) => !key.includes(name))
    .map((name) => `t.${quote(name)} = s.${quote(name)}`)
    .join(', ')

const insert = (names: readonly string[]): string =>
  `INSERT (${names.map(quote).join(', ')}) VALUES (${names.map((name) => `s.${quote(name)}`).join(', ')})`
