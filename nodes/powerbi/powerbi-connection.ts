/** powerbi-connection: one service principal of one tenant, and the cloud that its Power BI is in. */
import { readFile } from 'node:fs/promises'
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { syncError } from '../../sync/contract/errors.ts'
import { boundedInAll, type ConnectionSpec, defineConnection, field } from '../kit/kit.ts'
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
  ca: field.optional(),
  proxy: field.optional(),
  timeoutSeconds: field.number(100, 1, 900),
  /** Seconds for one request in all; the time-out above bounds its silences. */
  totalSeconds: field.number(600, 1, 86_400),
  /** Minutes after which a run gives up on a Power BI that does not answer. */
  retryMinutes: field.number(10, 0.01, 1440),
})
const secrets = z.object({
  secret: field.optional(),
  /** PEM text, or the path of a file that holds it. */
  privateKey: field.optional(),
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
  const ca = values.ca === '' ? undefined : await pem(values.ca, 'CERTIFICATE', 'ca')
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
    timeoutMs: values.timeoutSeconds * 1000,
    totalMs: values.totalSeconds * 1000,
    log,
    ...(ca ? { ca } : {}),
    ...(values.proxy ? { proxy: values.proxy } : {}),
  })
  return { connection, patienceMs: values.retryMinutes * 60_000 }
}

async function loginOf({ login, certificate }: Config, { secret, privateKey }: Secrets): Promise<Login> {
  if (login === 'secret') return { kind: login, secret: needed(secret, 'secret', 'Client secret') }
  return {
    kind: login,
    certificate: await pem(needed(certificate, 'certificate', 'Certificate'), 'CERTIFICATE', 'certificate'),
    privateKey: await pem(needed(privateKey, 'privateKey', 'Private key'), 'PRIVATE KEY', 'privateKey'),
  }
}

/** A block of a PEM text, or of the file that the text names. A password field has no line ends: they are put back. */
async function pem(text: string, kind: 'CERTIFICATE' | 'PRIVATE KEY', name: string): Promise<string> {
  const whole = text.includes('-----BEGIN') ? text : await readFile(text, 'utf8').catch(() => '')
  const block = new RegExp(`-----BEGIN ([A-Z ]*${kind})-----([\\s\\S]+?)-----END \\1-----`).exec(whole)
  if (!block) throw wrong(name, `neither a ${kind.toLowerCase()} in PEM form nor a file that holds one`)
  const lines = (block[2] ?? '').replace(/\s+/g, '').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${block[1]}-----`, ...lines, `-----END ${block[1]}-----`, ''].join('\n')
}

function needed(text: string, name: string, label: string): string {
  if (text === '') throw wrong(name, `${label} is missing`)
  return text
}

const wrong = (name: string, what: string) =>
  syncError('config', 'powerbi.config', `Field ${name}: ${what}`, {
    field: name,
    hint: 'Open the Power BI connection and correct the field.',
  })

export default function (RED: NodeAPI): void {
  defineConnection(RED, powerbiConnection)
}
