import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { z } from 'zod'
import { createFaults, type FaultPlan, type Profile } from './faults.ts'
import type { History } from './history.ts'
import { listen } from './listen.ts'
import type { RunningServer } from './servers/server.ts'

type Servers = Readonly<Record<string, RunningServer>>

export interface ControlOptions {
  history: History
  servers: Servers
  token: string
  port?: number
}

export interface Control {
  url: string
  /** Starts a fault plan on every server. */
  setFaults(profile: Profile, seed: number): void
  close(): Promise<void>
}

const faultsBody = z.object({ profile: z.enum(['calm', 'rough', 'hostile']), seed: z.number().int().default(1) })
const clockBody = z.object({ skewSeconds: z.number() })
const rightsBody = z.union([z.object({ deny: z.string() }), z.object({ allow: z.string().nullable() })])
const queryBody = z.object({ server: z.string().optional(), sql: z.string() })
const actBody = z.looseObject({ server: z.string(), act: z.string() })
const latencyBody = z.record(z.string(), z.number().min(0))
const forceBody = z.object({
  server: z.string(),
  site: z.string(),
  kind: z.string(),
  times: z.number().int().min(1).default(1),
})

/**
 * Serves the control address of the sandbox on 127.0.0.1; each call carries `authorization: Bearer <token>`. Bodies and answers are JSON,
 * `/query` (an array of cells a row) and `/books/<table>` (an object a record) a line of JSON each.
 */
export async function startControl(options: ControlOptions): Promise<Control> {
  const { history, servers } = options
  const plans = createPlans(servers)
  const routes = routesOf(history, servers, plans)
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else send(response, 400, { error: error instanceof Error ? error.message : String(error) })
    })
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!same(request.headers.authorization ?? '', `Bearer ${options.token}`)) {
      return send(response, 401, { error: 'The control address wants its token' })
    }
    const path = new URL(request.url ?? '/', 'http://control').pathname
    const body = request.method === 'POST' ? await bodyOf(request) : undefined
    if (request.method === 'POST' && path === '/query') {
      return await stream(response, rows(servers, body))
    }
    const table = request.method === 'GET' ? /^\/books\/(\w+)$/.exec(path)?.[1] : undefined
    if (table) return await stream(response, visible(history, table))
    const route = routes[`${request.method} ${path}`]
    if (!route) return send(response, 404, { error: `No ${request.method} ${path} here` })
    send(response, 200, route(body))
  }

  const listening = await listen(server, options.port)
  return {
    url: `http://127.0.0.1:${listening.port}`,
    setFaults: plans.start,
    close: () => listening.close(),
  }
}

/** The fault plans of all servers. */
interface Plans {
  start(profile: Profile, seed: number): void
  of(server: string): FaultPlan | undefined
  stop(): void
  told(): { met: Record<string, number>; pending: string[] }
}

function createPlans(servers: Servers): Plans {
  let plans: Readonly<Record<string, FaultPlan>> = {}
  const start = (profile: Profile, seed: number): void => {
    const made: Record<string, FaultPlan> = {}
    for (const [n, [name, server]] of Object.entries(servers).entries()) {
      const plan = createFaults(profile, seed + n, server.sites)
      made[name] = plan
      server.setFaults(plan, profile)
    }
    plans = made
  }
  start('calm', 1)
  return {
    start,
    of: (server) => plans[server],
    stop() {
      for (const plan of Object.values(plans)) plan.stop()
    },
    told() {
      const met: Record<string, number> = {}
      const pending: string[] = []
      for (const [server, plan] of Object.entries(plans)) {
        for (const [name, count] of Object.entries(plan.met())) met[`${server} ${name}`] = count
        for (const { site, kind, missing } of plan.pending())
          pending.push(`${server} ${site}/${kind}, ${missing} missing`)
      }
      return { met, pending }
    },
  }
}

function serverOf(servers: Servers, name: string): RunningServer {
  const found = servers[name]
  if (!found) throw new Error(`No server ${name} here, only ${Object.keys(servers).join(', ')}`)
  return found
}

/** What each server says of something that not all have. */
const each = <T>(servers: Servers, ask: (server: RunningServer) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, ask(server)]))

