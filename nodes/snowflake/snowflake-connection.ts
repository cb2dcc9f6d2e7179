/** snowflake-connection: one account, how the user signs in, and where in it the tables are. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import {
  boundedInAll,
  type ConnectionSpec,
  defineConnection,
  field,
  routeFields,
  routeLine,
  routeOf,
  routeSecrets,
  textOrFile,
  wrongField,
} from '../kit/kit.ts'
import { accountOf } from './client/account.ts'
import type { AuthOptions } from './client/auth.ts'
import { checkSnowflake } from './client/check.ts'
import { type Connection, createConnection } from './client/connection.ts'
import { listNames, readList } from './client/lists.ts'

const config = z.object({
  account: field.text('Account is missing'),
  /** Private link; empty: `<account>.snowflakecomputing.com`. */
  host: field.optional(),
  port: field.maybe(1, 65_535),
  protocol: field.choice(['https', 'http']),
  login: field.choice(['keyPair', 'token', 'oauth']),
  user: field.optional(),
  clientId: field.optional(),
  oauthUrl: field.optional(),
  scope: field.optional(),
  role: field.optional(),
  warehouse: field.asked(),
  database: field.asked(),
  schema: field.asked(),
  /** `@~` or a named stage. */
  stage: field.optional(),
  ...routeFields({ value: 60, min: 1, max: 900 }),
  statementMinutes: field.number(30, 1, 2880),
  lockSeconds: field.number(60, 1, 3600),
  /** Minutes after which a run gives up on an account or warehouse that does not answer. */
  coldStartMinutes: field.number(10, 0.01, 1440),
})
const secrets = z.object({
  ...routeSecrets,
  privateKey: field.secret(),
  passphrase: field.secret(),
  token: field.secret(),
  clientSecret: field.secret(),
})
type Config = z.output<typeof config>
type Secrets = z.output<typeof secrets>

/** What the nodes of a connection share: the sessions, and where the tables are. */
export interface SnowflakeClient {
  readonly connection: Connection
  readonly database: string
  readonly schema: string
  readonly stage: string
  /** How long an account that does not answer is waited for. */
  readonly patienceMs: number
}

export const snowflakeConnection: ConnectionSpec<typeof config, typeof secrets, SnowflakeClient> = {
  type: 'snowflake-connection',
  version: 2,
  migrations: { 1: boundedInAll },
  config,
  credentials: secrets,
  needs: ({ login }): Record<string, string> =>
    login === 'token'
      ? { token: 'Access token' }
      : login === 'oauth'
        ? { clientId: 'Client ID', clientSecret: 'Client secret', oauthUrl: 'Token endpoint' }
        : { user: 'User', privateKey: 'Private key' },
  open: (values, credentials, { log }) =>
    open(values, credentials, (level, text) => (level === 'warn' ? log.warn(text) : log.debug(text))),
  close: ({ connection }) => connection.close(),
  async test(values, credentials, { signal }) {
    // somebody waits in front of the dialog
    const { connection } = await open({ ...values, coldStartMinutes: 1 }, credentials, () => undefined, 2)
    try {
      return await checkSnowflake(connection, values.stage, signal)
    } finally {
      await connection.close()
    }
  },
  async way(values, credentials) {
    const { accessUrl } = accountOf(values)
    // The storage of stages is spoken to by clients of the driver that take no certificates.
    const more = values.onlyCa ? 'Storage of the stage: the public ones count too.' : ''
    return routeLine(await routeOf(values, credentials), accessUrl, more)
  },
  lists: Object.fromEntries(
    listNames.map((name) => [
      name,
      ({ connection }: SnowflakeClient, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
        readList(connection, name, query, signal),
    ]),
  ),
}

async function open(
  values: Config,
  credentials: Secrets,
  log: (level: string, text: string) => void,
  attempts?: number,
): Promise<SnowflakeClient> {
  const { account, host, protocol, role, warehouse, database, schema, stage } = values
  const connection = createConnection({
    account,
    protocol,
    role,
    warehouse,
    database,
    schema,
    auth: await login(values, credentials),
    ...(await routeOf(values, credentials)),
    statementTimeoutSeconds: values.statementMinutes * 60,
    lockTimeoutSeconds: values.lockSeconds,
    coldStartMs: values.coldStartMinutes * 60_000,
    log,
    ...(host ? { host } : {}),
    ...(values.port ? { port: values.port } : {}),
    ...(attempts ? { attempts } : {}),
  })
  return { connection, database, schema, stage, patienceMs: values.coldStartMinutes * 60_000 }
}

async function login(values: Config, credentials: Secrets): Promise<AuthOptions> {
  const { login: kind, user, clientId, oauthUrl, scope } = values
  if (kind === 'token') return { kind, user, token: credentials.token }
  if (kind === 'oauth')
    return {
      kind,
      user,
      clientId,
      clientSecret: credentials.clientSecret,
      oauthUrl,
      ...(scope ? { scope } : {}),
    }
  return {
    kind,
    user,
    privateKey: await keyText(credentials.privateKey),
    ...(credentials.passphrase ? { passphrase: credentials.passphrase } : {}),
  }
}

async function keyText(text: string): Promise<string> {
  const key = await textOrFile(text)
  if (!key.includes('-----BEGIN '))
    throw wrongField('privateKey', 'neither a key in PEM form nor a file that holds one')
  return key
}

export default function (RED: NodeAPI): void {
  defineConnection(RED, snowflakeConnection)
}
