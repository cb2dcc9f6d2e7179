/** Control totals as stored: one DAX query for one table over the newest versions that a run wrote. */
import type { StoredTotal, TotalsQuestion, WriteContext } from '../../../sync/contract/target.ts'
import { isNoQueries, type QueryRow } from './connection.ts'
import type { CountDeps } from './counts.ts'
import { datasetPath } from './datasets.ts'
import { totals } from './dax.ts'
import type { ModelTable } from './model.ts'

export const SWITCHED_OFF = 'queries are switched off for this node'
export const NO_QUERIES = 'queries (executeQueries) are not allowed on this dataset'

export interface TotalsDeps extends CountDeps {
  readonly header: string
  readonly tables: readonly ModelTable[]
  /** Waits until queries see what the run sent; false where they are not allowed. */
  readonly visible: () => Promise<boolean>
  /** The run may have written two versions of one record. */
  readonly twice: boolean
}

/** A text, why, where queries are not allowed, or where a column is written as text, which cannot be summed. */
export async function storedTotals(
  deps: TotalsDeps,
  question: TotalsQuestion,
  context: WriteContext,
): Promise<readonly StoredTotal[] | string> {
  const { connection, workspace, dataset, header } = deps
  const own = deps.tables.find(({ list }) => list === question.list)
  if (!own) return `the dataset has no table for ${question.list || question.schema.entity}`
  const asText = question.amounts.filter(
    (name) => own.columns.find((column) => column.name === name)?.dataType !== 'Decimal',
  )
  if (asText.length > 0) return `${own.name} keeps ${asText.join(', ')} as text, which is not added up`
  if (!(await deps.visible())) return NO_QUERIES
  const key = (name: string): string => `${own.name}[${name}]`
  try {
    const path = `${datasetPath(workspace, dataset)}/executeQueries`
    const rows = await connection.query(
      path,
      totals(header, own.name, question, deps.twice),
      `Totals of ${own.name}`,
      context,
    )
    const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value))
    return rows
      .filter((row) => Number(row['[n]'] ?? 0) !== 0)
      .map((row) => ({
        list: question.list,
        group: question.by.map((name) => text(row[key(name)])),
        count: Number(row['[n]']),
        debit: Object.fromEntries(question.amounts.map((name, i) => [name, sumOf(row, `d${i}`)])),
        credit: Object.fromEntries(question.amounts.map((name, i) => [name, sumOf(row, `c${i}`)])),
      }))
  } catch (error) {
    if (isNoQueries(error)) return NO_QUERIES
    throw error
  }
}

/** Whole units and ten-thousandths put together again. */
function sumOf(row: QueryRow, name: string): string {
  const part = (key: string): bigint => BigInt(String(row[`[${key}]`] ?? 0).replace(/\.0+$/, ''))
  const sum = part(name) * 10_000n + part(`${name}p`)
  return `${sum / 10_000n}.${String(sum % 10_000n).padStart(4, '0')}`
}