/** What a caller may ask for, by method and path. */
const routesOf = (
  history: History,
  servers: Servers,
  plans: Plans,
): Readonly<Record<string, (body: unknown) => unknown>> => ({
  'GET /state': () => ({
    addresses: each(servers, ({ addresses }) => addresses),
    books: { seed: history.seed, size: history.size, today: history.today, events: history.events() },
    days: history.events().filter(({ kind }) => kind === 'day').length,
    clock: new Date(history.clock.now()).toISOString(),
    lastStamp: history.books.lastStamp(),
    lostRight: history.books.lostRight() ?? null,
    denied: Object.values(servers).flatMap(({ rights }) => rights?.denied() ?? []),
    ambushes: history.books.ambushes().map(({ table, key }) => ({ table, key })),
    requests: each(servers, (server) => server.stats().requests),
    statements: Object.values(servers).reduce((sum, server) => sum + (server.stats().statements ?? 0), 0),
    faults: plans.told(),
    ...each(servers, (server) => server.stats()),
  }),
  'POST /day': () => {
    const changes = history.day()
    for (const server of Object.values(servers)) server.newDay?.()
    return { changes, clock: new Date(history.clock.now()).toISOString() }
  },
  'POST /close': () => {
    plans.stop()
    history.clock.skew(0)
    for (const { rights } of Object.values(servers)) rights?.allow()
    history.finish()
    return { clock: new Date(history.clock.now()).toISOString(), lastStamp: history.books.lastStamp() }
  },
  'POST /faults': (body) => {
    const { profile, seed } = faultsBody.parse(body)
    plans.start(profile, seed)
    return {}
  },
  'POST /force': (body) => {
    const { server, site, kind, times } = forceBody.parse(body)
    const known = serverOf(servers, server).sites[site]?.kinds.find((k) => k === kind)
    if (!known) throw new Error(`${server} has no fault ${kind} at ${site}`)
    plans.of(server)?.force(site, known, times)
    return {}
  },
  'POST /clock': (body) => {
    history.clock.skew(clockBody.parse(body).skewSeconds)
    return { clock: new Date(history.clock.now()).toISOString() }
  },
  'POST /rights': (body) => {
    const wanted = rightsBody.parse(body)
    const { rights } = Object.values(servers).find((server) => server.rights) ?? {}
    if (!rights) throw new Error('No server here has rights to take')
    if ('deny' in wanted) rights.deny(wanted.deny)
    else rights.allow(wanted.allow ?? undefined)
    return { denied: rights.denied() }
  },
  'POST /act': (body) => {
    const { server, act, ...what } = actBody.parse(body)
    const { acts } = serverOf(servers, server)
    if (!acts) throw new Error(`Nobody works in ${server}`)
    return acts(act, what)
  },
  'POST /latency': (body) => {
    for (const [name, ms] of Object.entries(latencyBody.parse(body))) serverOf(servers, name).setLatency(ms)
    return {}
  },
})

function rows(servers: Servers, body: unknown): AsyncIterable<readonly unknown[]> {
  const { server, sql } = queryBody.parse(body)
  const target = server === undefined ? Object.values(servers).find(({ query }) => query) : serverOf(servers, server)
  if (!target?.query) throw new Error(`${server ?? 'The sandbox'} stores no tables`)
  return target.query(sql)
}

/** The books' table as the ERP would show it now. */
function* visible({ books, clock }: History, name: string): Generator<object> {
  const table = Object.entries(books.tables).find(([known]) => known === name)?.[1]
  if (!table) throw new Error(`No table ${name} in the books`)
  const now = clock.now()
  for (const thing of table.walk()) {
    if (thing.visibleFrom === undefined || Date.parse(thing.visibleFrom) <= now) yield thing
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** Rows as lines of JSON, no faster than the reader takes them. The first is fetched before the answer begins, so that an error is a 400. */
async function stream(response: ServerResponse, rows: AsyncIterable<object> | Iterable<object>): Promise<void> {
  let pending = ''
  let begun = false
  const flush = async (): Promise<void> => {
    if (!begun) response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    begun = true
    const text = pending
    pending = ''
    if (text === '' || response.destroyed || response.write(text)) return
    await new Promise<void>((resolve) => {
      response.once('drain', resolve)
      response.once('close', resolve)
    })
  }
  for await (const row of rows) {
    if (response.destroyed) return
    pending += `${JSON.stringify(row)}\n`
    if (pending.length > 65_536) await flush()
  }
  await flush()
  response.end()
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text === '' ? {} : JSON.parse(text)
}

function same(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}
