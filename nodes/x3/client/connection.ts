/** A connection to one folder of Sage X3: GraphQL over HTTP with login, clock, limits and retries. */
import type { Dispatcher } from 'undici'
import { limiter } from '../../../sync/limiter.ts'
import { type RetryContext, type RetryOptions, withRetry } from '../../../sync/retry.ts'
import { credentials, type ServerClock, serverClock } from './auth.ts'
import { answerError, complaintError, complaintsOf, curable, noticesOf, parseBody, tokenErrorNumber } from './errors.ts'
import { apiUrlOf, dispatcherOf, post } from './http.ts'
import { MEGABYTE, type X3Options } from './options.ts'

export interface QueryOptions {
  /** What is read, for messages: `supplier`. */
  readonly what: string
  readonly signal: AbortSignal
  /** Called before each attempt: takes the read number. */
  readonly onAttempt?: () => void
  /** How often and how long it is tried again; `false`: once. */
  readonly retry?: Partial<RetryOptions> | false
  /** Told what a retry waits for. */
  readonly waiting?: ((what: string) => void) | undefined
}

/** How requests to X3 are tried again: reads are idempotent, and a refused token is signed anew once more. */
export const retryContext = (signal: AbortSignal, waiting?: (what: string) => void): RetryContext => ({
  signal,
  waiting: waiting ?? (() => {}),
  idempotent: true,
  renew: async () => {},
})

/** A success: whole data. Data with errors beside it counts as a failure, because a part of it is missing. */
export interface Reply {
  readonly data: Readonly<Record<string, unknown>>
  readonly notices: readonly string[]
  /** The body as received. */
  readonly text: string
}

export interface X3Connection {
  /** `x3://host:8124/SEED`: the identity of what is read. */
  readonly address: string
  readonly apiUrl: string
  readonly folder: string
  /** As whom requests are made. */
  readonly user: string
  readonly clock: ServerClock
  /** Requests that are on their way at the same time at most. */
  readonly concurrency: number
  /** How often and how long reads are tried again; absent: the engine's rule. */
  readonly retry?: Partial<RetryOptions>
  /**
   * Sends a GraphQL query, again after `transient` and `throttled` failures (reads are idempotent). A refused token is
   * signed anew once. Throws `SyncError`s; data that came with errors is thrown away with them.
   */
  query(text: string, variables: Readonly<Record<string, unknown>>, options: QueryOptions): Promise<Reply>
  /** Tells what any retry on this connection waits for, until the function given back is called. */
  listen(waiting: (what: string) => void): () => void
  /** Requests sent so far. */
  requests(): number
  close(): Promise<void>
}

/** `dispatcher` replaces the pool of connections (tests). */
export function createX3Connection(options: X3Options, dispatcher: Dispatcher = dispatcherOf(options)): X3Connection {
  const url = apiUrlOf(options.url)
  const local = options.now ?? Date.now
  const clock = serverClock(local)
  const login = credentials(options.auth, url.href, clock)
  const concurrency = options.concurrency ?? 2
  const limit = limiter({
    concurrency,
    now: local,
    ...(options.requestsPerSecond ? { requestsPerSecond: options.requestsPerSecond } : {}),
    ...(options.quietHours ? { quietHours: options.quietHours } : {}),
  })
  const listeners = new Set<(what: string) => void>()
  let requests = 0

  const send = async (body: string, authorization: string, what: string, signal: AbortSignal) => {
    requests += 1
    const answer = await post({
      url,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization,
        ...(options.folder === '' ? {} : { 'x-xtrem-endpoint': options.folder }),
      },
      body,
      dispatcher,
      timeoutMs: options.timeoutMs ?? 120_000,
      maxBytes: options.maxReplyBytes ?? 64 * MEGABYTE,
      signal,
      what,
    })
    clock.learn(answer.date)
    return answer
  }

  const attempt = async (body: string, what: string, signal: AbortSignal): Promise<Reply> => {
    const authorization = await login.header()
    let answer = await send(body, authorization, what, signal)
    if (answer.status === 401 && options.auth.kind === 'jwt') {
      const number = tokenErrorNumber(answer.text)
      // Signed anew by the clock of this very reply, once: 21 and 50 come from clocks and ended tokens.
      if (number === undefined || curable(number)) {
        const renewed = await login.header(authorization)
        answer = await send(body, renewed, what, signal)
        if (answer.status === 401) login.forget(renewed)
      }
    }
    if (answer.status < 200 || answer.status >= 300) throw answerError(answer, what)
    const json = parseBody(answer, what)
    const complaints = complaintsOf(json)
    const data = (json as { data?: unknown } | null)?.data
    if (complaints.length > 0 || typeof data !== 'object' || data === null) {
      throw complaintError(complaints.length > 0 ? complaints : [{ text: 'an answer without data', path: [] }], what)
    }
    return { data: data as Record<string, unknown>, notices: noticesOf(json), text: answer.text }
  }

  return {
    address: `x3://${url.host}/${options.folder}`,
    apiUrl: url.href,
    folder: options.folder,
    user: options.auth.user ?? '(user of the connected application)',
    clock,
    concurrency,
    ...(options.retry ? { retry: options.retry } : {}),
    query(text, variables, { what, signal, onAttempt, retry = {}, waiting }) {
      const body = JSON.stringify({ query: text, variables })
      const once = () =>
        limit(() => {
          onAttempt?.()
          return attempt(body, what, signal)
        }, signal)
      const tell = waiting ?? ((text: string) => listeners.forEach((listener) => void listener(text)))
      return retry === false ? once() : withRetry(once, retryContext(signal, tell), { ...options.retry, ...retry })
    },
    listen(waiting) {
      listeners.add(waiting)
      return () => void listeners.delete(waiting)
    },
    requests: () => requests,
    close: async () => {
      await dispatcher.destroy()
    },
  }
}
