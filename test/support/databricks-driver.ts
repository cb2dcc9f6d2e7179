import { auth, DBSQLClient } from '@databricks/sql'
import { Agent, request } from 'undici'
import { type DatabricksOptions, type DatabricksSandbox, startDatabricks } from '../../sandbox/databricks/server.ts'

type Session = Awaited<ReturnType<DBSQLClient['openSession']>>
type StatementOptions = Parameters<Session['executeStatement']>[1]
export type Row = Record<string, unknown>

/** What a driver or HTTP failure says, whichever of its many classes it has. */
export interface Failure {
  message: string
  sqlState: string | undefined
  status: number | undefined
  code: unknown
}

/** The sandbox and the vendor's own driver connected to it, without any code of ours between them. */
export interface DriverFixture {
  sandbox: DatabricksSandbox
  client: DBSQLClient
  session: Session
  /** Runs a statement to its end and gives its rows. */
  sql(text: string, options?: StatementOptions): Promise<Row[]>
  /** Runs a statement that must fail, and says how. */
  fails(text: string, options?: StatementOptions): Promise<Failure>
  /** A further client whose tokens come from `getToken`. */
  connect(getToken?: () => Promise<string>): Promise<DBSQLClient>
  http(
    path: string,
    options?: { method?: string; token?: string | undefined; body?: string | Buffer },
  ): Promise<HttpReply>
  /** A token by client credentials; the reply where it is refused. */
  grant(secret?: string): Promise<HttpReply>
  close(): Promise<void>
}

export interface HttpReply {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

const silent = { log: () => undefined }

export async function startDriver(options: DatabricksOptions = {}): Promise<DriverFixture> {
  const sandbox = await startDatabricks(options)
  const dispatcher = new Agent({ connect: { ca: sandbox.caPem } })
  const clients: DBSQLClient[] = []

  async function connect(getToken?: () => Promise<string>): Promise<DBSQLClient> {
    const client = new DBSQLClient({ logger: silent })
    // The driver emits what it also rejects with; without a listener that would end the process.
    client.on('error', () => undefined)
    const tokens = getToken && { getToken: async () => new auth.Token(await getToken()), getName: () => 'test' }
    await client.connect({
      host: sandbox.host,
      port: sandbox.port,
      path: sandbox.path,
      customCaCert: sandbox.caPem,
      telemetryEnabled: false,
      socketTimeout: 10_000,
      retryMaxAttempts: 1,
      preserveBigNumericPrecision: true,
      ...(tokens ? { authType: 'token-provider', tokenProvider: tokens } : { token: sandbox.token }),
    })
    clients.push(client)
    return client
  }

  const client = await connect()
  const session = await client.openSession({ initialCatalog: 'main', initialSchema: 'finance' })

  async function sql(text: string, options?: StatementOptions): Promise<Row[]> {
    const operation = await session.executeStatement(text, options)
    try {
      await operation.finished()
      return (await operation.fetchAll()) as Row[]
    } finally {
      await operation.close()
    }
  }

  async function http(
    path: string,
    { method = 'GET', token = sandbox.token, body = '' } = {} as Parameters<DriverFixture['http']>[1] & object,
  ) {
    const headers = { authorization: `Bearer ${token}` }
    const reply = await request(`https://localhost:${sandbox.port}${path}`, {
      method,
      headers,
      dispatcher,
      ...(method === 'GET' ? {} : { body }),
    })
    return { status: reply.statusCode, headers: reply.headers, body: Buffer.from(await reply.body.arrayBuffer()) }
  }

  return {
    sandbox,
    client,
    session,
    sql,
    connect,
    http,
    fails: (text, options) =>
      sql(text, options).then((rows) => {
        throw new Error(`did not fail but gave ${JSON.stringify(rows)}`)
      }, describeFailure),
    async grant(secret = sandbox.clientSecret) {
      const basic = Buffer.from(`${sandbox.clientId}:${secret}`).toString('base64')
      const reply = await request(`https://localhost:${sandbox.port}/oidc/v1/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=client_credentials&scope=all-apis',
        dispatcher,
      })
      return { status: reply.statusCode, headers: reply.headers, body: Buffer.from(await reply.body.arrayBuffer()) }
    },
    async close() {
      await Promise.all(clients.map((open) => open.close().catch(() => undefined)))
      await dispatcher.destroy()
      await sandbox.close()
    },
  }
}

/** The driver throws errors, StatusErrors that are none, and HTTP failures; this is what a reader needs of each. */
export function describeFailure(error: unknown): Failure {
  const found = error as {
    message?: string
    code?: unknown
    statusCode?: number
    response?: { sqlState?: string; headers?: { get(name: string): string | null } }
  }
  const reason = found.statusCode ? found.response?.headers?.get('x-thriftserver-error-message') : undefined
  return {
    message: reason ?? found.message ?? String(error),
    sqlState: found.response?.sqlState,
    status: found.statusCode,
    code: found.code,
  }
}
