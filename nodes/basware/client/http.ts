/** One request over HTTP, bounded, whose reply says of itself whether Basware gave it. */
import type { Dispatcher } from 'undici'
import { retryAfterMs } from '../../../vendor/answers.ts'
import { bytesOf, exchange } from '../../../vendor/http.ts'
import { checkJson } from '../../../vendor/json.ts'
import type { Route } from '../../../vendor/route.ts'
import { type Answer, networkError } from './errors.ts'

/** What all requests of a connection have alike. */
export interface Line {
  readonly dispatcher: Dispatcher
  readonly route: Route
  /** Longest silence. */
  readonly timeoutMs: number
  /** Longest time in all. */
  readonly totalMs: number
}

export interface Sent {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly maxBytes: number
  readonly signal: AbortSignal
  readonly what: string
  /** It may have changed something by the time that the line breaks. */
  readonly changes?: boolean
}

export interface Received extends Answer {
  readonly date: string | undefined
  /** Of the next page. */
  readonly continuation: string | undefined
  /** Of a redirect. */
  readonly location: string | undefined
}

/** Sends and reads the whole reply, whatever its status; of a GET a redirect too. Throws `SyncError`s for a broken line and a reply over a limit. */
export async function send({ dispatcher, route, timeoutMs, totalMs }: Line, sent: Sent): Promise<Received> {
  const { method, url, headers, body, signal, what, changes = false } = sent
  const bounds = { idleMs: timeoutMs, totalMs, readsRedirects: method === 'GET' }
  try {
    return await exchange({ method, url, headers, body, signal, dispatcher, ...bounds }, async (reply) => {
      const { status, headers } = reply
      const received = await bytesOf(reply, sent.maxBytes)
      if (status < 300) checkJson(received)
      const { date, location } = headers
      return {
        ...{ status, date, location, body: received },
        contentType: headers['content-type'] ?? '',
        requestId: headers['x-amzn-requestid'],
        continuation: headers['x-amz-meta-continuationtoken'],
        retryAfterMs: retryAfterMs(headers['retry-after'], date === undefined ? undefined : Date.parse(date)),
      }
    })
  } catch (error) {
    signal.throwIfAborted()
    throw await networkError(error, { url, route, what, timeoutMs }, changes)
  }
}
