/** X3 in the cloud: a gateway before an X3 sandbox, a ledger that keeps the pair, and connections that read through both. */
import { type CloudOptions, gatewayOf, pairedCredentials, pairName, waysOf } from '../../nodes/x3/client/cloud/login.ts'
import type { CloudLogin, TokenStore, Ways } from '../../nodes/x3/client/cloud/tokens.ts'
import { createX3Connection, type X3Connection } from '../../nodes/x3/client/connection.ts'
import { createFaults, type FaultPlan } from '../../sandbox/faults.ts'
import { GATEWAY_SITES, type Gateway, startGateway } from '../../sandbox/x3/cloud/gateway.ts'
import type { TokenRules } from '../../sandbox/x3/cloud/pairings.ts'
import { startX3Fixture, type X3Fixture } from './x3.ts'

export const APPLICATION = {
  clientId: 'app',
  secret: 's3cret',
  redirectUris: ['http://127.0.0.1:1880/tieout/x3/callback'],
}
export const CUSTOMER = 'https://x3.example.com'

export interface CloudFixture extends X3Fixture {
  readonly gateway: Gateway
  readonly faults: FaultPlan
  /** Problems told; `undefined` where it was over. */
  readonly told: (string | undefined)[]
  /** Waits that the client asked for, ms; the clock moves by them. */
  readonly pauses: number[]
  /** What a user of X3 has accepted, exchanged and taken. */
  pair(login: CloudLogin, store: TokenStore): Promise<void>
  ways(store: TokenStore): Ways
  connect(login: CloudLogin, store: TokenStore): X3Connection
  readonly name: string
  close(): Promise<void>
}

export async function startCloud(
  rules: TokenRules = {},
  x3Options: Parameters<typeof startX3Fixture>[0] = {},
): Promise<CloudFixture> {
  const fixture = await startX3Fixture(x3Options)
  const { x3, clock } = fixture
  const gateway = await startGateway({ x3, clock, applications: [APPLICATION], customers: [CUSTOMER], rules })
  const faults = createFaults('calm', 1, GATEWAY_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
  gateway.setFaults(faults)
  const told: (string | undefined)[] = []
  const pauses: number[] = []
  const options: CloudOptions = {
    ...{ root: gateway.root, clientId: APPLICATION.clientId, secret: APPLICATION.secret, folder: x3.folder },
    now: clock.now,
    timeoutMs: 5000,
    async pause(ms) {
      pauses.push(ms)
      clock.time += ms
    },
  }
  const line = gatewayOf(options)
  const ways = (store: TokenStore): Ways =>
    waysOf(
      options,
      line,
      async () => store,
      async (problem) => void told.push(problem),
    )
  return {
    ...fixture,
    ...{ gateway, faults, told, pauses, ways, name: pairName(APPLICATION.clientId, CUSTOMER) },
    async pair(login, store) {
      const [redirect] = APPLICATION.redirectUris as [string]
      const query = { client_id: 'app', scope: 'api.graphQL', customer: CUSTOMER, redirect_uri: redirect, state: 's' }
      const { id } = gateway.pairings.request(new URLSearchParams(query))
      const code = new URL(gateway.pairings.accept(id)).searchParams.get('authorizationCode') ?? ''
      const form = { ...query, client_secret: 's3cret', grant_type: 'authorization_code', code }
      const { accessToken, refreshToken, expiresIn } = gateway.pairings.exchange(new URLSearchParams(form))
      await login.adopt(ways(store), { accessToken, refreshToken, accessSeconds: expiresIn }, 'anna', gateway.root)
    },
    connect: (login, store) =>
      createX3Connection({
        ...{ url: gateway.root, folder: x3.folder, systemUrl: CUSTOMER, now: clock.now },
        auth: { kind: 'held', user: 'x', credentials: pairedCredentials(options, login, ways(store), async () => {}) },
      }),
    async close() {
      await line.dispatcher.destroy()
      await gateway.close()
      await x3.close()
    },
  }
}
