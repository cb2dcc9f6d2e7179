import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { POWERBI_SITES, startPowerbi } from '../powerbi/server.ts'
import type { Ground, RunningServer } from './server.ts'

/** Rows are seen by queries a while after they were taken, as in the service. */
const VISIBLE_AFTER_MS = [100, 900] as const
/** For benches, whose rows come faster than any day's. */
const NO_LIMITS = { rowsPerHour: null, postsPerMinute: null, postsPerHourWhenBig: null, queriesPerMinute: null }

export async function powerbiServer({ history, folder, port, secret, options }: Ground): Promise<RunningServer> {
  const powerbi = await startPowerbi({
    port: await port('powerbi.port'),
    ...(folder === undefined ? {} : { file: join(folder, 'powerbi.duckdb'), ca: folder }),
    tenant: history.secret('powerbi.tenant', randomUUID),
    clientId: history.secret('powerbi.clientId', randomUUID),
    clientSecret: secret('powerbi.clientSecret'),
    workspaces: [{ id: history.secret('powerbi.workspace', randomUUID), name: 'Finance' }],
    tuning: options.prepared ? { limits: NO_LIMITS } : { visibleAfterMs: VISIBLE_AFTER_MS },
  })
  const { authorityHost, apiUrl, caPem, tenant, clientId, clientSecret, workspace } = powerbi
  return {
    addresses: {
      ...{ loginUrl: authorityHost, apiUrl, caPem, tenant, clientId, clientSecret },
      ...{ port: powerbi.port, workspace: workspace.id },
    },
    sites: POWERBI_SITES,
    stats() {
      const stats = powerbi.stats()
      return { ...stats, statements: stats['rows-post'] ?? 0, merges: stats.posts }
    },
    setFaults: (plan) => powerbi.setFaults(plan),
    setLatency: (latencyMs) => powerbi.tune({ latencyMs }),
    async *query(sql) {
      for await (const rows of powerbi.query(sql)) yield* rows
    },
    close: powerbi.close,
  }
}
