/** Trying again: what each class of error asks for (docs/architecture.md, "Held records, errors, totals"). */
import { asSyncError, classOf, inShort, isSyncError, type SyncError, syncError } from './errors.ts'
import { backoffMs, waitSaying } from './wait.ts'

export interface RetryOptions {
  /** Attempts in all, the first one included. */
  readonly attempts: number
  /** Milliseconds before the second attempt, about; doubles each time, with jitter. */
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  /** Milliseconds in all, after which the error goes up. A wait that a vendor who throttles asked for is not counted. */
  readonly totalMs: number
  /** A vendor that asks for a longer wait than this is not waited for. */
  readonly maxRetryAfterMs: number
}

export const retryDefaults: RetryOptions = {
  attempts: 60,
  firstDelayMs: 500,
  maxDelayMs: 30_000,
  totalMs: 600_000,
  maxRetryAfterMs: 2 * 3_600_000,
}

export interface RetryContext {
  readonly signal: AbortSignal
  /** Sign of life: what it waits for and how long still (`throttled, 30 s left`). */
  readonly waiting: (what: string) => void
  /** Doing it twice does no harm: an unknown outcome is tried again. */
  readonly idempotent: boolean
  /** Renews the token after an `auth` error; without it such an error goes up at once. */
  readonly renew?: (() => Promise<void>) | undefined
}

/** What is waited for before another attempt, in a few words, and how long. */
export interface Pause {
  readonly ms: number
  readonly why: string
}

/**
 * Runs `work` until it succeeds. `after`: how long to wait after this failure; undefined: the error goes up. What `after`
 * throws goes up too. An abort ends work and waiting at once, with the signal's reason.
 */
export async function tryAgain<T>(
  work: () => Promise<T>,
  after: (error: unknown) => Promise<Pause | undefined>,
  context: Pick<RetryContext, 'signal' | 'waiting'>,
): Promise<T> {
  const { signal } = context
  for (;;) {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      const next = await after(error)
      if (next === undefined) throw error
      await waitSaying(next.ms, next.why, context)
    }
  }
}

/**
 * Runs `work` until it succeeds. `transient` and `throttled` are tried again after a growing, jittered delay or the
 * Retry-After of the vendor, `unknown-outcome` likewise where `idempotent`, `auth` once after `renew`; every other
 * error, and the last one when attempts or time are used up, is thrown as it is. Throws `sync.stopped` when aborted.
 */
export async function withRetry<T>(
  work: () => Promise<T>,
  context: RetryContext,
  given: Partial<RetryOptions> = {},
): Promise<T> {
  let last: unknown
  const attempt = async (): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      last = error
      throw error
    }
  }
  try {
    return await tryAgain(attempt, byClass(context, { ...retryDefaults, ...given }), context)
  } catch (error) {
    if (context.signal.aborted) throw stopped(last)
    throw error
  }
}

/** What each class of error asks for. */
function byClass(context: RetryContext, options: RetryOptions): (error: unknown) => Promise<Pause | undefined> {
  const started = performance.now()
  let attempts = 0
  let failures = 0
  let asked = 0
  let isRenewed = false
  return async (error) => {
    const cls = classOf(error)
    attempts++
    if (cls === 'auth' && context.renew !== undefined && !isRenewed) {
      isRenewed = true
      context.waiting('renewing the token')
      await context.renew()
      return { ms: 0, why: '' }
    }
    const again = cls === 'transient' || cls === 'throttled' || (cls === 'unknown-outcome' && context.idempotent)
    if (!again || attempts >= options.attempts) return undefined
    const retryAfter = isSyncError(error) ? error.cause.retryAfterMs : undefined
    if (retryAfter !== undefined && retryAfter > options.maxRetryAfterMs) return undefined
    const ms = retryAfter || backoffMs(++failures, options.firstDelayMs, options.maxDelayMs)
    // Who is down and says "in a second" again and again is down all the same.
    if (retryAfter && cls === 'throttled') asked += retryAfter
    else if (performance.now() - started - asked + ms > options.totalMs) return undefined
    return { ms, why: cls === 'throttled' ? 'throttled' : triedAgain(error) }
  }
}

/** Why there is another attempt. */
export const triedAgain = (error: unknown): string => `${inShort(asSyncError(error))}; trying again`

/** The error of work that was aborted, with the last answer where there was one. */
export function stopped(error?: unknown): SyncError {
  const last = isSyncError(error) ? ` The last answer was: ${error.message}` : ''
  return syncError('transient', 'sync.stopped', `Stopped before it was done.${last}`, {
    hint: 'What is settled is kept; the next run goes on from there.',
  })
}
