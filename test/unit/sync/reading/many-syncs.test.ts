import assert from 'node:assert/strict'
import fc from 'fast-check'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import { createBudget } from '../../../../sync/reading/budget.ts'
import { entry, entrySchema, fakeSource, supplier } from '../../../support/fakes.ts'
import { suppliers } from '../../../support/reading-rig.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'
import { waitFor } from '../../../support/wait.ts'

/** Of memory; as much as 4 MB as JSON. */
const MB = 16
/** A page has ten such records. */
const LARGE = 'x'.repeat(64 << 10)

const throttled = (ms: number) => syncError('throttled', 'fake.throttled', 'come back later', { retryAfterMs: ms })

describe('many syncs at a time', () => {
  let rigs: Rig[] = []
  afterEach(async () => {
    for (const one of rigs) await one.close()
    rigs = []
  })

  const started = async (options: Parameters<typeof rig>[0], count: number, name = 'small'): Promise<Rig> => {
    const one = await rig({ entities: suppliers, ...options })
    for (let i = 0; i < count; i++) one.source.put('supplier', supplier(`S${String(i).padStart(3, '0')}`, name))
    rigs.push(one)
    return one
  }
  const bytesOf = (messages: readonly BatchMessage[]): number =>
    messages.reduce((sum, { payload }) => sum + JSON.stringify(payload).length, 0)

  it('a run whose sink waits asks for no page until it goes on', async () => {
    const one = await started({}, 200)
    const asked: number[] = []
    one.source.onPage(async () => {
      // The third page is on its way when the sink begins to wait.
      if (one.source.asked.length === 3) await waitFor(() => asked.length === 1)
      return undefined
    })
    one.target('supplier').onWrite(() => {
      if (asked.push(one.source.asked.length) === 1) throw throttled(300)
    })
    const summary = await one.poll({ limits: { batchRows: 10 } })
    const [, again] = asked
    assert.equal(again, 3, 'pages that were asked for when the sink went on')
    assert.equal(sums(summary, 'supplier').delivered, 200)
  })

  it('what waits for one warehouse keeps no other sync from reading and writing', async () => {
    const budget = createBudget(MB)
    const stop = new AbortController()
    const down = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const one = await started({ budget }, 60, LARGE)
        one.target('supplier').onWrite(() => {
          throw throttled(600_000)
        })
        return { one, run: one.poll({ name: `down${i}`, signal: stop.signal }) }
      }),
    )
    await waitFor(() => down.every(({ one }) => one.sent.length > 0))
    const up = await started({ budget }, 60, LARGE)
    const summary = await up.poll({ name: 'up' })
    assert.equal(sums(summary, 'supplier').delivered, 60)
    // Together not much more than the budget: a page of each.
    const held = down.reduce((sum, { one }) => sum + bytesOf(one.sent), 0)
    assert.ok(held < (MB / 4 + down.length * 0.7) * 2 ** 20, `${held >> 20} MB wait`)
    stop.abort()
    for (const { run } of down) assert.equal((await run).state, 'stopped')
  }).timeout(120_000)

  it('the more run, the smaller are their batches', async () => {
    const budget = createBudget(MB)
    const alone = await started({ budget }, 60, LARGE)
    await alone.poll()
    const others = Array.from({ length: 15 }, (_, i) => budget.join(`other${i}`, () => 0))
    const together = await started({ budget }, 60, LARGE)
    await together.poll()
    const largest = (one: Rig) => Math.max(...one.sent.map(({ payload }) => payload.length))
    assert.deepEqual([largest(alone) > 20, largest(together) <= 4], [true, true])
    for (const other of others) other.leave()
  })

  it('what is read ahead waits while others hold all there is, and goes on once it is first in line', async () => {
    const budget = createBudget(MB)
    const full = budget.join('full', () => MB << 20)
    const entities = { ...suppliers, gl_entry: { schema: entrySchema } }
    const source = Object.assign(fakeSource(entities), { readsAhead: true })
    const one = await started({ budget, entities, source }, 0)
    source.put('gl_entry', entry('E1', '0'))
    let ahead = -1
    source.onPage(async (entity, { walk }) => {
      if (entity !== 'supplier' || walk !== 'empty') return undefined
      // Whatever could be asked for ahead would be asked for now.
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
      ahead = source.asked.filter((asked) => asked.entity === 'gl_entry').length
      return undefined
    })
    const summary = await one.poll()
    assert.deepEqual([ahead, sums(summary, 'gl_entry').delivered], [0, 1])
    full.leave()
  })

  it('all come to their end: random syncs, sinks that wait, that fail and that refuse, sources that fail, stops', async () => {
    const kinds = fc.constantFrom('good', 'good', 'waits', 'fails', 'unread', 'stopped')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ kind: kinds, count: fc.integer({ min: 1, max: 60 }) }), { maxLength: 9 }),
        async (syncs) => {
          const budget = createBudget(MB)
          const runs = await Promise.all(
            syncs.map(async ({ kind, count }, i) => {
              const one = await started({ budget }, count, LARGE)
              const stop = new AbortController()
              let writes = 0
              one.target('supplier').onWrite(() => {
                writes++
                if (kind === 'waits' && writes === 1) throw throttled(5)
                if (kind === 'fails') throw syncError('config', 'fake.broken', 'broken')
                if (kind === 'stopped') stop.abort()
              })
              one.source.onPage((_entity, { cursor }) => {
                if (kind === 'unread' && cursor !== null) throw syncError('config', 'fake.unread', 'no second page')
                return undefined
              })
              const { state } = await one.poll({ name: `s${i}`, signal: stop.signal })
              return { kind, count, state, stored: one.target('supplier').stored.size }
            }),
          )
          for (const { kind, count, state, stored } of runs)
            if (kind === 'good' || kind === 'waits') assert.deepEqual([state, stored], ['done', count])
            else if (kind === 'fails') assert.equal(state, 'failed')
          for (const one of rigs) await one.close()
          rigs = []
        },
      ),
      { numRuns: 10 },
    )
  }).timeout(120_000)
})
