/** `npm start`: the sandbox and Node-RED, the flow deployed and run; `--once` compares books and target and ends. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunSummary } from '../sync/contract/summary.ts'
import { booksAfter, compareBooks } from './books.ts'
import { type Editor, startEditor } from './editor.ts'
import { endsOf, isTwoWay, posts, type TableEnds, tableEndsOf } from './ends/index.ts'
import { generationOf } from './ends/x3.ts'
import { postingDoor, twoWayDoor } from './ends/x3-ledger.ts'
import { meetFaults } from './further.ts'
import {
  addFlow,
  type Entrance,
  entrance,
  environmentOf,
  type FlowNode,
  filledIn,
  readTemplate,
  runOnce,
} from './job.ts'
import { nextDayFlow } from './next-day.ts'
import { type DemoOptions, readOptions, USAGE } from './options.ts'
import { postingJob } from './posting-job.ts'
import { freePort, until } from './process.ts'
import { countEntities, describeRun, tiesBut } from './report.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'
import { stayEnvironment, variableLines, watched } from './stay.ts'
import { twoWayJob } from './two-way-job.ts'

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** Seconds that a run may take. */
const PATIENCE = { small: 300, medium: 900, large: 5400 }

/** Lists all keys too, since deletions leave no other trace. */
const SWEEP = { sweep: true }

/** The door of X3 whose faults are played: a flow that posts uses its web services too. */
const faultsDoorOf = ({ flow, door }: DemoOptions): string =>
  isTwoWay(flow) ? twoWayDoor(door) : posts(flow) ? postingDoor(door) : door

type Run = (order?: object) => Promise<RunSummary>

/** What every way to run the demo works on. */
interface Scene {
  readonly options: DemoOptions
  readonly home: string
  readonly today: string
  readonly flows: readonly FlowNode[]
  readonly ends: ReturnType<typeof endsOf>
  readonly sandbox: Sandbox
}

async function start(options: DemoOptions): Promise<number> {
  const ends = endsOf(options.flow, options.door)
  const home = options.once ? mkdtempSync(join(tmpdir(), 'tieout-')) : join(process.cwd(), '.tieout')
  mkdirSync(home, { recursive: true })
  const today = firstDay(join(home, 'today'))
  const flows = filledIn(readTemplate(options.flow), { ...options, today }, ends).map((node) =>
    node.type === 'x3-post' ? { ...node, whenAbsent: options.absent } : node,
  )
  const sandbox = await startSandbox(sandboxArguments(options, { home, today, ends }))
  let editor: Editor | undefined
  let stopped = false
  const end = async (): Promise<void> => {
    await editor?.stop()
    await sandbox.stop()
    if (options.once) rmSync(home, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stopped = true
      void end().finally(() => process.exit(options.once ? 1 : 0))
    })
  try {
    editor = await startEditor({
      dir: join(home, 'node-red'),
      port: await freePort(options.port),
      env: options.once ? environmentOf(ends, sandbox.addresses) : stayEnvironment(home, sandbox),
    })
    const scene = { options, home, today, flows, ends, sandbox }
    return await (options.once ? once(scene, editor) : stay(scene, editor))
  } catch (error) {
    // A terminal ends all processes at once: that they did is no fault then.
    if (stopped) return 0
    throw error
  } finally {
    await end()
  }
}

function sandboxArguments(
  options: DemoOptions,
  { home, today, ends }: Pick<Scene, 'home' | 'today' | 'ends'>,
): readonly string[] {
  const { door, flow, size, seed, faults } = options
  return [
    ...['--generation', generationOf(door), '--door', faultsDoorOf(options)],
    ...['--size', size, '--seed', String(seed), '--faults', faults, '--today', today],
    ...['--basware', isTwoWay(flow) ? 'byHand' : 'sent'],
    // A demo that stays up serves what every flow needs, those of earlier starts too.
    ...(options.once ? ['--serve', `${ends.source.server},${ends.target.server}`] : ['--state', join(home, 'sandbox')]),
  ]
}

/** Deploys the flow and does what a person does first; gives the flow as it is deployed. */
async function prepare({ flows, ends, sandbox }: Scene, editor: Editor): Promise<readonly FlowNode[]> {
  const deployed = await addFlow(editor, flows)
  for (const side of [ends.source, ends.target]) {
    if (!side.begin) continue
    const post = (path: string, body: object): Promise<unknown> => editor.call('POST', path, body)
    // Flows start some time after they were taken.
    const done = () =>
      side.begin?.(flows, sandbox.addresses[side.server] ?? {}, post).then(
        () => true,
        () => undefined,
      )
    await until('what a person does first', async () => done(), { seconds: 20, everyMs: 500 })
  }
  return deployed
}

