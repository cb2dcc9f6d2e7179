import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DATABRICKS_SITES, startDatabricks } from '../databricks/server.ts'
import type { Ground, RunningServer } from './server.ts'

const catalog = 'main'
const schema = 'finance'

export async function databricksServer({ history, folder, port, secret }: Ground): Promise<RunningServer> {
  const databricks = await startDatabricks({
    port: await port('databricks.port'),
    ...(folder === undefined ? {} : { file: join(folder, 'databricks.duckdb'), ca: folder }),
    catalog,
    schemas: [schema],
    clientId: history.secret('databricks.clientId', randomUUID),
    clientSecret: secret('databricks.clientSecret'),
    token: history.secret('databricks.token', () => `dapi${randomBytes(16).toString('hex')}`),
  })
  const { host, path, clientId, clientSecret, token, caPem } = databricks
  return {
    addresses: {
      ...{ host, port: databricks.port, path, catalog, schema, volume: `${catalog}.${schema}.staging` },
      ...{ clientId, clientSecret, token, caPem },
    },
    sites: DATABRICKS_SITES,
    stats() {
      const stats = databricks.stats()
      return { ...stats, merges: stats['execute:merge'] ?? 0, files: stats['files-put'] ?? 0 }
    },
    setFaults(plan, profile) {
      databricks.setFaults(plan)
      // Where things go wrong, some statements are also answered as still running.
      databricks.tune({ pendingEvery: { calm: 0, rough: 3, hostile: 1 }[profile] })
    },
    setLatency: (latencyMs) => databricks.tune({ latencyMs }),
    async *query(sql) {
      for await (const rows of databricks.stream(sql)) yield* rows
    },
    close: databricks.close,
  }
}
