import { randomUUID } from 'node:crypto'
import { type SnowflakeOptions, type SnowflakeSandbox, startSnowflake } from '../../sandbox/snowflake/server.ts'

// The driver looks for a cloud around it as soon as it is loaded, and loads a native helper.
process.env.SNOWFLAKE_DISABLE_PLATFORM_DETECTION = 'true'
process.env.SNOWFLAKE_DISABLE_MINICORE = 'true'
process.env.SF_TELEMETRY_DISABLE_CONNECTION_SHAPE = 'true'
const { default: driver } = await import('snowflake-sdk')

const silent = { error: nothing, warn: nothing, info: nothing, debug: nothing, trace: nothing }
function nothing(): void {}

type Configure = Parameters<typeof driver.configure>[0]
const configuration: unknown = { customLogger: silent, jsonColumnVariantParser: JSON.parse }
driver.configure(configuration as Configure)

export type Connection = ReturnType<typeof driver.createConnection>
type ConnectionOptions = Parameters<typeof driver.createConnection>[0]
export type Row = Record<string, unknown>

/** What the driver reports of a failed statement or login. */
export interface Failure {
  message: string
  code: string
  sqlState: string | undefined
}

export interface StatementOptions {
  binds?: unknown[]
  requestId?: string
  fileStream?: Buffer
  parameters?: Readonly<Record<string, unknown>>
  asyncExec?: boolean
  /** Given the statement as soon as it is sent. */
  started?: (statement: Statement) => void
}

export interface Statement {
  getQueryId(): string
  getStatementId(): string
  getNumUpdatedRows(): number | undefined
  cancel(done: (error: unknown) => void): void
}

/** One connection of the vendor's own driver. */
export interface Client {
  connection: Connection
  sql(text: string, options?: StatementOptions): Promise<Row[]>
  /** Runs a statement that must fail, and says how. */
  fails(text: string, options?: StatementOptions): Promise<Failure>
  /** Sends a statement to run by itself. */
  submit(text: string): Promise<{ queryId: string }>
  /** Waits for the rows of such a statement. */
  results(queryId: string): Promise<Row[]>
  /** Rows that a DML statement touched, as the driver counts them. */
  updated(text: string, options?: StatementOptions): Promise<number | undefined>
  put(stage: string, name: string, content: Buffer | string, options?: string): Promise<void>
  close(): Promise<void>
}

/** The sandbox and the vendor's own driver connected to it, without any code of ours between them. */
export interface SnowflakeFixture extends Client {
  sandbox: SnowflakeSandbox
  /** A further connection; key pair unless other options are given. */
  connect(options?: Record<string, unknown>): Promise<Client>
  /** A login that must fail. */
  refused(options?: Record<string, unknown>): Promise<Failure>
  http(path: string, options?: { method?: string; headers?: Record<string, string>; body?: string }): Promise<Response>
  close(): Promise<void>
}

export async function startSnowflakeDriver(options: SnowflakeOptions = {}): Promise<SnowflakeFixture> {
  const sandbox = await startSnowflake(options)
  const clients: Client[] = []

  async function connect(own: Record<string, unknown> = {}): Promise<Client> {
    const { account, user, url, warehouse, database, schema, role } = sandbox
    const given: unknown = {
      ...{ account, accessUrl: url, username: user, warehouse, database, schema, role },
      ...(own.authenticator === undefined
        ? { authenticator: 'SNOWFLAKE_JWT', privateKey: sandbox.privateKeyPem, privateKeyPass: sandbox.passphrase }
        : {}),
      sfRetryMaxLoginRetries: 1,
      ...own,
    }
    const connection = driver.createConnection(given as ConnectionOptions)
    // The promise of connectAsync is kept for a refused login too; its callback tells.
    await new Promise<void>((resolve, reject) => {
      connection.connectAsync((error) => (error ? reject(error) : resolve())).catch(reject)
    })
    const client = clientOf(connection)
    clients.push(client)
    return client
  }

  return {
    sandbox,
    ...(await connect()),
    connect,
    refused: (own) =>
      connect(own).then(() => {
        throw new Error('the login did not fail')
      }, describeFailure),
    http: (path, { method = 'GET', headers = {}, body } = {}) =>
      fetch(sandbox.url + path, { method, headers, ...(body === undefined ? {} : { body }) }),
    async close() {
      await Promise.all(clients.map((client) => client.close()))
      await sandbox.close()
    },
  }
}

function clientOf(connection: Connection): Client {
  function run(text: string, own: StatementOptions = {}): Promise<{ rows: Row[]; statement: Statement }> {
    const { started, ...options } = own
    return new Promise((resolve, reject) => {
      const complete = (error: unknown, statement: unknown, rows: Row[] | undefined) =>
        error ? reject(error) : resolve({ rows: rows ?? [], statement: statement as Statement })
      const given: unknown = { sqlText: text, ...options, complete }
      const statement: unknown = connection.execute(given as Parameters<Connection['execute']>[0])
      started?.(statement as Statement)
    })
  }

  return {
    connection,
    sql: async (text, options) => (await run(text, options)).rows,
    fails: (text, options) =>
      run(text, options).then(({ rows }) => {
        throw new Error(`did not fail but gave ${JSON.stringify(rows)}`)
      }, describeFailure),
    submit: async (text) => ({ queryId: (await run(text, { asyncExec: true })).statement.getQueryId() }),
    results: (queryId) =>
      new Promise((resolve, reject) => {
        const complete = (error: unknown, _: unknown, rows: Row[] | undefined) =>
          error ? reject(error) : resolve(rows ?? [])
        const given: unknown = { queryId, complete }
        void connection.getResultsFromQueryId(given as Parameters<Connection['getResultsFromQueryId']>[0])
      }),
    updated: async (text, options) => (await run(text, options)).statement.getNumUpdatedRows(),
    async put(stage, name, content, options = 'AUTO_COMPRESS = FALSE OVERWRITE = TRUE') {
      const body = Buffer.isBuffer(content) ? content : Buffer.from(content)
      await run(`PUT 'file://${name}' '${stage}' ${options}`, { fileStream: body })
    },
    close: () => new Promise((resolve) => connection.destroy(() => resolve())),
  }
}

/** What a reader needs of the driver's errors. */
export function describeFailure(error: unknown): Failure {
  const found = error as { message?: string; code?: unknown; sqlState?: string }
  return { message: found.message ?? String(error), code: String(found.code), sqlState: found.sqlState }
}

export const newName = (prefix: string) => `${prefix}_${randomUUID().replaceAll('-', '').slice(0, 12).toUpperCase()}`
