/** One workspace and warehouse: tokens, sessions, statements, REST requests; what may be tried again is. */
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { hostIn } from '../../../vendor/address.ts'
import { orAborted, retrying, within, withSignOfLife } from '../../../vendor/attempts.ts'
import { hostAnswered } from '../../../vendor/hosts.ts'
import { TOTAL_MS } from '../../../vendor/limits.ts'
import { createRetryPolicy, type RetryPolicy } from '../../../vendor/retry-policy.ts'
import type { Route } from '../../../vendor/route.ts'
import { type AuthOptions, createTokens, isRefusedClient } from './auth.ts'
import { connectDriver, type DriverClient, type DriverSession } from './driver.ts'
import { type FailurePoint, toSyncError } from './errors.ts'
import { createHttp, type HttpReply, type HttpRequest } from './http.ts'

export interface DatabricksOptions extends Route {
  /** `adb-123.4.azuredatabricks.net`, or a private link name; no scheme, no port. */
  readonly host: string
  readonly port?: number
  /** HTTP path of the SQL warehouse: `/sql/1.0/warehouses/abc`. */
  readonly path: string
  readonly auth: AuthOptions
  /** Longest wait for one reply of the driver; a long statement is polled, so this bounds a request and not a statement. */
  readonly socketTimeoutMs?: number
  /** Longest REST request in all, default 600,000. */
  readonly totalMs?: number
  /** Longest run of one statement, as the warehouse counts it. */
  readonly statementTimeoutSeconds?: number
  /** How long a starting warehouse is waited for. */
  readonly coldStartMs?: number
  /** First pause before a request is sent again; the later ones double. */
  readonly retryBaseMs?: number
  /** How often one request is sent before a failure that should pass is given on. */
  readonly attempts?: number
  readonly log?: (level: string, message: string) => void
}

export type ResultRow = Readonly<Record<string, unknown>>

export interface Statement {
  readonly sql: string
  /** Named parameters; strings only, because the driver's buffer is spoilt for good by anything it cannot write. */
  readonly parameters?: Readonly<Record<string, string>>
  /** What it does, in the error's words: `MERGE into main.finance.gl_entry`. */
  readonly what: string
  /** `read`: fetches rows. `write`: done twice it must change nothing more, because it is repeated when its outcome is unknown. */
  readonly kind: 'read' | 'write'
  /** For the query history: sync, run, entity. */
  readonly tags?: Readonly<Record<string, string>>
}

export interface Connection {
  /** `databricks://host` */
  readonly address: string
  readonly path: string
  /** Runs one statement to its end; rows for `read`. Waits for a starting warehouse; throws `SyncError`s. */
  run(statement: Statement, context: WriteContext): Promise<readonly ResultRow[]>
  /** A REST request to the workspace with the same token. */
  rest(
    request: Omit<HttpRequest, 'url' | 'headers' | 'signal'> & { readonly path: string },
    context: WriteContext,
  ): Promise<HttpReply>
  /** Statements sent so far. */
  statements(): number
  /** Ends sessions and sockets, within a bound. The connection is not used afterwards. */
  close(): Promise<void>
}

/** A session and the driver's sockets get this long to end; with the server gone the driver alone took 30 s. */
const CLOSE_MS = 1400

