/**
 * All clients against servers that break their replies, in a process of its own with little memory. Reads what to ask from
 * its input, and writes a line for each answer: what was thrown, and after how long.
 */
import { text } from 'node:stream/consumers'
import { createBaswareConnection } from '../../nodes/basware/client/connection.ts'
import { createConnection as createDatabricks } from '../../nodes/databricks/client/connection.ts'
import { createIntacctConnection } from '../../nodes/intacct/client/connection.ts'
import { createConnection as createPowerbi } from '../../nodes/powerbi/client/connection.ts'
import { createConnection as createSnowflake } from '../../nodes/snowflake/client/connection.ts'
import { createX3Connection } from '../../nodes/x3/client/connection.ts'
import { createWebServices } from '../../nodes/x3/client/soap/client.ts'
import { isSyncError } from '../../sync/contract/errors.ts'

/** What the child is told. */
export interface Task {
  /** Ports of the servers for each way of breaking: everything broken, all but the logins, everything by TLS. */
  readonly broken: Readonly<Record<string, { readonly all: number; readonly api: number; readonly tls: number }>>
  /** PEM text of the CA behind `tls`. */
  readonly ca: string
  readonly idleMs: number
  readonly totalMs: number
  /** The same where a reply takes its time: large ones. */
  readonly patientMs: number
}

/** What it tells of one request. `error`: absent where it succeeded. */
export interface Outcome {
  readonly client: string
  readonly how: string
  readonly ms: number
  readonly error?: { readonly class: string; readonly code: string; readonly message: string; readonly hint: string }
}

const signal = new AbortController().signal
const context = { signal, waiting: () => undefined }
const once = { attempts: 1 }

type Ports = Task['broken'][string]
type Ask = (ports: Ports, task: Task) => { ask: () => Promise<unknown>; close: () => Promise<unknown> }

const x3: Ask = ({ all }, { idleMs, totalMs }) => {
  const connection = createX3Connection({
    url: `http://127.0.0.1:${all}`,
    folder: 'SEED',
    auth: { kind: 'basic', user: 'u', password: 'p' },
    timeoutMs: idleMs,
    totalMs,
  })
  return { ask: () => connection.query('{a}', {}, { what: 'supplier', signal, retry: false }), close: connection.close }
}

const x3Services: Ask = ({ all }, { idleMs, totalMs }) => {
  const auth = { kind: 'basic', user: 'u', password: 'p' } as const
  const line = { url: `http://127.0.0.1:${all}`, folder: 'SEED', auth, timeoutMs: idleMs, totalMs, retry: once }
  const connection = createX3Connection(line)
  const services = createWebServices(connection, { url: '', pool: 'P', language: 'ENG', requestConfig: '' })
  return {
    ask: () => services.query('WSGAS', { REF: 'x' }, 1, { what: 'Look-up', signal }),
    close: connection.close,
  }
}

const intacct =
  (ask: 'call' | 'askClock'): Ask =>
  ({ all }, { idleMs, totalMs }) => {
    const connection = createIntacctConnection({
      gateway: `http://127.0.0.1:${all}/ia/xml/xmlgw.phtml`,
      allowedHosts: ['127.0.0.1'],
      senderId: 's',
      senderPassword: 'p',
      company: 'c',
      user: 'u',
      password: 'p',
      timeoutMs: idleMs,
      totalMs,
      retry: once,
    })
    return {
      ask: () =>
        ask === 'call'
          ? connection.call([{ name: 'readUserFormatting' }], { what: 'supplier', signal })
          : connection.askClock(signal),
      close: connection.close,
    }
  }

const basware =
  (kind: 'login' | 'list' | 'acknowledge'): Ask =>
  ({ all }, { idleMs, totalMs }) => {
    const auth =
      kind === 'login'
        ? ({ kind: 'oauth', clientId: 'c', clientSecret: 's' } as const)
        : ({ kind: 'basic', user: 'u', password: 'p' } as const)
    const more = { source: 'basware', redirectHosts: [], timeoutMs: idleMs, totalMs, retry: once }
    const connection = createBaswareConnection({ url: `http://127.0.0.1:${all}`, auth, ...more })
    const asked = { what: 'Approved invoices', scope: 'accountingDocuments.write', signal }
    return {
      ask: () =>
        kind === 'acknowledge'
          ? connection.post('/v1/accountingDocuments/1/acknowledge', undefined, asked)
          : connection.get('/v1/accountingDocuments', asked),
      close: connection.close,
    }
  }

