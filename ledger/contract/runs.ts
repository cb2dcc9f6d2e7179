/** Runs and their leases. */

import type { RunSummary } from '../../sync/contract/summary.ts'

/** Runs that go on and that ended. */
export interface Runs {
  /** Begins a run and takes the lease of the sync; a `config` error names the run that has it. Leases of earlier processes are void. */
  beginRun(run: {
    readonly id: string
    readonly sync: string
    readonly mode: string
    readonly at: string
  }): Promise<void>
  endRun(summary: RunSummary): Promise<void>
  /** The latest first. `before`: only those that began before this run. */
  runs(filter: {
    readonly sync?: string
    readonly limit?: number
    readonly before?: string | undefined
  }): Promise<readonly RunSummary[]>
  /** Is it a run of this ledger, going on or ended? */
  knowsRun(id: string): Promise<boolean>
  /** End of the last run that succeeded. */
  lastSuccess(sync: string): Promise<string | undefined>
}
