/**
 * `npm run drill:basware`: Node-RED is killed with -9 again and again while invoices of Basware go into the ledger of X3, and in the
 * end each stands there once and is answered. With `--flow x3-basware` suppliers, accounts, dimensions and orders of X3 go to Basware
 * besides, the named points are those of that way, and in the end each stands in P2P once. A person is played through the routes that
 * a user has.
 */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect, parseArgs } from 'node:util'
import { z } from 'zod'
import { createAccountant } from '../../demo/accountant.ts'
import { comparePostings, type Posted } from '../../demo/compare-postings.ts'
import { type Editor, startEditor } from '../../demo/editor.ts'
import { COMPANIES } from '../../demo/ends/basware.ts'
import { endsOf, isTwoWay } from '../../demo/ends/index.ts'
import type { Invoice } from '../../demo/expected-postings.ts'
import { deploy, entrance, environmentOf, filledIn, readTemplate, runOnce } from '../../demo/job.ts'
import { freePort } from '../../demo/process.ts'
import { describeHeld } from '../../demo/report.ts'
import { settlePostings } from '../../demo/settle-postings.ts'
import { BASWARE_SITES, startBasware } from '../../sandbox/basware/server.ts'
import { createBooks } from '../../sandbox/books/books.ts'
import { type Draw, draws } from '../../sandbox/books/random.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { openHistory } from '../../sandbox/history.ts'
import { accountantActs } from '../../sandbox/x3/acts.ts'
import { startX3, x3FaultSites } from '../../sandbox/x3/server.ts'
import { SOAP_SITES } from '../../sandbox/x3/soap/door.ts'
import { createTrap, type Moment, POINTS, SPRINGS } from './basware-moments.ts'
import { createSending } from './sending.ts'
import { SENDING } from './sending-moments.ts'

const USAGE =
  'npm run drill:basware -- [--flow basware-to-x3|x3-basware] [--kills N] [--seed N] [--faults calm|rough]   N random kills besides those at named points'
const POSTS = 'basware-to-x3'
const PATIENCE = 180
/** Rounds of new invoices that may end before their moment comes. */
const MOST_MISSES = 6
/** Longer than a kill and the next start take. */
const LATE_COMMIT_MS = 3500
const BETWEEN_LAYERS_MS = 200

const optionsSchema = z.object({
  flow: z.enum([POSTS, 'x3-basware']).default(POSTS),
  kills: z.coerce.number().int().min(0).default(20),
  seed: z.coerce.number().int().min(0).default(1),
  faults: z.enum(['calm', 'rough']).default('calm'),
})
type Options = z.infer<typeof optionsSchema>

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** What stays up while Node-RED dies. */
type World = Awaited<ReturnType<typeof openWorld>>

async function openSystems({ seed, faults, flow }: Options, ledgers: string) {
  const today = new Date().toISOString().slice(0, 10)
  const books = { seed, size: 'small' as const, today }
  const history = openHistory(books)
  const { clock } = history
  const x3 = await startX3({ books: history.books, clock, soap: { shape: 'wide', lateCommitMs: LATE_COMMIT_MS } })
  const settings = { p2pMs: BETWEEN_LAYERS_MS, publishMs: BETWEEN_LAYERS_MS, statusMs: BETWEEN_LAYERS_MS }
  const begins = isTwoWay(flow) ? 'byHand' : 'sent'
  const basware = await startBasware({ ...books, clock, settings, begins })
  const inner = {
    basware: createFaults(faults, seed, BASWARE_SITES),
    x3: createFaults(faults, seed + 1, isTwoWay(flow) ? { ...x3FaultSites, ...SOAP_SITES } : SOAP_SITES),
  }
  const trap = createTrap(inner, ledgers, isTwoWay(flow) ? SENDING : SPRINGS)
  basware.setFaults(trap.plans.basware)
  x3.setFaults(trap.plans.x3)
  const people = accountantActs(x3.soap.accountant, history.books)
  return {
    books,
    history,
    basware,
    x3,
    trap,
    people,
    stopFaults: () => Object.values(inner).forEach((plan) => void plan.stop()),
  }
}

