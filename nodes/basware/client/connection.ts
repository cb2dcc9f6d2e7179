/** A connection to one tenant of Basware's P2P API: reads are tried again, everything keeps within its limits. */
import type { Dispatcher } from 'undici'
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import { type RetryContext, type RetryOptions, withRetry } from '../../../sync/contract/retry.ts'
import type { ServerClock } from '../../../vendor/clock.ts'
import { parseExactly, parseToSend } from '../../../vendor/json.ts'
import { limiter } from '../../../vendor/limiter.ts'
import { DEPTH, overDepth } from '../../../vendor/limits.ts'
import { type Api, type Ask, createApi, type Post } from './api.ts'
import {
  type Answer,
  answerError,
  bodyError,
  faultsIn,
  isHtml,
  pageError,
  type RecordFault,
  tooMuch,
} from './errors.ts'
import type { Received } from './http.ts'
import type { BaswareOptions } from './options.ts'

export interface Get extends Ask {
  readonly query?: Readonly<Record<string, string>>
  /** Of the page before. */
  readonly continuation?: string | null
  /** Told what a retry waits for. */
  readonly waiting?: ((what: string) => void) | undefined
  /** What is found is sent on: its numbers keep their digits as numbers. */
  readonly toSend?: true
}

/** A success: its data, numbers that JavaScript would change as text. */
export interface Found {
  readonly data: unknown
  /** For the next page; null: this was the last. */
  readonly continuation: string | null
}

/** A write that was answered. */
export interface Posted {
  /** Any below 500 but 401, 403 and 429. */
  readonly status: number
  /** Under which Basware tells later what became of it. */
  readonly requestId: string
  /** Why it was refused. */
  readonly refusal: SyncError | undefined
  /** Of a refusal: which records it names, and why. */
  readonly faults: readonly RecordFault[]
}

export interface BaswareConnection {
  /** `basware://host/source`: the identity of what is read. */
  readonly address: string
  readonly origin: string
  /** As whom requests are made. */
  readonly user: string
  readonly clock: ServerClock
  /** Requests that are on their way at the same time at most. */
  readonly concurrency: number
  readonly retry?: Partial<RetryOptions>
  /**
   * Reads, again after failures that may pass. Undefined: Basware itself says that there is nothing (404 with its request
   * id). Throws `SyncError`s.
   */
  get(path: string, ask: Get): Promise<Found | undefined>
  /**
   * Sends once; a text as it is. A status below 500 that Basware itself gave is an answer; everything else is thrown, as `unknown-outcome`
   * where it may have been done.
   */
  post(path: string, body: unknown, ask: Post): Promise<Posted>
  /** Whether a scope was given to the client. */
  granted(scope: string, signal: AbortSignal): Promise<boolean>
  /** Origins that redirects led to so far. */
  redirectedTo(): readonly string[]
  /** Tells what any retry on this connection waits for, until the function given back is called. */
  listen(waiting: (what: string) => void): () => void
  /** Requests sent so far. */
  requests(): number
  close(): Promise<void>
}

const retryContext = (signal: AbortSignal, waiting: (what: string) => void): RetryContext => ({
  signal,
  waiting,
  idempotent: true,
})

/** `dispatcher` replaces the pool of connections (tests). */
export function createBaswareConnection(options: BaswareOptions, given?: Dispatcher): BaswareConnection {
  const api = createApi(options, given)
  const { origin, clock } = api
  const { requestsPerSecond, quietHours, retry, concurrency = 2 } = options
  const limit = limiter({
    ...{ concurrency, now: options.now ?? Date.now },
    ...(requestsPerSecond ? { requestsPerSecond } : {}),
    ...(quietHours ? { quietHours } : {}),
  })
  const listeners = new Set<(what: string) => void>()
  return {
    ...{
      address: `basware://${new URL(origin).host}/${encodeURIComponent(options.source)}`,
      origin,
      clock,
      concurrency,
    },
    user: options.auth.kind === 'oauth' ? options.auth.clientId : options.auth.user,
    ...(retry ? { retry } : {}),
    get(path, ask) {
      const once = async () => {
        ask.onAttempt?.()
        return getOnce(api, path, ask)
      }
      const tell = ask.waiting ?? ((text: string) => listeners.forEach((listener) => void listener(text)))
      return withRetry(() => limit(once, ask.signal), retryContext(ask.signal, tell), retry)
    },
    post: (path, body, ask) =>
      limit(async () => {
        ask.onAttempt?.()
        return postedIn(await api.post(origin + path, body, ask), ask)
      }, ask.signal),
    granted: api.granted,
    redirectedTo: () => [...api.led],
    listen(waiting) {
      listeners.add(waiting)
      return () => void listeners.delete(waiting)
    },
    requests: api.requests,
    close: api.close,
  }
}

async function getOnce(api: Api, path: string, ask: Get): Promise<Found | undefined> {
  const { what, scope, continuation, query } = ask
  const own: Record<string, string> = continuation ? { 'x-amz-meta-continuationtoken': continuation } : {}
  const { first, reply } = await api.get(
    `${api.origin}${path}${query ? `?${new URLSearchParams(query)}` : ''}`,
    own,
    ask,
  )
  if (reply.status === 404 && first.requestId !== undefined && !isHtml(reply)) return undefined
  if (reply.status < 200 || reply.status >= 300) throw answerError(reply, what, scope, false)
  return {
    data: dataIn(reply, what, ask.toSend ? parseToSend : parseExactly),
    continuation: reply.continuation || null,
  }
}

/** A reply that Basware gave to a write: success, or a refusal that says that nothing was done. */
function postedIn(reply: Received, { what, scope }: Ask): Posted {
  const { status, requestId } = reply
  const isSuccess = status >= 200 && status < 300
  // A page of a proxy in the place of the reply: the request may have gone through all the same.
  if (isSuccess && (requestId === undefined || isHtml(reply)))
    throw syncError(
      'unknown-outcome',
      'basware.html',
      `${what}: what came back is no answer of Basware (HTTP ${status})`,
      {
        httpStatus: status,
        hint: 'A proxy answers in the place of Basware. What became of the request is looked up.',
      },
    )
  const error = isSuccess ? undefined : answerError(reply, what, scope, true)
  const passes = status >= 500 || status === 401 || status === 403 || status === 408 || status === 429
  if (error && (passes || requestId === undefined)) throw error
  return { status, requestId: requestId ?? '', refusal: error, faults: error ? faultsIn(reply.body) : [] }
}

/** The JSON of a success. */
function dataIn(answer: Answer, what: string, parse: (source: string) => unknown): unknown {
  if (isHtml(answer)) throw pageError(answer, what)
  try {
    return parse(answer.body.toString('utf8'))
  } catch (error) {
    // The stack ended in something deeply nested.
    if (error instanceof RangeError) throw tooMuch(overDepth(DEPTH), what)
    throw bodyError(what, `is cut or no JSON (${answer.body.length} bytes)`)
  }
}
