/** `npm run bench -- parallel`: many syncs at a time, with the budget for what is on its way and as if there were none. */
import { parseArgs } from 'node:util'
import { HEAP } from '../demo/editor.ts'
import { startChild } from './child.ts'
import type { ParallelCommands, ParallelResult } from './parallel-flow.ts'
import { say, script } from './passes.ts'
import type { SandboxCommands } from './sandbox.ts'

/** MB that no sync comes near. */
const NO_BUDGET = '100000'

export async function benchParallel(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      syncs: { type: 'string', default: '100' },
      down: { type: 'string', default: '0' },
      rows: { type: 'string', default: '10000' },
      budgets: { type: 'string', default: `${NO_BUDGET},` },
      json: { type: 'boolean', default: false },
    },
  })
  const [syncs, down, rows] = [Number(values.syncs), Number(values.down), Number(values.rows)]
  const sandbox = startChild<SandboxCommands>(script('sandbox'))
  const found: Record<string, ParallelResult> = {}
  try {
    const { accounts } = await sandbox.ask('open', { rows, source: 'x3', target: 'databricks' })
    for (const budget of values.budgets.split(',')) {
      const addresses = await sandbox.ask('empty', undefined as never)
      process.env.TIEOUT_BUDGET_MB = budget
      const child = startChild<ParallelCommands>(script('parallel-flow'), [...HEAP, '--expose-gc'])
      try {
        found[budget || 'default'] = await child.ask('run', { addresses, accounts, syncs, down })
      } finally {
        await child.stop()
      }
    }
  } finally {
    await sandbox.stop()
  }
  say(`${syncs} syncs of ${rows} rows, beside ${down} whose warehouse is down\n`)
  const line = (title: string, of: (one: ParallelResult) => number): void =>
    say(
      `${title.padEnd(36)}${Object.values(found)
        .map((one) => of(one).toFixed(1).padStart(12))
        .join('')}`,
    )
  say(
    `${'budget, MB'.padEnd(36)}${Object.keys(found)
      .map((name) => (name === NO_BUDGET ? 'none' : name).padStart(12))
      .join('')}`,
  )
  line('idle, MB', ({ idleMb }) => idleMb)
  line('peak, MB', ({ peakMb }) => peakMb)
  line('wall seconds', ({ wall }) => wall)
  line('CPU seconds', ({ cpu }) => cpu)
  line('rows', (one) => one.rows)
  line("seconds to a small sync's first batch", ({ firstBatch }) => firstBatch)
  if (values.json) say(JSON.stringify({ syncs, down, rows, ...found }))
}
