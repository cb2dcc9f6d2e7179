import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { RunSummary } from '../../../../sync/contract/summary.ts'
import { settleDoubt, settledText } from '../../../../sync/delivering/answer-doubt.ts'
import { type FakeTarget, fakeTarget } from '../../../support/fakes.ts'
import { anna, at, lost, putting, suppliers } from '../../../support/left-open.ts'
import { type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

describe('no green while something is open', () => {
  let r: Rig
  afterEach(() => r.close())

  const put = putting(() => r)

  describe('a batch in doubt', () => {
    const make = async (more: { readonly keys?: FakeTarget['keys'] | undefined } = {}) => {
      const append = fakeTarget({ address: 'fakedb://host/versions', mode: 'append' })
      Object.assign(append, { keys: undefined, resolve: async () => 'in-doubt' as const, ...more })
      r = await rig({ entities: suppliers, flow: (message, self) => void self.deliver(message, warehouse, append) })
      const away = { lose: true, rows: [] as string[] }
      append.onWrite(({ records }) => {
        if (away.lose) throw lost
        away.rows.push(...records.map(({ key, record }) => `${key} ${record._op ?? record.name}`))
      })
      return { append, away }
    }
    const openOf = (run: RunSummary) => sums(run, 'supplier').open ?? []
    const absent = async () => {
      const [intent] = await r.ledger.doubtful()
      assert.ok(intent)
      await r.ledger.settleAbsent(intent, anna)
    }

    it('whose run died before it got an answer is in doubt for every later run', async () => {
      const { append } = await make()
      put('A', 'first')
      await r.poll()
      const [intent] = await r.ledger.doubtful()
      assert.ok(intent)
      await r.ledger.closeIntent(intent.id, 'absent')
      await r.ledger.openIntent({ ...intent, id: 'of a dead run', address: append.address })
      assert.deepEqual(openOf(await r.poll()), ['1 in doubt'])
    })

    it('of an older version, without source keys: its own keys are asked for where the source has shown them', async () => {
      const { away } = await make()
      put('A', 'first')
      await r.poll()
      const [intent] = await r.ledger.doubtful()
      assert.ok(intent)
      const records = intent.records.map(
        ({ source: _, ...rest }: { source?: string } & (typeof intent.records)[0]) => rest,
      )
      await r.ledger.settleAbsent({ ...intent, records }, anna)
      away.lose = false
      const run = await r.poll()
      assert.deepEqual(away.rows, ['erp|A first'])
      assert.equal(run.verdict, 'ties')
    })

    it('whose keys nobody can find in the source stays open, in words, and nothing is deleted for it', async () => {
      const { away } = await make()
      put('A', 'first')
      await r.poll()
      const [intent] = await r.ledger.doubtful()
      assert.ok(intent)
      const records = intent.records.map(({ read, hash }) => ({ key: 'erp|mapped', read, hash }))
      await r.ledger.settleAbsent({ ...intent, records }, anna)
      away.lose = false
      const run = await r.poll()
      assert.equal(run.verdict, 'open')
      assert.match(openOf(run).join(), /1 .*read everything|1 to be read again/)
      assert.deepEqual(away.rows, [])
      const full = await r.poll({ scope: { kind: 'full' } })
      assert.deepEqual(away.rows, ['erp|A first'])
      assert.equal(full.verdict, 'ties')
    })

    it('whose keys nobody can find is over when a sweep has asked the target what it has', async () => {
      const { append, away } = await make({ keys: fakeTarget().keys })
      put('A', 'first')
      await r.poll()
      const [intent] = await r.ledger.doubtful()
      assert.ok(intent)
      const records = intent.records.map(({ read, hash }) => ({ key: 'erp|mapped', read, hash }))
      await r.ledger.settleAbsent({ ...intent, records }, anna)
      away.lose = false
      const targets = async () => [{ ref: warehouse, target: append }]
      const run = await r.poll({ targets, sweep: { since: at(-10_000) } })
      assert.deepEqual(away.rows, ['erp|A first'])
      assert.deepEqual(openOf(run), [])
    })

    it('a record that is gone in the source ends in words, and its deletion is sent', async () => {
      const { away } = await make()
      put('A', 'first')
      put('B', 'first')
      await r.poll()
      r.source.remove('supplier', 'erp|A')
      await absent()
      away.lose = false
      const run = await r.poll()
      assert.deepEqual(away.rows.sort(), ['erp|A delete', 'erp|B first'])
      assert.match(run.notices.join('\n'), /1 record\(s\) .*are not in the source any more.*erp\|A/)
    })

    it('of a deletion: where it is not there it is sent', async () => {
      const { away } = await make()
      away.lose = false
      put('A', 'first')
      put('B', 'first')
      await r.poll({ sweep: { since: null } })
      away.rows.length = 0
      r.source.remove('supplier', 'erp|A')
      away.lose = true
      assert.deepEqual(openOf(await r.poll({ sweep: { since: null } })), ['1 in doubt'])
      const [intent] = await r.ledger.doubtful()
      assert.ok(intent)
      const settled = await settleDoubt(r.ledger, intent, 'absent', anna)
      assert.match(settledText('supplier', settled), /^supplier: 1 are read by key in the next run and sent\.$/)
      away.lose = false
      const run = await r.poll()
      assert.deepEqual(away.rows, ['erp|A delete'])
      assert.deepEqual(openOf(run), [])
    })

    it('that is there counts as delivered, with the answer in the same breath', async () => {
      const { away } = await make()
      put('A', 'first')
      await r.poll()
      const [intent] = await r.ledger.doubtful()
      assert.ok(intent)
      await settleDoubt(r.ledger, intent, 'delivered', anna)
      away.lose = false
      const again = await r.poll({ scope: { kind: 'keys', entity: 'supplier', keys: ['erp|A'] } })
      assert.equal(sums(again, 'supplier').unchanged, 1)
      assert.equal(again.verdict, 'nothing new')
      const [decision] = await r.ledger.decisions({})
      assert.deepEqual([decision?.by, decision?.reason], ['anna', 'looked at it'])
      assert.match(decision?.about ?? '', /it is there$/)
    })

    it('that was there twice is over with either answer, and nothing is read again for it', async () => {
      const { append, away } = await make()
      away.lose = false
      put('A', 'first')
      await r.poll()
      const prepare = append.prepare.bind(append)
      const doubled = [{ id: 'b7', records: [{ key: 'erp|A', read: 1 }] }]
      append.prepare = async (...asked) => ({ ...(await prepare(...asked)), doubled })
      put('B', 'first')
      assert.deepEqual(openOf(await r.poll()), ['1 in doubt'])
      append.prepare = prepare
      const [intent] = await r.ledger.doubtful()
      assert.ok(intent)
      const settled = await settleDoubt(r.ledger, intent, 'absent', anna)
      assert.equal(settledText('supplier', settled), '1 record(s) of supplier are settled.')
      assert.equal((await r.poll()).verdict, 'nothing new')
      assert.deepEqual(away.rows, ['erp|A first', 'erp|B first'])
    })

    it('of another source behind the name is not asked for there: nothing is deleted, and it is said', async () => {
      const { away } = await make()
      put('A', 'first')
      await r.poll()
      await absent()
      away.lose = false
      r.source.remove('supplier', 'erp|A')
      const run = await r.poll({ filters: { supplier: 'another' }, identityChange: 'anew' })
      assert.deepEqual(away.rows, [])
      assert.match(run.notices.join('\n'), /1 record\(s\) .*of the source before/)
      assert.deepEqual(run.open, ['supplier: 1 left by what was read before'])
    })

    it('a record that a person edited is not read over: it stays held, to be replayed', async () => {
      const { append, away } = await make()
      away.lose = false
      append.onWrite(({ records }) => {
        if (records.some(({ record }) => record.name === 'bad')) throw syncError('data', 'fake.22018', 'not known')
        if (away.lose) throw lost
        away.rows.push(...records.map(({ key, record }) => `${key} ${record.name}`))
      })
      put('A', 'bad')
      assert.deepEqual(openOf(await r.poll()), ['1 held'])
      const [held] = await r.ledger.held({})
      await r.ledger.editHeld(
        held?.id ?? '',
        { ...(held?.record ?? { _row: 0 }), name: 'mended' },
        { by: 'anna', reason: 'the name was wrong' },
        {},
      )
      away.lose = true
      const replay = () =>
        r.engine.replay({
          name: 'replay',
          ref: { id: 'replay-1', name: 'replay' },
          filter: {},
          sinks: () => [warehouse],
          receiptSeconds: 60,
          send: (_to, message) => void r.deliver(structuredClone(message), warehouse, append),
          progress: () => undefined,
          signal: new AbortController().signal,
        })
      await replay()
      await absent()
      away.lose = false
      const run = await r.poll()
      const [still] = await r.ledger.held({})
      assert.equal(still?.edited?.record.name, 'mended')
      assert.deepEqual(openOf(run), ['1 held'])
      const replayed = await replay()
      assert.equal(replayed.state, 'done', JSON.stringify(replayed, null, 1))
      assert.deepEqual(away.rows, ['erp|A mended'])
      assert.equal((await r.poll()).verdict, 'nothing new')
    })
  })
})
