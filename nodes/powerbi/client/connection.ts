/** One service principal and one API address: tokens, calls, and what all nodes share of each dataset. */

import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { type Clock, systemClock, waitSaying } from '../../../sync/contract/wait.ts'
import { createFifo, type Fifo } from '../../../sync/values/queue.ts'
import { withScheme } from '../../../vendor/address.ts'
import { retryAfterMs } from '../../../vendor/answers.ts'
import { TOTAL_MS } from '../../../vendor/limits.ts'
import type { Route } from '../../../vendor/route.ts'
import { type AuthOptions, checkCertificate, createTokens } from './auth.ts'
import { type FailurePoint, refusal } from './errors.ts'
import { createHttp, type HttpReply, type HttpRequest } from './http.ts'
import { createQuota, PUBLISHED, type Quota, type QuotaLimits } from './quota.ts'

export interface PowerbiOptions extends Route {
  readonly auth: AuthOptions
  /** `https://api.powerbi.com` */
  readonly apiUrl: string
  /** Longest silence of one request. */
  readonly timeoutMs: number
  /** Longest request in all, default 600,000. */
  readonly totalMs?: number
  readonly clock?: Clock
  readonly limits?: QuotaLimits
  readonly log?: (text: string) => void
}

export interface Call extends FailurePoint {
  readonly method: HttpRequest['method']
  /** Below `/v1.0/myorg`. */
  readonly path: string
  readonly body?: string | Buffer
}

/** A row of a DAX answer; numbers whose digits JavaScript would not keep are texts. */
export type QueryRow = Readonly<Record<string, unknown>>

/** What all who write one dataset share: one post at a time, one book of its quota. */
export interface DatasetLine {
  readonly fifo: Fifo
  readonly quota: Quota
}

export interface Connection {
  /** `powerbi://api.powerbi.com` */
  readonly address: string
  readonly clock: Clock
  readonly limits: QuotaLimits
  /** One request. A refused token is renewed once. Throws a `SyncError` for everything but 2xx. */
  call(call: Call, context: Pick<WriteContext, 'signal'>): Promise<HttpReply>
  /** The same for a reply in JSON. */
  json(call: Call, context: Pick<WriteContext, 'signal'>): Promise<unknown>
  /** One DAX query. 401 and 403 mean that the tenant or the dataset does not allow queries: `auth`, `powerbi.no-queries`. */
  query(path: string, dax: string, what: string, context: WriteContext): Promise<readonly QueryRow[]>
  line(dataset: string): DatasetLine
  /** The next call asks for a new token: for a refusal that came again behind a renewal. */
  renew(): void
  /** Posts of rows sent so far. */
  posts(): number
  close(): Promise<void>
}

/** executeQueries takes 120 requests a minute from one caller. */
const QUERIES_PER_MINUTE = 120

