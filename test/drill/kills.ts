/** `npm run drill`: Node-RED is killed with -9 again and again in mid-run, and in the end the target holds what the books say. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type BookOptions, booksAfter, compareBooks } from '../../demo/books.ts'
import { type Editor, startEditor } from '../../demo/editor.ts'
import type { Address } from '../../demo/ends/end.ts'
import { tableEndsOf } from '../../demo/ends/index.ts'
import { deploy, entrance, environmentOf, type FlowNode, filledIn, readTemplate, runOnce } from '../../demo/job.ts'
import { freePort } from '../../demo/process.ts'
import { tiesBut } from '../../demo/report.ts'
import { type Draw, draws } from '../../sandbox/books/random.ts'
import { DATABRICKS_SITES, type DatabricksSandbox, startDatabricks } from '../../sandbox/databricks/server.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { type History, openHistory } from '../../sandbox/history.ts'
import { startX3, type X3Sandbox, x3FaultSites } from '../../sandbox/x3/server.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { createTrap, KINDS, type Kind, type Moment, type Request, type Sprung, type Trap } from './moments.ts'
import { checkResumed, type Remains, readRemains } from './resume.ts'

const USAGE = 'npm run drill -- [--kills N] [--seed N] [--size small|medium|large] [--faults calm|rough]'
/** Runs that may end before their moment comes, one after the other. */
const MOST_MISSES = 5
const PATIENCE = { small: 120, medium: 600, large: 3600 }
const CATALOG = 'main'
const SCHEMA = 'finance'
const FLOW = 'x3-to-databricks'
const ENDS = tableEndsOf(FLOW)
const SWEEP = { sweep: true }

const optionsSchema = z.object({
  kills: z.coerce.number().int().min(1).default(20),
  seed: z.coerce.number().int().min(0).default(1),
  size: z.enum(['small', 'medium', 'large']).default('small'),
  faults: z.enum(['calm', 'rough']).default('calm'),
})
type Options = z.infer<typeof optionsSchema>

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** What stays up while Node-RED dies. */
interface World {
  readonly options: Options
  readonly books: BookOptions
  readonly history: History
  readonly x3: X3Sandbox
  readonly databricks: DatabricksSandbox
  readonly trap: Trap
  readonly flows: readonly FlowNode[]
  readonly ledger: string
  readonly start: () => Promise<Editor>
  readonly close: () => Promise<void>
}

async function openWorld(options: Options): Promise<World> {
  const home = mkdtempSync(join(tmpdir(), 'tieout-drill-'))
  const books = { seed: options.seed, size: options.size, today: new Date().toISOString().slice(0, 10) }
  const flows = filledIn(readTemplate(FLOW), books, ENDS)
  const ledgers = join(home, 'node-red', 'tieout')
  mkdirSync(ledgers, { recursive: true })
  const history = openHistory(books)
  const x3 = await startX3({ books: history.books, clock: history.clock })
  const databricks = await startDatabricks({ catalog: CATALOG, schemas: [SCHEMA] })
  const plan = (sites: typeof x3FaultSites, seed: number) => createFaults(options.faults, seed, sites)
  const trap = createTrap({
    inner: { x3: plan(x3FaultSites, options.seed), databricks: plan(DATABRICKS_SITES, options.seed + 1) },
    databricks: () => databricks,
    ledgers,
  })
  x3.setFaults(trap.plans.x3)
  databricks.setFaults(trap.plans.databricks)
  const port = await freePort()
  let editor: Editor | undefined
  const env = environmentOf(ENDS, { x3: x3Address(x3), databricks: databricksAddress(databricks) })
  return {
    options,
    books,
    history,
    x3,
    databricks,
    trap,
    flows,
    ledger: join(ledgers, `${flows.find(({ type }) => type === 'sync-ledger')?.id}.db`),
    async start() {
      editor = await startEditor({ dir: join(home, 'node-red'), port, env })
      return editor
    },
    async close() {
      await editor?.stop()
      trap.close()
      await Promise.all([x3.close(), databricks.close()])
      rmSync(home, { recursive: true, force: true })
    },
  }
}

const x3Address = ({ url, folder, clientId, secret, user }: X3Sandbox): Address => ({
  ...{ url, folder, clientId, secret, user },
})
const databricksAddress = ({ host, port, path, clientId, clientSecret, caPem }: DatabricksSandbox): Address => ({
  ...{ host, port, path, clientId, clientSecret, caPem },
  ...{ catalog: CATALOG, schema: SCHEMA, volume: `${CATALOG}.${SCHEMA}.staging` },
})

/** One killed run, and what its successor has to take over. */
interface Killed {
  readonly sprung: Sprung
  readonly remains: Remains
  readonly requests: readonly Request[]
}

/** Starts a run and kills it at the moment; its summary where it ended before the moment came. */
async function killAt(world: World, editor: Editor, moment: Moment, order?: object): Promise<Killed | RunSummary> {
  const { trap, flows, options, ledger } = world
  const gone = once(editor.child.process, 'exit')
  trap.begin()
  const sprung = trap.arm(moment, () => editor.child.process.kill('SIGKILL'))
  const ended = runOnce(editor, entrance(flows), { seconds: PATIENCE[options.size], order })
  // Without its process it never ends.
  ended.catch(() => undefined)
  const first = await Promise.race([sprung, ended])
  trap.disarm()
  if ('run' in first) return first
  await gone
  return { sprung: first, remains: readRemains(ledger), requests: trap.requests() }
}

