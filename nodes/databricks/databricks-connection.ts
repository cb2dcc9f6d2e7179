/** databricks-connection: one SQL warehouse of one workspace, and where in it the tables are. */
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
} from '../kit/kit.ts'
import type { AuthOptions } from './client/auth.ts'
import { checkDatabricks } from './client/check.ts'
import { type Connection, createConnection, workspaceOf } from './client/connection.ts'
import { listNames, readList } from './client/lists.ts'

const config = z.object({
  host: field.text('Host is missing'),
  port: field.number(443, 1, 65_535),
  path: field.asked(),
  login: field.choice(['oauth', 'entra', 'token']),
  clientId: field.optional(),
  tenant: field.optional(),
  entraUrl: field.optional(),
  catalog: field.asked(),
  schema: field.asked(),
  volume: field.optional(),
  ...routeFields({ value: 60, min: 5, max: 900 }),
  statementMinutes: field.number(30, 1, 2880),
  /** Minutes after which a run gives up on a warehouse that starts or does not answer. */
  coldStartMinutes: field.number(10, 0.01, 1440),
})
const secrets = z.object({ ...routeSecrets, secret: field.secret(), token: field.secret() })
type Config = z.output<typeof config>
type Secrets = z.output<typeof secrets>

/** What the nodes of a connection share: the line to the warehouse, and where the tables are. */
export interface DatabricksClient {
  readonly connection: Connection
  readonly catalog: string
  readonly schema: string
  readonly volume: string
  /** How long a warehouse that does not answer is waited for. */
  readonly patienceMs: number
}

export const databricksConnection: ConnectionSpec<typeof config, typeof secrets, DatabricksClient> = {
  type: 'databricks-connection',
  version: 2,
  migrations: { 1: boundedInAll },
  config,
  credentials: secrets,
  needs: ({ login }): Record<string, string> =>
    login === 'token'
      ? { token: 'Access token' }
      : { clientId: 'Client ID', secret: 'Client secret', ...(login === 'entra' && { tenant: 'Tenant' }) },
  open: (values, credentials, { log }) =>
    open(values, credentials, (level, text) =>
      level === 'warn' || level === 'error' ? log.warn(text) : log.debug(text),
    ),
  close: ({ connection }) => connection.close(),
  async test(values, credentials, { signal }) {
    // somebody waits in front of the dialog: a warehouse that starts is named rather than waited for
    const { connection } = await open({ ...values, coldStartMinutes: 1 }, credentials, () => undefined, 2)
    try {
      return await checkDatabricks(connection, values, signal)
    } finally {
      await connection.close()
    }
  },
  way: async (values, credentials) =>
    routeLine(await routeOf(values, credentials), workspaceOf(values.host, values.port).url),
  lists: Object.fromEntries(
    listNames.map((name) => [
      name,
      ({ connection }: DatabricksClient, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
        readList(connection, name, query, signal),
    ]),
  ),
}

async function open(
  values: Config,
  credentials: Secrets,
  log: (level: string, text: string) => void,
  attempts?: number,
): Promise<DatabricksClient> {
  const { timeoutMs, ...route } = await routeOf(values, credentials)
  const connection = createConnection({
    host: values.host,
    port: values.port,
    path: values.path,
    auth: login(values, credentials),
    socketTimeoutMs: timeoutMs,
    ...route,
    statementTimeoutSeconds: values.statementMinutes * 60,
    coldStartMs: values.coldStartMinutes * 60_000,
    log,
    ...(attempts ? { attempts } : {}),
  })
  const { catalog, schema, volume, coldStartMinutes } = values
  return { connection, catalog, schema, volume, patienceMs: coldStartMinutes * 60_000 }
}

function login({ login: kind, clientId, tenant, entraUrl }: Config, { secret, token }: Secrets): AuthOptions {
  if (kind === 'token') return { kind, token }
  return {
    kind: 'oauth',
    clientId,
    clientSecret: secret,
    ...(kind === 'entra' ? { azureTenant: tenant } : {}),
    ...(kind === 'entra' && entraUrl ? { azureLogin: entraUrl } : {}),
  }
}

export default function (RED: NodeAPI): void {
  defineConnection(RED, databricksConnection)
}