function runner({ options }: Scene, editor: Editor) {
  return async (at: Entrance, order?: object): Promise<RunSummary> => {
    const summary = await runOnce(editor, at, { seconds: PATIENCE[options.size], order })
    say(`${describeRun(summary)}\n`)
    return summary
  }
}

async function once(scene: Scene, editor: Editor): Promise<number> {
  const { options, sandbox, flows, today } = scene
  await prepare(scene, editor)
  const runAt = runner(scene, editor)
  const door = entrance(flows)
  const run: Run = (order) => runAt(door, order)
  if (isTwoWay(options.flow)) return twoWayJob({ options, sandbox, editor, run: runAt, flows, today, say })
  if (posts(options.flow)) return postingJob({ options, sandbox, editor, run, door, today, say })
  return job(options, sandbox, editor, run, { flows, today, ends: tableEndsOf(options.flow, options.door) })
}

/** Stays up until a person ends it, or a process of it ends by itself. */
async function stay(scene: Scene, editor: Editor): Promise<number> {
  const { home, sandbox } = scene
  const lines = variableLines(home, sandbox)
  say(`Editor    ${editor.url}\nUser      ${editor.user}\nPassword  ${editor.password}\n`)
  say(`Every template runs here as it is imported: these variables are set, for the sandbox's systems.\n`)
  say(`${lines.map((line) => `  ${line}`).join('\n')}\n`)
  const work = async (): Promise<number> => {
    const deployed = await prepare(scene, editor)
    await addFlow(editor, nextDayFlow())
    await runner(scene, editor)(entrance(deployed))
    say(`Ctrl+C ends it; what you edit is kept in ${home}.`)
    return new Promise<number>((resolve) => editor.child.process.once('exit', (code) => resolve(code ?? 1)))
  }
  return Promise.race([work(), watched('The sandbox', sandbox)])
}

async function job(
  options: DemoOptions,
  sandbox: Sandbox,
  editor: Editor,
  run: Run,
  { flows, today, ends }: { readonly flows: readonly FlowNode[]; readonly today: string; readonly ends: TableEnds },
): Promise<number> {
  const began = Date.now()
  const runs = [await run()]
  for (let day = 0; day < options.days; day++) {
    await sandbox.day()
    // On every second day, so that some deletions are found at once and some only after more has happened.
    runs.push(await run(day % 2 === 0 ? SWEEP : undefined))
  }
  await meetFaults(
    async () => (await sandbox.state()).faults.pending,
    async () => runs.push(await run({ full: true })),
  )
  await sandbox.finish()
  const closing = await run(SWEEP)
  runs.push(closing)
  const { server } = ends.target
  const compare = await compareBooks({
    books: booksAfter({ ...options, today }),
    flows,
    ends,
    address: sandbox.addresses[server] ?? {},
    ask: (sql) => sandbox.rows(server, sql),
  })
  const state = await sandbox.state()
  for (const example of compare.examples) say(`  ${example}`)
  const ties = tiesBut(closing) && closing.state === 'done' && runs.every(tiesBut)
  const good =
    compare.rows > 0 &&
    compare.missing + compare.extra + compare.different === 0 &&
    ties &&
    state.faults.pending.length === 0
  say(
    `Compared ${compare.records} records, ${compare.rows} rows: ${compare.missing} missing, ${compare.extra} extra, ${compare.different} different; totals ${ties ? 'tie' : 'DO NOT TIE'}, the last run says ${closing.verdict}`,
  )
  if (state.faults.pending.length > 0) say(`Faults that were not met: ${state.faults.pending.join(', ')}`)
  if (options.json) {
    const { records, rows, missing, extra, different } = compare
    say(
      JSON.stringify({
        flow: options.flow,
        door: options.door,
        entities: countEntities(runs),
        compare: { records, rows, missing, extra, different },
        ties,
        verdict: closing.verdict,
        faults: state.faults.met,
        seconds: Math.round((Date.now() - began) / 100) / 10,
        peakRssMb: editor.child.peakRssMb(),
        requests: state.requests[ends.source.server],
        statements: state.statements,
      }),
    )
  }
  return good ? 0 : 1
}

/** The books' first day: that of the first start, so that the books are the same at the next. */
function firstDay(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    const today = new Date().toISOString().slice(0, 10)
    writeFileSync(file, today)
    return today
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function optionsOf(args: readonly string[]): DemoOptions {
  try {
    return readOptions(args)
  } catch (error) {
    throw new Error(`${textOf(error)}\n${USAGE}`)
  }
}

try {
  process.exitCode = await start(optionsOf(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${textOf(error)}\n`)
  process.exitCode = 2
}
