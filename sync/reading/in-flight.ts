/** How much of a run may be on its way between reading and settling, within its own window and the budget of all runs. */
import { isDone } from '../run/progress.ts'
import type { RunState } from '../run/state.ts'
import { ruleOf } from '../run/watch.ts'
import type { Budget, May } from './budget.ts'
import type { BatchLimits } from './fill-batches.ts'

export interface ReadLimits extends BatchLimits {
  readonly windowRows: number
  readonly windowBytes: number
}

export const defaultLimits: ReadLimits = {
  batchRows: 10_000,
  batchBytes: 8 << 20,
  windowRows: 30_000,
  windowBytes: 32 << 20,
}

/** What a first page is taken for, before its size is known. */
const FIRST_PAGE = 256 << 10

interface InFlight {
  readonly batches: number
  readonly rows: number
  readonly bytes: number
  /** A sink waits (for another attempt, for others that write there) with the batch whose turn it is. */
  readonly waits: boolean
}

type Size = Pick<InFlight, 'rows' | 'bytes'>

/** What was sent and is not settled, over all entities that still count. */
export function inFlight(run: RunState): InFlight {
  const sum = { batches: 0, rows: 0, bytes: 0, waits: false }
  for (const entity of run.entities.values()) {
    if (entity.error) continue
    const rule = ruleOf(run, entity)
    let isFirst = true
    for (let i = entity.prefix.batch; i < entity.batches.length; i++) {
      const batch = entity.batches[i]
      if (!batch || isDone(batch, rule)) continue
      // Those behind it wait for it, however quickly it goes.
      if (isFirst)
        for (const { outstanding, waiting } of batch.sinks.values())
          if (outstanding > 0 && waiting !== undefined) sum.waits = true
      isFirst = false
      sum.batches++
      sum.rows += batch.rows
      sum.bytes += batch.bytes
    }
  }
  return sum
}

/** One that reads for a run: an entity, or the one behind it that is read ahead. */
export interface Reader {
  /** Waits for a page's slot, which is held until the reader leaves. One batch of a run always passes; while its sink waits, no page is asked for. */
  page(unsent: Size, signal: AbortSignal): Promise<void>
  /** A page of so many bytes came. */
  came(bytes: number): void
  leave(): void
}

/** The way of a run's records from asking for a page until they are settled. */
export interface Passage {
  readonly run: RunState
  /** What new batches are filled to. */
  readonly limits: BatchLimits
  /** `unsent`: bytes that it has read and not sent; `isFirst`: it does not read ahead, which is done only where there is room. */
  reader(unsent: () => number, isFirst: () => boolean): Reader
  /** Waits until the run's window has room for a batch that was read. It holds its slots already, and waits for nobody else's. */
  send(batch: Size, signal: AbortSignal): Promise<void>
  /** Waits until there is a slot for a batch that nobody reads. */
  slot(batch: Size, signal: AbortSignal): Promise<void>
  /** A batch was sent. */
  changed(): void
  leave(): void
}

export function createPassage(budget: Budget, run: RunState, limits: ReadLimits): Passage {
  let seen: InFlight | undefined
  const onWay = (): InFlight => {
    seen ??= inFlight(run)
    return seen
  }
  const readers = new Set<() => number>()
  const share = budget.join(run.sync, () => {
    let held = onWay().bytes
    for (const bytes of readers) held += bytes()
    return held
  })
  const changed = (): void => {
    seen = undefined
    share.changed()
  }
  const may = ({ rows, bytes }: Size, isFirst = true): May => {
    const now = onWay()
    if (now.batches === 0 && isFirst) return 'now'
    const fits = now.rows + rows <= limits.windowRows && now.bytes + bytes <= limits.windowBytes
    return fits && !now.waits ? 'turn' : 'no'
  }
  run.heard = changed
  return {
    run,
    changed,
    limits: {
      batchRows: limits.batchRows,
      get batchBytes() {
        return Math.min(limits.batchBytes, share.mostOfBatch())
      },
    },
    reader(unsent, isFirst) {
      /** Of the largest page so far. */
      let page = 0
      /** For the page that was asked for, and behind it for the next one, which a source may have asked for ahead. */
      let slot = 0
      const held = (): number => slot + unsent()
      readers.add(held)
      return {
        page: (size, signal) =>
          share.take(
            page || FIRST_PAGE,
            () => may(size, isFirst()),
            () => {
              slot = page || FIRST_PAGE
            },
            signal,
          ),
        came(bytes) {
          page = Math.max(page, bytes)
          slot = page
          share.changed()
        },
        leave() {
          readers.delete(held)
          share.changed()
        },
      }
    },
    async send(batch, signal) {
      signal.throwIfAborted()
      while (may(batch) === 'no') {
        await run.next(1000)
        signal.throwIfAborted()
      }
    },
    slot: (batch, signal) =>
      share.take(
        batch.bytes,
        () => may(batch),
        () => undefined,
        signal,
      ),
    leave() {
      run.heard = () => undefined
      share.leave()
    },
  }
}
