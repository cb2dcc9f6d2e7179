/** Control totals as stored: one query for all tables of an entity over the rows that a run wrote. */
import { gather } from '../../../sync/gather.ts'
import { atPlace, scaleOf, toTotals } from '../../../sync/stored.ts'
import type { StoredTotal, TotalsQuestion, WriteContext } from '../../../sync/target.ts'
import type { Connection } from './connection.ts'
import { plainTable, quote, quoteTable } from './sql.ts'
import type { WantedTable } from './tables.ts'

/** What is asked of one table. */
export interface TableQuestion {
  readonly table: Pick<WantedTable, 'name' | 'columns'>
  readonly question: TotalsQuestion
}

/** Sums leave the warehouse as text, so that no digit is lost on the way; credit is positive. `q` is the place of the question. */
export function totalsQuery(questions: readonly TableQuestion[]): string {
  const widest = (count: (question: TotalsQuestion) => number) =>
    Math.max(...questions.map(({ question }) => count(question)))
  const groups = widest(({ by }) => by.length)
  const amounts = widest((question) => question.amounts.length)
  return questions.map((one, i) => tableQuery(one, i, groups, amounts)).join('\nUNION ALL\n')
}

/** Every part of the union has as many columns; those that a table does not need are null. */
function tableQuery({ table, question }: TableQuestion, place: number, groups: number, amounts: number): string {
  const at = (name: string): string => `t.${quote(name)}`
  const text = (expression: string, name: string): string => `CAST(${expression} AS STRING) AS ${name}`
  const group = (_: unknown, i: number): string => {
    const name = question.by[i]
    return text(name === undefined ? 'NULL' : at(name), `g${i}`)
  }
  const sums = (_: unknown, i: number): readonly string[] => {
    const name = question.amounts[i]
    if (name === undefined) return [text('NULL', `d${i}`), text('NULL', `c${i}`)]
    const amount = `CAST(${at(name)} AS DECIMAL(38,${scaleOf(table.columns, name)}))`
    return [
      text(`sum(CASE WHEN ${amount} > 0 THEN ${amount} ELSE 0 END)`, `d${i}`),
      text(`sum(CASE WHEN ${amount} < 0 THEN -${amount} ELSE 0 END)`, `c${i}`),
    ]
  }
  const columns = [
    `'${place}' AS q`,
    ...Array.from({ length: groups }, group),
    text('count(*)', 'n'),
    ...Array.from({ length: amounts }, sums).flat(),
  ]
  const by = question.by.length > 0 ? ` GROUP BY ${question.by.map(at).join(', ')}` : ''
  return `SELECT ${columns.join(', ')} FROM ${quoteTable(table.name)} AS t WHERE t.\`_sync_run\` = :run${by}`
}

/** Asks for totals; what is asked at the same time of the same run is one statement. */
export function createTotals(connection: Connection) {
  interface Asked extends TableQuestion {
    readonly context: WriteContext
  }
  const ask = gather<Asked, readonly StoredTotal[]>(
    async (together) => {
      const [{ question, context }] = together as readonly [Asked]
      const what = `Totals of ${together.map(({ table }) => plainTable(table.name)).join(', ')}`
      const statement = { sql: totalsQuery(together), parameters: { run: question.run }, what, kind: 'read' as const }
      const rows = await connection.run(statement, context)
      return together.map((one, i) => toTotals(atPlace(rows, i), one.question))
    },
    ({ question }) => question.run,
  )
  return (
    table: TableQuestion['table'],
    question: TotalsQuestion,
    context: WriteContext,
  ): Promise<readonly StoredTotal[]> => ask({ table, question, context })
}
