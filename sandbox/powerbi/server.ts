import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { createFaults } from '../faults.ts'
import { DropNow, deliver, type Exchange, meetFault, type Refusals, type Reply, ReplyNow } from '../http.ts'
import { listen } from '../listen.ts'
import { createCertificates } from '../tls.ts'
import type { Dataset, LoggedRequest, PowerbiOptions, PowerbiSandbox, Tuning, TuningChange, Workspace } from './api.ts'
import { appCertificate } from './certificate.ts'
import { bareFailure, failure, messageOnly, notAuthorized, refusals, refuse, tokenExpired } from './errors.ts'
import { CLOUDS, createIdentity, type Identity, tokenRefusals } from './identity.ts'
import { ASSUMED, createPushBook, createWindow, LIMITS } from './limits.ts'
import { keepDataset } from './models.ts'
import { routeOf } from './routes.ts'
import { type Call, countKey, type Service } from './service.ts'
import { POWERBI_SITES } from './sites.ts'
import { openStore, type Store } from './store.ts'

export { POWERBI_SITES } from './sites.ts'

const API = '/v1.0/myorg/'
const HOUR = 3_600_000
/** A body beyond this is not even kept to be refused. */
const MOST_BYTES = 256 * 1024 * 1024

const TUNING: Tuning = {
  latencyMs: 0,
  tokenSeconds: 3599,
  refreshIn: 0,
  visibleAfterMs: 0,
  servicePrincipals: true,
  executeQueries: true,
  creation: true,
  createdStatus: 201,
  createMs: 2000,
  refreshMs: 1000,
  refreshEnds: 'Completed',
  limits: LIMITS,
  assumed: ASSUMED,
}

/** Starts Power BI and the identity platform in front of it as one https server on 127.0.0.1. */
export async function startPowerbi(options: PowerbiOptions = {}): Promise<PowerbiSandbox> {
  const {
    clock = Date,
    cloud = 'public',
    tenant = '11111111-2222-4333-8444-555555555555',
    clientId = '66666666-7777-4888-8999-000000000000',
    clientSecret = 'sandbox-secret',
  } = options
  const now = (): number => clock.now()
  const { authority } = CLOUDS[cloud]
  const [certificates, app] = await Promise.all([
    createCertificates(options.ca, ['api.powerbi.com', authority]),
    appCertificate(options.ca),
  ])
  const tuning: Tuning = structuredClone(TUNING)
  const tune = ({ limits, assumed, ...rest }: TuningChange): void => {
    Object.assign(tuning, rest)
    Object.assign(tuning.limits, limits)
    Object.assign(tuning.assumed, assumed)
  }
  tune(options.tuning ?? {})
  const store = await openStore(options.file)
  const service = await createService(store, { clientId, tuning, now, workspaces: workspacesOf(options) })
  const identity = createIdentity({
    ...{ tenant, clientId, clientSecret, cloud, now, certificatePem: app.certificatePem },
    lifetime: () => ({ tokenSeconds: tuning.tokenSeconds, refreshIn: tuning.refreshIn }),
  })
  const counts: Record<string, number> = {}
  let faults = options.faults ?? createFaults('calm', 0, POWERBI_SITES)

  async function enter(site: string, exchange: Exchange, words: Refusals): Promise<void> {
    counts[site] = (counts[site] ?? 0) + 1
    await meetFault(faults, site, exchange, words)
  }

  async function signIn(
    request: IncomingMessage,
    url: URL,
    body: Buffer,
    exchange: Exchange,
  ): Promise<Reply | undefined> {
    const origin = `https://${request.headers.host}`
    const [, forDiscovery] = /^\/([^/]+)(?:\/v2\.0)?\/\.well-known\/openid-configuration$/.exec(url.pathname) ?? []
    if (forDiscovery !== undefined) return identity.discovery(origin, decodeURIComponent(forDiscovery))
    if (url.pathname === '/common/discovery/instance') return identity.instances(origin, url.host)
    const [, forToken] = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(url.pathname) ?? []
    if (forToken === undefined || request.method !== 'POST') return undefined
    await enter('token', exchange, tokenRefusals)
    return await identity.token(origin, decodeURIComponent(forToken), body.toString())
  }

  async function serve(request: IncomingMessage, url: URL, body: Buffer, exchange: Exchange): Promise<Reply> {
    const path = decoded(url.pathname.slice(API.length))
    const call: Call = { method: request.method ?? 'GET', url, path, headers: request.headers, body }
    checkToken(identity, request.headers.authorization)
    const route = routeOf(call)
    await enter(route.site, exchange, refusals)
    if (!tuning.servicePrincipals) throw refuse(notAuthorized())
    if (route.site === 'rows-post') return await route.run(service, call)
    await service.pause()
    const reply = await route.run(service, call)
    await service.pause()
    return reply
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    counts.requests = (counts.requests ?? 0) + 1
    const exchange: Exchange = { aftermath: undefined, revoke: () => identity.revoke(request.headers.authorization) }
    const requestId = randomUUID()
    let body: Buffer = Buffer.alloc(0)
    let status = 0
    const url = new URL(request.url ?? '/', `https://${request.headers.host ?? 'localhost'}`)
    const isApi = url.pathname.startsWith(API)
    try {
      body = await bodyOf(request)
      const answer = async (): Promise<Reply> =>
        isApi
          ? await serve(request, url, body, exchange)
          : ((await signIn(request, url, body, exchange)) ?? nowhere(url))
      const reply = await answer().catch(answerInstead)
      status = reply.status
      const headers = { ...reply.headers, requestid: requestId }
      await deliver(response, { ...reply, headers }, exchange, faults, isApi ? refusals : tokenRefusals)
      if (exchange.aftermath !== undefined) status = response.statusCode
    } catch {
      // The fault plan or the client dropped the connection: there is nobody left to answer.
      status = 0
      response.destroy()
    } finally {
      if (isApi) options.onRequest?.(logged(request, body, status))
    }
  }

  const server = createServer(
    { key: certificates.key, cert: certificates.cert },
    (request, response) => void handle(request, response),
  )
  const listening = await listen(server, options.port)
  const { port } = listening
  const origin = `https://localhost:${port}`
  const [first] = [...service.workspaces.values()]
  if (!first) throw new Error('The sandbox needs at least one workspace')
  const tableOf = (dataset: string, name: string) =>
    service.datasets.get(dataset)?.tables.find((table) => table.name === name)

  return {
    ...{ port, authorityHost: origin, apiUrl: origin, resource: CLOUDS[cloud].resource, caPem: certificates.caPem },
    ...{ tenant, clientId, clientSecret, certificatePem: app.certificatePem, privateKeyPem: app.privateKeyPem },
    workspace: { id: first.id, name: first.name },
    workspaces: () => [...service.workspaces.values()],
    setRole(id, role) {
      const workspace = service.workspaces.get(id)
      if (!workspace) throw new Error(`No workspace ${id} here`)
      service.workspaces.set(id, { ...workspace, role })
    },
    datasets: () => [...service.datasets.values()],
    async addDataset({ workspace = first.id, name, mode = 'Push', retention = 'None', tables, relationships = [] }) {
      const at = now()
      const dataset: Dataset = {
        ...{ id: randomUUID(), workspace, name, mode, retention, createdAt: at, listedAt: at },
        ...{ tables: structuredClone(tables), relationships: structuredClone(relationships) },
      }
      await keepDataset(service, dataset)
      return dataset.id
    },
    async removeDataset(id) {
      service.datasets.delete(id)
      await store.remove(id)
    },
    posts: store.posts,
    columns: (dataset, table) => tableOf(dataset, table)?.columns.map(({ name }) => name),
    rows(dataset, table, columns = tableOf(dataset, table)?.columns.map(({ name }) => name) ?? []) {
      const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
      return store.query(`SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(dataset)}.${quoted(table)}`)
    },
    query: store.query,
    stats: () => ({ requests: 0, ...counts, ...service.totals }),
    faults: () => faults,
    setFaults(plan = createFaults('calm', 0, POWERBI_SITES)) {
      faults = plan
    },
    tune,
    async close() {
      await listening.close()
      await store.close()
    },
  }
}