/** The next moment of a kind: one of the first chances, so that it comes in most runs. */
function choose(draw: Draw, kind: Kind, chances: Readonly<Record<Kind, number>>, misses: number): Moment {
  const most = Math.max(1, Math.floor(chances[kind] / (misses + 1)))
  return { kind, nth: 1 + draw(most), done: draw(2) === 1 }
}

interface Tally {
  readonly kinds: Record<Kind, number>
  days: number
  /** Walks that were seen to go on where they stood. */
  resumed: number
  /** Deletions of the runs that were let end. */
  deleted: number
}

function nextDay({ history, x3 }: World, tally: Tally): void {
  history.day()
  x3.newDay()
  tally.days++
}

/** Kills, and runs on, as often as asked for. Gives the Node-RED that is up at the end. */
async function drill(world: World, tally: Tally): Promise<Editor> {
  const { options, trap, flows } = world
  const draw = draws(options.seed, 0, 0)
  let editor = await world.start()
  await deploy(editor, flows)
  // A first guess; afterwards what the last run had.
  let chances: Readonly<Record<Kind, number>> = { read: 30, send: 15, committed: 15, settle: 15, mark: 1, random: 120 }
  let open: Killed | undefined
  const takeOver = (isWhole: boolean): number => {
    const seen = open ? checkResumed(open.remains, open.requests, trap.requests(), isWhole) : 0
    tally.resumed += seen
    return seen
  }
  for (let kill = 0, misses = 0; kill < options.kills; ) {
    const kind = KINDS[kill % KINDS.length] as Kind
    nextDay(world, tally)
    // Every second run sweeps, so that some are killed while they list keys or delete.
    const order = kill % 2 === 0 ? SWEEP : undefined
    const met = await killAt(world, editor, choose(draw, kind, chances, misses), order)
    if ('run' in met) {
      takeOver(met.state === 'done')
      open = undefined
      chances = { ...trap.chances() }
      check(met)
      tally.deleted += deletedBy(met)
      if (++misses > MOST_MISSES) throw new Error(`no run came to the moment "${kind}"`)
      continue
    }
    takeOver(false)
    misses = 0
    kill++
    tally.kinds[kind]++
    const { sprung, remains } = met
    open = met
    editor = await world.start()
    let then = 'killed again in the next run'
    // Every third time the run that takes over is killed too.
    if (kill % 3 !== 0) {
      trap.begin()
      const summary = await runOnce(editor, entrance(flows), { seconds: PATIENCE[options.size], order })
      tally.deleted += deletedBy(summary)
      check(summary)
      then = `next run ${summary.state}, ${takeOver(summary.state === 'done')} walks seen to go on`
      open = undefined
      chances = { ...trap.chances() }
    }
    say(
      `${String(kill).padStart(3)}  ${kind.padEnd(9)}  ${(remains.run ?? '?').padEnd(12)}  ${sprung.site.padEnd(14)}  ${sprung.what}; ${then}`,
    )
  }
  return editor
}

const deletedBy = ({ entities }: RunSummary): number => entities.reduce((sum, { sweep }) => sum + (sweep?.gone ?? 0), 0)

/** A run may fail of a right that the books take away, and of nothing else. */
function check(summary: RunSummary): void {
  const others = summary.errors.filter(({ code }) => code !== 'x3.right' && code !== 'sync.needs')
  if (others.length > 0) throw new Error(others.map(({ message }) => message).join('\n'))
  const untied = summary.entities.filter(({ ties }) => !ties).map(({ entity, problem }) => `${entity}: ${problem}`)
  if (!tiesBut(summary)) throw new Error(`run ${summary.run} does not tie: ${untied.join('; ')}`)
}

async function main(options: Options): Promise<number> {
  const world = await openWorld(options)
  const { history, x3, databricks, trap, flows } = world
  const tally: Tally = {
    kinds: { read: 0, send: 0, committed: 0, settle: 0, mark: 0, random: 0 },
    days: 0,
    resumed: 0,
    deleted: 0,
  }
  try {
    const editor = await drill(world, tally)
    for (const plan of Object.values(trap.plans)) plan.stop()
    x3.allow()
    history.finish()
    const closing = await runOnce(editor, entrance(flows), { seconds: PATIENCE[options.size], order: SWEEP })
    tally.deleted += deletedBy(closing)
    check(closing)
    const runs = (await editor.call('GET', '/tieout/runs?limit=1000')) as RunSummary[]
    const died = runs.filter(({ state }) => state === 'died').length
    const { missing, extra, different, ...compare } = await compareBooks({
      books: booksAfter({ ...world.books, days: tally.days }),
      flows,
      ends: ENDS,
      address: databricksAddress(databricks),
      async *ask(sql) {
        for await (const some of databricks.stream(sql)) yield* some
      },
    })
    for (const example of compare.examples) say(`  ${example}`)
    const kinds = KINDS.map((kind) => `${tally.kinds[kind]} ${kind}`).join(', ')
    say(
      `${options.kills} kills (${kinds}), ${died} runs died of ${runs.length}, ${tally.days} days, ${tally.resumed} walks seen to go on where they stood, ${tally.deleted} deletions`,
    )
    say(
      `Compared ${compare.records} records, ${compare.rows} rows: ${missing} missing, ${extra} extra, ${different} different; closing run ${closing.state}`,
    )
    const isWell = compare.rows > 0 && missing + extra + different === 0 && closing.state === 'done'
    return isWell && died === options.kills ? 0 : 1
  } finally {
    await world.close()
  }
}

try {
  const { values } = parseArgs({
    options: Object.fromEntries(Object.keys(optionsSchema.shape).map((name) => [name, { type: 'string' as const }])),
  })
  process.exitCode = await main(optionsSchema.parse(values))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`)
  process.exitCode = 1
}
