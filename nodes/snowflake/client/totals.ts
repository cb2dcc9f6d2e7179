/** Control totals as stored: one query for one table over the rows that a run wrote. */
import { scaleOf, toTotals } from '../../../sync/stored.ts'
import type { StoredTotal, TotalsQuestion, WriteContext } from '../../../sync/target.ts'
import type { Connection } from './connection.ts'
import type { MergeTable } from './merge.ts'
import { plainTable, quote, quoteTable } from './sql.ts'

/** Sums leave Snowflake as text, so that no digit is lost on the way; credit is positive. */
export function totalsQuery(table: MergeTable, question: TotalsQuestion): string {
  const at = (name: string): string => `t.${quote(table.find(name)?.name ?? name.toUpperCase())}`
  const groups = question.by.map((name, i) => `CAST(${at(name)} AS VARCHAR) AS "g${i}"`)
  const sums = question.amounts.flatMap((name, i) => {
    const amount = `CAST(${at(name)} AS NUMBER(38,${scaleOf(table.columns, name)}))`
    return [
      `CAST(SUM(CASE WHEN ${amount} > 0 THEN ${amount} ELSE 0 END) AS VARCHAR) AS "d${i}"`,
      `CAST(SUM(CASE WHEN ${amount} < 0 THEN -${amount} ELSE 0 END) AS VARCHAR) AS "c${i}"`,
    ]
  })
  const by = question.by.length > 0 ? ` GROUP BY ${question.by.map(at).join(', ')}` : ''
  return `SELECT ${[...groups, 'CAST(COUNT(*) AS VARCHAR) AS "n"', ...sums].join(', ')} FROM ${quoteTable(table.name)} AS t WHERE ${at('_sync_run')} = :1${by}`
}

export async function storedTotals(
  connection: Connection,
  table: MergeTable,
  question: TotalsQuestion,
  context: WriteContext,
): Promise<readonly StoredTotal[]> {
  const rows = await connection.run(
    { sql: totalsQuery(table, question), binds: [question.run], what: `Totals of ${plainTable(table.name)}` },
    context,
  )
  return toTotals(rows, question)
}
