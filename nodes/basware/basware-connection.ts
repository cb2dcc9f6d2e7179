/** basware-connection: one tenant of Basware's P2P, and how to log in there. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import {
  type ConnectionSpec,
  defineConnection,
  field,
  type OpenContext,
  quietFields,
  quietHours,
  routeFields,
  routeLine,
  routeOf,
  routeSecrets,
  wrongField,
} from '../kit/kit.ts'
import { checkBasware } from './client/check.ts'
import { type BaswareConnection, createBaswareConnection } from './client/connection.ts'
import { listNames, readList } from './client/lists.ts'
import { apiOrigin, type BaswareAuth, type BaswareOptions, knownUrl } from './client/options.ts'
import { type BaswareMemory, createMemory } from './client/poll.ts'
import { createSendMemory, type SendMemory } from './client/send/target.ts'
import { compareNightly } from './nightly.ts'

const config = z.object({
  region: field.choice(['EU', 'US', 'AU', 'CA']),
  system: field.choice(['production', 'test']),
  /** Empty: the address of region and system, where it is known. */
  url: field.optional(),
  /** Value of the `source` column, and part of what an invoice is posted under. */
  source: field.text('Source name is missing'),
  login: field.choice(['oauth', 'basic']),
  clientId: field.optional(),
  user: field.optional(),
  /** Hosts that a redirect may lead to. */
  redirectHosts: field.list(),
  ...routeFields({ value: 120, min: 1, max: 3600 }),
  requestsPerSecond: field.number(0, 0, 1000),
  concurrency: field.number(2, 1, 16),
  /** Minutes after which a run gives up on an API that cannot be reached or does not answer with data. */
  retryMinutes: field.number(10, 0.01, 1440),
  ...quietFields,
})
const secrets = z.object({ ...routeSecrets, secret: field.secret(), password: field.secret() })
type Config = z.output<typeof config>
type Secrets = z.output<typeof secrets>

/** Hosts that redirects may lead to unless others are named: Basware's own, and its storage. */
const STORAGE = ['basware.com', 'amazonaws.com']

/** What the nodes of a connection share. */
export interface BaswareClient {
  readonly connection: BaswareConnection
  /** What its runs share. */
  readonly memory: BaswareMemory
  /** What the nodes that send share. */
  readonly send: SendMemory
  /** Value of the `source` column. */
  readonly source: string
  /** The ledger of a node, by its id. */
  readonly ledger: OpenContext['ledger']
}

export const baswareConnection: ConnectionSpec<typeof config, typeof secrets, BaswareClient> = {
  type: 'basware-connection',
  version: 1,
  config,
  credentials: secrets,
  needs: ({ login }): Record<string, string> =>
    login === 'basic' ? { user: 'User', password: 'Password' } : { clientId: 'Client ID', secret: 'Client secret' },
  async open(values, credentials, { ledger }) {
    const connection = createBaswareConnection(await optionsOf(values, credentials))
    return { connection, memory: createMemory(), send: createSendMemory(), source: values.source, ledger }
  },
  close: (client) => client.connection.close(),
  test: async (values, credentials, { signal }) => checkBasware(await optionsOf(values, credentials), signal),
  lists: Object.fromEntries(
    listNames.map((name) => [
      name,
      ({ connection }: BaswareClient, _query: Readonly<Record<string, string>>, signal: AbortSignal) =>
        readList(connection, name, signal),
    ]),
  ),
  way: async (values, credentials) => routeLine(await routeOf(values, credentials), apiOrigin(addressOf(values))),
}

async function optionsOf(values: Config, credentials: Secrets): Promise<BaswareOptions> {
  const { source, concurrency, requestsPerSecond } = values
  const redirectHosts = values.redirectHosts.length > 0 ? values.redirectHosts : STORAGE
  const quiet = quietHours(values)
  return {
    ...{ url: addressOf(values), source, redirectHosts, concurrency },
    auth: login(values, credentials),
    retry: { totalMs: values.retryMinutes * 60_000 },
    ...(await routeOf(values, credentials)),
    ...(requestsPerSecond > 0 ? { requestsPerSecond } : {}),
    ...(quiet ? { quietHours: quiet } : {}),
  }
}

function addressOf({ url, region, system }: Config): string {
  const known = url || knownUrl(region, system)
  if (known) return known
  throw wrongField(
    'url',
    `API address is missing: that of the ${system} system in region ${region} is not known here, ask Basware for it`,
  )
}

function login({ login, clientId, user }: Config, { secret, password }: Secrets): BaswareAuth {
  return login === 'basic' ? { kind: 'basic', user, password } : { kind: 'oauth', clientId, clientSecret: secret }
}

export default function (RED: NodeAPI): void {
  const tend = { wanted: () => true, work: () => compareNightly(RED) }
  defineConnection(RED, { ...baswareConnection, tend })
}