async function openWorld(options: Options) {
  const home = mkdtempSync(join(tmpdir(), 'tieout-drill-'))
  const ledgers = join(home, 'node-red', 'tieout')
  mkdirSync(ledgers, { recursive: true })
  const systems = await openSystems(options, ledgers)
  const { books, basware, x3, trap } = systems
  const ends = endsOf(options.flow)
  const flows = filledIn(readTemplate(options.flow), { ...books }, ends)
  const { url, clientId, clientSecret } = basware
  const { folder, secret, user } = x3
  const env = environmentOf(ends, {
    basware: { url, clientId, clientSecret },
    x3: { url: x3.url, folder, clientId: x3.clientId, secret, user, pool: x3.soap.pool },
  })
  const port = await freePort()
  const approved = new Set<string>()
  return {
    ...systems,
    flows,
    approved,
    door: entrance(flows, isTwoWay(options.flow) ? POSTS : undefined),
    sends: isTwoWay(options.flow),
    invoices: () => (basware.act('documents', {}) as { p2p: readonly Invoice[] }).p2p,
    start: (): Promise<Editor> => startEditor({ dir: join(home, 'node-red'), port, env }),
    async close() {
      trap.close()
      await Promise.all([x3.close(), basware.close()])
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Node-RED, which dies and is started again, and the person before it. */
function createStage(world: World) {
  const { door, flows, history, trap, people, basware, approved } = world
  let editor: Editor | undefined
  let as: 'draft' | 'final' = 'draft'
  const up = (): Editor => {
    if (!editor) throw new Error('Node-RED is not up')
    return editor
  }
  const call: Editor['call'] = (...given) => up().call(...given)
  const accountant = createAccountant({ editor: { call }, say, as: () => as }, door)
  const run = () => runOnce(up(), door, { seconds: PATIENCE })
  const sending = world.sends
    ? createSending({
        ...{ flows, basware, call, say },
        run: (at, order) => runOnce(up(), at, { seconds: PATIENCE, order }),
      })
    : undefined
  /** A run, answers to what is asked, drafts made final where that is how it is done, and what became of it told. */
  const work = async (): Promise<void> => {
    await sending?.work()
    await run()
    if (await accountant.attend()) await run()
    if (as === 'draft') people('finaliseAll', {})
    await call('POST', '/tieout/posting/look', { ledger: door.ledger, sync: door.sync })
    await new Promise((passed) => setTimeout(passed, BETWEEN_LAYERS_MS * 3))
    await call('POST', '/tieout/posting/look', { ledger: door.ledger, sync: door.sync })
  }
  return {
    accountant,
    sending,
    up,
    async start() {
      editor = await world.start()
    },
    /** More of what anybody approves, and of what is surely posted. */
    approve() {
      if (sending) history.day()
      basware.newDay()
      for (const like of ['coded by hand', 'matched order']) basware.act('approve', { count: 2, like })
      for (const { invoiceId, processingStatus, companyCode } of world.invoices())
        if (processingStatus === 'WaitingForTransfer' && COMPANIES.includes(companyCode)) approved.add(invoiceId)
    },
    become(wanted: typeof as) {
      as = wanted
    },
    /** Works, and dies at the moment; undefined where that did not come. */
    async dieAt(moment: Moment): Promise<string | undefined> {
      const { process: child } = up().child
      const gone = once(child, 'exit')
      const sprung = trap.arm(moment, () => child.kill('SIGKILL'))
      const worked = work().then(() => undefined)
      // Without its process it never ends well.
      worked.catch(() => undefined)
      const what = await Promise.race([sprung, worked])
      trap.disarm()
      if (what !== undefined) await gone
      return what
    },
    /** Until nothing is under way. Drafts are made final by X3's accountant. */
    async settle() {
      await sending?.settle()
      const settle = () => settlePostings({ editor: { call }, door, accountant, run })
      await settle()
      if (as === 'final') return
      people('finaliseAll', {})
      await settle()
    },
    stop: async () => editor?.stop(),
  }
}

type Stage = ReturnType<typeof createStage>

/** Kills once at a point, and starts again. */
async function killAt(stage: Stage, point: string, draw: Draw): Promise<string> {
  const few = point === 'random' ? 40 : 3
  for (let miss = 0; miss < MOST_MISSES; miss++) {
    stage.approve()
    const nth = 1 + draw(Math.max(1, few >> miss))
    const what = await stage.dieAt({ point, nth, done: draw(2) === 1 })
    if (what === undefined) continue
    await stage.start()
    return `${what}, chance ${nth}`
  }
  throw new Error(`no run came to the point "${point}"`)
}

/** Gives how often Node-RED was killed. */
async function drill(stage: Stage, { kills, seed, flow }: Options): Promise<number> {
  const draw = draws(seed, 0, 0)
  const random = Array.from({ length: kills }, () => 'random')
  const points = [...(isTwoWay(flow) ? Object.keys(SENDING) : POINTS), ...random]
  let killed = 0
  for (const as of isTwoWay(flow) ? (['final'] as const) : (['draft', 'final'] as const)) {
    stage.become(as)
    await stage.settle()
    const own = points.filter((point, k) => isTwoWay(flow) || point !== 'random' || k % 2 === (as === 'draft' ? 0 : 1))
    for (const point of own) {
      const what = await killAt(stage, point, draw)
      killed++
      say(`${String(killed).padStart(3)}  ${as.padEnd(5)}  ${point.padEnd(20)}  ${what}`)
    }
    await stage.settle()
  }
  return killed
}

/** The exit code: 0 where nothing is doubled or lost. */
async function judge(world: World, stage: Stage, { seed }: Options, killed: number): Promise<number> {
  const { door, books, people, approved } = world
  const path = `/tieout/held?ledger=${door.ledger}&sync=${encodeURIComponent(door.sync)}&limit=1000`
  const held = (await stage.up().call('GET', path)) as {
    readonly key: string
    readonly cause: { readonly code: string; readonly message: string }
  }[]
  const compare = comparePostings({
    books: createBooks({ ...books, now: () => 0 }),
    ...{ seed, approved, ...(world.sends ? { ordersFrom: 'erp' as const } : {}) },
    invoices: world.invoices(),
    posted: people('posted', {}) as readonly Posted[],
    held: new Map(held.map(({ key, cause }) => [key.split('|')[1] ?? '', cause.code])),
  })
  for (const example of compare.examples) say(`  ${example}`)
  const codes = held.map(({ cause }) => cause.code)
  for (const line of describeHeld(held)) say(line)
  // What is wrong with an invoice holds it; that Node-RED died never does.
  const ofKills = codes.filter((code) => code.startsWith('sync.')).length
  const answers = Object.entries(stage.accountant.answers).map(([kind, count]) => `${count} ${kind}`)
  say(`${killed} kills; answers of the person: ${answers.join(', ')}`)
  say(
    `Compared ${compare.invoices} approved invoices with ${compare.journals} journals: ${compare.posted} posted once and answered, ${compare.held} held, ${compare.missing} lost, ${compare.extra} doubled, ${compare.different} different, ${ofKills} held by a kill`,
  )
  const days = world.history.events().filter(({ kind }) => kind === 'day').length
  const isSent = (await stage.sending?.judge({ ...books, seed }, days)) ?? true
  const isWell = isSent && compare.posted > 0 && compare.missing + compare.extra + compare.different + ofKills === 0
  return isWell ? 0 : 1
}

async function main(options: Options): Promise<number> {
  const world = await openWorld(options)
  const stage = createStage(world)
  try {
    await stage.start()
    await deploy(stage.up(), world.flows)
    stage.approve()
    const killed = await drill(stage, options)
    world.stopFaults()
    if (world.sends) world.history.finish()
    await stage.settle()
    return await judge(world, stage, options, killed)
  } finally {
    await stage.stop()
    await world.close()
  }
}

try {
  const { values } = parseArgs({
    options: Object.fromEntries(Object.keys(optionsSchema.shape).map((name) => [name, { type: 'string' as const }])),
  })
  process.exitCode = await main(optionsSchema.parse(values))
} catch (error) {
  process.stderr.write(`${inspect(error)}\n${USAGE}\n`)
  process.exitCode = 1
}
