import { appendFileSync, mkdirSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createFaults } from '../faults.ts'
import { DropNow, deliver, type Exchange, type Reply, ReplyNow } from '../http.ts'
import { listen } from '../listen.ts'
import type { Account } from './account.ts'
import type { SnowflakeOptions, SnowflakeSandbox } from './api.ts'
import { createCatalog, keyOf } from './catalog.ts'
import { SqlError } from './errors.ts'
import { createLocks } from './locks.ts'
import { createLogin } from './login.ts'
import { setForLevel } from './parameters.ts'
import { streamRows } from './query.ts'
import { createRights } from './rights.ts'
import { route } from './routes.ts'
import type { Running } from './running.ts'
import { endTicket, REFUSALS, refusal } from './service.ts'
import { closeSession } from './session.ts'
import { SNOWFLAKE_SITES } from './sites.ts'
import { openStages } from './stages.ts'
import { openStore } from './store.ts'

export type { LoggedStatement, SnowflakeOptions, SnowflakeSandbox, Tuning, Value } from './api.ts'
export { newKey } from './login.ts'
export { SNOWFLAKE_SITES } from './sites.ts'

/** Starts a Snowflake account on this machine, for the vendor's own driver over plain http. */
export async function startSnowflake(options: SnowflakeOptions = {}): Promise<SnowflakeSandbox> {
  const { user = 'TIEOUT_LOADER', database = 'FINANCE', warehouses = ['LOAD_WH'], roles = ['LOADER'] } = options
  const { token = 'pat-sandbox', clientId = 'sandbox-client', clientSecret = 'sandbox-secret' } = options
  const name = (options.account ?? 'TIEOUT-SANDBOX').toUpperCase()
  const tuning = tuningOf(options)
  const own = {
    warehouses,
    roles,
    idleMs: () => tuning.idleMs,
    keepsDefaultCollation: () => tuning.keepsDefaultCollation,
  }
  const account = await openAccount(name, database, own, options)
  for (const level of ['account', 'user'] as const) setForLevel(account, level, options.parameters?.[level] ?? {})
  const running: Running = {
    account,
    login: createLogin(
      { account: name, user, token, clientId, clientSecret, tokenSeconds: () => tuning.tokenSeconds },
      options.privateKey,
    ),
    faults: options.faults ?? createFaults('calm', 0, SNOWFLAKE_SITES),
    tuning,
    tickets: new Map(),
    masters: new Map(),
    queries: new Map(),
    storageTokens: new Set(),
    counts: {},
    statements: 0,
    log: [],
    texts: new Set(),
    onText: collector(),
    url: '',
  }

  const server = createServer((request, response) => void handle(running, request, response))
  const listening = await listen(server, options.port)
  const { port } = listening
  running.url = `http://127.0.0.1:${port}`

  return {
    host: '127.0.0.1',
    port,
    url: running.url,
    account: name,
    user,
    warehouse: warehouses[0] ?? '',
    role: roles[0] ?? '',
    database,
    schema: 'PUBLIC',
    privateKeyPem: running.login.privateKeyPem,
    passphrase: running.login.passphrase,
    token,
    clientId,
    clientSecret,
    tokenUrl: `${running.url}/oauth/token-request`,
    stats: () => ({ requests: 0, ...running.counts, statements: running.statements }),
    log: () => [...running.log],
    statements: () => [...running.texts],
    async query(sql) {
      const rows: Awaited<ReturnType<SnowflakeSandbox['query']>>['rows'] = []
      let columns: string[] = []
      for await (const part of streamRows(account, sql)) {
        columns = part.columns
        rows.push(...part.rows)
      }
      return { columns, rows }
    },
    async *stream(sql) {
      for await (const { rows } of streamRows(account, sql)) yield rows
    },
    deny: (privilege, on) => account.rights.deny(privilege, on),
    allow: (privilege, on) => account.rights.allow(privilege, on),
    setParameters: (level, values) => setForLevel(account, level, values),
    suspend(statements) {
      account.suspended = statements
    },
    endToken: (how) => running.login.endToken(how),
    rotateKey: () => running.login.rotateKey(),
    expireSessions(how = 'session') {
      for (const ticket of new Set(running.tickets.values())) {
        if (how === 'gone') void endTicket(running, ticket)
        else ticket.expires = 0
        if (how === 'master') ticket.masterExpires = 0
      }
    },
    lock(table) {
      const [name = '', schema = 'PUBLIC', inDatabase = database] = table.split('.').reverse()
      const holder = `crashed-${table}`
      const key = keyOf({ database: inDatabase, schema, name })
      void account.locks.acquire(key, { holder, queryId: '', table, waitMs: 60_000 })
      return { release: () => account.locks.release(holder) }
    },
    faults: () => running.faults,
    setFaults(plan = createFaults('calm', 0, SNOWFLAKE_SITES)) {
      running.faults = plan
    },
    tune: (changes) => void Object.assign(tuning, changes),
    async close() {
      await listening.close()
      // Their statements must have let go of the database before it closes.
      await Promise.all([...new Set(running.tickets.values())].map((ticket) => endTicket(running, ticket)))
      await Promise.all([...account.open].map((session) => closeSession(account, session)))
      await account.store.save(account.catalog.snapshot())
      account.store.close()
      await account.stages.close()
    },
  }
}

