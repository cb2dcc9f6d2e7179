import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { BASWARE_SITES, startBasware } from '../basware/server.ts'
import type { Ground, RunningServer } from './server.ts'

/** Until P2P has what the API took, and the API what P2P has: as at Basware, where it is minutes. */
const BETWEEN_LAYERS_MS = 400

export async function baswareServer({ history, folder, port, secret, options }: Ground): Promise<RunningServer> {
  const basware = await startBasware({
    ...{ seed: history.seed, size: history.size, today: history.today, clock: history.clock },
    begins: options.basware ?? 'sent',
    ...(folder === undefined ? {} : { file: join(folder, 'basware.jsonl') }),
    port: await port('basware.port'),
    filesPort: await port('basware.filesPort'),
    clientId: history.secret('basware.clientId', randomUUID),
    clientSecret: secret('basware.clientSecret'),
    password: secret('basware.password'),
    settings: {
      ...{ p2pMs: BETWEEN_LAYERS_MS, publishMs: BETWEEN_LAYERS_MS, statusMs: BETWEEN_LAYERS_MS / 2 },
      // Records come to P2P in any order; it waits a little for what they refer to.
      spreadMs: BETWEEN_LAYERS_MS,
      retriesMs: 5 * BETWEEN_LAYERS_MS,
    },
  })
  const { url, filesUrl, clientId, clientSecret, username, password } = basware
  return {
    addresses: { url, filesUrl, port: basware.port, clientId, clientSecret, username, password },
    sites: BASWARE_SITES,
    stats: basware.stats,
    setFaults: basware.setFaults,
    setLatency: (latencyMs) => basware.tune({ latencyMs }),
    newDay: basware.newDay,
    acts: basware.act,
    close: basware.close,
  }
}
