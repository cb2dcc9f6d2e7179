/** By how much a settled batch changes the running sums of its address. */
import type { Counts, Delivery, GroupChange } from '../../ledger/ledger.ts'
import type { Entry } from '../run/entry.ts'
import { createTotals } from '../values/totals.ts'
import type { GroupBook } from '../values/totals-plan.ts'

/** What a record adds to the sums of the address that it is delivered to. */
export const countsOf = ({ contribution, otherwise }: Pick<Entry, 'contribution' | 'otherwise'>): Counts => ({
  read: otherwise?.read ?? contribution,
  declared: otherwise?.declared ?? contribution,
  delivered: contribution,
})

const isAlike = ({ read, declared, delivered }: Counts): boolean => read === delivered && declared === delivered

/**
 * @param before what the ledger knew of their keys
 * @param whole what so many records add, if those are all and each is as it was read
 */
export function groupChange(
  groups: GroupBook,
  deliveries: readonly Delivery[],
  before: ReadonlyMap<string, Delivery>,
  whole?: { readonly count: number; readonly total: string },
): GroupChange | undefined {
  if (whole !== undefined && whole.count === deliveries.length && before.size === 0) return { all: whole.total }
  const [all, read, declared, delivered] = [0, 1, 2, 3].map(() => createTotals(groups)) as [Sum, Sum, Sum, Sum]
  const count = (counts: Counts | undefined, how: 'add' | 'remove'): void => {
    if (counts === undefined) return
    if (isAlike(counts)) all[how](counts.delivered)
    else {
      read[how](counts.read)
      declared[how](counts.declared)
      delivered[how](counts.delivered)
    }
  }
  for (const { key, counts } of deliveries) {
    const last = before.get(key)?.counts
    if (
      last !== undefined &&
      counts !== undefined &&
      isAlike(last) &&
      isAlike(counts) &&
      last.delivered === counts.delivered
    )
      continue
    count(counts, 'add')
    if (counts !== undefined) count(last, 'remove')
  }
  const change = { all: all.text(), read: read.text(), declared: declared.text(), delivered: delivered.text() }
  return Object.values(change).some((text) => text !== '') ? change : undefined
}

type Sum = ReturnType<typeof createTotals>
