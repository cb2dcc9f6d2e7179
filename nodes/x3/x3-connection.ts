/** x3-connection: one folder of one Sage X3 server, and how to log in there. */
import type { NodeAPI } from 'node-red'
import { asSyncError, withHint } from '../../sync/contract/errors.ts'
import {
  boundedInAll,
  type ConnectionSpec,
  defineConnection,
  named,
  type OpenContext,
  onlyItsCa,
  quietHours,
  type ReportLine,
  routeLine,
  routeOf,
  type SourceContext,
  type Values,
  wrongField,
} from '../kit/kit.ts'
import { api1Settings } from './api1.ts'
import { checkApi1 } from './client/api1/check.ts'
import { type Api1Door, createApi1Door } from './client/api1/door.ts'
import { readApi1List } from './client/api1/lists.ts'
import { checkX3, hurried } from './client/check.ts'
import { createX3Connection, type X3Connection } from './client/connection.ts'
import { type Door, graphqlDoor } from './client/door.ts'
import { apiUrlOf, hostOf } from './client/http.ts'
import { type Choice, listNames, readList } from './client/lists.ts'
import { inOldForm } from './client/old-form.ts'
import type { Audience, X3Auth, X3Options } from './client/options.ts'
import { type Api1LookUp, api1LookUp } from './client/posting/api1-lister.ts'
import { probeDoors } from './client/probe.ts'
import { createX3Schema, type X3Schema } from './client/schema.ts'
import { checkWebServices } from './client/soap/check.ts'
import { createWebServices, type WebServices } from './client/soap/client.ts'
import { type CloudSide, cloudActions, defineCallback, openCloud } from './cloud.ts'
import { type Config, config, type Secrets, secrets } from './config.ts'

