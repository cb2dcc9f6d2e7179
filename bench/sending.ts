/** `npm run bench -- x3-basware`: orders on their way from X3 to Basware, beside a bare script that reads and posts the same. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Editor, HEAP, startEditor } from '../demo/editor.ts'
import { endsOf } from '../demo/ends/index.ts'
import { deploy, entrance, type FlowNode, filledIn, readTemplate, runOnce } from '../demo/job.ts'
import { freePort } from '../demo/process.ts'
import { type Child, startChild } from './child.ts'
import type { FloorSending } from './floor-sending.ts'
import { cpuSeconds, type Figures, type PassOptions, profiling, readPassOptions, report, script } from './passes.ts'
import type { SendingSandbox } from './sending-sandbox.ts'

const SYNC = 'x3-to-basware'
const PATIENCE = 900

interface Options extends PassOptions {
  readonly orders: number
}

function readOptions(args: readonly string[]): Options {
  const { count, ...passes } = readPassOptions(args, { name: 'orders', usual: '1000' })
  return { ...passes, orders: count }
}

type Sandbox = Child<SendingSandbox>
type Opened = Awaited<ReturnType<SendingSandbox['open']>>

/** A fresh Basware for each pass; at its end it must have every order, line and receipt once. */
async function pass(
  { orders, latencyMs }: Options,
  sandbox: Sandbox,
  work: (opened: Opened) => Promise<Pick<Figures, 'wall' | 'cpu'>>,
): Promise<Figures & { readonly orders: number }> {
  const opened = await sandbox.ask('open', { orders, latencyMs })
  const cost = await work(opened)
  const end = await sandbox.ask('end', undefined as never)
  const { wanted, found } = await sandbox.ask('compare', undefined as never)
  if (wanted.join() !== found.join())
    throw new Error(`orders, lines and receipts are ${wanted.join(', ')}, and Basware has ${found.join(', ')}`)
  return { wall: cost.wall, cpu: cost.cpu, requests: end.requests, sandboxCpu: end.cpu, orders: opened.orders }
}

async function floorPass(options: Options, sandbox: Sandbox) {
  const child = startChild<FloorSending>(script('floor-sending'), [...HEAP, ...profiling(options)])
  try {
    return await pass(options, sandbox, async ({ floor }) => {
      await sandbox.ask('begin', undefined as never)
      return await child.ask('run', floor)
    })
  } finally {
    await child.stop()
  }
}

/** Orders alone, whose results are followed behind the run: P2P takes minutes for them. */
const ordersOnly = (node: FlowNode): FlowNode => {
  if (node.type === 'x3-poll') return { ...node, entities: [{ entity: 'purchase_order', filter: '' }] }
  return node.type === 'basware-send' ? { ...node, accounts: [], waitSeconds: 0 } : node
}

async function flowPass(options: Options, sandbox: Sandbox) {
  const dir = mkdtempSync(join(tmpdir(), 'tieout-bench-'))
  let editor: Editor | undefined
  try {
    return await pass(options, sandbox, async ({ environment, books }) => {
      const flows = filledIn(readTemplate('x3-basware'), books, endsOf('basware-to-x3')).map(ordersOnly)
      const env = { ...environment, NODE_OPTIONS: profiling(options).join(' ') }
      editor = await startEditor({ dir, port: await freePort(), env })
      await deploy(editor, flows)
      const cpuBefore = cpuSeconds(editor)
      await sandbox.ask('begin', undefined as never)
      const run = await runOnce(editor, entrance(flows, SYNC), { seconds: PATIENCE })
      const { state, started, ended, errors, entities } = run
      const { typed } = await sandbox.ask('compare', undefined as never)
      if (state !== 'done' || entities[0]?.held !== typed)
        throw new Error(`the run did not end well: ${run.says} ${errors.map(({ message }) => message).join('; ')}`)
      return { wall: (Date.parse(ended) - Date.parse(started)) / 1000, cpu: cpuSeconds(editor) - cpuBefore }
    })
  } finally {
    await editor?.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Prints the figures. Throws an `Error` in words where a pass did not bring every order once. */
export async function benchSending(args: readonly string[]): Promise<void> {
  const options = readOptions(args)
  const sandbox = startChild<SendingSandbox>(script('sending-sandbox'))
  const floors = []
  const flows = []
  try {
    for (let time = 0; time < options.times; time++) {
      floors.push(await floorPass(options, sandbox))
      flows.push(await flowPass(options, sandbox))
    }
  } finally {
    await sandbox.stop()
  }
  report(options, { count: floors[0]?.orders ?? options.orders, what: 'orders', per: 1000 }, floors, flows)
}
