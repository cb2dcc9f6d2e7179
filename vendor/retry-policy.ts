/** How long and how often something is tried again. */
import type { SyncError } from '../sync/contract/errors.ts'
import { type Pause, triedAgain } from '../sync/contract/retry.ts'
import { backoffMs } from '../sync/contract/wait.ts'

const LONGEST_THROTTLE_MS = 60_000
const LONGEST_PAUSE_MS = 30_000

/** How failures of one system are borne. */
export interface RetryPolicy {
  /** The failures of one request, in turn: how long to wait before the next attempt; undefined: give up. */
  begin(): { after(error: SyncError): Pause | undefined }
  /** Something was answered: it is up. */
  answered(): void
}

export interface RetryPolicyOptions {
  /** Attempts before a failure that should pass is given to the engine. */
  readonly attempts: number
  readonly baseMs: number
  /** How long a system that is not there is waited for, from its first refusal on, over all requests. */
  readonly coldStartMs: number
  /** What is said while it is waited for: `warehouse is starting`. */
  readonly down: string
  /** The session that a statement had is gone, which may happen at any time. */
  readonly lostSession: (error: SyncError) => boolean
  /** How often a refusal of this kind is answered with a new token; once by default. */
  readonly renewals?: (error: SyncError) => number
}

/**
 * A warehouse that starts refuses sessions and statements for minutes (HTTP 503, or a session that is lost as soon as it
 * is opened), while everything else passes quickly or not at all. Opening and executing are never repeated by the driver.
 */
export function createRetryPolicy(options: RetryPolicyOptions): RetryPolicy {
  const { attempts, baseMs, coldStartMs, down } = options
  let downSince: number | undefined
  return {
    answered(): void {
      downSince = undefined
    },
    begin() {
      const began = Date.now()
      let failures = 0
      let refusals = 0
      let renewals = 0
      const backoff = (count: number, factor: number): number => backoffMs(count + 1, baseMs * factor, LONGEST_PAUSE_MS)
      return {
        after(error) {
          const cause = error.cause
          if (cause.class === 'auth') {
            renewals += 1
            // a token just issued may not be known everywhere yet; a missing right does not come by waiting
            if (renewals > (options.renewals?.(error) ?? 1)) return undefined
            return { ms: renewals === 1 ? 0 : backoff(renewals - 2, 1), why: 'renewing the token' }
          }
          const lostSession = options.lostSession(error)
          if (lostSession || cause.httpStatus === 503) {
            refusals += 1
            // a session may be lost at any time; only when the new one is lost too, the warehouse is not there
            if (lostSession && refusals === 1) return { ms: 0, why: 'opening a new session' }
            downSince ??= Date.now()
            if (Date.now() - downSince >= coldStartMs) return undefined
            return { ms: Math.max(cause.retryAfterMs ?? 0, backoff(refusals - 1, 2)), why: down }
          }
          if (cause.class === 'data' || cause.class === 'config') return undefined
          failures += 1
          if (failures >= attempts || Date.now() - began >= coldStartMs) return undefined
          if (cause.class === 'throttled') {
            const ms = cause.retryAfterMs ?? backoff(failures, 2)
            return ms > LONGEST_THROTTLE_MS ? undefined : { ms, why: 'throttled' }
          }
          return {
            ms: Math.max(cause.retryAfterMs ?? 0, backoff(failures - 1, 1)),
            why: triedAgain(error),
          }
        },
      }
    },
  }
}
