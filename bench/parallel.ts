/** `npm run bench -- parallel`: many syncs at a time, with the budget for what is on its way and as if there were none. */
import { parseArgs } from 'node:util'
import { HEAP } from '../demo/editor.ts'
import { startChild } from './child.ts'
import { median } from './measure.ts'
import type { ParallelEngine } from './parallel-engine.ts'
import type { ParallelCommands } from './parallel-flow.ts'
import type { ParallelOrder, ParallelResult } from './parallel-order.ts'
import { say, script } from './passes.ts'
import type { SandboxCommands } from './sandbox.ts'

/** MB that no number of syncs comes near. */
const NO_BUDGET = 100_000
const USUAL = 128
/** MB that may come to the budget, and MB in all. */
const [OVER, MOST] = [150, 600]

const COLUMNS: readonly [string, (one: ParallelResult) => number][] = [
  ['idle, MB', ({ idleMb }) => idleMb],
  ['peak, MB', ({ peakMb }) => peakMb],
  ['wall s', ({ wall }) => wall],
  ['CPU s', ({ cpu }) => cpu],
  ['main thread s', ({ main }) => main],
  ['rows', ({ rows }) => rows],
  ['1st batch s', ({ first }) => first.wall],
  ['its main s', ({ first }) => first.main],
  ['asked by it', ({ first }) => first.own],
  ['by others', ({ first }) => first.others],
]

const padded = (cells: readonly string[]): string => cells.map((text) => text.padStart(14)).join('')

export async function benchParallel(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      syncs: { type: 'string', default: '100' },
      down: { type: 'string', default: '0' },
      rows: { type: 'string', default: '18000' },
      times: { type: 'string', default: '3' },
      flow: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const [syncs, down, rows, times] = [values.syncs, values.down, values.rows, values.times].map(Number) as Numbers
  say(`${syncs} syncs of ${rows} rows, beside ${down} whose warehouse is down\n`)
  say(padded(['budget, MB', ...COLUMNS.map(([title]) => title)]))
  const without: ParallelResult[] = []
  const withIt: ParallelResult[] = []
  const pass = values.flow ? await flowPasses(rows) : { run: enginePass, end: async () => undefined }
  try {
    for (let time = 0; time < times; time++)
      for (const [budget, passes] of [[NO_BUDGET, without] as const, [USUAL, withIt] as const]) {
        const one = await pass.run({ syncs, down, rows, budget })
        passes.push(one)
        say(padded([budget === NO_BUDGET ? 'none' : String(budget), ...COLUMNS.map(([, of]) => of(one).toFixed(1))]))
      }
  } finally {
    await pass.end()
  }
  const found = verdictOf(syncs, without, withIt)
  for (const line of found) say(line)
  if (values.json) say(JSON.stringify({ syncs, down, rows, none: without, budget: withIt }))
}

type Numbers = [syncs: number, down: number, rows: number, times: number]

/** What is to be reached, by medians; seconds by the clock say something only where nobody else computes. */
function verdictOf(syncs: number, without: readonly ParallelResult[], withIt: readonly ParallelResult[]): string[] {
  const of = (passes: readonly ParallelResult[], what: (one: ParallelResult) => number) => median(passes.map(what))
  const ratio = (what: (one: ParallelResult) => number) => (of(withIt, what) / of(without, what)).toFixed(2)
  const over = of(withIt, ({ peakMb, idleMb }) => peakMb - idleMb)
  const turns = of(withIt, ({ first }) => first.others / first.own / syncs)
  return [
    `\npeak: idle and ${over.toFixed(0)} MB (to reach: idle and ${USUAL + OVER}, and under ${MOST} in all)`,
    `with the budget the whole takes ${ratio(({ main }) => main)} of the main thread's time, ${ratio(({ wall }) => wall)} by the clock (to reach: 1.10)`,
    `for each page of one more sync each of the others asked for ${turns.toFixed(2)} until its first batch, which took the main thread ${of(withIt, ({ first }) => first.main).toFixed(1)} s (to reach: 3 s where nobody else computes)`,
  ]
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
