import assert from 'node:assert/strict'
import type { SinkRef } from '../../../../sync/contract/engine.ts'
import { fakeTarget } from '../../../support/fakes.ts'
import { anna, lost, putting, red, refusing, suppliers, word } from '../../../support/left-open.ts'
import { type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

describe('no green while something is open', () => {
  let r: Rig
  afterEach(() => r.close())

  const put = putting(() => r)

  describe('a difference', () => {
    const two: SinkRef = { id: 'write-2', name: 'bronze' }

    it('is not ended by a full reading that compares other rows: of a table that only appends', async () => {
      const append = fakeTarget({ address: 'fakedb://host/versions', mode: 'append' })
      // As a push dataset: it cannot tell what it holds, and what it has is not sent again.
      Object.assign(append, { keys: undefined })
      r = await rig({ entities: suppliers, flow: (message, self) => void self.deliver(message, warehouse, append) })
      let first = true
      append.on('totals', () => {
        if (first) append.stored.delete('erp|A')
        first = false
      })
      put('A', 'first')
      put('B', 'first')
      assert.deepEqual(word(await r.poll()), red)
      put('C', 'first')
      const full = await r.poll({ scope: { kind: 'full' } })
      assert.deepEqual([sums(full, 'supplier').delivered, sums(full, 'supplier').unchanged], [1, 2])
      assert.deepEqual(word(full), red)
    })

    it('is not ended by a full reading that holds some of the records', async () => {
      r = await rig({ entities: suppliers })
      const target = r.target('supplier')
      refusing(target)
      let first = true
      target.on('totals', () => {
        if (first) target.stored.delete('erp|A')
        first = false
      })
      put('A', 'first')
      put('B', 'first')
      assert.deepEqual(word(await r.poll()), red)
      put('A', 'bad')
      assert.deepEqual(word(await r.poll({ scope: { kind: 'full' } })), red)
      put('A', 'good')
      assert.deepEqual(word(await r.poll({ scope: { kind: 'full' } })), { verdict: 'ties', ties: true })
    })

    it('does not take the place of another one: a person sees and closes each', async () => {
      r = await rig({ entities: suppliers })
      const target = r.target('supplier')
      const gone = ['erp|A', 'erp|C']
      target.on('totals', () => void target.stored.delete(gone.shift() ?? ''))
      put('A', 'first')
      put('B', 'first')
      await r.poll()
      for (const code of ['C', 'D', 'E']) put(code, 'first')
      await r.poll()
      const open = await r.ledger.differences({ open: true })
      assert.deepEqual(open.map(({ problem }) => /(\d) delivered, \d stored/.exec(problem)?.[1]).sort(), ['2', '3'])
      await r.ledger.closeDifference(open[0]?.id ?? '', anna)
      assert.deepEqual(word(await r.poll()), red)
      await r.ledger.closeDifference(open[1]?.id ?? '', anna)
      assert.deepEqual(word(await r.poll()), { verdict: 'nothing new', ties: true })
    })

    it('all of them end with a full reading that ties, at the sink where it ties alone', async () => {
      const second = fakeTarget({ address: 'fakedb://host/second' })
      r = await rig({
        entities: suppliers,
        flow: (message, self) => {
          void self.deliver(message)
          void self.deliver(structuredClone(message), two, second)
        },
      })
      const sinks = () => [warehouse, two]
      const target = r.target('supplier')
      let broken = true
      for (const one of [target, second]) one.on('totals', () => void (broken && one.stored.clear()))
      put('A', 'first')
      await r.poll({ sinks })
      put('B', 'first')
      await r.poll({ sinks })
      assert.equal((await r.ledger.differences({ open: true })).length, 4)
      broken = false
      second.on('totals', () => void second.stored.delete('erp|A'))
      const run = await r.poll({ sinks, scope: { kind: 'full' } })
      assert.equal(sums(run, 'supplier').verdict, 'ties')
      assert.equal(sums(run, 'supplier', 'bronze').verdict, 'differs')
      const open = await r.ledger.differences({ open: true })
      assert.deepEqual([...new Set(open.map(({ address }) => address))], [second.address])
    })

    it('of which nobody knows the place any more ends where a full reading ties at every sink', async () => {
      r = await rig({ entities: suppliers })
      put('A', 'first')
      await r.poll()
      const about = {
        sync: 's',
        entity: 'supplier',
        address: '',
        sinkName: '',
        run: '',
        problem: 'of an older version',
      }
      await r.ledger.saveDifference(about)
      put('B', 'first')
      assert.deepEqual(word(await r.poll()), red)
      assert.deepEqual(word(await r.poll({ scope: { kind: 'full' } })), { verdict: 'ties', ties: true })
    })

    it('is not claimed of rows that are in doubt: they may be there', async () => {
      const append = fakeTarget({ address: 'fakedb://host/versions', mode: 'append' })
      Object.assign(append, { resolve: async () => 'in-doubt' as const })
      r = await rig({ entities: suppliers, flow: (message, self) => void self.deliver(message, warehouse, append) })
      const write = append.write.bind(append)
      let writes = 0
      append.write = async (batch, context) => {
        await write(batch, context)
        // It arrived, and only its answer was lost.
        if (writes++ === 0) throw lost
      }
      put('A', 'first')
      put('B', 'first')
      const run = await r.poll({ limits: { batchRows: 1 } })
      assert.deepEqual([run.state, run.verdict], ['done', 'open'])
      assert.match(sums(run, 'supplier').open?.join() ?? '', /1 in doubt.*not verified/)
      assert.deepEqual(await r.ledger.differences({}), [])
    })

    it('its alert is there from the replay that found it', async () => {
      r = await rig({ entities: suppliers })
      const target = r.target('supplier')
      refusing(target)
      put('A', 'bad')
      await r.poll()
      const [held] = await r.ledger.held({})
      await r.ledger.editHeld(
        held?.id ?? '',
        { ...(held?.record ?? { _row: 0 }), name: 'good' },
        { by: 'anna', reason: 'the name was wrong' },
      )
      target.on('totals', () => target.stored.clear())
      const run = await r.engine.replay({
        name: 'replay',
        ref: { id: 'replay-1', name: 'replay' },
        filter: {},
        sinks: () => [warehouse],
        receiptSeconds: 60,
        send: (_to, message) => void r.deliver(structuredClone(message)),
        progress: () => undefined,
        signal: new AbortController().signal,
      })
      assert.equal(run.verdict, 'differs')
      assert.deepEqual(
        (await r.ledger.alerts({ open: true })).map(({ kind, sync, entity }) => [kind, sync, entity]),
        [['no-tie', 's', 'supplier']],
      )
    })
  })
})
