/** Work in the order of its arrival, so much of it at a time. */

export interface Queue {
  /**
   * Runs `work` when a place is free, after everything that came before, and never at once; of what failed there whoever asked
   * for it has been told. When the signal aborts while it waits, it is rejected with the signal's reason at once and `work`
   * never runs.
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Whether work queued now would have to wait. */
  isBusy(): boolean
}

/** `places`: how much of the work goes on at a time. */
export function createQueue(places = 1): Queue {
  let free = places
  const waiting: (() => void)[] = []

  const place = async (signal: AbortSignal | undefined): Promise<void> => {
    if (free > 0) {
      free--
      return
    }
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
    await promise
  }
  const leave = (): void => {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
  return {
    isBusy: () => free === 0,
    async run(work, signal) {
      signal?.throwIfAborted()
      await place(signal)
      try {
        signal?.throwIfAborted()
        const done = await work()
        leave()
        return done
      } catch (error) {
        // Whoever asked for it is told first: what follows from a failure counts for the work behind it.
        setImmediate(leave)
        throw error
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
  // Few: as many as there are targets.
  const queues = new Map<string, Queue>()
  return {
    isBusy: (address) => queues.get(address)?.isBusy() ?? false,
    run(address, work, signal) {
      const queue = queues.get(address) ?? createQueue()
      queues.set(address, queue)
      return queue.run(work, signal)
    },
  }
}
