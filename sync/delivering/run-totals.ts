/** Control totals of the runs that go on, one for each run and address: filled as records are delivered, compared at the end. */
import type { Delivery } from '../../ledger/ledger.ts'
import type { Entry } from '../run/entry.ts'
import type { RunKeeper } from '../run/settlement.ts'
import type { Reached } from '../run/state.ts'
import type { Fifo } from '../values/queue.ts'
import { type Contribution, createTotals, type TableTotals, type Totals } from '../values/totals.ts'
import { checkTotals, type TotalsQuestion } from './check-totals.ts'

/** What a record adds to the run's totals, worked out once. */
export type ContributionOf = (entry: Entry) => Contribution | null

/** One run at one address. */
export interface RunAddress {
  readonly run: string
  readonly address: string
}

export interface RunTotals {
  /** For the records of one batch of a run; the totals begin with the first batch. */
  contributions(at: RunAddress, plan: readonly TableTotals[]): ContributionOf
  /**
   * Adds what was delivered, and takes the version before off the totals of the run that delivered it.
   *
   * @param before what the ledger knew of their keys
   */
  account(
    at: RunAddress,
    written: readonly Entry[],
    before: ReadonlyMap<string, Delivery>,
    contribution: ContributionOf,
  ): void
  /** Has the totals compared with the target's own when the run ends. */
  watch(reached: Reached, question: Omit<TotalsQuestion, 'totals'>): void
}

export function createRunTotals(runs: RunKeeper['runs'], fifo: Fifo): RunTotals {
  const all = new Map<string, Totals>()
  const keyOf = ({ run, address }: RunAddress): string => `${run}\n${address}`

  const totalsOf = (at: RunAddress, plan: readonly TableTotals[]): Totals => {
    const own = keyOf(at)
    const known = all.get(own)
    if (known !== undefined) return known
    for (const key of all.keys()) if (!runs.has(runOf(key))) all.delete(key)
    const totals = createTotals(plan)
    all.set(own, totals)
    return totals
  }

  return {
    contributions(at, plan) {
      const totals = totalsOf(at, plan)
      const known = new Map<Entry, Contribution | null>()
      return (entry) => {
        let value = known.get(entry)
        if (value === undefined) {
          value = totals.of(entry.record)
          known.set(entry, value)
        }
        return value
      }
    },
    account(at, written, before, contribution) {
      const mine = all.get(keyOf(at))
      for (const entry of written) {
        const last = before.get(entry.key)?.totals
        if (last) all.get(keyOf({ ...at, run: runOf(last) }))?.remove(last.slice(last.indexOf('\n') + 1))
        mine?.add(contribution(entry))
      }
    },
    watch(reached, question) {
      if (reached.check !== undefined) return
      const { run, plan, target } = question
      const { address } = target
      const totals = totalsOf({ run, address }, plan)
      reached.check = (context) =>
        fifo.run(address, () => checkTotals({ ...question, totals }, context), context.signal)
    },
  }
}

/** The contribution as the ledger keeps it: behind the run that it counts in, since an unchanged record moves on to later runs. */
export const totalsText = (run: string, contribution: Contribution | null): string | null =>
  contribution && `${run}\n${contribution.text}`

const runOf = (text: string): string => text.slice(0, text.indexOf('\n'))
