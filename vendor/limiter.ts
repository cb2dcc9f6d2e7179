/** Keeps requests within the rate, the concurrency and the quiet hours of a connection. */
import { setTimeout as delay } from 'node:timers/promises'
import { type QuietHours, quietMs } from './quiet.ts'

export interface LimiterOptions {
  readonly concurrency: number
  readonly requestsPerSecond?: number
  readonly quietHours?: QuietHours
  readonly now: () => number
}

/** Runs a task when a place is free; waits in the order of arrival. */
export type Limiter = <T>(task: () => Promise<T>, signal: AbortSignal) => Promise<T>

export function limiter(options: LimiterOptions): Limiter {
  let free = Math.max(1, options.concurrency)
  let nextStart = 0
  const waiting: (() => void)[] = []

  const place = async (signal: AbortSignal): Promise<void> => {
    if (free > 0) {
      free -= 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        const index = waiting.indexOf(take)
        if (index >= 0) waiting.splice(index, 1)
        reject(signal.reason)
      }
      const take = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      waiting.push(take)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
  const leave = (): void => {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }

  return async (task, signal) => {
    signal.throwIfAborted()
    await place(signal)
    try {
      const quiet = options.quietHours ? quietMs(options.quietHours, options.now()) : 0
      if (quiet > 0) await delay(quiet, undefined, { signal })
      if (options.requestsPerSecond) {
        const start = Math.max(options.now(), nextStart)
        nextStart = start + 1000 / options.requestsPerSecond
        if (start > options.now()) await delay(start - options.now(), undefined, { signal })
      }
      return await task()
    } finally {
      leave()
    }
  }
}
