import { randomUUID } from 'node:crypto'
import { accountantActs } from '../x3/acts.ts'
import { publishedClasses } from '../x3/api1/classes.ts'
import { API1_SITES } from '../x3/api1/door.ts'
import { GATEWAY_SITES, startGateway } from '../x3/cloud/gateway.ts'
import { startX3, WRITE_SITES, type X3Sandbox, x3FaultSites } from '../x3/server.ts'
import { SAVE_SITES, SOAP_SITES } from '../x3/soap/door.ts'
import type { Ground, RunningServer } from './server.ts'

/** Where the demo's application comes back to after a pairing. */
const CALLBACK = 'http://127.0.0.1:1880/tieout/x3/callback'
const CUSTOMER = 'https://x3.demo.example'

/** After a client's time-out and its first look-up, and before the demo's settling wait is over. */
const LATE_COMMIT_MS = 3500

/** Faults of the door that is played. */
const sitesOf = (door: string | undefined): RunningServer['sites'] => {
  if (door === 'api1') return API1_SITES
  if (door === 'services') return SOAP_SITES
  // Written by the one, found by the other.
  if (door === 'services-api1') return { ...API1_SITES, ...SAVE_SITES }
  if (door === 'both') return { ...x3FaultSites, ...SOAP_SITES }
  if (door === 'both-api1') return { ...API1_SITES, ...SOAP_SITES }
  if (door === 'both-cloud') return { ...x3FaultSites, ...WRITE_SITES, ...GATEWAY_SITES }
  if (door === 'operation') return { ...WRITE_SITES, ...GATEWAY_SITES }
  return door === 'cloud' ? { ...x3FaultSites, ...GATEWAY_SITES } : x3FaultSites
}

export async function x3Server(ground: Ground): Promise<RunningServer> {
  const { history, port, secret, options } = ground
  const basic = { user: 'tieout', password: secret('x3.password') }
  const x3 = await startX3({
    books: history.books,
    clock: history.clock,
    port: options.x3Port || (await port('x3.port')),
    clientId: history.secret('x3.clientId', randomUUID),
    secret: secret('x3.secret'),
    generation: options.generation,
    keepReplies: options.prepared,
    basic,
    // A publication that has the references and the tax; the other shape is for tests.
    soap: { shape: 'wide', lateCommitMs: LATE_COMMIT_MS },
    // Sessions whose reply a fault has swallowed are not there for the rest of the day.
    api1: { idleMs: 15_000 },
  })
  const { url, folder, clientId, user } = x3
  const people = accountantActs(x3.soap.accountant, history.books)
  const cloud = ['cloud', 'operation', 'both-cloud'].includes(options.door ?? '')
    ? await inCloud(x3, ground)
    : undefined
  return {
    addresses: {
      ...{ pool: x3.soap.pool, publication: x3.soap.publication, soapUrl: x3.soap.url },
      ...{ url, port: x3.port, folder, clientId, secret: x3.secret, user, classes: classes() },
      ...{ basicUser: basic.user, basicPassword: basic.password, ...cloud?.addresses },
    },
    sites: sitesOf(options.door),
    stats: x3.stats,
    setFaults(plan) {
      x3.setFaults(plan)
      cloud?.gateway.setFaults(plan)
    },
    setLatency: x3.setLatency,
    newDay: x3.newDay,
    keptRequests: x3.keptRequests,
    acts: (name, what) => (name === 'lateCommits' ? x3.soap.lateCommits() : people(name, what)),
    rights: { deny: x3.deny, allow: x3.allow, denied: x3.denied },
    async close() {
      await cloud?.gateway.close()
      await x3.close()
    },
  }
}

/** A gateway before it, and a refresh token of a pairing that somebody has accepted. */
async function inCloud(x3: X3Sandbox, { history, port, secret }: Ground) {
  const application = { clientId: 'tieout-demo', secret: secret('x3.cloudSecret'), redirectUris: [CALLBACK] }
  const { clock } = history
  // A reply that is lost may be asked for again: the demo's faults are to be survived. They need renewals to happen at.
  const rules = { graceSeconds: 3600, accessSeconds: 10 }
  const gateway = await startGateway({
    ...{ x3, clock, rules, applications: [application], customers: [CUSTOMER] },
    port: await port('x3.gateway'),
  })
  const { clientId } = application
  const query = { client_id: clientId, scope: 'api.graphQL', customer: CUSTOMER, redirect_uri: CALLBACK, state: 'demo' }
  const { id } = gateway.pairings.request(new URLSearchParams(query))
  const code = new URL(gateway.pairings.accept(id)).searchParams.get('authorizationCode') ?? ''
  const form = { ...query, client_secret: application.secret, grant_type: 'authorization_code', code }
  const { refreshToken } = gateway.pairings.exchange(new URLSearchParams(form))
  return {
    gateway,
    addresses: {
      ...{ gateway: gateway.root, customer: CUSTOMER, cloudClientId: clientId, cloudSecret: application.secret },
      refreshToken,
    },
  }
}

/** What is published, as it is typed into a connection; by the entity that it holds. */
const classes = (): string =>
  publishedClasses()
    .flatMap(({ name, representation, holds }) => holds.map((slot) => `${slot} = ${name}.${representation}`))
    .join('; ')
