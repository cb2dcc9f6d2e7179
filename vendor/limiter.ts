/** Keeps requests within the rate, the concurrency and the quiet hours of a connection. */
import { setTimeout as delay } from 'node:timers/promises'
import { createQueue } from '../sync/values/queue.ts'
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
  const queue = createQueue(Math.max(1, options.concurrency))
  let nextStart = 0
  const keepRate = async (signal: AbortSignal): Promise<void> => {
    const quiet = options.quietHours ? quietMs(options.quietHours, options.now()) : 0
    if (quiet > 0) await delay(quiet, undefined, { signal })
    if (!options.requestsPerSecond) return
    const start = Math.max(options.now(), nextStart)
    nextStart = start + 1000 / options.requestsPerSecond
    if (start > options.now()) await delay(start - options.now(), undefined, { signal })
  }
  return (task, signal) =>
    queue.run(async () => {
      await keepRate(signal)
      return task()
    }, signal)
}
