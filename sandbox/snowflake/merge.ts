import { run, type Work } from '../sql/engine.ts'
import { quote } from '../sql/reader.ts'
import type { Column } from './catalog.ts'
import { setAside, unfit } from './error-log.ts'
import { duplicateRow, invalidIdentifier } from './errors.ts'
import { type Assignment, column, type Merge, type MergeClause } from './sql/dml.ts'
import { displayed, engineName } from './sql/names.ts'
import { assignTo } from './sql/types.ts'

/** How many rows a MERGE touched. */
export interface MergeCounts {
  inserted: number
  updated: number
  deleted: number
}

export const SOURCE = 'temp.merge_source'

/** Types of expressions over some relations, as the engine has them. */
export async function typesOf(work: Work, expressions: readonly string[], from: string): Promise<string[]> {
  if (expressions.length === 0) return []
  const reader = await run(work, `SELECT ${expressions.join(', ')} FROM ${from} LIMIT 0`)
  return expressions.map((_, index) => {
    const type = reader.columnType(index)
    return type.alias ?? type.toString()
  })
}

/** What each column gets, converted as Snowflake converts what it stores. */
async function converted(
  work: Work,
  set: readonly Assignment[],
  from: string,
): Promise<{ column: Column; value: string; raw: string; from: string | undefined }[]> {
  const types = await typesOf(
    work,
    set.map(({ value }) => value),
    from,
  )
  return set.map(({ column, value }, index) => ({
    column,
    raw: value,
    from: types[index],
    value: assignTo(value, column.type, types[index]),
  }))
}

/**
 * Runs a MERGE. The source is evaluated once, into a temporary table. Unlike DuckDB, Snowflake refuses two source rows that
 * change one target row, so that is looked for first.
 */
export async function runMerge(work: Work, merge: Merge, strict: boolean, queryId: string): Promise<MergeCounts> {
  const target = `${merge.table.engine} AS ${quote(merge.alias)}`
  const using = `${SOURCE} AS ${quote(merge.sourceAlias)}`
  await run(work, `CREATE TEMPORARY TABLE merge_source AS ${merge.source}`)
  const names = new Set((await run(work, `SELECT * FROM ${SOURCE} LIMIT 0`)).columnNames())
  const clauses = await Promise.all(
    merge.clauses.map(async (clause) => ({
      clause,
      set: await converted(work, byName(clause, merge, names), `${target}, ${using}`),
    })),
  )
  if (strict) await refuseAmbiguous(work, merge, target, using)
  if (merge.table.errorLogging) await withoutBadRows(work, merge, clauses, target, using, queryId)
  const sql = clauses.map(({ clause, set }) => emit(clause, set)).join(' ')
  const actions = await run(
    work,
    `MERGE INTO ${target} USING ${using} ON ${merge.condition} ${sql} RETURNING merge_action`,
  )
  const counts: MergeCounts = { updated: 0, deleted: 0, inserted: 0 }
  for (const action of actions.getColumnsJson()[0] ?? []) {
    if (action === 'INSERT') counts.inserted += 1
    else if (action === 'UPDATE') counts.updated += 1
    else if (action === 'DELETE') counts.deleted += 1
  }
  await run(work, `DROP TABLE ${SOURCE}`)
  return counts
}

function byName({ set }: MergeClause, merge: Merge, names: ReadonlySet<string>): Assignment[] {
  if (set !== 'all') return set
  const missing = merge.table.columns.find(({ name }) => !names.has(engineName(name)))
  if (missing) throw invalidIdentifier(displayed(engineName(missing.name)))
  return merge.table.columns.map((one) => ({ column: one, value: `${quote(merge.sourceAlias)}.${column(one.name)}` }))
}

function emit({ on, condition, act }: MergeClause, set: readonly { column: Column; value: string }[]): string {
  const when = `WHEN ${on}${condition === undefined ? '' : ` AND ${condition}`} THEN ${act}`
  if (act === 'DELETE') return when
  if (act === 'UPDATE') return `${when} SET ${set.map((one) => `${column(one.column.name)} = ${one.value}`).join(', ')}`
  return `${when} (${set.map((one) => column(one.column.name)).join(', ')}) VALUES (${set.map(({ value }) => value).join(', ')})`
}

/** Several deletes of one row are one delete; anything else that meets a row twice cannot be told apart. */
async function refuseAmbiguous(work: Work, merge: Merge, target: string, using: string): Promise<void> {
  const matched = merge.clauses.filter((clause) => clause.on === 'MATCHED')
  if (matched.every((clause) => clause.act === 'DELETE')) return
  const conditions = matched.flatMap((clause) => (clause.condition === undefined ? [] : [clause.condition]))
  const where = conditions.length === matched.length ? `WHERE ${conditions.join(' OR ')}` : ''
  const twice = await run(
    work,
    `SELECT 1 FROM ${target} JOIN ${using} ON ${merge.condition} ${where} GROUP BY ${quote(merge.alias)}.rowid HAVING count(*) > 1 LIMIT 1`,
  )
  if (twice.currentRowCount > 0) throw duplicateRow()
}

interface Prepared {
  clause: MergeClause
  set: { column: Column; raw: string; from: string | undefined }[]
}

/** Takes the source rows that do not fit into the error table of the target. */
async function withoutBadRows(
  work: Work,
  merge: Merge,
  clauses: readonly Prepared[],
  target: string,
  using: string,
  queryId: string,
): Promise<void> {
  const alias = quote(merge.sourceAlias)
  const isMatched = `${quote(merge.alias)}.rowid IS NOT NULL`
  const cases = clauses.flatMap(({ clause, set }) => {
    const reason = unfit(set)
    const applies = clause.on === 'MATCHED' ? isMatched : `NOT (${isMatched})`
    return reason === undefined
      ? []
      : [`WHEN ${applies}${clause.condition === undefined ? '' : ` AND ${clause.condition}`} THEN ${reason}`]
  })
  if (cases.length === 0) return
  await run(
    work,
    `CREATE TEMPORARY TABLE merge_unfit AS SELECT id, any_value(reason) AS reason, any_value(content) AS content FROM (SELECT ${alias}.rowid AS id, CASE ${cases.join(' ')} END AS reason, to_json(${alias}) AS content FROM ${using} LEFT JOIN ${target} ON ${merge.condition}) WHERE reason IS NOT NULL GROUP BY id`,
  )
  await setAside(work, merge.table, 'temp.merge_unfit', queryId)
  await run(work, `DELETE FROM ${SOURCE} WHERE rowid IN (SELECT id FROM temp.merge_unfit)`)
  await run(work, 'DROP TABLE temp.merge_unfit')
}
