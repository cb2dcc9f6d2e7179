/** `npm run bench -- basware-x3`: what the flow costs that posts, beside a bare script that does the same to the same invoices. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { comparePostings } from '../demo/compare-postings.ts'
import { type Editor, HEAP, startEditor } from '../demo/editor.ts'
import { endsOf } from '../demo/ends/index.ts'
import { deploy, type Entrance, entrance, filledIn, readTemplate, runOnce } from '../demo/job.ts'
import { freePort, until } from '../demo/process.ts'
import { type Child, startChild } from './child.ts'
import type { FloorPosting } from './floor-posting.ts'
import { cpuSeconds, type Figures, type PassOptions, profiling, readPassOptions, report, script } from './passes.ts'
import type { PostingSandbox } from './posting-sandbox.ts'

const FLOW = 'basware-to-x3'
const PLACE = { sync: FLOW, entity: 'basware_invoice' }
const PATIENCE = 900

interface Options extends PassOptions {
  readonly invoices: number
}

function readOptions(args: readonly string[]): Options {
  const { count, ...passes } = readPassOptions(args, { name: 'invoices', usual: '300' })
  return { ...passes, invoices: count }
}

type Sandbox = Child<PostingSandbox>
type Opened = Awaited<ReturnType<PostingSandbox['open']>>

/** A fresh sandbox for each pass; what stands in X3 at its end must be right. */
async function pass(
  { invoices, latencyMs }: Options,
  sandbox: Sandbox,
  work: (opened: Opened) => Promise<Pick<Figures, 'wall' | 'cpu'>>,
): Promise<Figures> {
  const opened = await sandbox.ask('open', { invoices, latencyMs })
  const cost = await work(opened)
  const end = await sandbox.ask('end', undefined as never)
  const compared = await sandbox.ask('compare', undefined as never)
  checkCompared(compared, invoices)
  return { ...cost, requests: end.requests, sandboxCpu: end.cpu }
}

function checkCompared(found: ReturnType<typeof comparePostings>, invoices: number): void {
  const { posted, examples } = found
  if (posted !== invoices || found.missing + found.extra + found.different > 0)
    throw new Error(`${posted} of ${invoices} invoices were posted once and answered: ${examples.join('; ')}`)
}

async function floorPass(options: Options, sandbox: Sandbox): Promise<Figures> {
  const child = startChild<FloorPosting>(script('floor-posting'), [...HEAP, ...profiling(options)])
  try {
    return await pass(options, sandbox, async ({ floor }) => {
      await sandbox.ask('begin', undefined as never)
      return await child.ask('run', floor)
    })
  } finally {
    await child.stop()
  }
}

async function flowPass(options: Options, sandbox: Sandbox): Promise<Figures> {
  const dir = mkdtempSync(join(tmpdir(), 'tieout-bench-'))
  let editor: Editor | undefined
  try {
    return await pass(options, sandbox, async ({ environment, floor }) => {
      const ends = endsOf(FLOW)
      const flows = filledIn(readTemplate(FLOW), floor.books, ends).map((node) =>
        // As it is shipped: the demo's seconds are for faults.
        node.type === 'x3-post' ? { ...node, lookMinutes: '1, 5, 15', settleMinutes: 20, everyMinutes: 5 } : node,
      )
      const door = entrance(flows)
      const env = { ...environment, NODE_OPTIONS: profiling(options).join(' ') }
      editor = await startEditor({ dir, port: await freePort(), env })
      await deploy(editor, flows)
      await begin(editor, door)
      const cpuBefore = cpuSeconds(editor)
      await sandbox.ask('begin', undefined as never)
      const { state, started, ended, errors } = await runOnce(editor, door, { seconds: PATIENCE })
      if (state !== 'done')
        throw new Error(`the run did not end well: ${errors.map(({ message }) => message).join('; ')}`)
      return { wall: (Date.parse(ended) - Date.parse(started)) / 1000, cpu: cpuSeconds(editor) - cpuBefore }
    })
  } finally {
    await editor?.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** What a person does first: a draft that is found, a start, final journals. */
async function begin(editor: Editor, { ledger }: Entrance): Promise<void> {
  const tell = (path: string, more: object) =>
    editor.call('POST', `/tieout/posting/${path}`, { ledger, ...PLACE, ...more })
  // Flows start some time after they were taken.
  await until('the flow', () =>
    tell('test', { reason: 'bench' }).then(
      () => true,
      () => undefined,
    ),
  )
  await tell('start', { reason: 'bench' })
  await tell('as', { as: 'final', reason: 'bench' })
}

/** Prints the figures. Throws an `Error` in words where a pass did not post everything once. */
export async function benchPosting(args: readonly string[]): Promise<void> {
  const options = readOptions(args)
  const sandbox = startChild<PostingSandbox>(script('posting-sandbox'))
  const floors: Figures[] = []
  const flows: Figures[] = []
  try {
    for (let time = 0; time < options.times; time++) {
      floors.push(await floorPass(options, sandbox))
      flows.push(await flowPass(options, sandbox))
    }
  } finally {
    await sandbox.stop()
  }
  report(options, { count: options.invoices, what: 'invoices', per: 1 }, floors, flows)
}