export function createConnection(options: PowerbiOptions): Connection {
  const clock = options.clock ?? systemClock
  const limits = options.limits ?? PUBLISHED
  const api = checkUrl(options.apiUrl)
  if (options.auth.login.kind === 'certificate') checkCertificate(options.auth.login)
  const http = createHttp({ route: options, timeoutMs: options.timeoutMs, totalMs: options.totalMs ?? TOTAL_MS })
  const tokens = createTokens(options.auth, http, clock)
  const lines = new Map<string, DatasetLine>()
  const queries = createQuota(
    {
      rowsPerHour: Number.MAX_SAFE_INTEGER,
      postsPerMinute: QUERIES_PER_MINUTE,
      postsPerHour: Number.MAX_SAFE_INTEGER,
      bigRows: 0,
    },
    clock,
  )
  let posts = 0

  const send = (call: Call, token: string, signal: AbortSignal): Promise<HttpReply> => {
    if (call.kind === 'rows') posts++
    return http.send({
      method: call.method,
      url: `${api}/v1.0/myorg${call.path}`,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: call.body }),
      signal,
      what: call.what,
      kind: call.kind,
    })
  }

  async function call(request: Call, context: Pick<WriteContext, 'signal' | 'traced'>): Promise<HttpReply> {
    const { signal } = context
    const token = await tokens.get()
    signal.throwIfAborted()
    let reply = await send(request, token, signal)
    if (reply.status === 401 || reply.status === 403) {
      const renewed = await tokens.get(token)
      if (renewed !== token) reply = await send(request, renewed, signal)
    }
    const id = reply.headers.requestid
    if (typeof id === 'string' && request.kind === 'rows') context.traced?.('request', id)
    if (reply.status >= 200 && reply.status < 300) return checked(reply, request)
    options.log?.(`${request.what}: HTTP ${reply.status}, request ${reply.headers.requestid ?? '(no id)'}`)
    throw refusal(reply.status, reply.text, retryAfterMs(reply.headers['retry-after'], Date.now()), request)
  }

  async function json(request: Call, context: Pick<WriteContext, 'signal'>): Promise<unknown> {
    const { text } = await call(request, context)
    try {
      return JSON.parse(text, exact)
    } catch {
      throw syncError(
        'transient',
        'powerbi.reply',
        `${request.what}: the reply is cut or no JSON (${text.length} characters).`,
        {
          hint: 'If it stays, a proxy answers instead of Power BI: check proxy and API address.',
        },
      )
    }
  }

  return {
    address: `powerbi://${new URL(api).host}`,
    clock,
    limits,
    call,
    json,
    async query(path, dax, what, context) {
      for (let pause = queries.pause(1, false); pause; pause = queries.pause(1, false))
        await waitSaying(pause.ms, 'limit of queries', context, clock)
      queries.took(1)
      const body = JSON.stringify({ queries: [{ query: dax }], serializerSettings: { includeNulls: true } })
      return rowsOf(await json({ method: 'POST', path, body, what, kind: 'query' }, context), what)
    },
    line(dataset) {
      const known = lines.get(dataset) ?? { fifo: createFifo(), quota: createQuota(limits, clock) }
      lines.set(dataset, known)
      return known
    },
    renew: tokens.drop,
    posts: () => posts,
    async close() {
      await http.close()
    },
  }
}

/** A login page of a proxy comes with 200 too: then nobody knows what became of the rows. */
function checked(reply: HttpReply, { kind, what }: Call): HttpReply {
  if (kind !== 'rows' || !/^\s*</.test(reply.text)) return reply
  throw syncError(
    'unknown-outcome',
    'powerbi.page',
    `${what}: a page answered instead of Power BI; whether the rows are in is not known.`,
    {
      hint: 'Check the proxy and the API address of the connection.',
    },
  )
}

/** Keeps the digits of a number as text where JavaScript would change them. */
function exact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value
  return String(value) === context.source ? value : context.source
}

/** Rows of the one table of the one result; an error inside a 200 is one all the same. */
function rowsOf(reply: unknown, what: string): readonly QueryRow[] {
  const shape = reply as {
    readonly error?: unknown
    readonly results?: readonly {
      readonly error?: unknown
      readonly tables?: readonly { readonly error?: unknown; readonly rows?: readonly QueryRow[] }[]
    }[]
  }
  const result = shape.results?.[0]
  const table = result?.tables?.[0]
  const error = shape.error ?? result?.error ?? table?.error
  if (error !== undefined && error !== null)
    throw refusal(400, JSON.stringify({ error }), undefined, { what, kind: 'query' })
  return table?.rows ?? []
}

function checkUrl(url: string): string {
  const found = withScheme(url)
  // As Microsoft's own pages write it, with the path of every request.
  if (found && /^https?:$/.test(found.protocol)) return found.href.replace(/\/+$/, '').replace(/\/v1\.0(\/myorg)?$/, '')
  throw syncError('config', 'powerbi.address', `The API address is no URL: ${url.slice(0, 100)}`, {
    field: 'apiUrl',
    hint: 'Leave it empty for the address of the chosen cloud.',
  })
}

/** Refused because queries are not allowed here, whatever the reason. */
export const isNoQueries = (error: unknown): boolean =>
  isSyncError(error) &&
  (error.code === 'powerbi.no-queries' || (error.cause.class === 'config' && error.code !== 'powerbi.not-found'))
