/** The MERGE statements: insert, update and line delete of a batch in one statement for each table. */
import type { Column } from '../../../sync/contract/message.ts'
import type { FindColumn, FoundColumn, TableName } from '../../../vendor/warehouse/dialect.ts'
import { HEADER_COLUMNS, LIST_COLUMNS } from '../../../vendor/warehouse/technical-columns.ts'
import { cast, castType, quote, quoteTable, tryCast } from './sql.ts'

/** One table of an entity, with the names and types that it has in Snowflake. */
export interface MergeTable {
  readonly name: TableName
  readonly key: readonly string[]
  readonly columns: readonly Column[]
  readonly find: FindColumn
  /** What its rows have as `t` in the staging table. */
  readonly tag: string
}

/** Quoted stored name of a column; those that were asked for are there. */
const at = ({ find }: MergeTable, name: string): string => quote(find(name)?.name ?? name.toUpperCase())

interface Field {
  readonly column: Column
  /** Its name in the staging table, and in the sources made of it. */
  readonly field: string
  readonly there: FoundColumn | undefined
}

const fieldsOf = ({ columns, find }: MergeTable): readonly Field[] =>
  columns.map((column, i) => ({ column, field: quote(`c${i}`), there: find(column.name) }))

const isText = ({ there }: Field): boolean => there?.type.kind === 'VARCHAR'
const value = (alias: string, field: Field): string => cast(`${alias}.${field.field}`, field.column.type, isText(field))

/** Key columns of the header by which Snowflake may leave out partitions: texts in every table. None of a key has a collation. */
export const rangeColumns = (tables: readonly MergeTable[]): readonly string[] =>
  (tables[0]?.key ?? []).filter((name) =>
    tables.every((table) => {
      const there = table.find(name)?.type
      return there?.kind === 'VARCHAR' && typeOf(table, name) === 'string'
    }),
  )

const typeOf = ({ columns }: MergeTable, name: string): string | undefined =>
  columns.find((column) => column.name === name)?.type

const WRITTEN_AT = cast(':2', 'timestamp')

/** Binds: 1 the run, 2 the time of writing, then the lowest and highest value of each range column. */
const FIRST_RANGE = 3
const range = (alias: string, table: MergeTable, ranged: readonly string[]): string =>
  ranged
    .map(
      (name, i) => ` AND ${alias}.${at(table, name)} BETWEEN :${FIRST_RANGE + 2 * i} AND :${FIRST_RANGE + 1 + 2 * i}`,
    )
    .join('')

/** Field of a key column in the staging rows of another table of the same document. */
const keyField = (table: MergeTable, name: string): Field =>
  fieldsOf(table).find(({ column }) => column.name === name) as Field

const newest = (alias: string, parts: readonly string[]): string =>
  `QUALIFY ROW_NUMBER() OVER (PARTITION BY ${parts.join(', ')} ORDER BY CAST(${alias}."n" AS NUMBER(38,0)) DESC) = 1`

/** Last of each document, in case one came twice: Snowflake would insert a new key twice without a word. */
const documents = (header: MergeTable, staging: TableName, columns: readonly string[]): string =>
  `SELECT ${columns.join(', ')} FROM ${quoteTable(staging)} AS g WHERE g."t" = '${header.tag}' ${newest(
    'g',
    header.key.map((name) => `g.${keyField(header, name).field}`),
  )}`

const READ = 'CAST(g."r" AS NUMBER(38,0)) AS "r"'

/**
 * The header: written when the target has no newer read of it. An exact repeat (same read, run and hash) changes nothing.
 */
