/** What of a run was posted, and whether the look-up has found it: the proof in the place of a comparison with stored sums. */
import type { NewPosting } from '../../ledger/ledger.ts'
import type { SinkRef } from '../contract/engine.ts'
import type { EntityRun } from '../run/state.ts'
import { addDecimals } from '../values/money.ts'
import type { Confirmed } from './follow.ts'

/** `seen`: the look-up has found it as it must be. `otherDue`: but for the day on which it is due. */
export function countPosted(
  entity: EntityRun | undefined,
  ref: SinkRef,
  { facts }: NewPosting,
  { seen, otherDue }: Confirmed,
): void {
  if (!entity) return
  const before = entity.posted.get(ref.id) ?? { unseen: 0, otherDue: 0, amounts: {} }
  const { amount, currency } = facts
  const sum = currency !== undefined ? before.amounts[currency]?.debit : undefined
  const amounts =
    amount === undefined || currency === undefined
      ? before.amounts
      : { ...before.amounts, [currency]: { debit: addDecimals(sum ?? '0', amount), credit: '0' } }
  entity.posted.set(ref.id, {
    unseen: before.unseen + (seen ? 0 : 1),
    otherDue: before.otherDue + (otherDue ? 1 : 0),
    amounts,
  })
}
