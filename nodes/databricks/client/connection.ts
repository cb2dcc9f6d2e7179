/** One workspace and warehouse: tokens, sessions, statements, REST requests; what may be tried again is. */
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { hostIn } from '../../../vendor/address.ts'
import { orAborted, retrying, within, withSignOfLife } from '../../../vendor/attempts.ts'
import { TOTAL_MS } from '../../../vendor/limits.ts'
import { createRetryPolicy, type RetryPolicy } from '../../../vendor/retry-policy.ts'
import type { Route } from '../../../vendor/route.ts'
import { type AuthOptions, createTokens, isRefusedClient } from './auth.ts'
import { createHttp, type HttpReply, type HttpRequest } from './http.ts'
import { CLOSE_MS, createSessions, type ResultRow, type Statement } from './sessions.ts'

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
  const sessions = createSessions({ options, host, port, workspace, socketTimeoutMs, totalMs, token: tokens.get, log })

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
      renewing(
        warehouse,
        () => sessions.run({ ...statement, traced: (id) => context.traced?.('statement', id) }, context.signal),
        context,
      ),
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
    statements: sessions.sent,
    async close() {
      await within(Promise.allSettled([http.close(), sessions.close()]), CLOSE_MS)
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
