import type { RetryOptions } from '../contract/retry.ts'
import type { Entry } from '../run/entry.ts'
import type { AppendDeps } from './intents.ts'
import type { Job } from './job.ts'
import type { SortedBatch } from './sort-batch.ts'

/** One batch while it is delivered. */
export interface Delivering {
  readonly job: Job
  readonly newest: readonly Entry[]
  readonly older: readonly Entry[]
  readonly retry: Partial<RetryOptions>
  /** Given where the target only appends. */
  readonly append: AppendDeps | undefined
  /** What was held or is in doubt in this run, by its key: which record of the source it is. */
  readonly unwritten: Map<string, string>
  /** Anew where a table was lost. */
  sorted: SortedBatch
}