export function headerMerge(header: MergeTable, staging: TableName, ranged: readonly string[]): string {
  const fields = fieldsOf(header)
  const t = (name: string): string => `t.${at(header, name)}`
  const source = documents(header, staging, [
    'g."x" AS "x"',
    READ,
    'g."h" AS "h"',
    'g."s" AS "s"',
    ...fields.map((field) => `${value('g', field)} AS ${field.field}`),
  ])
  const older = `(${t('_sync_read')} IS NULL OR ${t('_sync_read')} < s."r")`
  const changed = `NOT (EQUAL_NULL(${t('_row_hash')}, s."h") AND EQUAL_NULL(${t('_sync_run')}, :1))`
  const own: Readonly<Record<string, string>> = {
    _sync_run: ':1',
    _sync_read: 's."r"',
    _sync_at: WRITTEN_AT,
    _source_stamp: 's."s"',
    _row_hash: 's."h"',
  }
  const sets: readonly (readonly [string, string])[] = [
    ...fields.map(({ column, field }) => [column.name, `s.${field}`] as const),
    ...HEADER_COLUMNS.map(({ name }) => [name, own[name] ?? 'NULL'] as const),
  ]
  return [
    `MERGE INTO ${quoteTable(header.name)} AS t`,
    `USING (${source}) AS s`,
    `ON ${header.key.map((name) => `${t(name)} = s.${keyField(header, name).field}`).join(' AND ')}${range('t', header, ranged)}`,
    `WHEN MATCHED AND s."x" = 'x' AND (${t('_sync_read')} IS NULL OR ${t('_sync_read')} <= s."r") THEN DELETE`,
    `WHEN MATCHED AND s."x" = 'u' AND (${older} OR (${t('_sync_read')} = s."r" AND ${changed})) THEN UPDATE SET ${assign(header, sets)}`,
    `WHEN NOT MATCHED AND s."x" = 'u' THEN ${insert(header, sets)}`,
  ].join('\n')
}

/** Key of a document as fields of `docs`. */
const documentKey = (
  header: MergeTable,
): readonly { readonly name: string; readonly field: string; readonly cast: string }[] =>
  header.key.map((name, i) => ({ name, field: quote(`k${i}`), cast: value('g', keyField(header, name)) }))

/** Documents of the batch that may still be written: not those whose header in the target comes from a newer read, or says that exactly this was written. */
function openDocuments(header: MergeTable, staging: TableName, ranged: readonly string[]): string {
  const key = documentKey(header)
  const h = (name: string): string => `h.${at(header, name)}`
  const on = key.map(({ name, field }) => `${h(name)} = d.${field}`).join(' AND ')
  const written = `(${h('_sync_read')} = d."r" AND d."x" = 'u' AND EQUAL_NULL(${h('_row_hash')}, d."h") AND EQUAL_NULL(${h('_sync_run')}, :1))`
  const named = documents(header, staging, [
    'g."n" AS "n"',
    'g."x" AS "x"',
    READ,
    'g."h" AS "h"',
    ...key.map((part) => `${part.cast} AS ${part.field}`),
  ])
  return [
    `SELECT d."n" AS "n", d."r" AS "r", ${key.map(({ field }) => `d.${field} AS ${field}`).join(', ')} FROM (${named}) AS d`,
    `LEFT JOIN ${quoteTable(header.name)} AS h ON ${on}${range('h', header, ranged)}`,
    `WHERE ${h('_sync_read')} IS NULL OR (${h('_sync_read')} <= d."r" AND NOT ${written})`,
  ].join(' ')
}

/**
 * A list. Its source is the staged lines plus the target's lines that a document of the batch no longer has. A document is left
 * alone as a whole when its header says so; header and lists are written in one transaction.
 */
export function listMerge(list: MergeTable, header: MergeTable, staging: TableName, ranged: readonly string[]): string {
  const fields = fieldsOf(list)
  const key = documentKey(header)
  const line = (name: string): string => keyField(list, name).field
  const nothing = ({ column, field, there }: Field): string =>
    list.key.includes(column.name)
      ? `o.${quote(there?.name ?? column.name.toUpperCase())} AS ${field}`
      : `CAST(NULL AS ${castType(column.type, there?.type.kind === 'VARCHAR')}) AS ${field}`
  const own: Readonly<Record<string, string>> = {
    _sync_run: ':1',
    _sync_read: 's."r"',
    _sync_at: WRITTEN_AT,
  }
  const sets: readonly (readonly [string, string])[] = [
    ...fields.map(({ column, field }) => [column.name, `s.${field}`] as const),
    ...LIST_COLUMNS.map(({ name }) => [name, own[name] ?? 'NULL'] as const),
  ]
  const t = (name: string): string => `t.${at(list, name)}`
  return [
    `MERGE INTO ${quoteTable(list.name)} AS t`,
    'USING (',
    `WITH docs AS (${openDocuments(header, staging, ranged)}),`,
    `lines AS (SELECT d."r" AS "r", ${fields.map((field) => `${value('g', field)} AS ${field.field}`).join(', ')} FROM ${quoteTable(staging)} AS g JOIN docs AS d ON g."n" = d."n" WHERE g."t" = '${list.tag}' ${newest(
      'g',
      list.key.map((name) => `g.${line(name)}`),
    )})`,
    `SELECT FALSE AS "gone", i."r" AS "r", ${fields.map(({ field }) => `i.${field} AS ${field}`).join(', ')} FROM lines AS i`,
    'UNION ALL',
    `SELECT TRUE AS "gone", d."r" AS "r", ${fields.map(nothing).join(', ')} FROM ${quoteTable(list.name)} AS o JOIN docs AS d ON ${key.map(({ name, field }) => `o.${at(list, name)} = d.${field}`).join(' AND ')} LEFT JOIN lines AS i ON ${list.key.map((name) => `i.${line(name)} = o.${at(list, name)}`).join(' AND ')} WHERE i."r" IS NULL${range('o', list, ranged)}`,
    ') AS s',
    `ON ${list.key.map((name) => `${t(name)} = s.${line(name)}`).join(' AND ')}${range('t', list, ranged)}`,
    'WHEN MATCHED AND s."gone" THEN DELETE',
    `WHEN MATCHED THEN UPDATE SET ${assign(list, sets)}`,
    `WHEN NOT MATCHED AND NOT s."gone" THEN ${insert(list, sets)}`,
  ].join('\n')
}

