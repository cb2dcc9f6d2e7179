/** What a connection to Sage Intacct needs to know; the node's dialog and tests fill it. */
import type { RetryOptions } from '../../../sync/contract/retry.ts'
import type { Limiter } from '../../../vendor/limiter.ts'
import type { QuietHours } from '../../../vendor/quiet.ts'
import type { Route } from '../../../vendor/route.ts'

export interface IntacctOptions extends Route {
  /** Address of the gateway; default that of Sage. */
  readonly gateway?: string
  /** Hosts (`host` or `host:port`) besides those under intacct.com that the gateway or a session's endpoint may have. */
  readonly allowedHosts?: readonly string[]
  readonly senderId: string
  readonly senderPassword: string
  readonly company: string
  readonly user: string
  readonly password: string
  /** Location ID of an entity; empty: the top level. */
  readonly entity?: string
  /** Minutes that a session is used, default 50; never past the `sessiontimeout` of Intacct. */
  readonly sessionMinutes?: number
  /** `auto` (the API user's own), `UTC`, an offset (`-08:00`) or an IANA name (`America/Los_Angeles`). */
  readonly timeZone?: string
  /** Requests at a time for one company, default 1. */
  readonly concurrency?: number
  readonly requestsPerSecond?: number
  readonly quietHours?: QuietHours
  /** Milliseconds of silence that are borne: until the reply begins, and between its parts. Default 300,000. */
  readonly timeoutMs?: number
  /** Milliseconds for one request with its reply, default 600,000. */
  readonly totalMs?: number
  /** Greatest reply in bytes, unpacked, default 64 MB. */
  readonly maxReplyBytes?: number
  /** How often and how long a failure that may pass is tried again; absent: the engine's rule. */
  readonly retry?: Partial<RetryOptions>
  /** The line of the company, shared by all its connections of this process; absent: one of its own. */
  readonly line?: Limiter
}

export const GATEWAY = 'https://api.intacct.com/ia/xml/xmlgw.phtml'
