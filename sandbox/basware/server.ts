import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { createFaults, type FaultPlan } from '../faults.ts'
import { DropNow, deliver, type Exchange, meetFault, type Reply, ReplyNow } from '../http.ts'
import { type Words, wordsFor } from './errors.ts'
import { createInjected, PAGES, sendHuge } from './injected.ts'
import { type BaswareOptions, type BaswareSandbox, INJECTIONS, type Injection, type LoggedRequest } from './options.ts'
import { ROUTES } from './routes.ts'
import { BASWARE_SITES } from './sites.ts'
import { createTenant, type Tenant } from './tenant.ts'

export * from './options.ts'
export { BASWARE_SITES } from './sites.ts'

/** The greatest body of a request, 6 MB. */
const MOST_BYTES = 6 * 1024 * 1024
const REMEMBERED = 200
const MINUTE = 60_000
const injectBody = z.strictObject({
  what: z.enum(INJECTIONS),
  site: z.enum(Object.keys(BASWARE_SITES)),
  times: z.int().min(1).default(1),
})
const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** What a host stands on, and what it keeps of its requests. */
interface Wire {
  readonly tenant: Tenant
  readonly counts: Record<string, number>
  readonly log: LoggedRequest[]
  readonly injected: ReturnType<typeof createInjected>
  readonly now: () => number
  /** The clock that stamps are taken from, and each reply's `Date`. */
  readonly clock: BaswareOptions['clock']
  /** Moments of the last minute's requests. */
  recent: number[]
  faults: FaultPlan
}

/** One request while it is answered. */
interface Asked {
  readonly request: IncomingMessage
  readonly url: URL
  readonly body: Buffer
  readonly exchange: Exchange
  readonly requestId: string
  readonly words: Words
  injected: Injection | undefined
}

async function enter(wire: Wire, site: string, asked: Asked): Promise<void> {
  wire.counts[site] = (wire.counts[site] ?? 0) + 1
  asked.injected = wire.injected.take(site)
  const page = asked.injected && PAGES[asked.injected]
  if (page) throw new ReplyNow(page)
  await meetFault(wire.faults, site, asked.exchange, asked.words)
}

/** The reply of the API in the tenant's region, or of another, which knows nobody. */
async function answerApi(wire: Wire, home: boolean, asked: Asked): Promise<Reply> {
  const { tenant } = wire
  const { request, url, body, words } = asked
  const { authorization } = request.headers
  if (body.length > MOST_BYTES) return words.bare(413)
  const open = `${request.method} ${url.pathname}`
  if (open === 'GET /.well-known/jwks.json') return await tenant.identity.keys()
  if (open === 'GET /.well-known/openid-configuration') return tenant.identity.configuration(url.origin)
  if (open === 'POST /v1/tokens') {
    await enter(wire, 'token', asked)
    const known = home ? authorization : authorization && 'Basic bm9ib2R5OmhlcmU='
    return await tenant.identity.token(url.origin, known, request.headers['content-type'] ?? '', body.toString())
  }
  return await operate(wire, home, asked)
}

async function operate(wire: Wire, home: boolean, asked: Asked): Promise<Reply> {
  const { tenant } = wire
  const { request, url, body, words, requestId } = asked
  const own = request.headers['x-bw-request-id']
  const { bwRequestId, noScope } = tenant.settings
  const rights = home ? tenant.identity.rights(request.headers.authorization) : undefined
  if (rights === undefined) return words.bare(401)
  const fitting = ROUTES.filter(({ pattern }) => pattern.test(url.pathname))
  const route = fitting.find(({ method }) => method === request.method)
  if (!route) return words.bare(fitting.length > 0 ? 405 : 404)
  if (!rights.has(route.scope)) return words.bare(noScope)
  await enter(wire, route.site, asked)
  if (bwRequestId === 'wanted' && !UUID4.test(String(own ?? ''))) return words.bare(400)
  if (tooMany(wire)) return words.throttled({ 'retry-after': '5' })
  const parts = (route.pattern.exec(url.pathname) ?? []).slice(1).map(decoded)
  const { method, headers } = { method: route.method, headers: request.headers }
  const { injected } = asked
  return route.run(tenant.service(), { method, url, parts, headers, body, requestId, words, injected })
}

