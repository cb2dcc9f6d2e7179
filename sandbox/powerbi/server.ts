import { randomUUID } from 'node:crypto'
import { createServer } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { createFaults } from '../faults.ts'
import { listen } from '../listen.ts'
import { createCertificates } from '../tls.ts'
import type { Dataset, PowerbiOptions, PowerbiSandbox, Tuning, TuningChange, Workspace } from './api.ts'
import { appCertificate } from './certificate.ts'
import { type Door, handle } from './door.ts'
import { createIdentity } from './identity.ts'
import { CLOUDS } from './identity-faults.ts'
import { ASSUMED, createPushBook, createWindow, LIMITS } from './limits.ts'
import { keepDataset } from './models.ts'
import { countKey, type Service } from './service.ts'
import { POWERBI_SITES } from './sites.ts'
import { openStore, type Store } from './store.ts'

export { POWERBI_SITES } from './sites.ts'

const HOUR = 3_600_000

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

  const door: Door = {
    service,
    identity,
    counts: {},
    faults: options.faults ?? createFaults('calm', 0, POWERBI_SITES),
    onRequest: options.onRequest,
  }
  const server = createServer(
    { key: certificates.key, cert: certificates.cert },
    (request, response) => void handle(door, request, response),
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
    stats: () => ({ requests: 0, ...door.counts, ...service.totals }),
    faults: () => door.faults,
    setFaults(plan = createFaults('calm', 0, POWERBI_SITES)) {
      door.faults = plan
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
