import { setTimeout as delay } from 'node:timers/promises'
import type { FaultKind, FaultPlan } from '../faults.ts'
import { type Exchange, meetFault, ReplyNow } from '../http.ts'
import { concurrentAppend } from './commits.ts'
import { catalogNotFound, schemaNotFound } from './errors.ts'
import { checkSetting, execute, type Outcome, type Warehouse } from './execute.ts'
import { failure, refusals } from './http.ts'
import { type StatementKind, statementKind } from './sql/statement.ts'
import { hasSchema } from './store.ts'
import type { Service } from './thrift.ts'

/** Settings of the running server. */
export interface Tuning {
  /** Added to every statement. */
  latencyMs: number
  /** A statement that takes longer is answered as running, and polled. */
  directMs: number
  /** Every n-th statement is answered as running however quick it is; 0 never. */
  pendingEvery: number
  /** Life time of OAuth tokens given from now on. */
  tokenSeconds: number
}

/** One statement as the log keeps it; `rows` is what it touched or gave. */
export interface LoggedStatement {
  kind: StatementKind
  text: string
  rows: number
  ms: number
  /** `[CLASS] text SQLSTATE: xxxxx` where it failed. */
  error?: string
}

/** What all requests of one server share. */
export interface Running {
  warehouse: Warehouse
  user: string
  faults: FaultPlan
  tuning: Tuning
  /** Statements left to fail because the warehouse is still starting. */
  cold: number
  /** Requests by kind. */
  counts: Record<string, number>
  statements: number
  log: LoggedStatement[]
  /** Settings of the last sessions, as they were asked for. */
  sessions: Readonly<Record<string, string>>[]
}

const PARAMETER_LIMIT = 256
const PARAMETER_BYTES = 1024 * 1024
const TEXT_BYTES = 16 * 1024 * 1024
const LOG_LENGTH = 500
const LOG_TEXT = 2000

/** Counts a request and plays the fault that is planned for it. */
export async function enter(
  running: Running,
  site: string,
  exchange: Exchange,
  text?: string,
): Promise<FaultKind | undefined> {
  running.counts[site] = (running.counts[site] ?? 0) + 1
  const kind = await meetFault(running.faults, site, exchange, refusals, text)
  const isCold = running.cold > 0 && site.startsWith('execute:')
  if (isCold) running.cold -= 1
  if (kind !== 'cold-start' && !isCold) return kind
  // A warehouse that is starting refuses in both ways; see the facts on cold starts.
  const seen = isCold ? running.cold : (running.faults.met()[`${site}/cold-start`] ?? 0)
  if (seen % 2 === 0)
    throw new ReplyNow(failure(503, 'TEMPORARILY_UNAVAILABLE', 'The warehouse is starting.', { 'retry-after': '1' }))
  return 'cold-start'
}

/** The Thrift service for one request. */
export function createService(running: Running, exchange: Exchange): Service {
  const { warehouse, tuning } = running
  return {
    before: (site, text) => enter(running, site, exchange, text),
    directMs: () => (tuning.pendingEvery > 0 && running.statements % tuning.pendingEvery === 0 ? 0 : tuning.directMs),

    async session(catalog = warehouse.catalog, schema = 'default', settings) {
      if (catalog.toLowerCase() !== warehouse.catalog) throw catalogNotFound(catalog)
      for (const name of Object.keys(settings)) checkSetting(name)
      const connection = await warehouse.instance.connect()
      const exists = await hasSchema({ connection, bound: new Map() }, schema.toLowerCase())
      connection.closeSync()
      if (!exists) throw schemaNotFound(warehouse.catalog, schema)
      running.sessions.push(settings)
      if (running.sessions.length > LOG_LENGTH) running.sessions.shift()
      return { catalog: warehouse.catalog, schema: schema.toLowerCase(), user: running.user }
    },

    admit(sql, parameters) {
      running.statements += 1
      if (parameters.length > PARAMETER_LIMIT) {
        const text = `Parameterized query has too many parameters: ${parameters.length} parameters were given but the limit is ${PARAMETER_LIMIT}.`
        throw new ReplyNow(failure(400, 'BAD_REQUEST', text))
      }
      const bytes = valueBytes(parameters)
      if (bytes > PARAMETER_BYTES) {
        const text = `Parameterized query has too large parameters: ${bytes} bytes were given but the limit is ${PARAMETER_BYTES}.`
        throw new ReplyNow(failure(400, 'BAD_REQUEST', text))
      }
      if (Buffer.byteLength(sql) > TEXT_BYTES) {
        throw new ReplyNow(failure(400, 'BAD_REQUEST', `The statement is longer than ${TEXT_BYTES} bytes.`))
      }
      return `execute:${statementKind(sql)}`
    },

    async run(session, sql, parameters, fault, signal) {
      const started = performance.now()
      const write = (rows: number, error?: unknown) => {
        const ms = Math.round(performance.now() - started)
        const text = sql.slice(0, LOG_TEXT)
        const message = error instanceof Error ? { error: error.message } : {}
        running.log.push({ kind: statementKind(sql), text, rows, ms, ...message })
        if (running.log.length > LOG_LENGTH) running.log.shift()
      }
      try {
        if (tuning.latencyMs > 0) await delay(tuning.latencyMs, undefined, { signal })
        if (fault === 'concurrent-append') throw concurrentAppend()
        const outcome = await execute(warehouse, { sql, session, parameters, signal })
        write(outcome.modified ?? rowCount(outcome))
        return outcome
      } catch (error) {
        write(0, error)
        throw error
      }
    },
  }
}

function rowCount({ rows }: Outcome): number {
  return rows.columns[0]?.length ?? 0
}

function valueBytes(parameters: Parameters<Service['admit']>[1]): number {
  return parameters.reduce((sum, parameter) => sum + Buffer.byteLength(parameter.value?.stringValue ?? ''), 0)
}
