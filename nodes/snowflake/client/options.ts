/** What a connection is told: where, who, and how long things may take. */
import type { Route } from '../../../vendor/route.ts'
import type { AuthOptions } from './auth.ts'
import type { SessionOptions } from './session.ts'

export interface SnowflakeOptions extends SessionOptions, Route {
  /** Account identifier: `ORG-ACCOUNT`, or the old locator with region and cloud. */
  readonly account: string
  /** Private link or another address; without it `<account>.snowflakecomputing.com`. */
  readonly host?: string
  readonly port?: number
  /** `http` only for a local server. */
  readonly protocol?: 'https' | 'http'
  readonly auth: AuthOptions
  readonly warehouse: string
  readonly role: string
  readonly database: string
  readonly schema: string
  /** Longest wait for one reply; a long statement is polled, so this bounds a request and not a statement. */
  readonly timeoutMs?: number
  /** Longest request in all, default 600,000. */
  readonly totalMs?: number
  /** How long an account or warehouse that does not answer is waited for. */
  readonly coldStartMs?: number
  /** First pause before a statement is sent again; the later ones double. */
  readonly retryBaseMs?: number
  /** How often one statement is sent before a failure that should pass is given on. */
  readonly attempts?: number
  readonly log?: (level: string, message: string) => void
}
