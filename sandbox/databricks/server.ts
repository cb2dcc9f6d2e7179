import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { createFaults, type FaultPlan } from '../faults.ts'
import { DropNow, deliver, type Exchange, type Reply, ReplyNow } from '../http.ts'
import { listen } from '../listen.ts'
import { createCertificates } from '../tls.ts'
import { plain } from './columns.ts'
import { execute, type Rows, streamRows } from './execute.ts'
import { failure, refusals } from './http.ts'
import { createRights } from './rights.ts'
import { route, type Site } from './routes.ts'
import type { LoggedStatement, Running, Tuning } from './service.ts'
import { DATABRICKS_SITES } from './sites.ts'
import { createThriftServer } from './thrift.ts'
import { createTokens } from './tokens.ts'
import { openWarehouse } from './warehouse.ts'

export { DATABRICKS_SITES } from './sites.ts'

export interface DatabricksOptions {
  /** 0, the default, takes a free port. */
  port?: number
  /** Database file to keep the tables in; its volumes lie in `<file>.volumes`. In memory without. */
  file?: string
  /** The one catalog, `main` unless told. */
  catalog?: string
  /** Schemas that are there from the start, each with a volume `staging`; `finance` unless told. */
  schemas?: string[]
  /** Default collation of the catalog, such as UTF8_LCASE; UTF8_BINARY unless told. */
  collation?: string
  /** `false`: a runtime before 16.1, which does not know COLLATE. */
  collations?: boolean
  clientId?: string
  clientSecret?: string
  /** Personal access token. */
  token?: string
  /** Life time of OAuth tokens; an hour unless told. */
  tokenSeconds?: number
  warehousePath?: string
  /** Folder that keeps the CA. */
  ca?: string
  /** Added to every statement. */
  latencyMs?: number
  /** A statement that takes longer is answered as running, and polled; 1000 unless told. */
  directMs?: number
  /** Every n-th statement is answered as running; 3 with `faults`, otherwise 0 for none. */
  pendingEvery?: number
  faults?: FaultPlan
}

/** A value as text, unless it is a boolean or fits a JS number; decimals and bigints are exact text, times UTC text. */
export type Value = string | number | boolean | null

export interface DatabricksSandbox {
  host: string
  port: number
  /** The warehouse's HTTP path. */
  path: string
  clientId: string
  clientSecret: string
  token: string
  caPem: string
  /** Requests of all kinds, statements, and requests by kind such as `execute:merge`. */
  stats(): { requests: number; statements: number } & Record<string, number>
  /** The last statements, oldest first. */
  log(): LoggedStatement[]
  /** What the last sessions were opened with, oldest first. */
  sessions(): readonly Readonly<Record<string, string>>[]
  /** Runs a statement of Databricks' SQL beside the driver: no faults, no rights, not counted. */
  query(sql: string): Promise<{ columns: string[]; rows: Value[][] }>
  /** The same for a query with many rows, a few thousand at a time. */
  stream(sql: string): AsyncGenerator<Value[][]>
  /** Takes a right (`MODIFY`, `SELECT`, `CREATE TABLE`, `CREATE SCHEMA`, `WRITE VOLUME` ..) on a catalog, schema or table. */
  deny(privilege: string, on: string): void
  /** Gives it back; all rights without arguments. */
  allow(privilege?: string, on?: string): void
  faults(): FaultPlan
  /** Replaces the plan; without one nothing goes wrong from now on. */
  setFaults(plan?: FaultPlan): void
  /** The next `statements` fail as on a warehouse that is still starting. */
  coldStart(statements: number): void
  tune(tuning: Partial<Tuning>): void
  close(): Promise<void>
}

