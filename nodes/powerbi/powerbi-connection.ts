/** powerbi-connection: one service principal of one tenant, and the cloud that its Power BI is in. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import {
  boundedInAll,
  type ConnectionSpec,
  defineConnection,
  field,
  pemBlocks,
  routeFields,
  routeLine,
  routeOf,
  routeSecrets,
} from '../kit/kit.ts'
import type { Login } from './client/auth.ts'
import { checkPowerbi } from './client/check.ts'
import { CLOUD_NAMES, CLOUDS } from './client/clouds.ts'
import { type Connection, createConnection } from './client/connection.ts'
import { listNames, readList } from './client/lists.ts'

const config = z.object({
  tenant: field.text('Tenant is missing'),
  clientId: field.text('Client ID is missing'),
  cloud: field.choice(CLOUD_NAMES),
  login: field.choice(['secret', 'certificate']),
  /** PEM text, or the path of a file that holds it. */
  certificate: field.optional(),
  /** Other addresses than those of the cloud: a gateway in between. */
  loginUrl: field.optional(),
  apiUrl: field.optional(),
  ...routeFields({ value: 100, min: 1, max: 900 }),
  /** Minutes after which a run gives up on a Power BI that does not answer. */
  retryMinutes: field.number(10, 0.01, 1440),
})
const secrets = z.object({
  ...routeSecrets,
  secret: field.secret(),
  /** PEM text, or the path of a file that holds it. */
  privateKey: field.secret(),
})
type Config = z.output<typeof config>
type Secrets = z.output<typeof secrets>

/** What the nodes of a connection share. */
export interface PowerbiClient {
  readonly connection: Connection
  /** How long a Power BI that does not answer is waited for. */
  readonly patienceMs: number
}

export const powerbiConnection: ConnectionSpec<typeof config, typeof secrets, PowerbiClient> = {
  type: 'powerbi-connection',
  version: 2,
  migrations: { 1: boundedInAll },
  config,
  credentials: secrets,
  needs: ({ login }): Record<string, string> =>
    login === 'certificate' ? { certificate: 'Certificate', privateKey: 'Private key' } : { secret: 'Client secret' },
  open: (values, credentials, { log }) => open(values, credentials, (text) => log.debug(text)),
  close: ({ connection }) => connection.close(),
  async test(values, credentials, { signal }) {
    const { connection } = await open(values, credentials, () => undefined)
    try {
      return await checkPowerbi(connection, values.clientId, signal)
    } finally {
      await connection.close()
    }
  },
  way: async (values, credentials) =>
    routeLine(await routeOf(values, credentials), values.apiUrl || CLOUDS[values.cloud].api),
  lists: Object.fromEntries(
    listNames.map((name) => [
      name,
      ({ connection }: PowerbiClient, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
        readList(connection, name, query, signal),
    ]),
  ),
}

async function open(values: Config, credentials: Secrets, log: (text: string) => void): Promise<PowerbiClient> {
  const cloud = CLOUDS[values.cloud]
  const connection = createConnection({
    auth: {
      tenant: values.tenant,
      clientId: values.clientId,
      login: await loginOf(values, credentials),
      authority: cloud.login,
      resource: cloud.resource,
      ...(values.loginUrl ? { loginUrl: values.loginUrl } : {}),
    },
    apiUrl: values.apiUrl || cloud.api,
    ...(await routeOf(values, credentials)),
    log,
  })
  return { connection, patienceMs: values.retryMinutes * 60_000 }
}

async function loginOf({ login, certificate }: Config, { secret, privateKey }: Secrets): Promise<Login> {
  if (login === 'secret') return { kind: login, secret }
  return {
    kind: login,
    certificate: await pem(certificate, 'CERTIFICATE', 'certificate'),
    privateKey: await pem(privateKey, 'PRIVATE KEY', 'privateKey'),
  }
}

/** One block: of a chain the first, which is the app's own. */
const pem = async (text: string, kind: 'CERTIFICATE' | 'PRIVATE KEY', name: string): Promise<string> =>
  (await pemBlocks(text, kind, name))[0] ?? ''

export default function (RED: NodeAPI): void {
  defineConnection(RED, powerbiConnection)
}