export function createConnection(options: DatabricksOptions): Connection {
  const { host, port, url: workspace } = workspaceOf(options.host, options.port)
  const socketTimeoutMs = options.socketTimeoutMs ?? 60_000
  const totalMs = options.totalMs ?? TOTAL_MS
  const http = createHttp({ route: options, timeoutMs: socketTimeoutMs, totalMs })
  const bounds = {
    attempts: options.attempts ?? 6,
    baseMs: options.retryBaseMs ?? 500,
    coldStartMs: options.coldStartMs ?? 600_000,
    lostSession: ({ code }: SyncError) => code === 'databricks.session',
    renewals: ({ code, cause }: SyncError) => (cause.httpStatus === 401 || code === 'databricks.token-refused' ? 4 : 1),
  }
  // two, because a workspace that answers says nothing about its warehouse
  const warehouse = createRetryPolicy({ ...bounds, down: 'warehouse is starting' })
  const api = createRetryPolicy({ ...bounds, down: 'Databricks is not available' })
  const tokens = createTokens({ auth: options.auth, workspace, http })
  const log = (level: string, message: string): void => options.log?.(level, message)
  let client: Promise<DriverClient> | undefined
  /** Sessions at rest. Each statement has one to itself, so that a lost one takes no other statement with it. */
  let idle: DriverSession[] = []
  let sent = 0

  async function openSession(): Promise<DriverSession> {
    client ??= connectDriver({
      host,
      port,
      path: options.path,
      socketTimeoutMs,
      totalMs,
      token: tokens.get,
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
        TIMEZONE: 'UTC',
        STATEMENT_TIMEOUT: String(options.statementTimeoutSeconds ?? 1800),
      },
      queryTags: { application: 'tieout' },
    })
  }

  async function attempt(statement: Statement, signal: AbortSignal): Promise<readonly ResultRow[]> {
    let phase: FailurePoint['phase'] = 'open'
    let session: DriverSession | undefined
    const work = async (): Promise<readonly ResultRow[]> => {
      session = idle.pop() ?? (await openSession())
      hostAnswered(host)
      signal.throwIfAborted()
      phase = 'execute'
      sent += 1
      const operation = await session.executeStatement(statement.sql, {
        ...(statement.parameters ? { namedParameters: { ...statement.parameters } } : {}),
        ...(statement.tags ? { queryTags: { ...statement.tags } } : {}),
      })
      phase = 'finish'
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

  /** Tries again what may be tried again; a refused token is dropped for the next attempt. */
  async function renewing<T>(policy: RetryPolicy, work: () => Promise<T>, context: WriteContext): Promise<T> {
    let issued = tokens.issued()
    return retrying(
      policy,
      async () => {
        issued = tokens.issued()
        await orAborted(tokens.get(), context.signal)
        // counted with the token there: one that came during the work and was refused too would pass for the next one
        issued = tokens.issued()
        return work()
      },
      {
        context,
        log,
        failed(error) {
          if (error.cause.class !== 'auth') return
          if (isRefusedClient(error)) throw error
          tokens.drop(issued)
        },
      },
    )
  }

  const run: Connection['run'] = (statement, context) =>
    withSignOfLife(statement.what, context, () =>
      renewing(warehouse, () => attempt(statement, context.signal), context),
    )

  return {
    address: `databricks://${host}${port === 443 ? '' : `:${port}`}`,
    path: options.path,
    run,
    rest: ({ path, ...request }, context) =>
      withSignOfLife(request.what, context, () =>
        renewing(
          api,
          async () =>
            http.send({
              ...request,
              url: `${workspace}${path}`,
              signal: context.signal,
              headers: {
                authorization: `Bearer ${await tokens.get()}`,
                ...(request.body === undefined
                  ? {}
                  : {
                      'content-type':
                        typeof request.body === 'string' ? 'application/json' : 'application/octet-stream',
                    }),
              },
            }),
          context,
        ),
      ),
    statements: () => sent,
    async close() {
      const closing = client
      idle = []
      client = undefined
      // the driver closes its sessions itself
      await within(Promise.allSettled([http.close(), closing?.then((driver) => driver.close())]), CLOSE_MS)
    },
  }
}

/** Host, port and address of a workspace; its field may hold the whole address. Throws the `config` error of another text. */
export function workspaceOf(
  text: string,
  given = 443,
): { readonly host: string; readonly port: number; readonly url: string } {
  const found = hostIn(text)
  const port = found?.port ?? given
  if (!found || (given !== 443 && port !== given))
    throw syncError(
      'config',
      'databricks.host',
      `The host must be a name such as adb-123.4.azuredatabricks.net, reached by https${found ? `, with the port of the field beside it (${given})` : ''}: ${text.slice(0, 100)}`,
      { field: 'host', hint: 'Copy the server host name from the warehouse, Connection details.' },
    )
  return { host: found.host, port, url: `https://${found.host}${port === 443 ? '' : `:${port}`}` }
}
