/** The sandbox as a process: the books, the systems around them as local servers, and a control address. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { startControl } from './control.ts'
import { openHistory } from './history.ts'
import { SERVER_NAMES, SERVERS } from './servers/index.ts'
import type { Ground, RunningServer } from './servers/server.ts'

const usage = `npm run sandbox -- [flags]
  --size small|medium|large|ROWS   how big the books are (small)
  --seed N                         which books (1)
  --today YYYY-MM-DD               the ERP's first day (the real one)
  --faults calm|rough|hostile      what goes wrong (calm)
  --port N                         X3's port (a free one)
  --state DIR                      keep books, secrets and tables over restarts
  --generation current|quantityLines|2021|sage
  --door NAME                      the door of X3 whose faults are played
  --serve NAME,NAME                which servers (all): ${SERVER_NAMES.join(', ')}
  --basware sent|byHand            what stands in Basware at the beginning (sent)
  --prepared                       stop the clock and keep the source's replies, for benches
  --stay                           do not end when standard input does`

const flags = z.object({
  size: z.union([z.enum(['small', 'medium', 'large']), z.coerce.number().int().min(100)]).default('small'),
  seed: z.coerce.number().int().default(1),
  today: z.iso.date().optional(),
  faults: z.enum(['calm', 'rough', 'hostile']).default('calm'),
  port: z.coerce.number().int().min(0).max(65535).default(0),
  state: z.string().optional(),
  generation: z.enum(['current', 'quantityLines', '2021', 'sage']).default('current'),
  door: z.string().default('graphql'),
  serve: z
    .string()
    .default(SERVER_NAMES.join(','))
    .transform((names) => names.split(','))
    .pipe(z.array(z.enum(SERVER_NAMES))),
  basware: z.enum(['sent', 'byHand']).default('sent'),
  prepared: z.boolean().default(false),
  stay: z.boolean().default(false),
})
type Flags = z.infer<typeof flags>

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
  const secret = (name: string): string => history.secret(name, () => randomBytes(24).toString('base64url'))
  const ground: Ground = {
    history,
    folder: state,
    // What was read and written belongs to an address: it must be the same after a restart.
    async port(name) {
      const free = state === undefined ? 0 : await freePort()
      return Number(history.secret(name, () => String(free)))
    },
    secret,
    options: { ...chosen, x3Port: chosen.port },
  }
  const servers: Record<string, RunningServer> = {}
  for (const name of chosen.serve) servers[name] = await SERVERS[name](ground)
  const addresses = Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, server.addresses]))
  const token = randomBytes(24).toString('base64url')
  const control = await startControl({ history, servers, token })
  control.setFaults(chosen.faults, seed)

  let ending = false
  const end = (): void => {
    if (ending) return
    ending = true
    Promise.allSettled([control, ...Object.values(servers)].map((server) => server.close())).then(() => process.exit(0))
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  // A pipe on standard input is the parent's: it ends when the parent does, however that ended.
  const input = fstatSync(0)
  if (!chosen.stay && (input.isFIFO() || input.isSocket())) process.stdin.resume().on('end', end).on('close', end)
  process.stdout.write(`${JSON.stringify({ control: { url: control.url, token }, addresses })}\n`)
}

try {
  if (process.argv.includes('--help')) process.stdout.write(`${usage}\n`)
  else await main(readFlags())
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`)
  process.exit(1)
}
