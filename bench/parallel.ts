/** `npm run bench -- parallel`: many syncs at a time, with the budget for what is on its way and as if there were none. */
import { parseArgs } from 'node:util'
import { HEAP } from '../demo/editor.ts'
import { startChild } from './child.ts'
import type { ParallelEngine } from './parallel-engine.ts'
import type { ParallelCommands } from './parallel-flow.ts'
import type { ParallelOrder, ParallelResult } from './parallel-order.ts'
import { say, script } from './passes.ts'
import type { SandboxCommands } from './sandbox.ts'

/** MB that no number of syncs comes near. */
const NO_BUDGET = 100_000
const USUAL = 128

const COLUMNS: readonly [string, (one: ParallelResult) => number][] = [
  ['idle, MB', ({ idleMb }) => idleMb],
  ['peak, MB', ({ peakMb }) => peakMb],
  ['wall s', ({ wall }) => wall],
  ['CPU s', ({ cpu }) => cpu],
  ['rows', ({ rows }) => rows],
  ['first batch, s', ({ firstBatch }) => firstBatch],
]

export async function benchParallel(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      syncs: { type: 'string', default: '100' },
      down: { type: 'string', default: '0' },
      rows: { type: 'string', default: '18000' },
      flow: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const [syncs, down, rows] = [Number(values.syncs), Number(values.down), Number(values.rows)]
  say(`${syncs} syncs of ${rows} rows, beside ${down} whose warehouse is down\n`)
  say(['budget, MB', ...COLUMNS.map(([title]) => title)].map((title) => title.padStart(16)).join(''))
  const passes: ParallelResult[] = []
  const pass = values.flow ? await flowPasses(rows) : { run: enginePass, end: async () => undefined }
  try {
    for (const budget of [NO_BUDGET, USUAL]) {
      const one = await pass.run({ syncs, down, rows, budget })
      passes.push(one)
      const cells = [budget === NO_BUDGET ? 'none' : String(budget), ...COLUMNS.map(([, of]) => of(one).toFixed(1))]
      say(cells.map((text) => text.padStart(16)).join(''))
    }
  } finally {
    await pass.end()
  }
  if (values.json) say(JSON.stringify({ syncs, down, rows, none: passes[0], budget: passes[1] }))
}

const FLAGS = [...HEAP, '--expose-gc']

async function enginePass(order: ParallelOrder): Promise<ParallelResult> {
  const child = startChild<ParallelEngine>(script('parallel-engine'), FLAGS)
  try {
    return await child.ask('run', order)
  } finally {
    await child.stop()
  }
}

/** The shipped flow, so many times, between sandboxes. */
async function flowPasses(rows: number) {
  const sandbox = startChild<SandboxCommands>(script('sandbox'))
  const { accounts } = await sandbox.ask('open', { rows, source: 'x3', target: 'databricks' })
  return {
    async run(order: ParallelOrder): Promise<ParallelResult> {
      const addresses = await sandbox.ask('empty', undefined as never)
      const child = startChild<ParallelCommands>(script('parallel-flow'), FLAGS)
      try {
        return await child.ask('run', { ...order, addresses, accounts })
      } finally {
        await child.stop()
      }
    },
    end: () => sandbox.stop(),
  }
}
