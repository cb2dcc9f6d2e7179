/** Requests to one tenant as they go over the line: request ids, login, redirects by hand. No retry, no limit. */
import { randomUUID } from 'node:crypto'
import type { Dispatcher } from 'undici'
import { syncError } from '../../../sync/contract/errors.ts'
import { type ServerClock, serverClock } from '../../../vendor/clock.ts'
import { dispatcherOf } from '../../../vendor/dispatcher.ts'
import { LOGIN_BYTES, MEGABYTE, TOTAL_MS } from '../../../vendor/limits.ts'
import { type Credentials, credentials } from './auth.ts'
import { type Line, type Received, type Sent, send } from './http.ts'
import { apiOrigin, type BaswareOptions, redirectFault, type ScopeGroup } from './options.ts'

/** Greatest reply: a hundred invoices take a tenth of it, and a request may not be larger than 6 MB. */
const REPLY_BYTES = 20 * MEGABYTE
/** Redirects that are followed for one request. */
const HOPS = 3

export interface Ask {
  /** What is asked for, for messages: `Approved invoices of FR10`. */
  readonly what: string
  readonly signal: AbortSignal
  readonly scope: string
  /** Scopes that its token is asked with; absent: those of whoever reads invoices. */
  readonly group?: ScopeGroup
  /** Called before each attempt: takes the read number. */
  readonly onAttempt?: () => void
}

export interface Post extends Ask {
  /** Greatest reply; absent: 1 MB. */
  readonly maxBytes?: number
}

export interface Api {
  readonly origin: string
  readonly clock: ServerClock
  /** Origins that redirects led to so far. */
  readonly led: ReadonlySet<string>
  readonly granted: Credentials['granted']
  /** A GET whose redirects were followed; `first` is what the API itself answered. */
  get(
    url: string,
    headers: Readonly<Record<string, string>>,
    ask: Ask,
  ): Promise<{ readonly first: Received; readonly reply: Received }>
  post(url: string, body: unknown, ask: Post): Promise<Received>
  requests(): number
  close(): Promise<void>
}

/** What the requests of a connection live among. */
interface Around {
  readonly options: BaswareOptions
  readonly origin: string
  readonly line: Line
  readonly maxBytes: number
  readonly clock: ServerClock
  readonly led: Set<string>
  requests: number
}

const OURS = { accept: 'application/json', 'user-agent': 'Tieout' }

/** One request to the API itself. */
async function toApi(around: Around, sent: Omit<Sent, 'maxBytes'> & { readonly maxBytes?: number }): Promise<Received> {
  around.requests += 1
  const headers = { ...OURS, 'x-bw-request-id': randomUUID(), ...sent.headers }
  const reply = await send(around.line, { maxBytes: around.maxBytes, ...sent, headers })
  around.clock.learn(reply.date)
  return reply
}

const groupOf = (scope: string): ScopeGroup => (scope.startsWith('matching') ? 'orders' : 'invoices')

/** With the login; once more with a new token where the first is refused. */
async function authorised(
  login: Credentials,
  { scope, group = groupOf(scope), signal }: Ask,
  work: (authorization: string) => Promise<Received>,
): Promise<Received> {
  const first = await login.header(group, signal)
  const reply = await work(first)
  if (reply.status !== 401 || !login.forget(group, first)) return reply
  const second = await login.header(group, signal)
  const again = await work(second)
  if (again.status === 401) login.forget(group, second)
  return again
}

/** Fetches from where a redirect leads, without anything of ours but the question. */
async function followed(around: Around, from: Received, { what, signal }: Ask): Promise<Received> {
  const { origin, line, maxBytes, led, options } = around
  const allowed = [new URL(origin).host, ...options.redirectHosts]
  let reply = from
  let at = origin
  for (let hop = 0; reply.status >= 300 && reply.status < 400; hop++) {
    const { location, status } = reply
    const to = location !== undefined && URL.canParse(location, at) ? new URL(location, at) : undefined
    const why = to ? redirectFault(origin, to, allowed) : 'nowhere'
    if (!to || why !== undefined || hop >= HOPS) throw astray(what, at, status, why ?? 'itself again and again')
    led.add(to.origin)
    at = to.href
    around.requests += 1
    reply = await send(line, { method: 'GET', url: to.href, headers: OURS, maxBytes, signal, what })
    if (to.origin !== origin && (reply.status === 403 || reply.status === 400)) throw deadLink(reply, what)
  }
  return { ...reply, continuation: reply.continuation ?? from.continuation }
}

/** `dispatcher` replaces the pool of connections (tests). */
export function createApi(options: BaswareOptions, given?: Dispatcher): Api {
  const origin = apiOrigin(options.url)
  const now = options.now ?? Date.now
  const { timeoutMs = 120_000, totalMs = TOTAL_MS, maxReplyBytes: maxBytes = REPLY_BYTES, concurrency = 2 } = options
  const dispatcher = given ?? dispatcherOf(options, { timeoutMs, connections: Math.max(1, concurrency) })
  const line: Line = { dispatcher, route: options, timeoutMs, totalMs }
  const around: Around = { options, origin, line, maxBytes, clock: serverClock(now), led: new Set(), requests: 0 }
  const login = credentials(
    options.auth,
    (form, authorization, signal) =>
      toApi(around, {
        ...{ method: 'POST', url: `${origin}/v1/tokens`, body: form, signal, maxBytes: LOGIN_BYTES, what: 'Token' },
        headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
      }),
    now,
  )
  return {
    ...{ origin, clock: around.clock, led: around.led, granted: login.granted, requests: () => around.requests },
    async get(url, own, ask) {
      const { signal, what } = ask
      const first = await authorised(login, ask, (authorization) =>
        toApi(around, { method: 'GET', url, headers: { authorization, ...own }, signal, what }),
      )
      return { first, reply: await followed(around, first, ask) }
    },
    post: (url, body, ask) =>
      authorised(login, ask, (authorization) =>
        toApi(around, {
          ...{
            method: 'POST',
            url,
            signal: ask.signal,
            what: ask.what,
            changes: true,
            maxBytes: ask.maxBytes ?? LOGIN_BYTES,
          },
          headers: { authorization, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      ),
    close: () => dispatcher.destroy(),
  }
}

const astray = (what: string, from: string, status: number, to: string) =>
  syncError(
    'config',
    'basware.redirect',
    `${what}: ${new URL(from).host} sends the request on to ${to} (HTTP ${status}); it is not followed`,
    {
      hint: 'If the host is one of Basware or of its storage, name it under "Redirects to" on the connection; otherwise check API address.',
    },
  )

/** A link that has expired, or was altered on its way: the next attempt gets a new one. */
const deadLink = ({ status }: Received, what: string) =>
  syncError(
    'transient',
    'basware.link',
    `${what}: the link that Basware redirected to is not valid any more (HTTP ${status})`,
    {
      httpStatus: status,
      hint: 'A new one is asked for. If it stays: compare the clock of this machine, or see whether a proxy adds a login to requests.',
    },
  )
