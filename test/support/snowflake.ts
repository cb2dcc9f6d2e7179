import { type Connection, createConnection } from '../../nodes/snowflake/client/connection.ts'
import type { SnowflakeOptions } from '../../nodes/snowflake/client/options.ts'
import { createSnowflakeTarget, type SnowflakeTargetOptions } from '../../nodes/snowflake/client/target.ts'
import {
  type SnowflakeOptions as SandboxOptions,
  type SnowflakeSandbox,
  startSnowflake,
  type Value,
} from '../../sandbox/snowflake/server.ts'
import type { SqlTarget } from '../../vendor/warehouse/warehouse.ts'

/** Numbers as texts, so that none depends on its size. */
const asText = (value: Value): Value => (typeof value === 'number' ? String(value) : value)

/** A Snowflake sandbox, and connections to it as the nodes make them. */
export interface SnowflakeFixture {
  readonly sandbox: SnowflakeSandbox
  /** A connection with the right values; those given replace them. Closed with the fixture. */
  connect(options?: Partial<SnowflakeOptions>): Connection
  target(connection: Connection, entity: string, options?: Partial<SnowflakeTargetOptions>): SqlTarget
  /** Rows of a query, run beside the driver; anything else is run as the loader would. */
  rows(sql: string): Promise<Value[][]>
  close(): Promise<void>
}

/** A connection to a sandbox as its loader. */
export const connectTo = (sandbox: SnowflakeSandbox, own: Partial<SnowflakeOptions> = {}): Connection =>
  createConnection({
    account: sandbox.account,
    host: sandbox.host,
    port: sandbox.port,
    protocol: 'http',
    auth: {
      kind: 'keyPair',
      user: sandbox.user,
      privateKey: sandbox.privateKeyPem,
      passphrase: sandbox.passphrase,
    },
    warehouse: sandbox.warehouse,
    role: sandbox.role,
    database: sandbox.database,
    schema: sandbox.schema,
    retryBaseMs: 5,
    timeoutMs: 5000,
    ...own,
  })

export async function startSnowflakeFixture(options: SandboxOptions = {}): Promise<SnowflakeFixture> {
  const sandbox = await startSnowflake(options)
  const open: Connection[] = []
  let admin: Connection | undefined
  const context = { signal: new AbortController().signal, waiting: () => undefined }
  const fixture: SnowflakeFixture = {
    sandbox,
    connect(own = {}) {
      const connection = connectTo(sandbox, own)
      open.push(connection)
      return connection
    },
    target: (connection, entity, own = {}) =>
      createSnowflakeTarget(connection, {
        mode: 'merge',
        database: sandbox.database,
        schema: sandbox.schema,
        pattern: '{database}.{schema}.{entity}',
        ...own,
      })(entity),
    async rows(sql) {
      if (/^\s*(SELECT|WITH)\b/i.test(sql)) return (await sandbox.query(sql)).rows.map((row) => row.map(asText))
      admin ??= fixture.connect()
      const rows = await admin.run({ sql, what: sql }, context)
      return rows.map((row) => Object.values(row) as Value[])
    },
    async close() {
      await Promise.all(open.map((connection) => connection.close()))
      await sandbox.close()
    },
  }
  return fixture
}
