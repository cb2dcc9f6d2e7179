/** What a connection to Sage X3 needs to know; the node's dialog and tests fill it. */
import type { RetryOptions } from '../../../sync/contract/retry.ts'
import type { QuietHours } from '../../../vendor/quiet.ts'
import type { Route } from '../../../vendor/route.ts'
import type { Credentials } from './credentials.ts'

/** `aud` of the token: three values work in the wild (x3.md facts, 1.1), so it is a choice. */
export type Audience =
  | { readonly kind: 'registered'; readonly url?: string }
  | { readonly kind: 'empty' }
  | { readonly kind: 'word'; readonly word: string }

export type X3Auth =
  | {
      readonly kind: 'jwt'
      /** Client ID of the connected application (`iss`). */
      readonly clientId: string
      readonly secret: string
      /** Login of the allowed user (`sub`), case matters. Left out when empty. */
      readonly user?: string
      readonly audience?: Audience
      /** Overrides `iss`. */
      readonly issuer?: string
      /** Seconds from issue to end, default 300; the record's "Tokens validity" is the upper bound. */
      readonly lifetimeSeconds?: number
      /** Seconds `iat` lies in the past, default 30. */
      readonly backdateSeconds?: number
    }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  /** A login that others hold too (the cloud's rotating tokens). */
  | { readonly kind: 'held'; readonly user: string; readonly credentials: Credentials }

export interface X3Options extends Route {
  /** `https://host:8124` or the whole API address `https://host:8124/xtrem/api`. */
  readonly url: string
  /** Endpoint: one folder of X3, sent as `x-xtrem-endpoint`. Empty: the user's default. */
  readonly folder: string
  /** What is read, whichever door it is read by: address of the X3 whose data they are. Absent: that of `url`. */
  readonly systemUrl?: string
  readonly auth: X3Auth
  readonly requestsPerSecond?: number
  /** Requests at a time, default 2. */
  readonly concurrency?: number
  /** Milliseconds of silence that are borne: until the reply begins, and between its parts. Default 120,000. */
  readonly timeoutMs?: number
  /** Milliseconds for one request with its reply, default 600,000. */
  readonly totalMs?: number
  /** Greatest reply in bytes, default 64 MB. */
  readonly maxReplyBytes?: number
  readonly quietHours?: QuietHours
  /** How often and how long a failure that may pass is tried again; absent: the engine's rule. */
  readonly retry?: Partial<RetryOptions>
  /** Local clock in milliseconds since 1970; tests set it. */
  readonly now?: () => number
}

export type { ColumnType } from '../../../sync/contract/message.ts'
