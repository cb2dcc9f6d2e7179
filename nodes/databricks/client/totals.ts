/** Control totals as stored: one query for one table over the rows that a run wrote. */
import { toTotals } from '../../../sync/stored.ts'
import type { StoredTotal, TotalsQuestion, WriteContext } from '../../../sync/target.ts'
import type { Connection } from './connection.ts'
import { plainTable, quote, quoteTable, type TableName } from './sql.ts'

/** Sums leave the warehouse as text, so that no digit is lost on the way; credit is positive. */
export function totalsQuery(table: TableName, question: TotalsQuestion, scaleOf: (column: string) => number): string {
  const groups = question.by.map((name, i) => `CAST(t.${quote(name)} AS STRING) AS g${i}`)
  const sums = question.amounts.flatMap((name, i) => {
    const amount = `CAST(t.${quote(name)} AS DECIMAL(38,${scaleOf(name)}))`
    return [
      `CAST(sum(CASE WHEN ${amount} > 0 THEN ${amount} ELSE 0 END) AS STRING) AS d${i}`,
      `CAST(sum(CASE WHEN ${amount} < 0 THEN -${amount} ELSE 0 END) AS STRING) AS c${i}`,
    ]
  })
  const by = question.by.length > 0 ? ` GROUP BY ${question.by.map((name) => `t.${quote(name)}`).join(', ')}` : ''
  return `SELECT ${[...groups, 'CAST(count(*) AS STRING) AS n', ...sums].join(', ')} FROM ${quoteTable(table)} AS t WHERE t.\`_sync_run\` = :run${by}`
}

export async function storedTotals(
  connection: Connection,
  table: TableName,
  question: TotalsQuestion,
  scaleOf: (column: string) => number,
  context: WriteContext,
): Promise<readonly StoredTotal[]> {
  const rows = await connection.run(
    {
      sql: totalsQuery(table, question, scaleOf),
      parameters: { run: question.run },
      what: `Totals of ${plainTable(table)}`,
      kind: 'read',
    },
    context,
  )
  return toTotals(rows, question)
}