const tuningOf = (options: SnowflakeOptions): Running['tuning'] => ({
  latencyMs: options.latencyMs ?? 0,
  directMs: options.directMs ?? 1000,
  pendingEvery: options.pendingEvery ?? (options.faults ? 3 : 0),
  inlineRows: options.inlineRows ?? 1000,
  tokenSeconds: options.tokenSeconds ?? 600,
  sessionSeconds: options.sessionSeconds ?? 3600,
  bindThreshold: 65_280,
  idleMs: 300_000,
  keepsDefaultCollation: false,
})

async function handle(running: Running, request: IncomingMessage, response: ServerResponse): Promise<void> {
  running.counts.requests = (running.counts.requests ?? 0) + 1
  const exchange: Exchange = { aftermath: undefined, revoke: () => undefined }
  try {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const reply = await route(running, request, Buffer.concat(chunks), exchange).catch(answerInstead)
    await deliver(response, reply, exchange, running.faults, REFUSALS)
  } catch {
    // The fault plan or the client dropped the connection: there is nobody left to answer.
    response.destroy()
  }
}

async function openAccount(
  name: string,
  database: string,
  own: Pick<Account, 'warehouses' | 'roles' | 'idleMs' | 'keepsDefaultCollation'>,
  { file, schemas = [] }: SnowflakeOptions,
): Promise<Account> {
  const store = await openStore(file)
  const rights = createRights()
  const folder = file === undefined ? await mkdtemp(path.join(tmpdir(), 'tieout-stages-')) : `${file}.stages`
  return {
    name,
    store,
    rights,
    catalog: createCatalog(database, rights, schemas, store.saved),
    stages: await openStages(folder, file !== undefined),
    locks: createLocks(),
    ...own,
    parameters: { account: new Map(), user: new Map() },
    suspended: 0,
    versions: new Map(),
    sessions: 0,
    open: new Set(),
    transactions: 0,
    definitions: { last: Promise.resolve() },
  }
}

/** Writes every distinct statement into a file below `TIEOUT_STATEMENTS`, where that is set: one JSON text a line. */
function collector(): (text: string) => void {
  const folder = process.env.TIEOUT_STATEMENTS
  if (!folder) return () => undefined
  mkdirSync(folder, { recursive: true })
  const file = path.join(folder, `snowflake-${process.pid}-${Math.random().toString(36).slice(2)}.jsonl`)
  return (text) => appendFileSync(file, `${JSON.stringify(text)}\n`)
}

/** A thrown answer is an answer; anything else is a request that the sandbox cannot make sense of. */
function answerInstead(error: unknown): Reply {
  if (error instanceof ReplyNow) return error.reply
  if (error instanceof DropNow) throw error
  if (error instanceof SqlError) return refusal(error.code, error.message, error.sqlState)
  return refusal('300002', error instanceof Error ? error.message : 'The request cannot be read.', 'XX000', {}, 500)
}
