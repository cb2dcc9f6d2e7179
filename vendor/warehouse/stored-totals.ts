/** Control totals as every warehouse with SQL tells them: one statement for all tables of an entity over the rows that a run wrote. */

import type { Column } from '../../sync/contract/message.ts'
import type { StoredTotal, TotalsQuestion, WriteContext } from '../../sync/contract/target.ts'
import { type StoredRow, scaleOf, toTotals } from './technical-columns.ts'
import { gather } from './together.ts'

/** How a warehouse writes what the statement needs; `T` is its idea of a table. */
export interface TotalsDialect<T> {
  /** The table as it stands in a statement, and as people call it. */
  readonly table: (table: T) => string
  readonly plain: (table: T) => string
  readonly columns: (table: T) => readonly Column[]
  /** A column's name as it stands in a statement. */
  readonly column: (table: T, name: string) => string
  /** A name of the result's own. */
  readonly alias: (name: string) => string
  readonly textType: string
  readonly decimalType: string
  /** The parameter that is the run. */
  readonly run: string
}

/** What is asked of one table. */
export interface TableQuestion<T> {
  readonly table: T
  readonly question: TotalsQuestion
}

/** Sums leave the warehouse as text, so that no digit is lost on the way; credit is positive. `q` is the place of the question. */
export function totalsQuery<T>(dialect: TotalsDialect<T>, questions: readonly TableQuestion<T>[]): string {
  const widest = (count: (question: TotalsQuestion) => number) =>
    Math.max(...questions.map(({ question }) => count(question)))
  const groups = widest(({ by }) => by.length)
  const amounts = widest((question) => question.amounts.length)
  return questions.map((one, i) => tableQuery(dialect, one, i, groups, amounts)).join('\nUNION ALL\n')
}

/** Every part of the union has as many columns; those that a table does not need are null. */
function tableQuery<T>(
  { table: written, columns: known, column, alias, textType, decimalType, run }: TotalsDialect<T>,
  { table, question }: TableQuestion<T>,
  place: number,
  groups: number,
  amounts: number,
): string {
  const at = (name: string): string => `t.${column(table, name)}`
  const text = (expression: string, name: string): string => `CAST(${expression} AS ${textType}) AS ${alias(name)}`
  const group = (_: unknown, i: number): string => {
    const name = question.by[i]
    return text(name === undefined ? 'NULL' : at(name), `g${i}`)
  }
  const sums = (_: unknown, i: number): readonly string[] => {
    const name = question.amounts[i]
    if (name === undefined) return [text('NULL', `d${i}`), text('NULL', `c${i}`)]
    const amount = `CAST(${at(name)} AS ${decimalType}(38,${scaleOf(known(table), name)}))`
    return [
      text(`SUM(CASE WHEN ${amount} > 0 THEN ${amount} ELSE 0 END)`, `d${i}`),
      text(`SUM(CASE WHEN ${amount} < 0 THEN -${amount} ELSE 0 END)`, `c${i}`),
    ]
  }
  const columns = [
    `'${place}' AS ${alias('q')}`,
    ...Array.from({ length: groups }, group),
    text('COUNT(*)', 'n'),
    ...Array.from({ length: amounts }, sums).flat(),
  ]
  const by = question.by.length > 0 ? ` GROUP BY ${question.by.map(at).join(', ')}` : ''
  return `SELECT ${columns.join(', ')} FROM ${written(table)} AS t WHERE ${at('_sync_run')} = ${run}${by}`
}

/** Asks for totals; what is asked at the same time of the same run is one statement. `ask` sends it and gives its rows. */
export function createTotals<T>(
  dialect: TotalsDialect<T>,
  ask: (
    statement: { readonly sql: string; readonly run: string; readonly what: string },
    context: WriteContext,
  ) => Promise<readonly StoredRow[]>,
): (table: T, question: TotalsQuestion, context: WriteContext) => Promise<readonly StoredTotal[]> {
  interface Asked extends TableQuestion<T> {
    readonly context: WriteContext
  }
  const together = gather<Asked, readonly StoredTotal[]>(
    async (asked) => {
      const [{ question, context }] = asked as readonly [Asked]
      const what = `Totals of ${asked.map(({ table }) => dialect.plain(table)).join(', ')}`
      const rows = await ask({ sql: totalsQuery(dialect, asked), run: question.run, what }, context)
      return asked.map((one, place) => {
        const own = rows.filter(({ q }) => String(q) === String(place))
        return toTotals(own, one.question)
      })
    },
    ({ question }) => question.run,
  )
  return (table, question, context) => together({ table, question, context })
}
