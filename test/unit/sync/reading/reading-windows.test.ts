import assert from 'node:assert/strict'
import type { SyncError } from '../../../../sync/contract/errors.ts'
import { syncError } from '../../../../sync/contract/errors.ts'
import { fakeSource, supplier, supplierSchema } from '../../../support/fakes.ts'
import { readingRig, suppliers } from '../../../support/reading-rig.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'

describe('reading: windows and identity', () => {
  let r: Rig
  afterEach(() => r.close())

  const { same, fill } = readingRig(() => r)

  describe('windows', () => {
    it('a record changed again while its page was read is not lost', async () => {
      r = await rig({ entities: suppliers })
      fill(25)
      let changed = false
      r.source.onPage((_, { cursor }) => {
        if (cursor === null || changed) return
        changed = true
        r.source.clockIs('2026-03-01T08:00:07Z')
        r.source.put('supplier', supplier('S003', 'second'))
        r.source.put('supplier', supplier('S020', 'second'))
        return undefined
      })
      await r.poll()
      assert.equal(r.target('supplier').stored.get('erp|S003')?.record.name, 'first')
      r.source.clockIs('2026-03-01T08:05:00Z')
      const second = await r.poll()
      assert.equal(sums(second, 'supplier').delivered, 2)
      same('supplier')
    })

    it('a change in the very second of the bound, after its page was read, is in the next window', async () => {
      r = await rig({ entities: suppliers })
      fill(1)
      await r.poll()
      r.source.put('supplier', supplier('S000', 'same second'))
      r.source.clockIs('2026-03-01T08:05:00Z')
      await r.poll()
      same('supplier')
    })

    it('a change to B and back to A is not taken for unchanged', async () => {
      r = await rig({ entities: suppliers })
      for (const [minute, name] of ['A', 'B', 'A'].entries()) {
        r.source.clockIs(`2026-03-01T08:0${minute}:30Z`)
        r.source.put('supplier', supplier('S1', name))
        await r.poll()
        assert.equal(r.target('supplier').stored.get('erp|S1')?.record.name, name)
      }
    })

    it('records without a stamp are read by a walk of their own, every time', async () => {
      r = await rig({ entities: suppliers })
      r.source.put('supplier', supplier('old', 'first'), null)
      await r.poll()
      r.source.put('supplier', supplier('old', 'second'), null)
      r.source.clockIs('2026-03-01T08:05:00Z')
      await r.poll()
      same('supplier')
    })

    it('a record stamped in the future waits for its time, and is announced until then', async () => {
      r = await rig({ entities: suppliers })
      r.source.put('supplier', supplier('S1', 'from tomorrow'), '2026-03-02T09:00:00Z')
      const first = await r.poll()
      assert.equal(sums(first, 'supplier').read, 0)
      const [alert] = await r.ledger.alerts({ open: true })
      assert.equal(alert?.kind, 'future-stamp')
      assert.match(alert?.message ?? '', /supplier: 1 record/)
      r.source.clockIs('2026-03-02T09:00:01Z')
      await r.poll()
      same('supplier')
      assert.deepEqual(await r.ledger.alerts({ open: true }), [])
    })

    it('a read that fails on its third page goes on there, in the same window, though the clock went on', async () => {
      r = await rig({ entities: { supplier: { schema: supplierSchema, cursors: true } } })
      fill(45)
      let pages = 0
      r.source.onPage(() => {
        if (++pages === 3) throw syncError('transient', 'test.gone', 'the ERP is gone')
        return undefined
      })
      const failed = await r.poll({ limits: { batchRows: 8 } })
      assert.equal(failed.state, 'failed')
      assert.match(sums(failed, 'supplier').problem ?? '', /the ERP is gone/)
      // What two pages brought is delivered, though the third failed.
      const cursor = (await r.ledger.position('s', 'supplier'))?.window?.walks.stamped
      assert.equal(cursor, 'erp|S019')
      r.source.clockIs('2026-03-01T12:00:00Z')
      r.source.asked.length = 0
      const next = await r.poll()
      assert.deepEqual(r.source.asked[0], {
        entity: 'supplier',
        walk: 'stamped',
        from: null,
        bound: '2026-03-01T08:00:00Z',
        cursor: 'erp|S019',
      })
      // What was settled is not written again; the overlap of the window that follows is read.
      const { delivered, unchanged } = sums(next, 'supplier')
      assert.deepEqual([delivered, unchanged], [25, 45])
      same('supplier')
    })

    it('a window that was open is finished first, and what changed since then comes in the same run', async () => {
      r = await rig({ entities: { supplier: { schema: supplierSchema, cursors: true } } })
      fill(45)
      let pages = 0
      r.source.onPage(() => {
        if (++pages === 3) throw syncError('transient', 'test.gone', 'the ERP is gone')
        return undefined
      })
      await r.poll({ limits: { batchRows: 8 } })
      // Later than the bound, and of a record that the first run had delivered.
      r.source.clockIs('2026-03-01T10:00:00Z')
      r.source.put('supplier', supplier('S005', 'changed since'))
      r.source.clockIs('2026-03-01T12:00:00Z')
      r.source.asked.length = 0
      r.sent.length = 0
      const next = await r.poll({ limits: { batchRows: 8 } })
      assert.equal(next.state, 'done', JSON.stringify(next.errors))
      assert.deepEqual(
        [...new Set(r.source.asked.map(({ bound }) => bound))],
        ['2026-03-01T08:00:00Z', '2026-03-01T12:00:00Z'],
      )
      const { delivered, ties } = sums(next, 'supplier')
      assert.deepEqual([delivered, ties], [26, true])
      same('supplier')
      assert.deepEqual((await r.ledger.position('s', 'supplier'))?.readThrough, '2026-03-01T12:00:00Z')
      // Each window is a sequence of its own for split and join.
      const ends = r.sent.filter(({ parts }) => parts.count !== undefined).map(({ parts }) => parts)
      assert.equal(new Set(ends.map(({ id }) => id)).size, 2)
      assert.deepEqual(
        ends.map(({ index, count }) => count === index + 1),
        [true, true],
      )
      assert.equal(new Set(r.sent.map(({ sync }) => sync.batch)).size, r.sent.length)
    })

    it('a source that gives the same cursor again does not loop for ever', async () => {
      r = await rig({ entities: suppliers })
      fill(25)
      r.source.onPage(() => ({ cursor: 'erp|S009' }))
      const summary = await r.poll()
      assert.equal(summary.errors[0]?.code, 'sync.cursor')
    })

    it('a backfill reads between two dates and leaves the window alone', async () => {
      r = await rig({ entities: suppliers })
      r.source.put('supplier', supplier('old', 'x'), '2025-01-15T00:00:00Z')
      r.source.put('supplier', supplier('new', 'x'), '2026-02-15T00:00:00Z')
      const from = '2025-01-01T00:00:00Z'
      const summary = await r.poll({ scope: { kind: 'backfill', from, to: '2025-01-31T23:59:59Z' } })
      assert.equal(sums(summary, 'supplier').delivered, 1)
      assert.equal(await r.ledger.position('s', 'supplier'), undefined)
    })

    it('single keys are read without a window', async () => {
      r = await rig({ entities: suppliers })
      fill(5)
      const summary = await r.poll({ scope: { kind: 'keys', entity: 'supplier', keys: ['erp|S001', 'erp|none'] } })
      assert.deepEqual([...r.target('supplier').stored.keys()], ['erp|S001'])
      assert.equal(summary.ties, true)
      assert.equal(await r.ledger.position('s', 'supplier'), undefined)
    })

    it('a full refresh writes again what the ledger takes for delivered', async () => {
      r = await rig({ entities: suppliers })
      fill(3)
      await r.poll()
      const target = r.target('supplier')
      const kept = target.stored.get('erp|S001')
      assert.ok(kept)
      target.stored.set('erp|S001', { ...kept, record: { ...kept.record, name: 'spoilt by hand' } })
      const summary = await r.poll({ scope: { kind: 'full' } })
      assert.equal(sums(summary, 'supplier').delivered, 3)
      same('supplier')
    })
  })

  describe('identity', () => {
    const other = () => {
      const source = fakeSource(suppliers, { address: 'fake://erp/OTHER' })
      source.put('supplier', supplier('S1', 'of the other folder'))
      return source
    }

    it('the connection switched to another folder under the same name: nothing is read, both are named', async () => {
      r = await rig({ entities: suppliers })
      fill(1)
      await r.poll()
      const source = other()
      await assert.rejects(r.poll({ source }), (error: SyncError) => {
        assert.equal(error.code, 'sync.identity')
        assert.match(error.message, /fake:\/\/erp\/SEED.*fake:\/\/erp\/OTHER/)
        return true
      })
      assert.equal(source.requests(), 0)
      assert.equal((await r.ledger.alerts({ open: true }))[0]?.kind, 'identity')
    })

    it('"start anew" reads everything of the new one, "keep" goes on where the old one stood', async () => {
      r = await rig({ entities: suppliers })
      fill(1)
      await r.poll()
      const source = other()
      await r.poll({ source, identityChange: 'anew' })
      assert.equal(source.asked[0]?.from, null)
      const open = await r.ledger.alerts({ open: true })
      assert.deepEqual(
        open.map(({ kind, message }) => [
          kind,
          /1 record\(s\) that were read as supplier of fake:\/\/erp\/SEED/.test(message),
        ]),
        [['sweep', true]],
      )
      await r.poll({ filters: { supplier: 'country FR' }, identityChange: 'keep' })
      assert.equal(r.source.asked.at(-1)?.from, '2026-03-01T08:00:00Z')
    })

    it('another filter is a question too', async () => {
      r = await rig({ entities: suppliers })
      await r.poll()
      await assert.rejects(r.poll({ filters: { supplier: 'country FR' } }), /where country FR/)
    })
  })
})
