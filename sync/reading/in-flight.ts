/** How much may be on its way between reading and settling. */
import { isDone } from '../run/progress.ts'
import type { RunState } from '../run/state.ts'
import { ruleOf } from '../run/watch.ts'

export interface ReadLimits {
  readonly batchRows: number
  readonly batchBytes: number
  readonly windowRows: number
  readonly windowBytes: number
}

export const defaultLimits: ReadLimits = {
  batchRows: 10_000,
  batchBytes: 8 << 20,
  windowRows: 30_000,
  windowBytes: 32 << 20,
}

/** Rows and bytes that were sent and not yet settled, over all entities that still count. */
export function inFlight(run: RunState): { batches: number; rows: number; bytes: number } {
  const sum = { batches: 0, rows: 0, bytes: 0 }
  for (const entity of run.entities.values()) {
    if (entity.error) continue
    const rule = ruleOf(run, entity)
    for (let i = entity.prefix.batch; i < entity.batches.length; i++) {
      const batch = entity.batches[i]
      if (!batch || isDone(batch, rule)) continue
      sum.batches++
      sum.rows += batch.rows
      sum.bytes += batch.bytes
    }
  }
  return sum
}

/** Waits until `more` fits beside what is on its way. One batch always passes. */
export async function room(
  run: RunState,
  limits: ReadLimits,
  more: { readonly rows: number; readonly bytes: number },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const { batches, rows, bytes } = inFlight(run)
    if (batches === 0 || (rows + more.rows <= limits.windowRows && bytes + more.bytes <= limits.windowBytes)) return
    await run.next(1000)
  }
}
