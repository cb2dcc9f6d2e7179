/** Control totals as every warehouse with SQL tells them: one statement for all tables of an entity over the rows that a run wrote. */

import type { Column } from '../../sync/contract/message.ts'
import type { StoredTotal, TotalsQuestion, WriteContext } from '../../sync/contract/target.ts'
import { askTogether } from './ask-together.ts'
import type { DialectText, FindColumn, SqlDialect, TableName } from './dialect.ts'
import { quoteColumn, quoteTable } from './tables.ts'
import { scaleOf, toTotals } from './technical-columns.ts'

/** A table as its totals are asked for. */
export interface TotalsTable {
  readonly name: TableName
  readonly columns: readonly Column[]
  readonly find: FindColumn
}

/** What is asked of one table. */
export interface TableQuestion {
  readonly table: TotalsTable
  readonly question: TotalsQuestion
}

/** Sums leave the warehouse as text, so that no digit is lost on the way; credit is positive. `q` is the place of the question. */
export function totalsQuery(dialect: DialectText, questions: readonly TableQuestion[]): string {
  const widest = (count: (question: TotalsQuestion) => number) =>
    Math.max(...questions.map(({ question }) => count(question)))
  const groups = widest(({ by }) => by.length)
  const amounts = widest((question) => question.amounts.length)
  return questions.map((one, i) => tableQuery(dialect, one, i, groups, amounts)).join('\nUNION ALL\n')
}

/** Every part of the union has as many columns; those that a table does not need are null. */
function tableQuery(
  dialect: DialectText,
  { table, question }: TableQuestion,
  place: number,
  groups: number,
  amounts: number,
): string {
  const { alias, textType, decimalType, parameter } = dialect
  const at = (name: string): string => `t.${quoteColumn(dialect, table.find, name)}`
  const text = (expression: string, name: string): string => `CAST(${expression} AS ${textType}) AS ${alias(name)}`
  const group = (_: unknown, i: number): string => {
    const name = question.by[i]
    return text(name === undefined ? 'NULL' : at(name), `g${i}`)
  }
  const sums = (_: unknown, i: number): readonly string[] => {
    const name = question.amounts[i]
    if (name === undefined) return [text('NULL', `d${i}`), text('NULL', `c${i}`)]
    const amount = `CAST(${at(name)} AS ${decimalType}(38,${scaleOf(table.columns, name)}))`
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
  const rows =
    question.others === undefined
      ? `${at('_sync_run')} = ${parameter('run', 1)}`
      : `${at('_sync_run')} IS NULL AND ${at('source')} = ${parameter('source', 1)}`
  return `SELECT ${columns.join(', ')} FROM ${quoteTable(dialect, table.name)} AS t WHERE ${rows}${by}`
}

/** Asks for totals; what is asked at the same time of the same run is one statement. */
export function createTotals(
  dialect: SqlDialect,
): (table: TotalsTable, question: TotalsQuestion, context: WriteContext) => Promise<readonly StoredTotal[]> {
  interface Asked extends TableQuestion {
    readonly context: WriteContext
  }
  const together = askTogether<Asked, readonly StoredTotal[]>(
    async (asked) => {
      const [{ question, context }] = asked as readonly [Asked]
      const what = `Totals of ${asked.map(({ table }) => dialect.plain(table.name)).join(', ')}`
      const sql = totalsQuery(dialect, asked)
      const { run, others } = question
      const value = others === undefined ? (['run', run] as const) : (['source', others] as const)
      const rows = await dialect.run({ sql, values: [value], what, kind: 'read' }, context)
      return asked.map((one, place) => {
        const own = rows.filter(({ q }) => String(q) === String(place))
        return toTotals(own, one.question)
      })
    },
    ({ question: { run, others } }) => (others === undefined ? `run ${run}` : `others ${others}`),
  )
  return (table, question, context) => together({ table, question, context })
}
