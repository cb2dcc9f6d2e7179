import { canceled, lockTimeout, type SqlError, tooManyWaiters } from './errors.ts'

/** Who asks for a lock, and how long to wait for it. */
export interface Claim {
  /** The transaction that will hold it. */
  holder: string
  queryId: string
  table: string
  waitMs: number
  signal?: AbortSignal | undefined
  /** Asked now and then about the transaction that is in the way. */
  inTheWay?: (holder: string) => Promise<void>
}

export interface Locks {
  /** Waits until the table is this transaction's; 000625 after the wait, or where too many wait. */
  acquire(key: string, claim: Claim): Promise<void>
  /** Lets go of everything that the transaction holds. */
  release(holder: string): void
}

const WAITERS = 20
const WATCH_MS = 250

interface Waiter {
  claim: Claim
  done: (error?: SqlError) => void
}

/** UPDATE, DELETE and MERGE of one table exclude each other until the end of their transactions; first come, first served. */
export function createLocks(): Locks {
  const held = new Map<string, string>()
  const waiting = new Map<string, Waiter[]>()

  function grant(key: string): void {
    const next = waiting.get(key)?.shift()
    if (!next) return
    held.set(key, next.claim.holder)
    next.done()
  }

  return {
    async acquire(key, claim) {
      const holder = held.get(key)
      if (holder === claim.holder) return
      if (holder === undefined) {
        held.set(key, claim.holder)
        return
      }
      const queue = waiting.get(key) ?? []
      waiting.set(key, queue)
      if (queue.length >= WAITERS) throw tooManyWaiters(claim.table, holder, claim.queryId)
      await new Promise<void>((resolve, reject) => {
        const waiter: Waiter = {
          claim,
          done(error) {
            clearTimeout(timer)
            clearInterval(watch)
            claim.signal?.removeEventListener('abort', stop)
            if (!error) return resolve()
            queue.splice(queue.indexOf(waiter), 1)
            reject(error)
          },
        }
        const stop = () => waiter.done(canceled())
        // Later timers than this Node fires at once.
        const limit = Math.min(claim.waitMs, 2 ** 31 - 1)
        const timer = setTimeout(
          () => waiter.done(lockTimeout(claim.table, held.get(key) ?? holder, claim.queryId)),
          limit,
        )
        const watch = setInterval(() => void claim.inTheWay?.(held.get(key) ?? holder), WATCH_MS)
        claim.signal?.addEventListener('abort', stop, { once: true })
        queue.push(waiter)
      })
    },
    release(holder) {
      for (const [key, owner] of [...held]) {
        if (owner !== holder) continue
        held.delete(key)
        grant(key)
      }
    },
  }
}
