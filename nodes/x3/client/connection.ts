/** A connection to one folder of Sage X3: GraphQL over HTTP with login, clock, limits and retries. */
import type { Dispatcher } from 'undici'
import { type RetryContext, type RetryOptions, withRetry } from '../../../sync/contract/retry.ts'
import { type ServerClock, serverClock } from '../../../vendor/clock.ts'
import { dispatcherOf } from '../../../vendor/dispatcher.ts'
import { limiter } from '../../../vendor/limiter.ts'
import { REPLY_BYTES, TOTAL_MS } from '../../../vendor/limits.ts'
import { giveBack } from '../../../vendor/warehouse/memory.ts'
import { credentials } from './auth.ts'
import type { Credentials } from './credentials.ts'
import { answerError } from './errors.ts'
import { answerOf, apiUrlOf, post, type Received } from './http.ts'
import type { X3Options } from './options.ts'
import { checkBody, type Reply, readReply } from './reply.ts'

export interface SendOptions {
  /** What is read, for messages: `supplier`. */
  readonly what: string
  readonly signal: AbortSignal
  /** Called before each attempt: takes the read number. */
  readonly onAttempt?: () => void
}

export interface QueryOptions extends SendOptions {
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

/** A success as it came: bytes until it is wanted, which cost less to keep than the objects in it. */
export interface Unread {
  readonly bytes: number
  /**
   * Parses it; throws the `SyncError` of a body that is cut or complains. `exact`: numbers that JavaScript would round stay
   * the text that they came as.
   */
  read(exact?: boolean): Reply
  /** Gives its memory back: it cannot be read any more. */
  drop(): void
}

/** A request to another door of the server that GraphQL is on. */
export interface DoorRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly method?: 'GET'
  readonly body: string | undefined
  /** Greatest reply that is read to its end. */
  readonly maxBytes?: number
  readonly what: string
  readonly signal: AbortSignal
  /** Called when its turn has come, just before it is sent: throws where it is not to be sent any more. */
  readonly before?: (() => void) | undefined
}

export interface X3Connection {
  /** `x3://host:8124/SEED`: the identity of what is read. */
  readonly address: string
  readonly apiUrl: string
  readonly folder: string
  /** GraphQL as it was in 2021; absent: with `query`, as since then. */
  readonly form?: 'sage'
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
  /** The same, sent once and not parsed yet. */
  send(text: string, variables: Readonly<Record<string, unknown>>, options: SendOptions): Promise<Unread>
  /** Sends to another door of the server, once, within the same limits; the reply as it came, whatever its status. */
  post(request: DoorRequest): Promise<Received>
  /** The login, for the doors that take it too. */
  readonly login: Credentials
  /** Tells what any retry on this connection waits for, until the function given back is called. */
  listen(waiting: (what: string) => void): () => void
  /** Tells those who listen what is waited for. */
  tell(what: string): void
  /** Requests sent so far. */
  requests(): number
  close(): Promise<void>
}

/** `dispatcher` replaces the pool of connections (tests). */
export function createX3Connection(options: X3Options, given?: Dispatcher): X3Connection {
  const url = apiUrlOf(options.url)
  const local = options.now ?? Date.now
  const clock = serverClock(local)
  const login = credentials(options.auth, url.href, clock)
  const concurrency = options.concurrency ?? 2
  const timeoutMs = options.timeoutMs ?? 120_000
  const dispatcher = given ?? dispatcherOf(options, { timeoutMs, connections: Math.max(1, concurrency) })
  const limit = limiter({
    concurrency,
    now: local,
    ...(options.requestsPerSecond ? { requestsPerSecond: options.requestsPerSecond } : {}),
    ...(options.quietHours ? { quietHours: options.quietHours } : {}),
  })
  const listeners = new Set<(what: string) => void>()
  const tell = (what: string): void => listeners.forEach((listener) => void listener(what))
  let requests = 0

  const postOnce = async (request: Omit<DoorRequest, 'before'>): Promise<Received> => {
    requests += 1
    const received = await post({
      maxBytes: options.maxReplyBytes ?? REPLY_BYTES,
      ...request,
      dispatcher,
      route: options,
      timeoutMs,
      totalMs: options.totalMs ?? TOTAL_MS,
    })
    clock.learn(received.date)
    return received
  }

  const sendOnce = (body: string, authorization: string, what: string, signal: AbortSignal): Promise<Received> =>
    postOnce({
      url: login.url?.() ?? url,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization,
        ...(options.folder === '' ? {} : { 'x-xtrem-endpoint': options.folder }),
      },
      body,
      what,
      signal,
    })

  const attempt = async (body: string, what: string, signal: AbortSignal): Promise<Unread> => {
    const authorization = await login.header(undefined, signal)
    let received = await sendOnce(body, authorization, what, signal)
    if (received.status === 401 && login.cures(answerOf(received).text)) {
      // Made anew by the clock of this very reply, once.
      const renewed = await login.header(authorization, signal)
      received = await sendOnce(body, renewed, what, signal)
      if (received.status === 401) login.forget(renewed)
      else login.worked?.(renewed)
    } else if (received.status !== 401) login.worked?.(authorization)
    if (received.status < 200 || received.status >= 300) throw answerError(answerOf(received), what)
    return {
      bytes: received.body.length,
      read(exact = false) {
        checkBody(received.body, what)
        return readReply(answerOf(received), exact, what)
      },
      drop: () => giveBack(received.body),
    }
  }

  const send: X3Connection['send'] = (text, variables, { what, signal, onAttempt }) => {
    const body = JSON.stringify({ query: text, variables })
    return limit(() => {
      onAttempt?.()
      return attempt(body, what, signal)
    }, signal)
  }

  return {
    address: `x3://${options.systemUrl ? apiUrlOf(options.systemUrl).host : url.host}/${options.folder}`,
    apiUrl: url.href,
    folder: options.folder,
    user: options.auth.user ?? '(user of the connected application)',
    clock,
    concurrency,
    ...(options.retry ? { retry: options.retry } : {}),
    send,
    login,
    post: ({ before, ...request }) =>
      limit(() => {
        before?.()
        return postOnce(request)
      }, request.signal),
    query(text, variables, { retry = {}, waiting, ...sending }) {
      const once = async () => (await send(text, variables, sending)).read()
      return retry === false
        ? once()
        : withRetry(once, retryContext(sending.signal, waiting ?? tell), { ...options.retry, ...retry })
    },
    tell,
    listen(waiting) {
      listeners.add(waiting)
      return () => void listeners.delete(waiting)
    },
    requests: () => requests,
    close: async () => {
      await login.close?.()
      await dispatcher.destroy()
    },
  }
}
