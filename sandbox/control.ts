import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { createFaults, type FaultPlan, type Profile, type SiteFaults } from './faults.ts'
import type { History } from './history.ts'
import { type X3Sandbox, x3FaultSites } from './x3/server.ts'

/** The warehouse as the control address sees it; the comparer reads its tables behind the protocol's back. */
export interface Target {
  /** What its fault plan is made from. */
  sites: Readonly<Record<string, SiteFaults>>
  stats(): { requests: number }
  setFaults(plan: FaultPlan, profile: Profile): void
  setLatency(ms: number): void
  /** The cells of one row after the other; decimals, timestamps and 64-bit integers as exact text. */
  query(sql: string): AsyncIterable<readonly unknown[]>
  /** Statements so far. */
  statements(): number
}

export interface ControlOptions {
  history: History
  x3: X3Sandbox
  databricks: Target
  /** Addresses and secrets, as they are told to whoever starts the sandbox. */
  addresses: unknown
  token: string
  port?: number
}

export interface Control {
  url: string
  /** Starts a fault plan on both servers. */
  setFaults(profile: Profile, seed: number): void
  close(): Promise<void>
}

const faultsBody = z.object({ profile: z.enum(['calm', 'rough', 'hostile']), seed: z.number().int().default(1) })
const clockBody = z.object({ skewSeconds: z.number() })
const rightsBody = z.union([z.object({ deny: z.string() }), z.object({ allow: z.string().nullable() })])
const queryBody = z.object({ sql: z.string() })
const latencyBody = z.object({ x3: z.number().min(0).optional(), databricks: z.number().min(0).optional() })
const forceBody = z.object({
  server: z.enum(['x3', 'databricks']),
  site: z.string(),
  kind: z.string(),
  times: z.number().int().min(1).default(1),
})

/**
 * Serves the control address of the sandbox on 127.0.0.1; each call carries `authorization: Bearer <token>`. Bodies and answers are JSON,
 * `/query` (an array of cells a row) and `/books/<table>` (an object a record) a line of JSON each.
 */
export async function startControl(options: ControlOptions): Promise<Control> {
  const { history, x3, databricks } = options
  const { books, clock } = history
  let plans = startPlans('calm', 1)

  function startPlans(profile: Profile, seed: number): { x3: FaultPlan; databricks: FaultPlan } {
    const made = {
      x3: createFaults(profile, seed, x3FaultSites),
      databricks: createFaults(profile, seed + 1, databricks.sites),
    }
    x3.setFaults(made.x3)
    databricks.setFaults(made.databricks, profile)
    return made
  }

  function faults(): { met: Record<string, number>; pending: string[] } {
    const met: Record<string, number> = {}
    const pending: string[] = []
    for (const [server, plan] of Object.entries(plans)) {
      for (const [name, count] of Object.entries(plan.met())) met[`${server} ${name}`] = count
      for (const { site, kind, missing } of plan.pending())
        pending.push(`${server} ${site}/${kind}, ${missing} missing`)
    }
    return { met, pending }
  }

  /** What a caller may ask for, by method and path. */
  const routes: Readonly<Record<string, (body: unknown) => unknown>> = {
    'GET /state': () => ({
      addresses: options.addresses,
      books: { seed: history.seed, size: history.size, today: history.today, events: history.events() },
      days: history.events().filter(({ kind }) => kind === 'day').length,
      clock: new Date(clock.now()).toISOString(),
      lastStamp: books.lastStamp(),
      lostRight: books.lostRight() ?? null,
      denied: x3.denied(),
      ambushes: books.ambushes().map(({ table, key }) => ({ table, key })),
      requests: { x3: x3.stats().requests, databricks: databricks.stats().requests },
      statements: databricks.statements(),
      faults: faults(),
      x3: x3.stats(),
      databricks: databricks.stats(),
    }),
    'POST /day': () => {
      const changes = history.day()
      x3.newDay()
      return { changes, clock: new Date(clock.now()).toISOString() }
    },
    'POST /close': () => {
      plans.x3.stop()
      plans.databricks.stop()
      clock.skew(0)
      x3.allow()
      history.finish()
      return { clock: new Date(clock.now()).toISOString(), lastStamp: books.lastStamp() }
    },
    'POST /faults': (body) => {
      const { profile, seed } = faultsBody.parse(body)
      plans = startPlans(profile, seed)
      return {}
    },
    'POST /force': (body) => {
      const { server, site, kind, times } = forceBody.parse(body)
      const known = (server === 'x3' ? x3FaultSites : databricks.sites)[site]?.kinds.find((k) => k === kind)
      if (!known) throw new Error(`${server} has no fault ${kind} at ${site}`)
      plans[server].force(site, known, times)
      return {}
    },
    'POST /clock': (body) => {
      clock.skew(clockBody.parse(body).skewSeconds)
      return { clock: new Date(clock.now()).toISOString() }
    },
    'POST /rights': (body) => {
      const rights = rightsBody.parse(body)
      if ('deny' in rights) x3.deny(rights.deny)
      else x3.allow(rights.allow ?? undefined)
      return { denied: x3.denied() }
    },
    'POST /latency': (body) => {
      const latency = latencyBody.parse(body)
      if (latency.x3 !== undefined) x3.setLatency(latency.x3)
      if (latency.databricks !== undefined) databricks.setLatency(latency.databricks)
      return {}
    },
  }

  /** The books' table as the ERP would show it now. */
  function* visible(name: string): Generator<object> {
    const table = Object.entries(books.tables).find(([known]) => known === name)?.[1]
    if (!table) throw new Error(`No table ${name} in the books`)
    const now = clock.now()
    for (const thing of table.walk()) {
      if (thing.visibleFrom === undefined || Date.parse(thing.visibleFrom) <= now) yield thing
    }
  }

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
      return await stream(response, databricks.query(queryBody.parse(body).sql))
    }
    const table = request.method === 'GET' ? /^\/books\/(\w+)$/.exec(path)?.[1] : undefined
    if (table) return await stream(response, visible(table))
    const route = routes[`${request.method} ${path}`]
    if (!route) return send(response, 404, { error: `No ${request.method} ${path} here` })
    send(response, 200, route(body))
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setFaults(profile, seed) {
      plans = startPlans(profile, seed)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
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
