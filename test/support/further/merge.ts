/** The rows of a batch as one parameter, and the statements that merge them. */
import type { Schema } from '../../../sync/contract/message.ts'
import type { MergeStatements, Part, Staging } from '../../../vendor/warehouse/merging.ts'
import { arrayText, compileSerializer, packRows, stagedFields } from '../../../vendor/warehouse/staged-rows.ts'
import { HEADER_COLUMNS, LIST_COLUMNS } from '../../../vendor/warehouse/technical-columns.ts'
import { cast, quote, quoteTable, sqlType } from './dialect.ts'

export const furtherStaging = (schema: Schema, parts: readonly Part[]): Staging<readonly string[]> => {
  const serializers = parts.map(({ list, columns }) => compileSerializer(schema, { list, columns }))
  const statements = statementsOf(parts)
  return {
    stage: async ({ records }) =>
      serializers.map((serialize) => arrayText(packRows((rows) => serialize(records, rows)))),
    drop: () => undefined,
    samePlace: false,
    statements: () => statements,
  }
}

function statementsOf(parts: readonly Part[]): MergeStatements<readonly string[]> {
  const merges = parts.map((part, i) => (i === 0 ? headerMerge(part) : listMerge(part, parts[0] as Part)))
  const checks = parts.map(rejected)
  return {
    merge: (place, rows, { run, at }) => ({
      sql: merges[place] as string,
      values: [
        ['rows', rows[place] as string],
        ['run', run],
        ['at', at],
      ],
    }),
    rejected: (place, rows) => ({ sql: checks[place] as string, values: [['rows', rows[place] as string]] }),
  }
}

/** The staged rows of a table, all of them texts. */
const staged = ({ columns }: Part): string => {
  const fields = stagedFields(columns)
  const shape = `[{${fields.map((field) => `"${field}":"VARCHAR"`).join(',')}}]`
  return `SELECT ${fields.map((field) => `r.${field} AS ${field}`).join(', ')} FROM (SELECT unnest(from_json($1, '${shape}')) AS r)`
}
const values = ({ columns }: Part): string =>
  columns.map(({ name, type }, i) => `${cast(`g.c${i}`, type)} AS ${quote(name)}`).join(', ')
const equal = (left: string, right: string, names: readonly string[]): string =>
  names.map((name) => `${left}.${quote(name)} = ${right}.${quote(name)}`).join(' AND ')
const TECHNICAL = '$2 AS _sync_run, CAST(g.r AS BIGINT) AS _sync_read, CAST($3 AS TIMESTAMP) AS _sync_at'

function headerMerge(header: Part): string {
  const names = [...header.columns, ...HEADER_COLUMNS].map(({ name }) => name)
  return [
    `MERGE INTO ${quoteTable(header.wanted.name)} AS t`,
    `USING (SELECT g.x AS _op, ${values(header)}, ${TECHNICAL}, g.s AS _source_stamp, g.h AS _row_hash FROM (${staged(header)}) AS g) AS s`,
    `ON ${equal('t', 's', header.key)}`,
    "WHEN MATCHED AND s._op = 'x' AND (t._sync_read IS NULL OR t._sync_read <= s._sync_read) THEN DELETE",
    `WHEN MATCHED AND s._op = 'u' AND (t._sync_read IS NULL OR t._sync_read < s._sync_read OR (t._sync_read = s._sync_read AND (t._row_hash, t._sync_run) IS DISTINCT FROM (s._row_hash, s._sync_run))) THEN UPDATE SET ${assign(names, header.key)}`,
    `WHEN NOT MATCHED AND s._op = 'u' THEN ${insert(names)}`,
  ].join('\n')
}

function listMerge(list: Part, header: Part): string {
  const names = [...list.columns, ...LIST_COLUMNS].map(({ name }) => name)
  const key = list.columns.flatMap(({ name, type }, i) =>
    header.key.includes(name) ? [`${cast(`g.c${i}`, type)} AS ${quote(name)}`] : [],
  )
  const gone = list.columns.map(({ name, type }) =>
    list.key.includes(name) ? `o.${quote(name)}` : `CAST(NULL AS ${sqlType(type)})`,
  )
  const rest = (from: string): string =>
    `$2 AS _sync_run, ${from}._sync_read AS _sync_read, CAST($3 AS TIMESTAMP) AS _sync_at`
  return [
    `MERGE INTO ${quoteTable(list.wanted.name)} AS t USING (WITH staged AS (${staged(list)}),`,
    `docs AS (SELECT * FROM (SELECT g.n, g.x, g.h, CAST(g.r AS BIGINT) AS _sync_read, ${key.join(', ')} FROM staged AS g WHERE g.x IS NOT NULL) AS d`,
    `WHERE NOT EXISTS (SELECT 1 FROM ${quoteTable(header.wanted.name)} AS h WHERE ${equal('h', 'd', header.key)} AND (h._sync_read > d._sync_read OR (h._sync_read = d._sync_read AND h._row_hash = d.h AND h._sync_run = $2 AND d.x = 'u')))),`,
    `lines AS (SELECT ${values(list)}, d._sync_read FROM staged AS g JOIN docs AS d ON g.n = d.n WHERE g.x IS NULL)`,
    `SELECT false AS _gone, ${list.columns.map(({ name }) => `i.${quote(name)}`).join(', ')}, ${rest('i')} FROM lines AS i UNION ALL`,
    `SELECT true, ${gone.join(', ')}, ${rest('d')} FROM ${quoteTable(list.wanted.name)} AS o JOIN docs AS d ON ${equal('o', 'd', header.key)} WHERE NOT EXISTS (SELECT 1 FROM lines AS i WHERE ${equal('i', 'o', list.key)})) AS s`,
    `ON ${equal('t', 's', list.key)}`,
    'WHEN MATCHED AND s._gone THEN DELETE',
    `WHEN MATCHED THEN UPDATE SET ${assign(names, list.key)}`,
    `WHEN NOT MATCHED AND NOT s._gone THEN ${insert(names)}`,
  ].join('\n')
}

function rejected(part: Part): string {
  const doubts = part.columns.map(
    ({ type }, i) => `WHEN g.c${i} IS NOT NULL AND TRY_CAST(g.c${i} AS ${sqlType(type)}) IS NULL THEN 'c${i}'`,
  )
  return `SELECT q.n AS n, q.field AS field FROM (SELECT g.n AS n, CASE ${doubts.join(' ')} END AS field FROM (${staged(part)}) AS g) AS q WHERE q.field IS NOT NULL`
}

const assign = (names: readonly string[], key: readonly string[]): string =>
  names
    .filter((name) => !key.includes(name))
    .map((name) => `${quote(name)} = s.${quote(name)}`)
    .join(', ')
const insert = (names: readonly string[]): string =>
  `INSERT (${names.map(quote).join(', ')}) VALUES (${names.map((name) => `s.${quote(name)}`).join(', ')})`
