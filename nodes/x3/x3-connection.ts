/** x3-connection: one folder of one Sage X3 server, and how to log in there. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { asSyncError } from '../../sync/contract/errors.ts'
import {
  boundedInAll,
  type ConnectionSpec,
  defineConnection,
  field,
  needed,
  onlyItsCa,
  quietFields,
  quietHours,
  routeFields,
  routeLine,
  routeOf,
  routeSecrets,
} from '../kit/kit.ts'
import { checkX3, hurried } from './client/check.ts'
import { createX3Connection, type X3Connection } from './client/connection.ts'
import { apiUrlOf } from './client/http.ts'
import { listNames, readList } from './client/lists.ts'
import type { Audience, X3Auth, X3Options } from './client/options.ts'
import { createX3Schema, type X3Schema } from './client/schema.ts'
import { checkWebServices } from './client/soap/check.ts'
import { createWebServices, type WebServices } from './client/soap/client.ts'

const config = z.object({
  url: field.text('Server URL is missing'),
  folder: field.optional(),
  /** Value of the `source` column; empty: product, host, folder. */
  source: field.optional(),
  login: field.choice(['jwt', 'basic']),
  clientId: field.optional(),
  user: field.optional(),
  audience: field.choice(['registered', 'empty', 'word']),
  audienceText: field.optional(),
  issuer: field.optional(),
  lifetimeSeconds: field.number(300, 30, 86_400),
  backdateSeconds: field.number(30, 0, 3600),
  ...routeFields({ value: 120, min: 1, max: 3600 }),
  requestsPerSecond: field.number(0, 0, 1000),
  concurrency: field.number(2, 1, 16),
  /** Minutes after which a run gives up on a server that cannot be reached or does not answer with data. */
  retryMinutes: field.number(10, 0.01, 1440),
  ...quietFields,
  /** Web services (SOAP), for posting: the pool's alias; empty: they are not used. */
  soapPool: field.optional(),
  /** Name under which journals (object GAS) are published. */
  soapPublication: field.optional('WSGAS'),
  soapUrl: field.optional(),
  soapLanguage: field.optional('ENG'),
  soapUser: field.optional(),
  soapConfig: field.optional(),
})
const secrets = z.object({
  ...routeSecrets,
  secret: field.optional(),
  password: field.optional(),
  soapPassword: field.optional(),
})
type Config = z.output<typeof config>
type Secrets = z.output<typeof secrets>

/** What the nodes of a connection share: the line to X3, and what is known of its fields. */
export interface X3Client {
  readonly connection: X3Connection
  readonly schema: X3Schema
  /** Value of the `source` column. */
  readonly source: string
  /** The web services; undefined: no pool is named. */
  readonly services: WebServices | undefined
  /** Published name of journals. */
  readonly publication: string
}

export const x3Connection: ConnectionSpec<typeof config, typeof secrets, X3Client> = {
  type: 'x3-connection',
  version: 3,
  migrations: { 1: boundedInAll, 2: onlyItsCa },
  config,
  credentials: secrets,
  open: openX3,
  close: (client) => client.connection.close(),
  async test(values, credentials, { signal }) {
    const client = await openX3(values, credentials)
    try {
      const read = checkX3(client.connection, signal)
      const services = servicesOf(hurried(client.connection), values, credentials)
      if (!services) return await read
      // Posting alone may do without what reading needs.
      const lines = await read.catch((error: unknown) => [{ ok: false, text: asSyncError(error).message }])
      return [...lines, ...(await checkWebServices(services, client.publication, signal))]
    } finally {
      await client.connection.close()
    }
  },
  way: async (values, credentials) => routeLine(await routeOf(values, credentials), apiUrlOf(values.url).href),
  lists: Object.fromEntries(
    listNames.map((name) => [
      name,
      (client: X3Client, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
        readList(client.connection, name, query, signal),
    ]),
  ),
}

async function openX3(values: Config, credentials: Secrets): Promise<X3Client> {
  const quiet = quietHours(values)
  const options: X3Options = {
    url: values.url,
    folder: values.folder,
    auth: login(values, credentials),
    concurrency: values.concurrency,
    retry: { totalMs: values.retryMinutes * 60_000 },
    ...(await routeOf(values, credentials)),
    ...(values.requestsPerSecond > 0 ? { requestsPerSecond: values.requestsPerSecond } : {}),
    ...(quiet ? { quietHours: quiet } : {}),
  }
  const connection = createX3Connection(options)
  return {
    services: servicesOf(connection, values, credentials),
    publication: values.soapPublication || 'WSGAS',
    connection,
    schema: createX3Schema(connection),
    source: values.source || connection.address.replace('x3://', 'x3:').replace('/', ':').replace(/:$/, ''),
  }
}

function servicesOf(connection: X3Connection, values: Config, { soapPassword }: Secrets): WebServices | undefined {
  if (values.soapPool === '') return undefined
  return createWebServices(connection, {
    url: values.soapUrl,
    pool: values.soapPool,
    language: values.soapLanguage || 'ENG',
    requestConfig: values.soapConfig,
    ...(values.soapUser
      ? {
          login: {
            user: values.soapUser,
            password: needed(soapPassword, 'soapPassword', 'Password of the web services'),
          },
        }
      : {}),
  })
}

function login(values: Config, { secret, password }: Secrets): X3Auth {
  if (values.login === 'basic') {
    return {
      kind: 'basic',
      user: needed(values.user, 'user', 'User'),
      password: needed(password, 'password', 'Password'),
    }
  }
  return {
    kind: 'jwt',
    clientId: needed(values.clientId, 'clientId', 'Client ID'),
    secret: needed(secret, 'secret', 'Client secret'),
    ...(values.user ? { user: values.user } : {}),
    ...(values.issuer ? { issuer: values.issuer } : {}),
    audience: audienceOf(values),
    lifetimeSeconds: values.lifetimeSeconds,
    backdateSeconds: values.backdateSeconds,
  }
}

function audienceOf({ audience, audienceText }: Config): Audience {
  if (audience === 'empty') return { kind: 'empty' }
  if (audience === 'word') return { kind: 'word', word: audienceText || 'xtrem' }
  return { kind: 'registered', ...(audienceText ? { url: audienceText } : {}) }
}

export default function (RED: NodeAPI): void {
  defineConnection(RED, x3Connection)
}
