/**
 * `node bench/powerbi-day.ts [--rows 2000000] [--json]`: how long Power BI's own limits make a day's rows take, and how long the
 * client takes on the same clock. Only waiting moves that clock; Node-RED is not in it.
 */
import { parseArgs } from 'node:util'
import { createConnection } from '../nodes/powerbi/client/connection.ts'
import { createPowerbiTarget } from '../nodes/powerbi/client/target.ts'
import { startPowerbi } from '../sandbox/powerbi/server.ts'
import type { DataRecord, Schema } from '../sync/contract/message.ts'
import type { WriteRecord } from '../sync/contract/target.ts'

const POST_ROWS = 10_000
const HOUR = 3_600
const MINUTE = 60
/** learn.microsoft.com, push-datasets-limitations; not the client's own constants. */
const LIMITS = { rowsPerHour: 1_000_000, postsPerMinute: 120, postsPerHourWhenBig: 120, bigTableRows: 250_000 }
const RUN = 'day'

const schema: Schema = {
  entity: 'sale',
  key: ['source', 'number'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'number', type: 'string' },
    { name: 'date', type: 'date' },
    { name: 'amount', type: 'decimal(18,2)' },
  ],
}

/** Seconds that the limits force: each post goes as soon as all three windows have room for it. */
function forcedSeconds(rows: number): number {
  const posts: { readonly at: number; readonly rows: number }[] = []
  let stored = 0
  let now = 0
  for (let left = rows; left > 0; left -= POST_ROWS) {
    const size = Math.min(left, POST_ROWS)
    for (;;) {
      const within = (seconds: number) => posts.filter(({ at }) => at > now - seconds)
      const hour = within(HOUR)
      const full =
        hour.reduce((sum, post) => sum + post.rows, 0) + size > LIMITS.rowsPerHour ||
        (stored >= LIMITS.bigTableRows && hour.length >= LIMITS.postsPerHourWhenBig)
      if (full) now = (hour[0]?.at ?? now) + HOUR
      else if (within(MINUTE).length >= LIMITS.postsPerMinute) now = (within(MINUTE)[0]?.at ?? now) + MINUTE
      else break
    }
    posts.push({ at: now, rows: size })
    stored += size
  }
  return now
}

function batch(first: number, size: number): WriteRecord[] {
  return Array.from({ length: size }, (_, i) => {
    const number = String(first + i)
    const record: DataRecord = { _row: i, source: 's', number, date: '2026-03-10', amount: `${first + i}.25` }
    return { record, key: `s|${number}`, read: 1, hash: '' }
  })
}

async function day(rows: number): Promise<{ seconds: number; posts: number; refused: number; stored: number }> {
  let now = Date.parse('2026-03-10T06:00:00Z')
  const began = now
  const clock = {
    now: () => now,
    async wait(ms: number) {
      now += ms
    },
  }
  let refused = 0
  const sandbox = await startPowerbi({
    clock,
    onRequest: ({ status }) => {
      if (status === 429) refused++
    },
  })
  const connection = createConnection({
    clock,
    apiUrl: sandbox.apiUrl,
    ca: sandbox.caPem,
    timeoutMs: 60_000,
    auth: {
      tenant: sandbox.tenant,
      clientId: sandbox.clientId,
      login: { kind: 'secret', secret: sandbox.clientSecret },
      authority: 'https://login.microsoftonline.com',
      loginUrl: sandbox.authorityHost,
      resource: sandbox.resource,
    },
  })
  try {
    const target = createPowerbiTarget(connection, {
      workspace: sandbox.workspace.id,
      dataset: { kind: 'create', name: 'Day {entity}' },
      tables: '{entity}',
      amounts: ['amount'],
      retention: 'None',
      relationships: true,
      changes: 'versions',
      ask: true,
      doubt: 'miss',
      settleMs: 120_000,
      cutTexts: false,
      limits: { rows: POST_ROWS, bytes: 15_000_000 },
    })(schema.entity)
    const context = { signal: new AbortController().signal, waiting: () => undefined }
    const note = { read: async () => undefined, save: async () => undefined }
    for (let first = 0; first < rows; first += POST_ROWS) {
      await target.prepare(schema, { ...context, note, run: RUN, full: false, filled: new Set() })
      const records = batch(first, Math.min(POST_ROWS, rows - first))
      const at = new Date(now).toISOString()
      await target.write({ id: `b${first}`, sync: 's', run: RUN, entity: schema.entity, schema, records, at }, context)
    }
    const posts = await sandbox.posts()
    const stored = posts.reduce((sum, post) => sum + post.rows, 0)
    return { seconds: (now - began) / 1000, posts: posts.length, refused, stored }
  } finally {
    await connection.close()
    await sandbox.close()
  }
}

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '2000000' }, json: { type: 'boolean', default: false } },
})
const rows = Number(values.rows)
const forced = forcedSeconds(rows)
const found = await day(rows)
const ratio = Number((found.seconds / forced).toFixed(4))
const good = ratio <= 1.02 && found.refused === 0 && found.stored === rows
process.stdout.write(
  values.json
    ? `${JSON.stringify({ rows, forcedSeconds: forced, ...found, ratio })}\n`
    : `${rows.toLocaleString('en-US')} rows in ${found.posts} posts: the limits force ${forced} s, the client took ${found.seconds.toFixed(1)} s (ratio ${ratio}, to reach: 1.02), ${found.refused} answers of 429\n`,
)
process.exitCode = good ? 0 : 1
