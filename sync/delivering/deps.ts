import type { Ledger } from '../../ledger/ledger.ts'
import type { RetryOptions } from '../contract/retry.ts'
import type { RunKeeper, Settlement } from '../run/settlement.ts'

/** What every part of delivering needs. */
export interface DeliverDeps {
  readonly ledger: Ledger
  readonly settlement: Settlement & Pick<RunKeeper, 'runs' | 'failEntity'>
  /** ISO time of now. */
  readonly now: () => string
  /** Unique text, for naming the batches that a target gets. */
  readonly newId: () => string
  readonly retry?: Partial<RetryOptions>
  /** Milliseconds between two signs of life of a batch; under 15,000. */
  readonly signMs?: number
}
