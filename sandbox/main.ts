/** The sandbox as a process: the books, Sage X3 and Databricks as local servers, and a control address. */
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { startControl, type Target } from './control.ts'
import { DATABRICKS_SITES, type DatabricksSandbox, startDatabricks } from './databricks/server.ts'
import { openHistory } from './history.ts'
import { startX3 } from './x3/server.ts'

const usage = `npm run sandbox -- [flags]
  --size small|medium|large|ROWS   how big the books are (small)
  --seed N                         which books (1)
  --today YYYY-MM-DD               the ERP's first day (the real one)
  --faults calm|rough|hostile      what goes wrong (calm)
  --port N                         X3's port (a free one)
  --state DIR                      keep books, secrets and tables over restarts
  --generation current|quantityLines|2021
  --latency-x3 MS                  added to each reply of X3
  --latency-databricks MS          added to each statement
  --prepared                       stop the clock and keep X3's replies, for benches
  --stay                           do not end when standard input does`

const flags = z.object({
  size: z.union([z.enum(['small', 'medium', 'large']), z.coerce.number().int().min(100)]).default('small'),
  seed: z.coerce.number().int().default(1),
  today: z.iso.date().optional(),
  faults: z.enum(['calm', 'rough', 'hostile']).default('calm'),
  port: z.coerce.number().int().min(0).max(65535).default(0),
  state: z.string().optional(),
  generation: z.enum(['current', 'quantityLines', '2021']).default('current'),
  'latency-x3': z.coerce.number().min(0).default(0),
  'latency-databricks': z.coerce.number().min(0).default(0),
  prepared: z.boolean().default(false),
  stay: z.boolean().default(false),
})
type Flags = z.infer<typeof flags>

const catalog = 'main'
const schema = 'finance'

function readFlags(): Flags {
  const text = { type: 'string' } as const
  const yes = { type: 'boolean' } as const
  const options = Object.fromEntries(
    Object.keys(flags.shape).map((name) => [name, name === 'prepared' || name === 'stay' ? yes : text]),
  )
  const { values } = parseArgs({ options, strict: true })
  const parsed = flags.safeParse(values)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`--${issue?.path.join('.')}: ${issue?.message}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function main(chosen: Flags): Promise<void> {
  const { seed, state } = chosen
  const history = openHistory({
    seed,
    size: chosen.size,
    frozen: chosen.prepared,
    ...(chosen.today === undefined ? {} : { today: chosen.today }),
    ...(state === undefined ? {} : { state }),
  })
  // What was read and written belongs to an address: it must be the same after a restart.
  const lastingPort = async (name: string): Promise<number> => {
    const free = state === undefined ? 0 : await freePort()
    return Number(history.secret(name, () => String(free)))
  }
  const secret = (name: string): string => history.secret(name, () => randomBytes(24).toString('base64url'))
  const x3 = await startX3({
    books: history.books,
    clock: history.clock,
    port: chosen.port || (await lastingPort('x3.port')),
    clientId: history.secret('x3.clientId', randomUUID),
    secret: secret('x3.secret'),
    generation: chosen.generation,
    latencyMs: chosen['latency-x3'],
    keepReplies: chosen.prepared,
  })
  const databricks = await startDatabricks({
    port: await lastingPort('databricks.port'),
    ...(state === undefined ? {} : { file: join(state, 'databricks.duckdb'), ca: state }),
    catalog,
    schemas: [schema],
    clientId: history.secret('databricks.clientId', randomUUID),
    clientSecret: secret('databricks.clientSecret'),
    token: history.secret('databricks.token', () => `dapi${randomBytes(16).toString('hex')}`),
    latencyMs: chosen['latency-databricks'],
  })
  const addresses = {
    x3: { url: x3.url, port: x3.port, folder: x3.folder, clientId: x3.clientId, secret: x3.secret, user: x3.user },
    databricks: {
      host: databricks.host,
      port: databricks.port,
      path: databricks.path,
      catalog,
      schema,
      clientId: databricks.clientId,
      clientSecret: databricks.clientSecret,
      token: databricks.token,
      caPem: databricks.caPem,
    },
  }
  const token = randomBytes(24).toString('base64url')
  const control = await startControl({
    history,
    x3,
    databricks: asTarget(databricks),
    addresses,
    token,
  })
  control.setFaults(chosen.faults, seed)

  let ending = false
  const end = (): void => {
    if (ending) return
    ending = true
    Promise.allSettled([control.close(), x3.close(), databricks.close()]).then(() => process.exit(0))
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  // A pipe on standard input is the parent's: it ends when the parent does, however that ended.
  const input = fstatSync(0)
  if (!chosen.stay && (input.isFIFO() || input.isSocket())) process.stdin.resume().on('end', end).on('close', end)
  process.stdout.write(`${JSON.stringify({ control: { url: control.url, token }, ...addresses })}\n`)
}

function asTarget(databricks: DatabricksSandbox): Target {
  return {
    sites: DATABRICKS_SITES,
    stats: () => databricks.stats(),
    statements: () => databricks.stats().statements,
    setFaults(plan, profile) {
      databricks.setFaults(plan)
      // Where things go wrong, some statements are also answered as still running.
      databricks.tune({ pendingEvery: { calm: 0, rough: 3, hostile: 1 }[profile] })
    },
    setLatency: (latencyMs) => databricks.tune({ latencyMs }),
    async *query(sql) {
      for await (const rows of databricks.stream(sql)) yield* rows
    },
  }
}

try {
  if (process.argv.includes('--help')) process.stdout.write(`${usage}\n`)
  else await main(readFlags())
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`)
  process.exit(1)
}
