/** Every client, and every driver, as something that asks one question of one server. */
import { createBaswareConnection } from '../../nodes/basware/client/connection.ts'
import { createConnection as createDatabricks } from '../../nodes/databricks/client/connection.ts'
import { createIntacctConnection } from '../../nodes/intacct/client/connection.ts'
import { createConnection as createPowerbi } from '../../nodes/powerbi/client/connection.ts'
import { createConnection as createSnowflake } from '../../nodes/snowflake/client/connection.ts'
import { createX3Connection } from '../../nodes/x3/client/connection.ts'
import { isSyncError } from '../../sync/contract/errors.ts'
import type { Route } from '../../vendor/route.ts'

export interface To {
  readonly host: string
  readonly port: number
  readonly scheme?: 'https' | 'http'
  readonly route: Route
}

/** What became of it; undefined where there was an answer. */
export interface Refusal {
  readonly class: string
  readonly code: string
  /** With the hint. */
  readonly text: string
}

interface Opened {
  readonly ask: () => Promise<unknown>
  readonly close: () => Promise<unknown>
}

const signal = new AbortController().signal
const context = { signal, waiting: () => undefined }
const times = { timeoutMs: 5000, totalMs: 10_000 }
const once = { attempts: 1, retryBaseMs: 1, coldStartMs: 1 }
const origin = ({ host, port, scheme = 'https' }: To): string => `${scheme}://${host}:${port}`

const x3 = (to: To): Opened => {
  const auth = { kind: 'basic', user: 'u', password: 'p' } as const
  const connection = createX3Connection({ url: origin(to), folder: 'SEED', auth, ...times, ...to.route })
  return { ask: () => connection.query('{a}', {}, { what: 'supplier', signal, retry: false }), close: connection.close }
}

const intacct = (to: To): Opened => {
  const connection = createIntacctConnection({
    gateway: `${origin(to)}/ia/xml/xmlgw.phtml`,
    allowedHosts: [to.host],
    ...{ senderId: 's', senderPassword: 'p', company: 'c', user: 'u', password: 'p' },
    ...times,
    ...to.route,
  })
  const ask = () => connection.call([{ name: 'readUserFormatting' }], { what: 'supplier', signal })
  return { ask, close: connection.close }
}

const basware =
  (kind: 'login' | 'call') =>
  (to: To): Opened => {
    const auth =
      kind === 'login'
        ? ({ kind: 'oauth', clientId: 'c', clientSecret: 's' } as const)
        : ({ kind: 'basic', user: 'u', password: 'p' } as const)
    const more = { source: 'basware', redirectHosts: [], retry: { attempts: 1 }, ...times, ...to.route }
    const connection = createBaswareConnection({ url: origin(to), auth, ...more })
    const ask = { what: 'Approved invoices', scope: 'accountingDocuments.read', signal }
    return { ask: () => connection.get('/v1/accountingDocuments', ask), close: connection.close }
  }

const powerbi = (to: To): Opened => {
  const connection = createPowerbi({
    auth: {
      tenant: 'tenant',
      clientId: 'app',
      login: { kind: 'secret', secret: 's' },
      authority: 'https://login.microsoftonline.com',
      loginUrl: origin(to),
      resource: 'https://analysis.windows.net/powerbi/api',
    },
    apiUrl: origin(to),
    ...times,
    ...to.route,
  })
  const ask = () =>
    connection.call(
      { method: 'POST', path: '/datasets/d/tables/t/rows', body: '{"rows":[]}', what: 'Rows', kind: 'rows' },
      context,
    )
  return { ask, close: connection.close }
}

const databricks =
  (asked: 'login' | 'files' | 'driver') =>
  (to: To): Opened => {
    const connection = createDatabricks({
      host: to.host,
      port: to.port,
      path: '/sql/1.0/warehouses/w',
      auth: asked === 'login' ? { kind: 'oauth', clientId: 'c', clientSecret: 's' } : { kind: 'token', token: 't' },
      socketTimeoutMs: times.timeoutMs,
      totalMs: times.totalMs,
      ...once,
      ...to.route,
    })
    const ask = () =>
      asked === 'driver'
        ? connection.run({ sql: 'SELECT 1', what: 'Totals', kind: 'read' }, context)
        : connection.rest({ method: 'PUT', path: '/api/2.0/fs/files/a', body: 'rows', what: 'Files' }, context)
    return { ask, close: connection.close }
  }

const snowflake =
  (asked: 'token' | 'driver') =>
  (to: To): Opened => {
    const oauthUrl = `${origin(to)}/token`
    const connection = createSnowflake({
      account: 'ORG-ACCOUNT',
      host: to.host,
      port: to.port,
      protocol: to.scheme ?? 'https',
      auth:
        asked === 'driver'
          ? { kind: 'token', user: 'u', token: 't' }
          : { kind: 'oauth', user: 'u', clientId: 'c', clientSecret: 's', oauthUrl },
      ...{ warehouse: 'w', role: 'r', database: 'd', schema: 's' },
      ...times,
      ...once,
      ...to.route,
    })
    return { ask: () => connection.run({ sql: 'SELECT 1', what: 'Totals' }, context), close: connection.close }
  }

export const CLIENTS: Readonly<Record<string, (to: To) => Opened>> = {
  X3: x3,
  'Sage Intacct': intacct,
  'Basware, login': basware('login'),
  Basware: basware('call'),
  'Power BI': powerbi,
  'Databricks, login': databricks('login'),
  'Databricks, files': databricks('files'),
  'Databricks, driver': databricks('driver'),
  'Snowflake, token': snowflake('token'),
  'Snowflake, driver': snowflake('driver'),
}

export async function askOnce(client: string, to: To): Promise<Refusal | undefined> {
  const { ask, close } = (CLIENTS[client] as (to: To) => Opened)(to)
  try {
    return await ask().then(() => undefined, refusalOf)
  } finally {
    await close()
  }
}

const refusalOf = (error: unknown): Refusal =>
  isSyncError(error)
    ? { class: error.cause.class, code: error.code, text: `${error.message} | ${error.cause.hint}` }
    : { class: '', code: '', text: `${error instanceof Error ? error.stack : error}` }
