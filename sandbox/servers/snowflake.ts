import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { newKey, SNOWFLAKE_SITES, startSnowflake } from '../snowflake/server.ts'
import type { Ground, RunningServer } from './server.ts'

/** Instead of Snowflake's five minutes: nobody wants to wait so long for a session that a fault has left behind. */
const IDLE_MS = 10_000

export async function snowflakeServer({ history, folder, port, secret }: Ground): Promise<RunningServer> {
  const passphrase = secret('snowflake.passphrase')
  const snowflake = await startSnowflake({
    port: await port('snowflake.port'),
    ...(folder === undefined ? {} : { file: join(folder, 'snowflake.duckdb') }),
    privateKey: { pem: history.secret('snowflake.privateKey', () => newKey(passphrase)), passphrase },
    token: history.secret('snowflake.token', () => randomBytes(32).toString('base64url')),
    clientId: history.secret('snowflake.clientId', () => randomBytes(15).toString('base64')),
    clientSecret: secret('snowflake.clientSecret'),
  })
  const { host, account, user, warehouse, role, database, schema, privateKeyPem, token, clientId, clientSecret } =
    snowflake
  return {
    addresses: {
      ...{ host, port: snowflake.port, url: snowflake.url, account, user, warehouse, role, database, schema },
      ...{ privateKeyPem, passphrase, token, clientId, clientSecret, tokenUrl: snowflake.tokenUrl },
    },
    sites: SNOWFLAKE_SITES,
    stats: snowflake.stats,
    setFaults(plan, profile) {
      snowflake.setFaults(plan)
      // Where things go wrong, some statements are also answered as still running.
      snowflake.tune({ pendingEvery: { calm: 0, rough: 3, hostile: 2 }[profile], idleMs: IDLE_MS })
    },
    setLatency: (latencyMs) => snowflake.tune({ latencyMs }),
    async *query(sql) {
      for await (const rows of snowflake.stream(sql)) yield* rows
    },
    close: snowflake.close,
  }
}
