/** Control totals of the runs that go on, one for each run and address: filled as records are delivered, compared at the end. */
import type { Delivery } from '../../ledger/ledger.ts'
import type { Entry } from '../run/entry.ts'
import type { RunKeeper } from '../run/settlement.ts'
import type { Reached } from '../run/state.ts'
import type { Fifo } from '../values/queue.ts'
import { createTotals, type Totals } from '../values/totals.ts'
import { checkTotals, type TotalsQuestion } from './check-totals.ts'

/** One run at one address. */
export interface RunAddress {
  readonly run: string
  readonly address: string
}

export interface RunTotals {
  /**
   * Adds what was delivered, and takes the version before off the totals of the run that delivered it.
   *
   * @param before what the ledger knew of their keys
   * @param whole what so many records add, if that is all that was written
   */
  account(
    at: RunAddress,
    written: readonly Entry[],
    before: ReadonlyMap<string, Delivery>,
    whole?: { readonly count: number; readonly total: string },
  ): void
  /** Has the totals compared with the target's own when the run ends. */
  watch(reached: Reached, question: Omit<TotalsQuestion, 'totals'>): void
}

export function createRunTotals({ runs, groups }: Pick<RunKeeper, 'runs' | 'groups'>, fifo: Fifo): RunTotals {
  const all = new Map<string, Totals>()
  const keyOf = ({ run, address }: RunAddress): string => `${run}\n${address}`

  const totalsOf = (at: RunAddress): Totals => {
    const own = keyOf(at)
    const known = all.get(own)
    if (known !== undefined) return known
    for (const key of all.keys()) if (!runs.has(runOf(key))) all.delete(key)
    const totals = createTotals(groups)
    all.set(own, totals)
    return totals
  }

  return {
    account(at, written, before, whole) {
      const mine = totalsOf(at)
      if (whole !== undefined && whole.count === written.length && before.size === 0) {
        mine.add(whole.total)
        return
      }
      for (const { key, contribution } of written) {
        const last = before.get(key)?.totals
        if (last) all.get(keyOf({ ...at, run: runOf(last) }))?.remove(last.slice(last.indexOf('\n') + 1))
        mine.add(contribution)
      }
    },
    watch(reached, question) {
      if (reached.check !== undefined) return
      const { run, target } = question
      const { address } = target
      const totals = totalsOf({ run, address })
      reached.check = (context) =>
        fifo.run(address, () => checkTotals({ ...question, totals }, context), context.signal)
    },
  }
}

/** The contribution as the ledger keeps it: behind the run that it counts in, since an unchanged record moves on to later runs. */
export const totalsText = (run: string, { contribution }: Pick<Entry, 'contribution'>): string | null =>
  contribution === '' ? null : `${run}\n${contribution}`

const runOf = (text: string): string => text.slice(0, text.indexOf('\n'))
