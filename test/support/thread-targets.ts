/** The warehouses that the whole way can end in. */
import type { Cell } from '../../demo/compare.ts'
import type { Address } from '../../demo/ends/end.ts'
import type { FlowNode } from '../../demo/job.ts'
import { type DatabricksSandbox, startDatabricks } from '../../sandbox/databricks/server.ts'
import type { PowerbiSandbox } from '../../sandbox/powerbi/api.ts'
import { startPowerbi } from '../../sandbox/powerbi/server.ts'
import { type SnowflakeSandbox, startSnowflake } from '../../sandbox/snowflake/server.ts'
import { watchContract } from './powerbi-contract.ts'

export interface ThreadTarget<S> {
  readonly sandbox: S
  /** The template that ends there, and the type of its sink. */
  readonly template: string
  readonly sink: string
  readonly env: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  /** Makes a node of the template that of a job, whose schema has the job's name. */
  fill(node: FlowNode, job: string): void
  address(job: string): Address
  rows(sql: string): Promise<Cell[][]>
  stream(sql: string): AsyncIterable<Cell[]>
  /** Names of the tables of a job that are there, in small letters. */
  tables(job: string): Promise<string[]>
  close(): Promise<void>
}

const tablesIn = (catalog: string, schema: string): string =>
  `select table_name from ${catalog}information_schema.tables where table_schema = '${schema}' order by 1`

export async function toDatabricks(schemas: readonly string[]): Promise<ThreadTarget<DatabricksSandbox>> {
  const sandbox = await startDatabricks({ schemas: [...schemas], clientSecret: 'sandbox-secret-of-databricks' })
  const rows = async (sql: string): Promise<Cell[][]> => (await sandbox.query(sql)).rows
  return {
    sandbox,
    template: 'x3-to-databricks',
    sink: 'databricks-write',
    env: {
      DATABRICKS_HOST: sandbox.host,
      DATABRICKS_PORT: String(sandbox.port),
      DATABRICKS_HTTP_PATH: sandbox.path,
      DATABRICKS_CATALOG: 'main',
      DATABRICKS_CLIENT_ID: sandbox.clientId,
      DATABRICKS_CLIENT_SECRET: sandbox.clientSecret,
      DATABRICKS_CA: sandbox.caPem,
    },
    secrets: [sandbox.clientSecret, sandbox.token],
    fill(node, job) {
      if (node.type === 'databricks-connection')
        Object.assign(node, {
          port: '${DATABRICKS_PORT}',
          ca: '${DATABRICKS_CA}',
          schema: job,
          volume: `main.${job}.staging`,
        })
    },
    address: (job) => ({ catalog: 'main', schema: job }),
    rows,
    async *stream(sql) {
      for await (const some of sandbox.stream(sql)) yield* some
    },
    tables: async (job) => (await rows(tablesIn('', job))).map(([table]) => String(table)),
    close: () => sandbox.close(),
  }
}

export async function toSnowflake(schemas: readonly string[]): Promise<ThreadTarget<SnowflakeSandbox>> {
  const sandbox = await startSnowflake({ schemas: schemas.map((name) => name.toUpperCase()) })
  const rows = async (sql: string): Promise<Cell[][]> => (await sandbox.query(sql)).rows as Cell[][]
  return {
    sandbox,
    template: 'x3-to-snowflake',
    sink: 'snowflake-merge',
    env: {
      SNOWFLAKE_ACCOUNT: sandbox.account,
      SNOWFLAKE_HOST: sandbox.host,
      SNOWFLAKE_PORT: String(sandbox.port),
      SNOWFLAKE_USER: sandbox.user,
      SNOWFLAKE_ROLE: sandbox.role,
      SNOWFLAKE_WAREHOUSE: sandbox.warehouse,
      SNOWFLAKE_DATABASE: sandbox.database,
      SNOWFLAKE_PRIVATE_KEY: sandbox.privateKeyPem,
      SNOWFLAKE_PASSPHRASE: sandbox.passphrase,
    },
    secrets: [sandbox.passphrase, sandbox.token, sandbox.privateKeyPem.split('\n')[1] ?? ''],
    fill(node, job) {
      if (node.type === 'snowflake-connection')
        Object.assign(node, {
          host: '${SNOWFLAKE_HOST}',
          port: '${SNOWFLAKE_PORT}',
          protocol: 'http',
          schema: job,
        })
    },
    address: (job) => ({ database: sandbox.database, schema: job.toUpperCase() }),
    rows,
    async *stream(sql) {
      for await (const some of sandbox.stream(sql)) yield* some as Cell[][]
    },
    tables: async (job) =>
      (await rows(tablesIn(`${sandbox.database}.`, job.toUpperCase()))).map(([table]) => String(table).toLowerCase()),
    close: () => sandbox.close(),
  }
}

/** Each job has a workspace of its name. */
export async function toPowerbi(workspaces: readonly string[]): Promise<ThreadTarget<PowerbiSandbox>> {
  const contract = watchContract()
  const sandbox = await startPowerbi({
    onRequest: contract.onRequest,
    clientSecret: 'sandbox-secret-of-power-bi',
    workspaces: workspaces.map((name) => ({ name })),
  })
  const idOf = (job: string): string => sandbox.workspaces().find(({ name }) => name === job)?.id ?? ''
  async function* stream(sql: string): AsyncIterable<Cell[]> {
    for await (const some of sandbox.query(sql)) yield* some as Cell[][]
  }
  const rows = async (sql: string): Promise<Cell[][]> => {
    const found: Cell[][] = []
    for await (const row of stream(sql)) found.push(row)
    return found
  }
  return {
    sandbox,
    template: 'x3-to-powerbi',
    sink: 'powerbi-push',
    env: {
      POWERBI_TENANT: sandbox.tenant,
      POWERBI_CLIENT_ID: sandbox.clientId,
      POWERBI_CLIENT_SECRET: sandbox.clientSecret,
      POWERBI_WORKSPACE: sandbox.workspace.id,
      POWERBI_API: sandbox.apiUrl,
      POWERBI_LOGIN: sandbox.authorityHost,
      POWERBI_CA: sandbox.caPem,
    },
    secrets: [sandbox.clientSecret, sandbox.privateKeyPem.split('\n')[1] ?? ''],
    fill(node, job) {
      if (node.type === 'powerbi-connection')
        Object.assign(node, {
          apiUrl: '${POWERBI_API}',
          loginUrl: '${POWERBI_LOGIN}',
          ca: '${POWERBI_CA}',
          timeoutSeconds: 2,
          retryMinutes: 0.05,
        })
      if (node.type === 'powerbi-push') Object.assign(node, { workspace: idOf(job), settleSeconds: 0.5 })
    },
    address: (job) => ({ workspace: idOf(job) }),
    rows,
    stream,
    tables: async (job) =>
      sandbox
        .datasets()
        .filter(({ workspace }) => workspace === idOf(job))
        .flatMap(({ tables }) => tables.map(({ name }) => name)),
    async close() {
      await sandbox.close()
      contract.check()
    },
  }
}
