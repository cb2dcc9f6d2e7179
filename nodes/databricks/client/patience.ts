/** How long and how often something is tried again. */
import type { SyncError } from '../../../sync/errors.ts'

/** Attempts before a failure that should pass is given to the engine. */
const ATTEMPTS = 6
const LONGEST_THROTTLE_MS = 60_000
const LONGEST_PAUSE_MS = 30_000

export interface Pause {
  readonly ms: number
  /** What is waited for, in a few words. */
  readonly why: string
}

/** The failures of one request. */
export interface Patience {
  /** How long to wait before the next attempt; undefined: give up. */
  after(error: SyncError, repeatable: boolean): Pause | undefined
}

export interface PatienceOptions {
  readonly baseMs: number
  /** How long a warehouse that is not there is waited for, from its first refusal on, over all statements. */
  readonly coldStartMs: number
}

/**
 * A warehouse that starts refuses sessions and statements for minutes (HTTP 503, or a session that is lost as soon as it
 * is opened), while everything else passes quickly or not at all. Opening and executing are never repeated by the driver.
 */
export function createPatience({ baseMs, coldStartMs }: PatienceOptions) {
  let downSince: number | undefined
  return {
    /** Something was answered: the warehouse is up. */
    answered(): void {
      downSince = undefined
    },
    begin(): Patience {
      let failures = 0
      let refusals = 0
      let renewed = false
      const backoff = (count: number, factor: number): number => {
        const full = Math.min(baseMs * factor * 2 ** count, LONGEST_PAUSE_MS)
        return full * (0.75 + Math.random() * 0.25)
      }
      return {
        after(error, repeatable) {
          const cause = error.cause
          if (cause.class === 'auth') {
            if (renewed) return undefined
            renewed = true
            return { ms: 0, why: 'renewing the token' }
          }
          const lostSession = error.code === 'databricks.session'
          if (lostSession || cause.httpStatus === 503) {
            refusals += 1
            // a session may be lost at any time; only when the new one is lost too, the warehouse is not there
            if (lostSession && refusals === 1) return { ms: 0, why: 'opening a new session' }
            downSince ??= Date.now()
            if (Date.now() - downSince >= coldStartMs) return undefined
            return { ms: Math.max(cause.retryAfterMs ?? 0, backoff(refusals - 1, 2)), why: 'warehouse is starting' }
          }
          if (cause.class === 'data' || cause.class === 'config') return undefined
          if (cause.class === 'unknown-outcome' && !repeatable) return undefined
          failures += 1
          if (failures >= ATTEMPTS) return undefined
          if (cause.class === 'throttled') {
            const ms = cause.retryAfterMs ?? backoff(failures, 2)
            return ms > LONGEST_THROTTLE_MS ? undefined : { ms, why: 'throttled' }
          }
          return {
            ms: Math.max(cause.retryAfterMs ?? 0, backoff(failures - 1, 1)),
            why: cause.class === 'unknown-outcome' ? 'connection lost, trying again' : 'trying again',
          }
        },
      }
    },
  }
}
