/** What a pass of the bench `parallel` is told, and what it finds. */
import type { Cost } from './measure.ts'

/** Of one pass. */
export interface ParallelOrder {
  readonly syncs: number
  /** So many more whose warehouse does not answer. */
  readonly down: number
  /** Of each sync. */
  readonly rows: number
  /** MB. */
  readonly budget: number
}

export interface ParallelResult extends Cost {
  /** MB with all sessions open, and nothing to do. */
  readonly idleMb: number
  readonly peakMb: number
  readonly rows: number
  /** Seconds from the start of one more sync, when all others were going, to its first batch. */
  readonly firstBatch: number
}
