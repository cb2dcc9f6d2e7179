/** Trying again: what each class of error asks for (docs/architecture.md, "Held records, errors, totals"). */
import { classOf, isSyncError, type SyncError, syncError } from './errors.ts'
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
  const options = { ...retryDefaults, ...given }
  const { signal } = context
  const started = performance.now()
  let asked = 0
  let renewed = false
  let failures = 0
  for (let attempt = 1; ; attempt++) {
    throwIfStopped(signal)
    try {
      return await work()
    } catch (error) {
      throwIfStopped(signal, error)
      const cls = classOf(error)
      if (cls === 'auth' && context.renew !== undefined && !renewed) {
        renewed = true
        context.waiting('renewing the token')
        await context.renew()
        continue
      }
      const again = cls === 'transient' || cls === 'throttled' || (cls === 'unknown-outcome' && context.idempotent)
      if (!again || attempt >= options.attempts) throw error
      const retryAfter = isSyncError(error) ? error.cause.retryAfterMs : undefined
      if (retryAfter !== undefined && retryAfter > options.maxRetryAfterMs) throw error
      const delay = retryAfter || backoffMs(++failures, options.firstDelayMs, options.maxDelayMs)
      // Who is down and says "in a second" again and again is down all the same.
      if (retryAfter && cls === 'throttled') asked += retryAfter
      else if (performance.now() - started - asked + delay > options.totalMs) throw error
      await waitSaying(delay, cls === 'throttled' ? 'throttled' : 'trying again', context).catch(() =>
        throwIfStopped(signal, error),
      )
    }
  }
}

function throwIfStopped(signal: AbortSignal, error?: unknown): void {
  if (signal.aborted) throw stopped(error)
}

/** The error of work that was aborted, with the last answer where there was one. */
export function stopped(error?: unknown): SyncError {
  const last = isSyncError(error) ? ` The last answer was: ${error.message}` : ''
  return syncError('transient', 'sync.stopped', `Stopped before it was done.${last}`, {
    hint: 'What is settled is kept; the next run goes on from there.',
  })
}
