/** Many syncs of one engine between sources and targets in memory: what the engine itself keeps, and how turns go round. */
import { setTimeout as delay } from 'node:timers/promises'
import { openLedger } from '../ledger/open.ts'
import { syncError } from '../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../sync/contract/message.ts'
import type { PageRequest, Source } from '../sync/contract/source.ts'
import type { Target } from '../sync/contract/target.ts'
import { budgetOf, createEngine } from '../sync/create.ts'
import { serve } from './child.ts'
import { measure, watchMemory } from './measure.ts'
import { countTurns, type FirstBatch, type ParallelOrder, type ParallelResult } from './parallel-order.ts'

const PAGE = 200
const LINES = 5
const WRITE_MS = 20

const columns = (...names: string[]) => names.map((name) => ({ name, type: 'string' as const }))
const schema: Schema = {
  entity: 'gl_entry',
  key: ['source', 'number'],
  columns: columns('source', 'number', 'company'),
  lists: {
    lines: {
      entity: 'gl_entry_line',
      key: ['source', 'number', 'line'],
      columns: [...columns('source', 'number', 'line', 'currency'), { name: 'amount', type: 'decimal(28,8)' }],
    },
  },
}

const journal = (source: string, number: string, read: number): DataRecord => ({
  ...{ source, number, company: 'C1', _row: 0, _read: read, _stamp: '2026-01-01T00:00:00Z' },
  lines: Array.from({ length: LINES }, (_, line) => {
    const amount = line === LINES - 1 ? `-${(LINES - 1) * 10}.00` : '10.00'
    return { source, number, line: String(line), currency: 'EUR', amount }
  }),
})

function sourceOf(name: string, count: number, asked: (sync: string) => void): Source {
  const readPage = async ({ cursor, nextRead }: PageRequest) => {
    asked(name)
    const from = Number(cursor ?? 0)
    const read = nextRead()
    const records = Array.from({ length: Math.min(PAGE, count - from) }, (_, i) => journal(name, `E${from + i}`, read))
    await delay(0)
    return { records, cursor: from + PAGE < count ? String(from + PAGE) : null }
  }
  const plan = { entity: schema.entity, schema, source: name, walks: ['all'], granularity: 'second' as const }
  return {
    address: `memory://${name}`,
    clock: async () => '2026-03-01T08:00:00Z',
    requests: () => 0,
    plan: async () => ({ ...plan, lagSeconds: 0, overlapSeconds: 0, readPage }),
  }
}

const targetOf = (name: string, isDown: boolean): Target => ({
  address: `memory://${name}`,
  mode: 'merge',
  statements: () => 0,
  prepare: async () => ({
    tables: ['', 'lines'].map((list) => ({ list, name: `${name}${list}`, state: 'empty' as const })),
  }),
  async write() {
    if (isDown) throw syncError('transient', 'memory.down', 'the warehouse is down')
    await delay(WRITE_MS)
  },
})

const commands = {
  async run({ syncs, down, rows, budget }: ParallelOrder): Promise<ParallelResult> {
    const ledger = await openLedger({ file: ':memory:', key: 'bench' })
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const engine = createEngine({ ledger, log, budget: budgetOf(budget) })
    const count = Math.ceil(rows / (1 + LINES))
    const stop = new AbortController()
    const turns = countTurns()
    const run = (name: string, isDown: boolean, sent: () => void = () => undefined) => {
      const ref = { id: name, name }
      const target = targetOf(name, isDown)
      const { signal } = isDown ? stop : new AbortController()
      return engine.poll({
        ...{
          name,
          ref,
          source: sourceOf(name, count, turns.asked),
          entities: [schema.entity],
          sinks: () => [ref],
          signal,
        },
        ...{ mustReport: 'every', mayFilter: false, receiptSeconds: 600, progress: () => undefined },
        send(message) {
          sent()
          const delivered = engine.deliver({ ref, target, message, progress: () => undefined, signal })
          // What failed is in the summary.
          delivered.catch(() => undefined)
        },
      })
    }
    const memory = watchMemory()
    const end = measure()
    const dead = Array.from({ length: down }, (_, i) => run(`down${i}`, true))
    const up = Promise.all(Array.from({ length: syncs }, (_, i) => run(`up${i}`, false)))
    // Until all are going.
    await Promise.race([delay(2000), up])
    const endFirst = turns.of('small')
    let first: FirstBatch | undefined
    await run('small', false, () => {
      first ??= endFirst()
    })
    if (!first) throw new Error('the small sync sent nothing')
    const summaries = await up
    const cost = end()
    const seen = memory()
    for (const { sync, state, says } of summaries)
      if (state !== 'done') throw new Error(`${sync} did not end well: ${says ?? state}`)
    stop.abort()
    await Promise.all(dead)
    await engine.close()
    const written = summaries.flatMap(({ entities }) => entities).reduce((sum, entity) => sum + entity.rows, 0)
    return { ...cost, ...seen, rows: written, first }
  },
}

export type ParallelEngine = typeof commands

serve(commands)
