/** REST requests to the workspace and the token endpoint: own CA, proxy, time-outs, bounded replies. */

import { syncError } from '../../../sync/contract/errors.ts'
import { readReason, retryAfterMs } from '../../../vendor/answers.ts'
import { dispatcherOf } from '../../../vendor/dispatcher.ts'
import { bytesOf, exchange } from '../../../vendor/http.ts'
import { checkJson } from '../../../vendor/json.ts'
import { MEGABYTE } from '../../../vendor/limits.ts'
import type { Route } from '../../../vendor/route.ts'
import { type FailurePoint, httpFinding, toSyncError } from './errors.ts'

export interface HttpOptions {
  readonly route: Route
  /** Longest silence. */
  readonly timeoutMs: number
  /** Longest request in all. */
  readonly totalMs: number
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly signal?: AbortSignal
  /** What it is for, in the error's words. */
  readonly what: string
  /** Statuses besides 2xx that are an answer and not a failure. */
  readonly allow?: readonly number[]
  /** Most bytes of the reply. */
  readonly maxBytes?: number
}

export interface HttpReply {
  readonly status: number
  readonly text: string
}

export interface Http {
  /** One request, no retry. Throws a `SyncError` for network failures and refused statuses. */
  send(request: HttpRequest): Promise<HttpReply>
  close(): Promise<void>
}

/** Listings and errors: rows never come this way. */
const REPLY_LIMIT = 4 * MEGABYTE

export function createHttp({ route, timeoutMs, totalMs }: HttpOptions): Http {
  const dispatcher = dispatcherOf(route, { timeoutMs })
  return {
    async send({ headers, what, allow, maxBytes = REPLY_LIMIT, ...sent }) {
      const at: FailurePoint = { what, phase: 'http' }
      const ours = { dispatcher, headers: { 'user-agent': 'Tieout', ...headers }, idleMs: timeoutMs, totalMs }
      try {
        return await exchange({ ...sent, ...ours }, async (reply) => {
          const body = await bytesOf(reply, maxBytes)
          if (reply.status < 400) checkJson(body)
          const text = body.toString('utf8')
          const { status } = reply
          if ((status >= 200 && status < 300) || allow?.includes(status)) return { status, text }
          throw refused(httpFinding(status, readReason(text), retryAfterMs(reply.headers['retry-after']), at), what)
        })
      } catch (error) {
        sent.signal?.throwIfAborted()
        throw await toSyncError(error, at, { url: sent.url, route })
      }
    },
    close: () => dispatcher.close(),
  }
}

const refused = ({ cls, code, text, hint, details }: ReturnType<typeof httpFinding>, what: string) =>
  syncError(cls, code, `${what}: ${text} ${hint ?? ''}`.trim(), { ...details, ...(hint ? { hint } : {}) })
