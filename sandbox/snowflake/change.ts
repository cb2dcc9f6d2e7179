import { run, type Work } from '../sql/engine.ts'
import { quote } from '../sql/reader.ts'
import type { Table } from './catalog.ts'
import { setAside, unfit } from './error-log.ts'
import { SqlError } from './errors.ts'
import { typesOf } from './merge.ts'
import { type Change, column, type Insert } from './sql/dml.ts'
import { assignTo } from './sql/types.ts'

/** INSERT; gives how many rows it added. */
export async function insert(
  work: Work,
  queryId: string,
  { table: target, columns, query, overwrite }: Insert,
): Promise<number> {
  if (overwrite) await run(work, `DELETE FROM ${target.engine}`)
  const names = columns.map((_, index) => quote(`v${index}`))
  let from = `(${query}) AS source(${names.join(', ')})`
  const width = (await run(work, `SELECT * FROM (${query}) LIMIT 0`)).columnCount
  if (width !== columns.length)
    throw new SqlError(
      '002020',
      '21S01',
      `SQL compilation error:\nInsert value list does not match column list expecting ${columns.length} but got ${width}`,
    )
  if (target.errorLogging) {
    await run(work, `CREATE TEMPORARY TABLE insert_source AS ${query}`)
    from = `temp.insert_source AS source(${names.join(', ')})`
    await withoutBadRows(work, target, columns, names, from, queryId)
  }
  const types = await typesOf(work, names, from)
  const values = columns.map((one, index) => assignTo(names[index] ?? '', one.type, types[index]))
  const { rowsChanged } = await run(
    work,
    `INSERT INTO ${target.engine} (${columns.map((one) => column(one.name)).join(', ')}) SELECT ${values.join(', ')} FROM ${from}`,
  )
  if (target.errorLogging) await run(work, 'DROP TABLE temp.insert_source')
  return rowsChanged
}

async function withoutBadRows(
  work: Work,
  target: Table,
  columns: Insert['columns'],
  names: readonly string[],
  from: string,
  queryId: string,
): Promise<void> {
  const types = await typesOf(work, names, from)
  const reason = unfit(columns.map((one, index) => ({ column: one, raw: names[index] ?? '', from: types[index] })))
  if (reason === undefined) return
  await run(
    work,
    `CREATE TEMPORARY TABLE insert_unfit AS SELECT * FROM (SELECT source.rowid AS id, ${reason} AS reason, to_json(source) AS content FROM ${from}) WHERE reason IS NOT NULL`,
  )
  await setAside(work, target, 'temp.insert_unfit', queryId)
  await run(work, 'DELETE FROM temp.insert_source WHERE rowid IN (SELECT id FROM temp.insert_unfit)')
  await run(work, 'DROP TABLE temp.insert_unfit')
}

/** UPDATE and DELETE; gives how many rows they touched. */
export async function change(work: Work, { kind, table: target, alias, set, from, where }: Change): Promise<number> {
  const named = `${target.engine} AS ${quote(alias)}`
  const condition = where === undefined ? '' : ` WHERE ${where}`
  if (kind === 'delete') {
    const using = from === undefined ? '' : ` USING ${from}`
    return (await run(work, `DELETE FROM ${named}${using}${condition}`)).rowsChanged
  }
  const types = await typesOf(
    work,
    set.map(({ value }) => value),
    from === undefined ? named : `${named}, ${from}`,
  )
  const assigned = set.map(
    (one, index) => `${column(one.column.name)} = ${assignTo(one.value, one.column.type, types[index])}`,
  )
  const source = from === undefined ? '' : ` FROM ${from}`
  return (await run(work, `UPDATE ${named} SET ${assigned.join(', ')}${source}${condition}`)).rowsChanged
}
