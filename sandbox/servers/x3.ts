import { randomUUID } from 'node:crypto'
import { startX3, x3FaultSites } from '../x3/server.ts'
import type { Ground, RunningServer } from './server.ts'

export async function x3Server({ history, port, secret, options }: Ground): Promise<RunningServer> {
  const x3 = await startX3({
    books: history.books,
    clock: history.clock,
    port: options.x3Port || (await port('x3.port')),
    clientId: history.secret('x3.clientId', randomUUID),
    secret: secret('x3.secret'),
    generation: options.generation,
    keepReplies: options.prepared,
  })
  const { url, folder, clientId, user } = x3
  return {
    addresses: { url, port: x3.port, folder, clientId, secret: x3.secret, user },
    sites: x3FaultSites,
    stats: x3.stats,
    setFaults: x3.setFaults,
    setLatency: x3.setLatency,
    newDay: x3.newDay,
    keptRequests: x3.keptRequests,
    rights: { deny: x3.deny, allow: x3.allow, denied: x3.denied },
    close: x3.close,
  }
}
