/** HTTP to the API and the identity platform: own CA, proxy, time-outs, bounded replies, bodies read as text. */
import { dispatcherOf } from '../../../vendor/dispatcher.ts'
import { bytesOf, exchange } from '../../../vendor/http.ts'
import { checkJson } from '../../../vendor/json.ts'
import { MEGABYTE } from '../../../vendor/limits.ts'
import type { Route } from '../../../vendor/route.ts'
import { type FailurePoint, networkError } from './errors.ts'

export interface HttpOptions {
  readonly route: Route
  /** Longest silence. */
  readonly timeoutMs: number
  /** Longest request in all. */
  readonly totalMs: number
}

export interface HttpRequest extends FailurePoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly signal?: AbortSignal
  /** Most bytes of the reply; without it those of a query. */
  readonly maxBytes?: number
}

export interface HttpReply {
  readonly status: number
  readonly text: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

export interface Http {
  /** One request, no retry; any status but a redirect is a reply. Throws a `SyncError` where there is none. */
  send(request: HttpRequest): Promise<HttpReply>
  close(): Promise<void>
}

/** executeQueries answers up to 15 MB. */
const REPLY_LIMIT = 20 * MEGABYTE

export function createHttp({ route, timeoutMs, totalMs }: HttpOptions): Http {
  const dispatcher = dispatcherOf(route, { timeoutMs })
  return {
    async send({ headers, what, kind, maxBytes = REPLY_LIMIT, ...sent }) {
      try {
        const ours = { dispatcher, headers: { 'user-agent': 'Tieout', ...headers }, idleMs: timeoutMs, totalMs }
        return await exchange({ ...sent, ...ours }, async (reply) => {
          const body = await bytesOf(reply, maxBytes)
          if (reply.status < 400) checkJson(body)
          return { status: reply.status, text: body.toString('utf8'), headers: reply.headers }
        })
      } catch (error) {
        sent.signal?.throwIfAborted()
        throw await networkError(error, { url: sent.url, route }, { what, kind })
      }
    },
    close: () => dispatcher.close(),
  }
}
