/** x3-connection: one folder of one Sage X3 server, and how to log in there. */
import { readFile } from 'node:fs/promises'
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { syncError } from '../../sync/contract/errors.ts'
import { boundedInAll, type ConnectionSpec, defineConnection, field } from '../kit/kit.ts'
import { checkX3 } from './client/check.ts'
import { createX3Connection, type X3Connection } from './client/connection.ts'
import { listNames, readList } from './client/lists.ts'
import type { Audience, X3Auth, X3Options } from './client/options.ts'
import { createX3Schema, type X3Schema } from './client/schema.ts'

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
  /** PEM text, or the path of a file that holds it. */
  ca: field.optional(),
  proxy: field.optional(),
  requestsPerSecond: field.number(0, 0, 1000),
  concurrency: field.number(2, 1, 16),
  timeoutSeconds: field.number(120, 1, 3600),
  /** Seconds for one request in all; the time-out above bounds its silences. */
  totalSeconds: field.number(600, 1, 86_400),
  /** Minutes after which a run gives up on a server that cannot be reached or does not answer with data. */
  retryMinutes: field.number(10, 0.01, 1440),
  quietFrom: field.optional(),
  quietTo: field.optional(),
  quietZone: field.optional(),
})
const secrets = z.object({ secret: field.optional(), password: field.optional() })
type Config = z.output<typeof config>
type Secrets = z.output<typeof secrets>

/** What the nodes of a connection share: the line to X3, and what is known of its fields. */
export interface X3Client {
  readonly connection: X3Connection
  readonly schema: X3Schema
  /** Value of the `source` column. */
  readonly source: string
}

export const x3Connection: ConnectionSpec<typeof config, typeof secrets, X3Client> = {
  type: 'x3-connection',
  version: 2,
  migrations: { 1: boundedInAll },
  config,
  credentials: secrets,
  open: openX3,
  close: (client) => client.connection.close(),
  async test(values, credentials, { signal }) {
    const client = await openX3(values, credentials)
    try {
      return await checkX3(client.connection, signal)
    } finally {
      await client.connection.close()
    }
  },
  lists: Object.fromEntries(
    listNames.map((name) => [
      name,
      (client: X3Client, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
        readList(client.connection, name, query, signal),
    ]),
  ),
}

async function openX3(values: Config, credentials: Secrets): Promise<X3Client> {
  const ca = await certificate(values.ca)
  const quiet = quietHours(values)
  const options: X3Options = {
    url: values.url,
    folder: values.folder,
    auth: login(values, credentials),
    concurrency: values.concurrency,
    timeoutMs: values.timeoutSeconds * 1000,
    totalMs: values.totalSeconds * 1000,
    retry: { totalMs: values.retryMinutes * 60_000 },
    ...(ca ? { ca } : {}),
    ...(values.proxy ? { proxy: address(values.proxy, 'proxy') } : {}),
    ...(values.requestsPerSecond > 0 ? { requestsPerSecond: values.requestsPerSecond } : {}),
    ...(quiet ? { quietHours: quiet } : {}),
  }
  const connection = createX3Connection(options)
  return {
    connection,
    schema: createX3Schema(connection),
    source: values.source || connection.address.replace('x3://', 'x3:').replace('/', ':').replace(/:$/, ''),
  }
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

function quietHours({ quietFrom: from, quietTo: to, quietZone }: Config): X3Options['quietHours'] {
  if (!from && !to) return undefined
  for (const [name, text] of Object.entries({ quietFrom: from, quietTo: to })) {
    if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(text)) throw wrong(name, `"${text}" is no time of day such as 22:30`)
  }
  if (quietZone && !knownZone(quietZone))
    throw wrong('quietZone', `"${quietZone}" is no time zone such as Europe/Paris`)
  return { from, to, ...(quietZone ? { timeZone: quietZone } : {}) }
}

function knownZone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }))
  } catch {
    return false
  }
}

async function certificate(text: string): Promise<string | undefined> {
  if (text === '') return undefined
  const pem = text.includes('-----BEGIN') ? text : await readFile(text, 'utf8').catch(() => '')
  if (!pem.includes('-----BEGIN CERTIFICATE'))
    throw wrong('ca', 'neither a certificate in PEM form nor a file that holds one')
  return pem
}

function address(text: string, name: string): string {
  if (!URL.canParse(text)) throw wrong(name, `"${text}" is no address such as http://proxy:3128`)
  return text
}

function needed(text: string, name: string, label: string): string {
  if (text === '') throw wrong(name, `${label} is missing`)
  return text
}

const wrong = (name: string, what: string) =>
  syncError('config', 'x3.config', `Field ${name}: ${what}`, {
    field: name,
    hint: 'Open the X3 connection and correct the field.',
  })

export default function (RED: NodeAPI): void {
  defineConnection(RED, x3Connection)
}
