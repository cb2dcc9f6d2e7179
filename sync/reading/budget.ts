/** One budget for all that is on its way in a process, whichever sync it is of. */
import { createQueue, type Queue } from '../values/queue.ts'

export interface Budget {
  /** A run that asks ahead for what all its entities need has a place here: each of its questions takes a connection. */
  readonly ahead: Queue
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
  readonly bytes: number
  readonly may: () => May
  readonly grant: () => void
}

/** So large a batch may be, however many runs there are: smaller ones are mostly overhead. */
const LEAST_BATCH = 256 << 10

/** What is counted of records is their size as JSON; in memory, with what is made of them on the way, they take some times as much. */
const MEMORY_PER_BYTE = 4

/** Runs that ask ahead at a time. */
const AHEAD = 4

/** MB of memory that what is on its way may take. */
const DEFAULT_MB = 128

/**
 * Turns go round by sync. Where the one whose turn it is does not fit, nobody who would fit goes before; runs that have
 * nothing on their way wait for nobody, so that none depends on what another one's sink does. `megabytes`: of memory, about.
 */
export function createBudget(megabytes = DEFAULT_MB): Budget {
  const bytes = (megabytes * 2 ** 20) / MEMORY_PER_BYTE
  const shares = new Set<Held>()
  const total = (): number => {
    let sum = 0
    for (const share of shares) sum += share.known ??= share.held()
    return sum
  }
  const line = createLine((more) => total() + more <= bytes)
  return {
    ahead: createQueue(AHEAD),
    join(sync, held) {
      const share: Held = { held, known: undefined }
      shares.add(share)
      return {
        take: (more, may, granted, signal) =>
          new Promise((resolve, reject) => {
            signal.throwIfAborted()
            const leaveLine = (): void => {
              line.remove(sync, waiter)
              reject(signal.reason)
              line.look()
            }
            const waiter: Waiter = {
              bytes: more,
              may,
              grant() {
                signal.removeEventListener('abort', leaveLine)
                granted()
                share.known = undefined
                resolve()
              },
            }
            signal.addEventListener('abort', leaveLine, { once: true })
            line.add(sync, waiter)
          }),
        changed() {
          share.known = undefined
          line.look()
        },
        mostOfBatch: () => Math.max(LEAST_BATCH, bytes / shares.size),
        leave() {
          shares.delete(share)
          line.look()
        },
      }
    },
  }
}

/** Those who wait. */
function createLine(fits: (bytes: number) => boolean) {
  /** By sync, whose turn is next first. */
  const waiting = new Map<string, Waiter[]>()
  const remove = (sync: string, waiter: Waiter): void => {
    const rest = (waiting.get(sync) ?? []).filter((one) => one !== waiter)
    waiting.delete(sync)
    if (rest.length > 0) waiting.set(sync, rest)
  }
  /** Grants what may go on, one of each sync at most; false: nothing. */
  const round = (): boolean => {
    let isFull = false
    let some = false
    for (const [sync, waiters] of [...waiting]) {
      const next = waiters.find((waiter) => {
        const may = waiter.may()
        if (may === 'turn') isFull ||= !fits(waiter.bytes)
        return may === 'now' || (may === 'turn' && !isFull)
      })
      if (next === undefined) continue
      remove(sync, next)
      next.grant()
      some = true
    }
    return some
  }
  const look = (): void => {
    while (waiting.size > 0 && round());
  }
  return {
    look,
    remove,
    add(sync: string, waiter: Waiter): void {
      waiting.set(sync, [...(waiting.get(sync) ?? []), waiter])
      look()
    },
  }
}
