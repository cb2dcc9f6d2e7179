import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { type Listening, listen } from '../listen.ts'
import { answer, type IntacctState, path, send } from './answer.ts'
import { createCompany, type Host } from './company-server.ts'
import { userDimension } from './objects/dimensions.ts'
import type { IntacctOptions, IntacctSandbox, IntacctSettings, IntacctStats } from './options.ts'
import { createQueue } from './queue.ts'

export * from './options.ts'
export { INTACCT_SITES } from './sites.ts'

const usual: IntacctSettings = {
  timeZone: '+00:00',
  fieldZones: {},
  dateFormat: '/mdY',
  clock: '24',
  locale: 'en_US',
  sessionSeconds: 7_200,
  sessionsTied: true,
  endpoint: undefined,
  concurrent: 2,
  queueMs: 30_000,
  maxPageSize: 2_000,
  resultSetSeconds: 600,
  auditHistory: true,
  auditKeys: {},
  lostAfter: 1,
  uniqueSeconds: 86_400,
  gzip: true,
  latencyMs: 0,
  oddDimension: '',
}

/** Starts a Sage Intacct company on 127.0.0.1: the host to sign in at, and the company's own. */
export async function startIntacct(options: IntacctOptions): Promise<IntacctSandbox> {
  const settings: IntacctSettings = { ...usual, latencyMs: options.latencyMs ?? 0, ...options.settings }
  const credentials = {
    senderId: options.senderId ?? 'tieoutMPP',
    senderPassword: options.senderPassword ?? randomBytes(18).toString('base64url'),
    companyId: options.companyId ?? 'demo-manufacturing',
    userId: options.userId ?? 'xml_tieout',
    userPassword: options.userPassword ?? randomBytes(18).toString('base64url'),
  }
  const stats: IntacctStats = {
    ...{ requests: 0, byStatus: {}, meter: {}, sessions: 0, concurrent: 0, ambushes: 0 },
    // What comes from outside may be named like anything.
    functions: Object.create(null) as Record<string, number>,
    objects: Object.create(null) as Record<string, number>,
    last: [],
  }
  let endpoint = ''
  const company = createCompany(options, credentials, settings, stats, () => settings.endpoint ?? endpoint)
  const state: IntacctState = {
    ...{ clock: options.clock, settings, stats, company, companyId: credentials.companyId },
    queue: createQueue(() => settings),
    faults: options.faults,
    injected: [],
  }
  const signIn = await open(state, 'sign-in', options.port)
  const own = await open(state, 'company', options.companyPort)
  const url = `http://127.0.0.1:${signIn.port}${path}`
  endpoint = `http://127.0.0.1:${own.port}${path}`

  return {
    url,
    endpoint,
    port: signIn.port,
    companyPort: own.port,
    ...credentials,
    entities: company.catalog.company.entities,
    userDimension,
    stats: () => structuredClone(stats),
    setFaults(plan) {
      state.faults = plan
    },
    setLatency(ms) {
      settings.latencyMs = ms
    },
    tune(changed) {
      Object.assign(settings, changed)
      company.retune()
    },
    inject(what, { times = 1, on } = {}) {
      state.injected.push({ what, times, on })
    },
    withdraw() {
      state.injected = []
    },
    setText: (object, recordNo, field, text) => company.setText(object.toUpperCase(), Number(recordNo), field, text),
    unset: company.unset,
    deny: company.deny,
    allow: company.allow,
    denied: company.denied,
    endSessions: company.endSessions,
    newDay: company.newDay,
    close: async () => {
      await Promise.all([signIn.close(), own.close()])
    },
  }
}

function open(state: IntacctState, host: Host, port: number | undefined): Promise<Listening> {
  const server = createServer((request, response) => {
    answer(state, request, response, host).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else send(state, response, 500, String(error), 'text/plain')
    })
  })
  return listen(server, port)
}