function workspacesOf({ workspaces = [{ name: 'Finance' }] }: PowerbiOptions): Workspace[] {
  return workspaces.map(({ id = randomUUID(), name, role = 'Contributor', dedicated = false }) => ({
    ...{ id: id.toLowerCase(), name, role, dedicated },
  }))
}

/** The state of the service as the store has kept it. */
async function createService(
  store: Store,
  made: { clientId: string; tuning: Tuning; now: () => number; workspaces: readonly Workspace[] },
): Promise<Service> {
  const { clientId, tuning, now, workspaces } = made
  const service: Service = {
    ...{ store, tuning, clientId, now },
    workspaces: new Map(workspaces.map((workspace) => [workspace.id, workspace])),
    datasets: new Map(),
    counts: new Map(),
    books: new Map(),
    refreshes: new Map(),
    sequences: new Map(),
    queries: createWindow(60_000),
    totals: { posts: 0, rows: 0 },
    async pause() {
      if (tuning.latencyMs > 0) await delay(tuning.latencyMs / 2)
    },
  }
  for (const dataset of await store.datasets()) {
    service.datasets.set(dataset.id, dataset)
    service.books.set(dataset.id, createPushBook())
    for (const { name } of dataset.tables) {
      service.counts.set(countKey(dataset.id, name), await store.count(dataset.id, name))
    }
  }
  for (const { at, dataset, rows } of await store.posts()) {
    service.totals.posts += 1
    service.totals.rows += rows
    if (at <= now() - HOUR) continue
    service.books.get(dataset)?.posts.add(at)
    service.books.get(dataset)?.rows.add(at, rows)
  }
  return service
}

function decoded(path: string): string[] {
  try {
    return path.split('/').map(decodeURIComponent)
  } catch {
    throw refuse(failure(400, 'BadRequest', 'The address is not encoded as it should be.'))
  }
}

function checkToken(identity: Identity, authorization: string | undefined): void {
  const fault = identity.check(authorization)
  if (fault !== undefined) throw refuse(fault === 'expired' ? tokenExpired() : notAuthorized())
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MOST_BYTES) throw new DropNow()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function nowhere({ pathname }: URL): Reply {
  return messageOnly(404, `No HTTP resource was found that matches the request URI '${pathname}'.`)
}

/** A thrown answer is an answer; anything else is a fault of the sandbox, which must be seen. */
function answerInstead(error: unknown): Reply {
  if (error instanceof ReplyNow) return error.reply
  if (error instanceof DropNow) throw error
  return bareFailure(500, 'InternalServerError', error instanceof Error ? error.message : 'The request cannot be read.')
}

function logged(request: IncomingMessage, body: Buffer, status: number): LoggedRequest {
  let parsed: unknown
  try {
    parsed = body.length === 0 ? undefined : JSON.parse(body.toString())
  } catch {
    parsed = undefined
  }
  return { method: request.method ?? 'GET', path: request.url ?? '/', body: parsed, bytes: body.length, status }
}