const powerbi =
  (kind: 'login' | 'call' | 'rows' | 'query'): Ask =>
  ({ all, api }, { idleMs, totalMs }) => {
    const connection = createPowerbi({
      auth: {
        tenant: 'tenant',
        clientId: 'app',
        login: { kind: 'secret', secret: 's' },
        authority: 'https://login.microsoftonline.com',
        loginUrl: `http://127.0.0.1:${kind === 'login' ? all : api}`,
        resource: 'https://analysis.windows.net/powerbi/api',
      },
      apiUrl: `http://127.0.0.1:${kind === 'login' ? all : api}`,
      timeoutMs: idleMs,
      totalMs,
    })
    const path = '/datasets/d/tables/t/rows'
    return {
      ask: () =>
        kind === 'query'
          ? connection.query('/datasets/d/executeQueries', 'EVALUATE t', 'Totals', context)
          : kind === 'rows'
            ? connection.call({ method: 'POST', path, body: '{"rows":[]}', what: 'Rows', kind }, context)
            : connection.json({ method: 'GET', path, what: 'Tables', kind: 'call' }, context),
      close: connection.close,
    }
  }

const databricks =
  (ask: 'login' | 'rest' | 'run'): Ask =>
  ({ tls }, { ca, idleMs, totalMs }) => {
    const connection = createDatabricks({
      host: 'localhost',
      port: tls,
      path: '/sql/1.0/warehouses/w',
      auth: ask === 'login' ? { kind: 'oauth', clientId: 'c', clientSecret: 's' } : { kind: 'token', token: 't' },
      ca,
      socketTimeoutMs: idleMs,
      totalMs,
      retryBaseMs: 1,
      ...once,
      coldStartMs: 1,
    })
    return {
      ask: () =>
        ask === 'run'
          ? connection.run({ sql: 'SELECT 1', what: 'Totals', kind: 'read' }, context)
          : connection.rest({ method: 'GET', path: '/api/2.0/fs/files/a', what: 'Files' }, context),
      close: connection.close,
    }
  }

const snowflake =
  (ask: 'token' | 'login'): Ask =>
  ({ all }, { idleMs, totalMs }) => {
    const connection = createSnowflake({
      account: 'ORG-ACCOUNT',
      host: '127.0.0.1',
      port: all,
      protocol: 'http',
      auth:
        ask === 'login'
          ? { kind: 'token', user: 'u', token: 't' }
          : { kind: 'oauth', user: 'u', clientId: 'c', clientSecret: 's', oauthUrl: `http://127.0.0.1:${all}/token` },
      warehouse: 'w',
      role: 'r',
      database: 'd',
      schema: 's',
      timeoutMs: idleMs,
      totalMs,
      retryBaseMs: 1,
      ...once,
      coldStartMs: 1,
    })
    return { ask: () => connection.run({ sql: 'SELECT 1', what: 'Totals' }, context), close: connection.close }
  }

const CLIENTS: Readonly<Record<string, Ask>> = {
  X3: x3,
  'X3, web services': x3Services,
  Intacct: intacct('call'),
  'Intacct, its clock': intacct('askClock'),
  'Basware, login': basware('login'),
  Basware: basware('list'),
  'Basware, acknowledge': basware('acknowledge'),
  'Power BI, login': powerbi('login'),
  'Power BI': powerbi('call'),
  'Power BI, rows': powerbi('rows'),
  'Power BI, query': powerbi('query'),
  'Databricks, login': databricks('login'),
  'Databricks, files': databricks('rest'),
  'Databricks, driver': databricks('run'),
  'Snowflake, token': snowflake('token'),
  'Snowflake, driver': snowflake('login'),
}

const errorOf = (error: unknown): NonNullable<Outcome['error']> =>
  isSyncError(error)
    ? { class: error.cause.class, code: error.code, message: error.message, hint: error.cause.hint ?? '' }
    : { class: '', code: '', message: `${error instanceof Error ? error.stack : error}`, hint: '' }

async function outcome(client: string, how: string, task: Task): Promise<Outcome> {
  const { ask, close } = (CLIENTS[client] as Ask)(task.broken[how] as Ports, task)
  const begun = performance.now()
  const error = await ask().then(() => undefined, errorOf)
  const ms = Math.round(performance.now() - begun)
  await close()
  return { client, how, ms, ...(error ? { error } : {}) }
}

/** Large replies come one at a time: the memory is for one of them, and they take their time. */
const LARGE = /^lists|^empty objects/
const AT_ONCE = 16

const task = JSON.parse(await text(process.stdin)) as Task
const all = Object.keys(task.broken).flatMap((how) => Object.keys(CLIENTS).map((client) => ({ how, client })))
const tell = async ({ how, client }: (typeof all)[number], totalMs: number): Promise<void> => {
  const found = await outcome(client, how, { ...task, totalMs })
  process.stdout.write(`${JSON.stringify(found)}\n`)
}
const small = all.filter(({ how }) => !LARGE.test(how))
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = small.shift(); next; next = small.shift()) await tell(next, task.totalMs)
  }),
)
for (const one of all) if (LARGE.test(one.how)) await tell(one, task.patientMs)
