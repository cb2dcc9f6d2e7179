/** One budget for all that is on its way in a process, whichever sync it is of. */

export interface Budget {
  /** A run takes part until it leaves. `held`: bytes of it that are on their way, looked at again after each `changed`. */
  join(sync: string, held: () => number): Share
}

/** Whether a run may go on: whatever others hold, in its turn as soon as it fits, or not yet, for a reason of its own. */
export type May = 'now' | 'turn' | 'no'

export interface Share {
  /** Waits until the run may have so many bytes more on their way; `granted` makes them a part of `held`, at once. Rejects with the signal's reason. */
  take(bytes: number, may: () => May, granted: () => void, signal: AbortSignal): Promise<void>
  /** Something of the run came or went. */
  changed(): void
  /** Bytes of a new batch at most: an equal part of the budget for every run. */
  mostOfBatch(): number
  leave(): void
}

interface Held {
  readonly held: () => number
  /** What it was when it was last looked at. */
  known: number | undefined
}

interface Waiter {
  readonly share: Held
  readonly bytes: number
  readonly may: () => May
  readonly grant: () => void
}

/** Bytes of records, as JSON would write them. */
export const DEFAULT_BUDGET = 32 << 20

/** So large a batch may be, however many runs there are: smaller ones are mostly overhead. */
export const LEAST_BATCH = 256 << 10

/**
 * Turns go round by sync. Where the one whose turn it is does not fit, nobody who would fit goes before; runs that have
 * nothing on their way wait for nobody, so that none depends on what another one's sink does.
 */
export function createBudget(bytes: number): Budget {
  const shares = new Set<Held>()
  /** By sync, whose turn is next first. */
  const line = new Map<string, Waiter[]>()

  const total = (): number => {
    let sum = 0
    for (const share of shares) sum += share.known ??= share.held()
    return sum
  }
  const remove = (sync: string, waiter: Waiter): void => {
    const rest = (line.get(sync) ?? []).filter((one) => one !== waiter)
    line.delete(sync)
    if (rest.length > 0) line.set(sync, rest)
  }
  /** Grants what may go on, one of each sync at most; false: nothing. */
  const round = (): boolean => {
    let isFull = false
    let some = false
    for (const [sync, waiters] of [...line]) {
      const next = waiters.find((waiter) => {
        const may = waiter.may()
        if (may === 'turn') isFull ||= total() + waiter.bytes > bytes
        return may === 'now' || (may === 'turn' && !isFull)
      })
      if (next === undefined) continue
      remove(sync, next)
      next.grant()
      next.share.known = undefined
      some = true
    }
    return some
  }
  const look = (): void => {
    while (line.size > 0 && round());
  }
  return {
    join(sync, held) {
      const share: Held = { held, known: undefined }
      shares.add(share)
      return {
        take: (more, may, granted, signal) =>
          new Promise((resolve, reject) => {
            signal.throwIfAborted()
            const leaveLine = (): void => {
              remove(sync, waiter)
              reject(signal.reason)
              look()
            }
            const waiter: Waiter = {
              share,
              bytes: more,
              may,
              grant() {
                signal.removeEventListener('abort', leaveLine)
                granted()
                resolve()
              },
            }
            signal.addEventListener('abort', leaveLine, { once: true })
            line.set(sync, [...(line.get(sync) ?? []), waiter])
            look()
          }),
        changed() {
          share.known = undefined
          look()
        },
        mostOfBatch: () => Math.max(LEAST_BATCH, bytes / shares.size),
        leave() {
          shares.delete(share)
          look()
        },
      }
    },
  }
}
