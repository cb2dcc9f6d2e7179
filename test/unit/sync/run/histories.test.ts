import assert from 'node:assert/strict'
import fc from 'fast-check'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { Row } from '../../../../sync/contract/message.ts'
import { entry, entrySchema, type FakeTarget, fakeSource } from '../../../support/fakes.ts'
import { ledgerFolder } from '../../../support/ledger.ts'
import { rig, sums } from '../../../support/rig.ts'

const entities = { gl_entry: { schema: entrySchema, pageSize: 4, overlapSeconds: 30 } }

/** What may happen between and during runs. */
const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      number: fc.nat(11),
      amount: fc.nat(3),
      late: fc.nat(25),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('run' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deletion' as const), number: fc.nat(11) }) },
  // As it was, its stamp too: only a sweep can see it.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restoration' as const), number: fc.nat(11) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('deletion while listing' as const), number: fc.nat(11), at: fc.nat(2) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('made anew while it is deleted' as const), number: fc.nat(11) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('failing page' as const), at: fc.nat(4) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('failing write' as const), at: fc.nat(3), after: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('failing ledger' as const), at: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), at: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('new ledger' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clock' as const), jump: fc.constantFrom(-900, 900) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('change while reading' as const), number: fc.nat(11), amount: fc.nat(3) }),
  },
)

describe('whatever happens', () => {
  it('in the end the target holds what the source holds, to the cent, and the last run ties', async function () {
    this.timeout(120_000)
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 3, maxLength: 25 }),
        fc.infiniteStream(fc.boolean()),
        async (events, coins) => {
          const folder = ledgerFolder()
          const source = fakeSource(entities)
          const targets = new Map<string, FakeTarget>()
          let files = 0
          let [time, shift] = [Date.parse('2026-03-01T08:00:00Z'), 0]
          const stamp = (ago = 0) => `${new Date(time + shift - ago * 1000).toISOString().slice(0, 19)}Z`
          const open = () => rig({ entities, source, targets, file: `${folder.file}.${files}`, now: () => time })
          const pass = (seconds: number) => {
            time += seconds * 1000
            source.clockIs(stamp())
          }
          const put = (number: number, amount: number, ago = 0) =>
            source.put('gl_entry', entry(`E${number}`, `${amount}.01`, `-${amount}.01`), stamp(ago))
          let r = await open()
          const removed = new Map<string, { row: Row; stamp: string | null }>()
          const remove = (number: number) => {
            const key = `erp|E${number}`
            const there = source.has('gl_entry', key)
            if (!there) return
            removed.set(key, there)
            source.remove('gl_entry', key)
          }
          const poll = async (sweeps = coins.next().value as boolean) => {
            return r.poll({
              limits: { batchRows: 9 },
              // So few records that all of them may be gone.
              ...(sweeps ? { sweep: { since: null, confirm: ['gl_entry'] } } : {}),
              targets: async (entity) => [{ ref: { id: 'w', name: 'w' }, target: r.target(entity) }],
            })
          }
          try {
            pass(0)
            for (const e of events) {
              const { ledger } = r
              let n = 0
              const boom = () => syncError('config', 'test.fault', 'a planted fault')
              switch (e.kind) {
                case 'change':
                  // Visible later than its stamp, but within the overlap.
                  put(e.number, e.amount, e.late)
                  pass(1)
                  break
                case 'deletion':
                  remove(e.number)
                  break
                case 'restoration': {
                  const was = removed.get(`erp|E${e.number}`)
                  if (was && !source.has('gl_entry', `erp|E${e.number}`)) source.put('gl_entry', was.row, was.stamp)
                  break
                }
                case 'deletion while listing':
                  source.onList(() => {
                    if (n++ === e.at) remove(e.number)
                    return undefined
                  })
                  await poll(true)
                  break
                case 'made anew while it is deleted':
                  remove(e.number)
                  source.onKeys(() => {
                    if (n++ > 0) return
                    pass(1)
                    put(e.number, 3)
                  })
                  await poll(true)
                  break
                case 'change while reading':
                  source.onPage(() => {
                    if (n++ === 0) {
                      pass(2)
                      put(e.number, e.amount)
                    }
                    return undefined
                  })
                  await poll()
                  break
                case 'failing page':
                  source.onPage(() => {
                    if (n++ === e.at) throw boom()
                    return undefined
                  })
                  await poll()
                  break
                case 'failing write':
                  r.target('gl_entry').onWrite((batch) => {
                    if (n++ !== e.at) return
                    if (e.after)
                      for (const w of batch.records) {
                        if (w.record._op === 'delete') r.target('gl_entry').stored.delete(w.key)
                        else r.target('gl_entry').stored.set(w.key, { ...w, run: batch.run })
                      }
                    throw boom()
                  })
                  await poll()
                  break
                case 'failing ledger': {
                  const commit = ledger.commit
                  ledger.commit = async (c) => {
                    if (n++ === e.at) throw boom()
                    return commit(c)
                  }
                  await poll()
                  ledger.commit = commit
                  break
                }
                case 'stop': {
                  const stop = new AbortController()
                  source.onPage(() => {
                    if (n++ === e.at) stop.abort()
                    return undefined
                  })
                  await r.poll({ limits: { batchRows: 9 }, signal: stop.signal })
                  break
                }
                case 'restart':
                case 'new ledger':
                  await r.close()
                  if (e.kind === 'new ledger') files++
                  r = await open()
                  // Its first sweep asks the target, and knows from then on.
                  if (e.kind === 'new ledger') {
                    pass(60)
                    await poll(true)
                  }
                  break
                case 'clock':
                  // Once: set back and forward again between two reads leaves no trace; finding that is the sweep's.
                  if (shift !== 0) break
                  shift += e.jump * 1000
                  pass(1)
                  break
                case 'run':
                  await poll()
                  break
              }
              source.onPage(() => undefined)
              source.onList(() => undefined)
              source.onKeys(() => undefined)
              r.target('gl_entry').onWrite(() => undefined)
              pass(5)
            }
            // Every stamp lies behind the clock again.
            pass(7200)
            await poll()
            pass(60)
            const last = await poll(true)
            assert.equal(last.state, 'done', JSON.stringify(last.errors))
            assert.equal(sums(last, 'gl_entry').ties, true)
            const stored = [...r.target('gl_entry').stored].map(([key, { record }]) => [key, record.lines])
            assert.deepEqual(stored.sort(), [...source.all('gl_entry')].map(([key, row]) => [key, row.lines]).sort())
          } finally {
            await r.close()
            await folder.remove()
          }
        },
      ),
      { numRuns: 40 },
    )
  })
})
