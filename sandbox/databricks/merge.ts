import { run, type Work } from '../sql/engine.ts'
import { quote } from '../sql/reader.ts'
import type { Change } from './commits.ts'
import { SqlError, unresolved } from './errors.ts'
import { engineName } from './sql/cursor.ts'
import type { Merge, MergeClause } from './sql/statement.ts'
import { columnsOf } from './store.ts'

/** How many rows a MERGE touched. */
export interface MergeCounts {
  updated: number
  deleted: number
  inserted: number
}

const SOURCE = 'temp.merge_source'

/**
 * Runs a MERGE. The source is evaluated once, into a temporary table. Unlike DuckDB, Databricks refuses two source rows
 * that change one target row, so that is looked for first.
 */
export async function runMerge(work: Work, merge: Merge, source: string, change: Change): Promise<MergeCounts> {
  const target = `${engineName(merge.table)} AS ${quote(merge.alias)}`
  const using = `${SOURCE} AS ${quote(merge.sourceAlias)}`
  const targetColumns = (await columnsOf(work, merge.table)).map((column) => column.name)
  const perform = async () => {
    await run(work, `CREATE TEMPORARY TABLE merge_source AS ${source}`)
    const clauses = merge.clauses.map((clause) => emit(clause, merge.sourceAlias, targetColumns))
    await refuseAmbiguous(work, merge, target, using)
    const actions = await run(
      work,
      `MERGE INTO ${target} USING ${using} ON ${merge.condition} ${clauses.join(' ')} RETURNING merge_action`,
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
  return await change(work, merge.table, perform, ({ updated, deleted, inserted }) => updated + deleted + inserted)
}

function emit({ on, condition, act, set }: MergeClause, sourceAlias: string, targetColumns: readonly string[]): string {
  const assignments =
    set === 'all' ? targetColumns.map((column) => ({ column, value: `${quote(sourceAlias)}.${quote(column)}` })) : set
  for (const { column } of assignments) {
    if (!targetColumns.some((name) => name.toLowerCase() === column.toLowerCase())) throw unresolved(column)
  }
  const when = `WHEN ${on}${condition === undefined ? '' : ` AND ${condition}`} THEN ${act}`
  const columns = assignments.map(({ column }) => quote(column))
  if (act === 'UPDATE')
    return `${when} SET ${assignments.map(({ column, value }) => `${quote(column)} = ${value}`).join(', ')}`
  if (act === 'DELETE') return when
  return `${when} (${columns.join(', ')}) VALUES (${assignments.map(({ value }) => value).join(', ')})`
}

/** Since runtime 16.1 only source rows for which some WHEN MATCHED applies count; a lone unconditional DELETE is exempt. */
async function refuseAmbiguous(work: Work, merge: Merge, target: string, using: string): Promise<void> {
  const matched = merge.clauses.filter((clause) => clause.on === 'MATCHED')
  const [only] = matched
  if (!only || (matched.length === 1 && only.act === 'DELETE' && only.condition === undefined)) return
  const conditions = matched.flatMap((clause) => (clause.condition === undefined ? [] : [clause.condition]))
  const where = conditions.length === matched.length ? `WHERE ${conditions.join(' OR ')}` : ''
  const twice = await run(
    work,
    `SELECT 1 FROM ${target} JOIN ${using} ON ${merge.condition} ${where} GROUP BY ${quote(merge.alias)}.rowid HAVING count(*) > 1 LIMIT 1`,
  )
  if (twice.currentRowCount === 0) return
  throw new SqlError(
    'DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE',
    '21506',
    'Cannot perform Merge as multiple source rows matched and attempted to modify the same target row in the Delta table in possibly conflicting ways. By SQL semantics of Merge, when multiple source rows match on the same target row, the result may be ambiguous as it is unclear which source row should be used to update or delete the matching target row. You can preprocess the source table to eliminate the possibility of multiple matches.',
  )
}
