/** At the end of a run that wrote: whether the sums as stored are those that the ledger delivered. */
import type { Schema } from '../contract/message.ts'
import { type RetryOptions, withRetry } from '../contract/retry.ts'
import type { Target, WriteContext } from '../contract/target.ts'
import type { TotalsCheck } from '../run/state.ts'
import { SUMS_OF_RUN } from '../run/verdict.ts'
import { compareTotals, currencyTotals, differencesText, type Totals } from '../values/totals.ts'
import type { TableTotals } from '../values/totals-plan.ts'

export interface TotalsQuestion {
  readonly target: Target
  readonly schema: Schema
  readonly run: string
  readonly plan: readonly TableTotals[]
  readonly totals: Totals
  readonly retry: Partial<RetryOptions>
}

/** One query per table over the rows of this run. What a target cannot sum was not verified, and the reason is said. */
export async function checkTotals(question: TotalsQuestion, context: WriteContext): Promise<TotalsCheck> {
  const { target, schema, run, plan, totals, retry } = question
  const expected = totals.expected()
  const amounts = currencyTotals(plan, expected)
  const ask = target.totals?.bind(target)
  // Its results are what it is compared by.
  if (ask === undefined && target.results) return { kind: 'ties', amounts, by: [] }
  if (ask === undefined)
    return { kind: 'not verified', amounts, problem: `${target.address} cannot be asked for its sums` }
  const stored = await Promise.all(
    plan.map((table) =>
      withRetry(
        () => ask({ run, schema, ...table }, context),
        { ...context, idempotent: true, renew: target.renew?.bind(target) },
        retry,
      ),
    ),
  )
  const problems: string[] = []
  const untold = new Set<string>()
  for (const [i, table] of plan.entries()) {
    const sums = stored[i] ?? []
    if (typeof sums === 'string') {
      untold.add(sums)
      continue
    }
    const found = compareTotals(table, sums, expected)
    if (found.length > 0) problems.push(differencesText(schema.entity, table, found))
  }
  if (problems.length > 0)
    return { kind: 'differs', amounts, problem: `What is stored is not what was delivered: ${problems.join('; ')}` }
  if (untold.size > 0) return { kind: 'not verified', amounts, problem: [...untold].join('; ') }
  return { kind: 'ties', amounts, by: [SUMS_OF_RUN] }
}