/** What the nodes of a connection share: the line to X3, and what is known of its fields. */
export interface X3Client {
  readonly connection: X3Connection
  readonly schema: X3Schema
  /** How a source reads on a line of this connection; `run`: where it keeps what a killed process must give back. */
  readonly door: (connection: X3Connection, run?: SourceContext['run']) => Door
  /** A pick list of the dialogs, as the door in use has it. */
  readonly list: (name: string, query: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Choice[]>
  /** Value of the `source` column. */
  readonly source: string
  /** The web services; undefined: no pool is named. */
  readonly services: WebServices | undefined
  /** Published name of journals. */
  readonly publication: string
  readonly cloud?: CloudSide
  /** How journals are found by REST api1, where that is the interface. Throws `config` where no class says what journals are. */
  readonly lookUp?: () => Api1LookUp
  /** Gives back what that has opened. */
  readonly leave?: () => Promise<void>
}

export const x3Connection: ConnectionSpec<typeof config, typeof secrets, X3Client> = {
  type: 'x3-connection',
  version: 4,
  migrations: { 1: boundedInAll, 2: onlyItsCa, 3: named(madeName) },
  config,
  credentials: secrets,
  needs: ({ login, soapPool, soapUser }): Record<string, string> => ({
    ...(login === 'basic'
      ? { user: 'User', password: 'Password' }
      : { clientId: 'Client ID', secret: 'Client secret' }),
    ...(login === 'cloud' && { customer: 'Customer URL' }),
    ...(soapPool && soapUser && { soapPassword: 'Password of the web services' }),
  }),
  // Given only a URL: which doors answer, and which login each wants.
  unready: async (values, credentials, signal) => probeDoors(values.url, await routeOf(values, credentials), signal),
  open: openX3,
  async close(client) {
    await client.leave?.()
    await client.connection.close()
  },
  test: testX3,
  actions: cloudActions,
  tend: { wanted: ({ login }) => login === 'cloud', work: async ({ cloud }) => cloud?.tend?.() },
  way: async (values, credentials) => routeLine(await routeOf(values, credentials), apiUrlOf(values.url).href),
  lists: Object.fromEntries(
    listNames.map((name) => [
      name,
      (client: X3Client, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
        client.list(name, query, signal),
    ]),
  ),
}

/** The name that was made where none was given: product, host, folder. Where the address is wrong, that is said when it opens. */
function madeName({ url, folder, customer, login }: Values): string {
  const address = login === 'cloud' || login === 'cloudClient' ? customer || url : url
  return ['x3', hostOf(address) ?? address, String(folder ?? '').trim()].filter(Boolean).join(':')
}

type Surroundings = Pick<OpenContext, 'name' | 'ledger' | 'once'>

/** Not here, or not by this login: what other doors say helps to choose. */
const ANOTHER_DOOR = /^x3\.(?:401|403|404|html|right)$/

async function testX3(
  values: Config,
  credentials: Secrets,
  context: Surroundings & Pick<OpenContext, 'signal'>,
): Promise<readonly ReportLine[]> {
  const { signal } = context
  const client = await openX3(values, credentials, context).catch((error: unknown) => asSyncError(error))
  if (client instanceof Error)
    return [
      { ok: false, text: client.message },
      ...(await probeDoors(values.url, await routeOf(values, credentials), signal)),
    ]
  try {
    const paired = client.cloud?.state && (await client.cloud.state())
    if (paired?.ok === false) return [paired]
    const read = checked(client, values, signal).then((lines) => (paired ? [paired, ...lines] : lines))
    const services = servicesOf(hurried(client.connection), values, credentials)
    if (!services) return await read
    // Posting alone may do without what reading needs.
    const lines = await read.catch((error: unknown) => [{ ok: false, text: asSyncError(error).message }])
    return [...lines, ...(await checkWebServices(services, client.publication, signal))]
  } catch (error) {
    const { code, cause } = asSyncError(error)
    if (code !== 'x3.generation' || cause.field !== 'form') {
      if (!ANOTHER_DOOR.test(code) || inCloud(values)) throw error
      const { message } = asSyncError(error)
      const doors = await probeDoors(values.url, await routeOf(values, credentials), signal)
      return [{ ok: false, text: withHint(message, cause.hint) }, ...doors]
    }
    const form = values.form === 'sage' ? 'query' : 'sage'
    const name = form === 'sage' ? 'that of 2021' : "today's"
    const set = { ok: true, text: `The form of GraphQL is ${name}: it is chosen in the dialog now.`, set: { form } }
    return [set, ...(await testX3({ ...values, form }, credentials, context))]
  } finally {
    await client.connection.close()
  }
}

function checked(client: X3Client, values: Config, signal: AbortSignal): Promise<ReportLine[]> {
  const line = hurried(client.connection)
  return values.door === 'api1' ? checkApi1(line, client.door(line) as Api1Door, signal) : checkX3(line, signal)
}

const inCloud = ({ login }: Config): boolean => login === 'cloud' || login === 'cloudClient'

async function openX3(values: Config, credentials: Secrets, context: Surroundings): Promise<X3Client> {
  const quiet = quietHours(values)
  if (values.door === 'api1' && inCloud(values))
    throw wrongField('door', 'REST api1 in the cloud has no address that is known')
  const cloud = inCloud(values) ? await openCloud(values, credentials, context) : undefined
  const options: X3Options = {
    url: values.url,
    folder: values.folder,
    auth: cloud
      ? { kind: 'held', user: '(user of the pairing)', credentials: cloud.credentials }
      : login(values, credentials),
    ...(values.customer && cloud ? { systemUrl: values.customer } : {}),
    concurrency: values.door === 'api1' ? values.api1Sessions : values.concurrency,
    retry: { totalMs: values.retryMinutes * 60_000 },
    ...(await routeOf(values, credentials)),
    ...(values.requestsPerSecond > 0 ? { requestsPerSecond: values.requestsPerSecond } : {}),
    ...(quiet ? { quietHours: quiet } : {}),
  }
  const made = createX3Connection(options)
  const connection = values.form === 'sage' && values.door === 'graphql' ? inOldForm(made) : made
  const schema = createX3Schema(connection)
  const api1 = values.door === 'api1' ? await api1Settings(values) : undefined
  let found: Api1LookUp | undefined
  return {
    door: (on, run) =>
      api1
        ? createApi1Door(on, api1, run && { store: run.store, name: run.sync })
        : graphqlDoor(on, on === connection ? schema : createX3Schema(on)),
    list: (name, query, signal) =>
      api1
        ? readApi1List(createApi1Door(hurried(connection), api1), name, query, signal)
        : readList(connection, name, query, signal),
    services: servicesOf(connection, values, credentials),
    publication: values.soapPublication || 'WSGAS',
    connection,
    schema,
    source: values.source,
    ...(cloud ? { cloud } : {}),
    ...(api1 ? { lookUp: () => (found ??= api1LookUp(connection, api1)), leave: async () => found?.leave() } : {}),
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
            password: soapPassword,
          },
        }
      : {}),
  })
}

function login(values: Config, { secret, password }: Secrets): X3Auth {
  if (values.login === 'basic') {
    return {
      kind: 'basic',
      user: values.user,
      password,
    }
  }
  return {
    kind: 'jwt',
    clientId: values.clientId,
    secret,
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
  defineCallback(RED)
}
