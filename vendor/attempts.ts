/** Work of a client that is tried again, waited for with signs of life, stopped when asked, and never waited for too long. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { isSyncError, type SyncError } from '../sync/contract/errors.ts'
import type { WriteContext } from '../sync/contract/target.ts'
import type { Patience } from './retry-limits.ts'

/** Under the engine's 15 s. */
const SIGN_OF_LIFE_MS = 10_000

export interface InsistOptions {
  readonly context: WriteContext
  readonly log: (level: string, message: string) => void
  /** Told of each failure that is tried again, before the pause; throws to give up after all. */
  readonly failed?: (error: SyncError) => void | Promise<void>
}

/** Tries again what may be tried again, as long as patience lasts. Throws the last error, or the abort's reason. */
export async function insist<T>(patience: Patience, work: () => Promise<T>, options: InsistOptions): Promise<T> {
  const { context, log, failed } = options
  const waits = patience.begin()
  for (;;) {
    context.signal.throwIfAborted()
    try {
      const result = await work()
      patience.answered()
      return result
    } catch (error) {
      context.signal.throwIfAborted()
      if (!isSyncError(error)) throw error
      const next = waits.after(error)
      if (!next) throw error
      await failed?.(error)
      log('warn', `${error.message} (again in ${Math.round(next.ms / 100) / 10} s)`)
      await pause(next.ms, next.why, context)
    }
  }
}

/** Waits, saying every ten seconds how much is left. */
async function pause(ms: number, why: string, context: WriteContext): Promise<void> {
  const until = Date.now() + ms
  for (;;) {
    const left = until - Date.now()
    if (left <= 0) return
    context.waiting(left >= 1500 ? `${why}, ${Math.round(left / 1000)} s` : why)
    await delay(Math.min(left, SIGN_OF_LIFE_MS), undefined, { signal: context.signal })
  }
}

/** Waits for work that may fail or hang, but not for long. */
export async function bounded(work: Promise<unknown>, ms: number): Promise<void> {
  const late = new AbortController()
  const limit = delay(ms, undefined, { signal: late.signal, ref: false })
  await Promise.race([work, limit]).catch(() => undefined)
  late.abort()
  limit.catch(() => undefined)
}

/** The work, or the abort when that is sooner; what the work still does goes on by itself. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const settled = new AbortController()
  const aborted = once(signal, 'abort', { signal: settled.signal }).then(() => signal.throwIfAborted())
  aborted.catch(() => undefined)
  try {
    return (await Promise.race([work, aborted])) as T
  } finally {
    settled.abort()
    work.catch(() => undefined)
  }
}

/** Says every ten seconds that the work goes on. */
export async function withSignOfLife<T>(what: string, context: WriteContext, work: () => Promise<T>): Promise<T> {
  const begun = Date.now()
  const timer = setInterval(
    () => context.waiting(`${what}, running for ${Math.round((Date.now() - begun) / 1000)} s`),
    SIGN_OF_LIFE_MS,
  )
  timer.unref()
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
