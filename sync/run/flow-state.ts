/** Over a whole address: what is delivered is what was read and declared, group by group, or it differs until it is again. */
import type { Ledger } from '../../ledger/ledger.ts'
import { amountsText, toldAmounts } from '../values/told.ts'
import { createTotals, type Totals } from '../values/totals.ts'
import type { GroupBook, TableTotals } from '../values/totals-plan.ts'
import type { EntityRun, Reached, RunState } from './state.ts'

/** In the place of a table: the difference is of what was read, not of what is stored. */
export const FLOW = 'flow'

/** As delivered less as read and declared, over all that an address has; undefined: nothing. */
async function driftAt(
  ledger: Pick<Ledger, 'groupSums'>,
  groups: GroupBook,
  address: string,
): Promise<Totals | undefined> {
  const drift = createTotals(groups)
  for (const { group, declared, delivered } of await ledger.groupSums(address)) {
    if (declared === delivered) continue
    drift.add(`${group} ${delivered}`)
    drift.remove(`${group} ${declared}`)
  }
  const isOff = [...drift.all()].some(
    ({ count, sums }) => count !== 0 || sums.some(({ small, units }) => BigInt(small) + units !== 0n),
  )
  return isOff ? drift : undefined
}

/**
 * Writes down that it differs, or that it does not any more. `said`: what this run saw being changed, in words. True: it
 * differs.
 */
export async function keepFlow(
  ledger: Pick<Ledger, 'groupSums' | 'saveDifference' | 'closeDifferences'>,
  groups: GroupBook,
  run: RunState,
  entity: EntityRun,
  { target, ref }: Pick<Reached, 'target' | 'ref'>,
  said: string | undefined,
): Promise<boolean> {
  const place = { sync: run.sync, entity: entity.name, address: target.address, part: FLOW }
  const drift = await driftAt(ledger, groups, target.address)
  if (drift === undefined) {
    await ledger.closeDifferences(place, `run ${run.id}`, 'everything there is as it was read and mapped')
    return false
  }
  const problem = said ?? driftText(entity, target.address, drift)
  await ledger.saveDifference({ ...place, sinkName: ref.name, run: run.id, problem })
  return true
}

function driftText({ batches }: EntityRun, address: string, drift: Totals): string {
  const plan: readonly TableTotals[] = batches.find(({ read }) => read !== undefined)?.read?.by.plan ?? []
  const amounts = amountsText(toldAmounts(plan, drift))
  return `${address} has records that were changed in the flow before: ${amounts || 'in groups, without a change of the sums'}. Take the change out and read them again.`
}