/** Whether there were more requests within a minute than the tenant may send. */
function tooMany(wire: Wire): boolean {
  const { requestsPerMinute } = wire.tenant.settings
  if (requestsPerMinute === null) return false
  const now = wire.now()
  wire.recent = [...wire.recent.filter((at) => at > now - MINUTE), now]
  return wire.recent.length > requestsPerMinute
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

async function answerFiles(wire: Wire, asked: Asked): Promise<Reply> {
  await enter(wire, 'file', asked)
  if (asked.request.method !== 'GET') return asked.words.bare(405)
  return wire.tenant.service().links.fetch(asked.url, asked.request.headers.authorization)
}

/** The headers that Basware puts on each reply of its API; what comes from elsewhere has none. */
function marked(wire: Wire, asked: Asked, reply: Reply): Reply {
  const elsewhere = asked.injected !== undefined && (PAGES[asked.injected] || asked.injected === 'no-request-id')
  const { 'x-amzn-requestid': _, ...rest } = reply.headers
  if (elsewhere) return { ...reply, headers: rest }
  const own = asked.request.headers['x-bw-request-id']
  const echo: Record<string, string> =
    typeof own === 'string' && wire.tenant.settings.bwRequestId !== 'ignored' ? { 'x-bw-request-id': own } : {}
  return { ...reply, headers: { ...rest, 'x-amzn-requestid': asked.requestId, ...echo } }
}

/** A thrown answer is an answer; anything else is a fault of the sandbox, which must be seen. */
function answerInstead(words: Words, error: unknown): Reply {
  if (error instanceof ReplyNow) return error.reply
  if (error instanceof DropNow) throw error
  const message = error instanceof Error ? error.message : String(error)
  return words.refuse(500, { type: 'TECHNICAL', code: 'UNEXPECTED_ERROR', message, info: 'The sandbox failed.' }).reply
}

async function handle(
  wire: Wire,
  origin: LoggedRequest['origin'],
  home: boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  wire.counts.requests = (wire.counts.requests ?? 0) + 1
  const requestId = randomUUID()
  const words = wordsFor(requestId, () => wire.tenant.settings)
  const exchange: Exchange = {
    aftermath: undefined,
    revoke: () => wire.tenant.identity.revoke(request.headers.authorization),
  }
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`)
  const body = await bodyOf(request).catch(() => undefined)
  // The client has gone before it was through.
  if (!body) return void response.destroy()
  const asked: Asked = { request, url, exchange, requestId, words, body, injected: undefined }
  let status = 0
  response.setHeader('date', new Date(wire.clock.now()).toUTCString())
  try {
    if (wire.tenant.settings.latencyMs > 0) await delay(wire.tenant.settings.latencyMs)
    const made = origin === 'api' ? answerApi(wire, home, asked) : answerFiles(wire, asked)
    const plain = await made.catch((error: unknown) => answerInstead(words, error))
    const reply = origin === 'api' ? marked(wire, asked, plain) : plain
    status = reply.status
    if (asked.injected === 'huge') await sendHuge(response, reply)
    else await deliver(response, reply, exchange, wire.faults, words)
  } catch {
    // The fault plan or the client dropped the connection: there is nobody left to answer.
    status = 0
    response.destroy()
  } finally {
    wire.log.push(logged(origin, asked, status))
    if (wire.log.length > REMEMBERED) wire.log.shift()
  }
}

/** The body, of a longer one than may be its beginning, which is still too long. */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (size <= MOST_BYTES) chunks.push(chunk)
    size += chunk.length
  }
  return Buffer.concat(chunks)
}

function logged(origin: LoggedRequest['origin'], { request, body, url }: Asked, status: number): LoggedRequest {
  const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [
    name,
    name === 'authorization' ? String(value).replace(/ .*/, ' …') : String(value),
  ])
  return {
    ...{ origin, method: request.method ?? '', status, headers: Object.fromEntries(headers) },
    path: url.pathname + url.search.replace(/(X-Amz-Signature=)\w+/, '$1…'),
    body: url.pathname === '/v1/tokens' ? '' : body.subarray(0, 20_000).toString(),
  }
}

async function listen(wire: Wire, origin: LoggedRequest['origin'], home: boolean, wanted: number) {
  const server = createServer((request, response) => {
    // What is no address at all.
    handle(wire, origin, home, request, response).catch(() => response.destroy())
  })
  // Longer than any pause of a client, so that no request meets a connection that is just being closed.
  server.keepAliveTimeout = 600_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(wanted, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return { server, port, url: `http://127.0.0.1:${port}` }
}

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

function injectAs({ injected }: Wire, body: unknown): object {
  const { what, site, times } = injectBody.parse(body)
  injected.add(what, site, times)
  return {}
}

/** Starts a tenant of Basware on 127.0.0.1: the API in its region and in others, and the origin that it redirects to. */
export async function startBasware(options: BaswareOptions): Promise<BaswareSandbox> {
  const tenant = createTenant(options)
  const wire: Wire = {
    ...{ tenant, counts: {}, log: [], injected: createInjected(), recent: [], now: options.now ?? Date.now },
    clock: options.clock,
    faults: options.faults ?? createFaults('calm', 0, BASWARE_SITES),
  }
  const files = await listen(wire, 'files', true, options.filesPort ?? 0)
  tenant.setFilesUrl(files.url)
  const [own = 'EU', ...others] = options.regions ?? ['EU']
  const home = await listen(wire, 'api', true, options.port ?? 0)
  const elsewhere = await Promise.all(others.map(() => listen(wire, 'api', false, 0)))
  const { clientId, clientSecret, username, password, scopes } = tenant
  return {
    ...{ url: home.url, port: home.port, filesUrl: files.url, filesPort: files.port },
    ...{ clientId, clientSecret, username, password, scopes },
    regions: Object.fromEntries([[own, home.url], ...others.map((region, k) => [region, elsewhere[k]?.url ?? ''])]),
    ...{ newDay: tenant.newDay, tune: tenant.tune },
    act: (name, body) => (name === 'inject' ? injectAs(wire, body) : tenant.act(name, body)),
    stats: () => ({ requests: 0, ...wire.counts }),
    requests: () => [...wire.log],
    setFaults(plan) {
      wire.faults = plan
    },
    inject: (what, { site, times = 1 }) => wire.injected.add(what, site, times),
    close: async () => void (await Promise.all([files, home, ...elsewhere].map(({ server }) => close(server)))),
  }
}
