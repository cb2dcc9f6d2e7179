/** Work in the order of its arrival, so much of it at a time. */

export interface Queue {
  /**
   * Runs `work` when a place is free, after everything that came before. When the signal aborts while it waits, it is
   * rejected with the signal's reason at once and `work` never runs.
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Whether work queued now would have to wait. */
  isBusy(): boolean
}

/** `places`: how much of the work goes on at a time. */
export function createQueue(places = 1): Queue {
  let free = places
  const waiting: (() => void)[] = []

  const place = (signal: AbortSignal | undefined): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const take = (): void => {
      signal?.removeEventListener('abort', leaveLine)
      resolve()
    }
    const leaveLine = (): void => {
      waiting.splice(waiting.indexOf(take), 1)
      reject(signal?.reason)
    }
    waiting.push(take)
    signal?.addEventListener('abort', leaveLine, { once: true })
    return promise
  }
  return {
    isBusy: () => free === 0,
    async run(work, signal) {
      signal?.throwIfAborted()
      if (free > 0) free--
      else await place(signal)
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else free++
      }
    },
  }
}

/** A queue of its own for each target address: two writes to one table never meet. */
export interface Fifo {
  /** As `Queue.run`, behind the work of this address alone. */
  run<T>(address: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  isBusy(address: string): boolean
}

export function createFifo(): Fifo {
  const queues = new Map<string, Queue>()
  return {
    isBusy: (address) => queues.has(address),
    async run(address, work, signal) {
      const queue = queues.get(address) ?? createQueue()
      queues.set(address, queue)
      try {
        return await queue.run(work, signal)
      } finally {
        if (!queue.isBusy()) queues.delete(address)
      }
    },
  }
}
