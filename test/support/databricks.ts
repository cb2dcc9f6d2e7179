import { type Connection, createConnection, type DatabricksOptions } from '../../nodes/databricks/client/connection.ts'
import type { DatabricksTargetOptions } from '../../nodes/databricks/client/target.ts'
import { createDatabricksTarget } from '../../nodes/databricks/client/target.ts'
import {
  type DatabricksSandbox,
  type DatabricksOptions as SandboxOptions,
  startDatabricks,
} from '../../sandbox/databricks/server.ts'
import type { SqlTarget } from '../../vendor/warehouse/warehouse.ts'

/** A Databricks sandbox, connections to it as the nodes make them, and what a batch needs. */
export interface DatabricksFixture {
  readonly sandbox: DatabricksSandbox
  /** A connection with the right values; those given replace them. Closed with the fixture. */
  connect(options?: Partial<DatabricksOptions>): Connection
  target(connection: Connection, entity: string, options?: Partial<DatabricksTargetOptions>): SqlTarget
  /** Rows of a query, run beside the driver. */
  rows(sql: string): Promise<readonly unknown[][]>
  close(): Promise<void>
}

export async function startDatabricksFixture(options: SandboxOptions = {}): Promise<DatabricksFixture> {
  const sandbox = await startDatabricks(options)
  const open: Connection[] = []
  return {
    sandbox,
    connect(own = {}) {
      const connection = createConnection({
        host: sandbox.host,
        port: sandbox.port,
        path: sandbox.path,
        ca: sandbox.caPem,
        auth: { kind: 'oauth', clientId: sandbox.clientId, clientSecret: sandbox.clientSecret },
        retryBaseMs: 5,
        socketTimeoutMs: 5000,
        ...own,
      })
      open.push(connection)
      return connection
    },
    target: (connection, entity, own = {}) =>
      createDatabricksTarget(connection, {
        mode: 'merge',
        catalog: 'main',
        schema: 'finance',
        pattern: '{catalog}.{schema}.{entity}',
        volume: 'main.finance.staging',
        ...own,
      })(entity),
    rows: async (sql) => (await sandbox.query(sql)).rows,
    async close() {
      await Promise.all(open.map((connection) => connection.close()))
      await sandbox.close()
    },
  }
}
