/** One line of work for each target address: two writes to one table never meet. */

export interface Fifo {
  /**
   * Runs `work` when everything queued before it at this address has ended, however it ended. When the signal aborts
   * while it waits, it is rejected with the signal's reason at once and `work` never runs.
   */
  run<T>(address: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Whether work queued now would have to wait. */
  isBusy(address: string): boolean
}

export function createFifo(): Fifo {
  const tails = new Map<string, Promise<void>>()
  return {
    isBusy: (address) => tails.has(address),
    run<T>(address: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>()
      const abort = () => reject(signal?.reason)
      if (signal?.aborted) abort()
      signal?.addEventListener('abort', abort, { once: true })
      const turn = (tails.get(address) ?? Promise.resolve()).then(async () => {
        signal?.removeEventListener('abort', abort)
        if (signal?.aborted) return
        await work().then(resolve, reject)
      })
      tails.set(address, turn)
      void turn.then(() => {
        if (tails.get(address) === turn) tails.delete(address)
      })
      return promise
    },
  }
}
