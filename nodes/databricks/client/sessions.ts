/** Sessions of the driver, and one statement in one of them. */
import { orAborted, within } from '../../../vendor/attempts.ts'
import { hostAnswered } from '../../../vendor/hosts.ts'
import type { Route } from '../../../vendor/route.ts'
import { connectDriver, type DriverClient, type DriverSession } from './driver.ts'
import { type FailurePoint, toSyncError } from './errors.ts'

export type ResultRow = Readonly<Record<string, unknown>>

export interface Statement {
  readonly sql: string
  /** Named parameters; strings only, because the driver's buffer is spoilt for good by anything it cannot write. */
  readonly parameters?: Readonly<Record<string, string>>
  /** What it does, in the error's words: `MERGE into main.finance.gl_entry`. */
  readonly what: string
  /** `read`: fetches rows. `write`: done twice it must change nothing more, because it is repeated when its outcome is unknown. */
  readonly kind: 'read' | 'write'
  /** In a session in which nothing was written. */
  readonly apart?: true
  /** For the query history: sync, run, entity. */
  readonly tags?: Readonly<Record<string, string>>
  /** Told the id by which Databricks' query history has it. */
  readonly traced?: (id: string) => void
}

/** A session and the driver's sockets get this long to end; with the server gone the driver alone took 30 s. */
export const CLOSE_MS = 1400

export interface SessionsOptions {
  readonly options: Route & { readonly path: string; readonly statementTimeoutSeconds?: number }
  readonly host: string
  readonly port: number
  /** Address of the workspace, for errors. */
  readonly workspace: string
  readonly socketTimeoutMs: number
  readonly totalMs: number
  readonly token: () => Promise<string>
  readonly log: (level: string, message: string) => void
}

export interface Sessions {
  /** Runs one statement, once; throws what it met as a `SyncError`, or the signal's reason. */
  run(statement: Statement, signal: AbortSignal): Promise<readonly ResultRow[]>
  /** Statements sent so far. */
  sent(): number
  close(): Promise<void>
}

export function createSessions(given: SessionsOptions): Sessions {
  const { options, host, port, workspace, socketTimeoutMs, totalMs, token, log } = given
  let client: Promise<DriverClient> | undefined
  /** Sessions at rest. Each statement has one to itself, so that a lost one takes no other statement with it. */
  let idle: DriverSession[] = []
  const wrote = new WeakSet<DriverSession>()
  /** What is read apart needs one that wrote nothing, so that others take one that did first. */
  const rested = ({ apart }: Statement): DriverSession | undefined => {
    const at = idle.findLastIndex((session) => wrote.has(session) !== (apart ?? false))
    return at >= 0 ? idle.splice(at, 1)[0] : apart ? undefined : idle.pop()
  }
  let sent = 0

  async function openSession(): Promise<DriverSession> {
    client ??= connectDriver({
      host,
      port,
      path: options.path,
      socketTimeoutMs,
      totalMs,
      token,
      log,
      route: options,
    })
    const connected = client
    connected.catch(() => {
      if (client === connected) client = undefined
    })
    return (await connected).openSession({
      configuration: {
        ANSI_MODE: 'true',
        // LEGACY and EXCEPTION read some dates otherwise than everybody else does, or fail
        LEGACY_TIME_PARSER_POLICY: 'CORRECTED',
        TIMEZONE: 'UTC',
        STATEMENT_TIMEOUT: String(options.statementTimeoutSeconds ?? 1800),
      },
      queryTags: { application: 'tieout' },
    })
  }

  async function run(statement: Statement, signal: AbortSignal): Promise<readonly ResultRow[]> {
    let phase: FailurePoint['phase'] = 'open'
    let session: DriverSession | undefined
    const work = async (): Promise<readonly ResultRow[]> => {
      session = rested(statement) ?? (await openSession())
      if (statement.kind === 'write') wrote.add(session)
      hostAnswered(host)
      signal.throwIfAborted()
      phase = 'execute'
      sent += 1
      const operation = await session.executeStatement(statement.sql, {
        ...(statement.parameters ? { namedParameters: { ...statement.parameters } } : {}),
        ...(statement.tags ? { queryTags: { ...statement.tags } } : {}),
      })
      phase = 'finish'
      if (statement.kind === 'write') statement.traced?.(operation.id)
      const stop = (): void => void operation.cancel().catch(() => undefined)
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
      try {
        await operation.finished()
        return statement.kind === 'read' ? ((await operation.fetchAll()) as ResultRow[]) : []
      } finally {
        signal.removeEventListener('abort', stop)
        // the outcome is known by now; a failing close only leaves work for the warehouse's own clean-up
        operation
          .close()
          .catch((error: unknown) => log('debug', `close of a statement: ${String((error as Error).message)}`))
      }
    }
    try {
      const rows = await orAborted(work(), signal)
      if (session) idle.push(session)
      return rows
    } catch (error) {
      signal.throwIfAborted()
      const at = { what: statement.what, phase, reads: statement.kind === 'read' }
      const failure = await toSyncError(error, at, { url: workspace, route: options })
      if (failure.code === 'databricks.session') idle = []
      else if (failure.cause.class === 'unknown-outcome') await end(session)
      else if (session) idle.push(session)
      throw failure
    }
  }

  /** Stops what may still run in a session: two MERGEs of one batch at the same moment could both insert a new row. */
  async function end(session: DriverSession | undefined): Promise<void> {
    await within(session?.close() ?? Promise.resolve(), CLOSE_MS)
  }

  return {
    run,
    sent: () => sent,
    async close() {
      const closing = client
      idle = []
      client = undefined
      // the driver closes its sessions itself
      await (await closing)?.close()
    },
  }
}
