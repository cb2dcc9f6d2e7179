/** What is told of records that were held by a version that told no amounts. */
import type { HeldRecords } from '../../ledger/ledger.ts'
import { toldAmount } from '../values/told-amount.ts'

export { toldAmount }

/** Once, when the ledger is opened. */
export const tellHeldBefore = (ledger: Pick<HeldRecords, 'fillAmounts'>): Promise<void> =>
  ledger.fillAmounts(toldAmount)
