/** What a pass of the bench `parallel` is told, and what it finds. */
import { type Cost, measure } from './measure.ts'

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
  readonly first: FirstBatch
}

/** From the start of one more sync, when all others were going, to its first batch. */
export interface FirstBatch extends Pick<Cost, 'wall' | 'main'> {
  /** Requests for data that it made. */
  readonly own: number
  /** And all others together. */
  readonly others: number
}

/** Counts requests for data by sync. */
export function countTurns() {
  const asked = new Map<string, number>()
  const sum = () => [...asked.values()].reduce((all, one) => all + one, 0)
  return {
    asked: (sync: string): void => void asked.set(sync, (asked.get(sync) ?? 0) + 1),
    /** From now on; the function that it gives ends it. */
    of(sync: string): () => FirstBatch {
      const before = sum()
      const ownBefore = asked.get(sync) ?? 0
      const end = measure()
      return () => {
        const own = (asked.get(sync) ?? 0) - ownBefore
        return { ...end(), own, others: sum() - before - own }
      }
    },
  }
}