/** Starts a Databricks SQL warehouse on this machine, for the vendor's own driver. */
export async function startDatabricks(options: DatabricksOptions = {}): Promise<DatabricksSandbox> {
  const {
    catalog = 'main',
    clientId = 'sandbox-client',
    clientSecret = 'sandbox-secret',
    token = 'dapi-sandbox',
    warehousePath = '/sql/1.0/warehouses/sandbox',
  } = options
  const { warehouse, close } = await openWarehouse({
    file: options.file,
    catalog,
    schemas: options.schemas ?? ['finance'],
    collation: options.collation,
    collations: options.collations ?? true,
  })
  const running: Running = {
    warehouse,
    user: clientId,
    faults: options.faults ?? createFaults('calm', 0, DATABRICKS_SITES),
    tuning: {
      latencyMs: options.latencyMs ?? 0,
      directMs: options.directMs ?? 1000,
      pendingEvery: options.pendingEvery ?? (options.faults ? 3 : 0),
      tokenSeconds: options.tokenSeconds ?? 3600,
    },
    cold: 0,
    counts: {},
    statements: 0,
    log: [],
    sessions: [],
  }
  const tokens = createTokens({ clientId, clientSecret, token, tokenSeconds: () => running.tuning.tokenSeconds })
  const site: Site = { running, tokens, thrift: createThriftServer(), catalog, path: warehousePath, port: 0 }
  const certificates = await createCertificates(options.ca, ['*.cloud.databricks.com', '*.azuredatabricks.net'])

  const server = createServer(certificates, (request, response) => void handle(site, request, response))
  const listening = await listen(server, options.port)
  const { port } = listening
  site.port = port
  const unrestricted = { ...warehouse, rights: createRights() }
  const session = () => ({ catalog, schema: 'default', user: clientId })

  return {
    host: 'localhost',
    port,
    path: warehousePath,
    clientId,
    clientSecret,
    token,
    caPem: certificates.caPem,
    stats: () => ({ requests: 0, ...running.counts, statements: running.statements }),
    log: () => [...running.log],
    sessions: () => [...running.sessions],
    async query(sql) {
      const { rows } = await execute(unrestricted, { sql, session: session() })
      return { columns: rows.names, rows: byRow(rows) }
    },
    async *stream(sql) {
      for await (const rows of streamRows(unrestricted, { sql, session: session() })) yield byRow(rows)
    },
    deny: (privilege, on) => warehouse.rights.deny(privilege, on),
    allow: (privilege, on) => warehouse.rights.allow(privilege, on),
    faults: () => running.faults,
    setFaults(plan = createFaults('calm', 0, DATABRICKS_SITES)) {
      running.faults = plan
    },
    coldStart(statements) {
      running.cold = statements
    },
    tune: (tuning) => void Object.assign(running.tuning, tuning),
    async close() {
      await listening.close()
      // Their statements must have let go of the database before it closes.
      await site.thrift.close()
      await close()
    },
  }
}

async function handle(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { running, tokens } = site
  running.counts.requests = (running.counts.requests ?? 0) + 1
  const exchange: Exchange = { aftermath: undefined, revoke: () => tokens.revoke(request.headers.authorization) }
  try {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const reply = await route(site, request, Buffer.concat(chunks), exchange).catch(answerInstead)
    await deliver(response, reply, exchange, running.faults, refusals)
  } catch {
    // The fault plan or the client dropped the connection: there is nobody left to answer.
    response.destroy()
  }
}

/** A thrown answer is an answer; anything else is a request that the sandbox cannot make sense of. */
function answerInstead(error: unknown): Reply {
  if (error instanceof ReplyNow) return error.reply
  if (error instanceof DropNow) throw error
  return failure(500, 'INTERNAL_ERROR', error instanceof Error ? error.message : 'The request cannot be read.')
}

function byRow(rows: Rows): Value[][] {
  const columns = rows.columns.map((column, index) => column.map((value) => direct(value, rows.types[index] ?? '')))
  return (columns[0] ?? []).map((_, row) => columns.map((column) => column[row] ?? null))
}

function direct(value: unknown, type: string): Value {
  if (value === null || value === undefined) return null
  return typeof value === 'number' || typeof value === 'boolean' ? value : plain(value, type)
}
