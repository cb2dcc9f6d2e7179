/** Calls that a vendor bills by the month: counted in the ledger, set against what the plan allows, and looked ahead. */
import type { Notes } from '../../ledger/ledger.ts'
import type { Source } from '../contract/source.ts'
import type { CallUsage } from '../contract/summary.ts'

const DAY_MS = 86_400_000
const keyOf = (meter: string, month: string): string => `calls:${meter}:${month}`

async function stored(ledger: Notes, meter: string, month: string): Promise<Record<string, number>> {
  return JSON.parse((await ledger.note(keyOf(meter, month))) ?? '{}') as Record<string, number>
}

/** Writes down what the source has called since the last time. Once for each entity, so that a crash forgets little. */
export async function countCalls(ledger: Notes, source: Source): Promise<number> {
  const budget = source.budget?.()
  let counted = 0
  for (const [month, objects] of budget?.calls ?? []) {
    const before = await stored(ledger, budget?.meter ?? '', month)
    for (const [object, calls] of objects) {
      before[object] = (before[object] ?? 0) + calls
      counted += calls
    }
    await ledger.saveNote(keyOf(budget?.meter ?? '', month), JSON.stringify(before))
  }
  return counted
}

/** The month so far, and where it leads if it goes on like this; undefined for a source that is not billed by calls. */
export async function usageOf(ledger: Notes, source: Source, before: number): Promise<CallUsage | undefined> {
  const thisRun = before + (await countCalls(ledger, source))
  const budget = source.budget?.()
  if (!budget) return undefined
  const month = new Date(budget.at).toISOString().slice(0, 7)
  const objects = await stored(ledger, budget.meter, month)
  const used = Object.values(objects).reduce((sum, calls) => sum + calls, 0)
  return {
    month,
    used,
    thisRun,
    forecast: forecast(used, budget.at),
    objects,
    ...(budget.allowance > 0 ? { allowance: budget.allowance } : {}),
    ...(budget.allowance > 0 && used >= budget.allowance * budget.alertShare ? { alert: true } : {}),
  }
}

/** In proportion to the part of the month that has passed; the first day counts as whole. */
export function forecast(used: number, at: number): number {
  const now = new Date(at)
  const begin = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)
  const end = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)
  return Math.round((used * (end - begin)) / Math.max(DAY_MS, at - begin))
}

/** The alert's text; undefined while there is nothing to say. */
export function budgetAlert(usage: CallUsage | undefined): string | undefined {
  if (!usage?.alert || usage.allowance === undefined) return undefined
  const dear = Object.entries(usage.objects)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([object, calls]) => `${object} ${calls}`)
  return `${usage.used} of ${usage.allowance} calls of ${usage.month} are used, ${usage.forecast} are to be expected by its end; most by ${dear.join(', ')}. Calls are not refused above the allowance, but billed: run less often, or take objects out.`
}