/** The rows whose values do not fit their columns: index in the batch and the first such column. */
export function rejectedQuery(table: MergeTable, staging: TableName): string {
  const doubts = fieldsOf(table).flatMap((field) => {
    const text = `g.${field.field}`
    const name = field.field.slice(1, -1)
    const attempt = tryCast(text, field.column.type, isText(field))
    const long = field.there?.type.kind === 'VARCHAR' ? field.there.type.length : Number.MAX_SAFE_INTEGER
    return [
      ...(attempt === text ? [] : [`WHEN ${text} IS NOT NULL AND ${attempt} IS NULL THEN '${name}'`]),
      ...(long < 16_777_216 ? [`WHEN LENGTH(${text}) > ${long} THEN '${name}'`] : []),
      ...(field.there && !field.there.nullable ? [`WHEN ${text} IS NULL THEN '${name}'`] : []),
    ]
  })
  if (doubts.length === 0) return ''
  return `SELECT q."n" AS "n", q."field" AS "field" FROM (SELECT g."n" AS "n", CASE ${doubts.join(' ')} END AS "field" FROM ${quoteTable(staging)} AS g WHERE g."t" = '${table.tag}' AND (g."x" IS NULL OR g."x" = 'u')) AS q WHERE q."field" IS NOT NULL LIMIT 10000`
}

/** Documents of which the target does not have, after the MERGE, every row that it should: a table with ERROR_LOGGING leaves bad rows out without an error. */
export function vanishedQuery(table: MergeTable, header: MergeTable, staging: TableName): string {
  const key = documentKey(header)
  const d = documents(header, staging, [
    'g."n" AS "n"',
    'g."x" AS "x"',
    READ,
    ...key.map((part) => `${part.cast} AS ${part.field}`),
  ])
  const t = (name: string): string => `t.${at(table, name)}`
  const on = table.key.map((name) => {
    const field = keyField(table, name)
    return `${t(name)} = ${cast(`g.${field.field}`, field.column.type, isText(field))}`
  })
  return [
    `SELECT DISTINCT d."n" AS "n" FROM (${d}) AS d`,
    `JOIN ${quoteTable(staging)} AS g ON g."n" = d."n" AND g."t" = '${table.tag}'`,
    `LEFT JOIN ${quoteTable(header.name)} AS h ON ${key.map(({ name, field }) => `h.${at(header, name)} = d.${field}`).join(' AND ')}`,
    `LEFT JOIN ${quoteTable(table.name)} AS t ON ${on.join(' AND ')}`,
    `WHERE d."x" = 'u' AND (h.${at(header, '_sync_read')} IS NULL OR h.${at(header, '_sync_read')} <= d."r") AND (${t('_sync_read')} IS NULL OR ${t('_sync_read')} < d."r")`,
  ].join(' ')
}

const assign = (table: MergeTable, sets: readonly (readonly [string, string])[]): string =>
  sets
    .filter(([name]) => !table.key.includes(name))
    .map(([name, expression]) => `t.${at(table, name)} = ${expression}`)
    .join(', ')

const insert = (table: MergeTable, sets: readonly (readonly [string, string])[]): string =>
  `INSERT (${sets.map(([name]) => at(table, name)).join(', ')}) VALUES (${sets.map(([, expression]) => expression).join(', ')})`
