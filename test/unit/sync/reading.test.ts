import assert from 'node:assert/strict'
import type { SyncError } from '../../../sync/errors.ts'
import { syncError } from '../../../sync/errors.ts'
import { entry, entrySchema, fakeSource, supplier, supplierSchema } from '../../support/fakes.ts'
import { type Rig, rig, sums } from '../../support/rig.ts'
import { waitFor } from '../../support/wait.ts'

const suppliers = { supplier: { schema: supplierSchema } }

describe('reading', () => {
  let r: Rig
  afterEach(() => r.close())

  /** Every record of the source is in the target, and nothing else. */
  const same = (entity: string, field = 'name') => {
    const stored = [...r.target(entity).stored].map(([key, { record }]) => [key, record[field]])
    const wanted = [...r.source.all(entity)].map(([key, row]) => [key, row[field]])
    assert.deepEqual(stored.sort(), wanted.sort())
  }
  const fill = (n: number, stamp?: string) => {
    for (let i = 0; i < n; i++) r.source.put('supplier', supplier(`S${String(i).padStart(3, '0')}`, 'first'), stamp)
  }

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
      assert.deepEqual(await r.ledger.alerts({ open: true }), [])
      await r.poll({ filters: { supplier: 'country FR' }, identityChange: 'keep' })
      assert.equal(r.source.asked.at(-1)?.from, '2026-03-01T08:00:00Z')
    })

    it('another filter is a question too', async () => {
      r = await rig({ entities: suppliers })
      await r.poll()
      await assert.rejects(r.poll({ filters: { supplier: 'country FR' } }), /where country FR/)
    })
  })

  describe('batches', () => {
    it('one batch holds several pages; index and count follow the rules of split and join', async () => {
      r = await rig({ entities: suppliers })
      fill(45)
      await r.poll({ limits: { batchRows: 20 } })
      assert.deepEqual(
        r.sent.map((m) => m.payload.length),
        [20, 20, 5],
      )
      assert.deepEqual(
        r.sent.map((m) => [m.parts.index, m.parts.count, 'complete' in m]),
        [
          [0, undefined, false],
          [1, undefined, false],
          [2, 3, false],
        ],
      )
      assert.equal(new Set(r.sent.map((m) => m.parts.id)).size, 1)
      assert.deepEqual(r.sent, JSON.parse(JSON.stringify(r.sent)), 'plain JSON')
    })

    it('a last page that fills the batch exactly still says that it was the last', async () => {
      r = await rig({ entities: suppliers })
      fill(20)
      await r.poll({ limits: { batchRows: 20 } })
      assert.deepEqual(
        r.sent.map((m) => [m.payload.length, m.parts.count]),
        [[20, 1]],
      )
    })

    it('an entity without changes sends no message and no statement, and its window moves on', async () => {
      r = await rig({ entities: suppliers })
      fill(3, '2026-03-01T07:00:00Z')
      await r.poll()
      r.source.clockIs('2026-03-01T09:00:00Z')
      r.sent.length = 0
      const before = r.target('supplier').statements()
      const summary = await r.poll()
      assert.deepEqual([summary.state, summary.ties, summary.statements], ['done', true, 0])
      assert.equal(r.target('supplier').statements(), before)
      assert.equal(r.sent.length, 0)
      assert.equal((await r.ledger.position('s', 'supplier'))?.readThrough, '2026-03-01T09:00:00Z')
    })

    it('each record carries the number of the request that read it, and later requests have higher ones', async () => {
      r = await rig({ entities: suppliers })
      fill(25)
      await r.poll()
      const reads = r.sent.flatMap((m) => m.payload.map((record) => record._read as number))
      assert.equal(new Set(reads).size, 3)
      assert.deepEqual(
        reads,
        [...reads].sort((a, b) => a - b),
      )
      assert.equal(r.sent[0]?.sync.readNumber, reads[0])
    })
  })

  describe('while the last batch is being delivered', () => {
    it('the next page and the next entity are read, but no more than the window holds', async () => {
      const waiting: (() => void)[] = []
      r = await rig({
        entities: { ...suppliers, gl_entry: { schema: entrySchema } },
        flow: (m, rig) => waiting.push(() => rig.deliver(m)),
      })
      fill(30)
      for (let i = 0; i < 40; i++) r.source.put('gl_entry', entry(`E${String(i).padStart(2, '0')}`, '1', '-1'))
      const run = r.poll({ limits: { batchRows: 10, windowRows: 50 } })
      // 30 suppliers, and 6 journals of 3 rows on their way; the next page would be too much.
      await waitFor(() => r.sent.length === 5)
      assert.deepEqual(
        r.sent.map((m) => m.topic),
        ['supplier', 'supplier', 'supplier', 'gl_entry', 'gl_entry'],
      )
      const asked = r.source.requests()
      await waitFor(() => r.source.requests() === asked)
      assert.ok(r.source.asked.filter((a) => a.entity === 'gl_entry').length <= 1, 'one page of journals, no more')
      while (waiting.length > 0 || r.sent.length < 17) {
        waiting.shift()?.()
        await waitFor(() => waiting.length > 0 || r.sent.length >= 17)
      }
      const summary = await run
      assert.equal(summary.state, 'done')
      assert.equal(sums(summary, 'gl_entry').delivered, 40)
    })

    it('a batch larger than the window passes alone', async () => {
      r = await rig({ entities: { gl_entry: { schema: entrySchema } } })
      r.source.put('gl_entry', entry('big', ...Array.from({ length: 99 }, () => '0')))
      r.source.put('gl_entry', entry('small', '1', '-1'))
      const summary = await r.poll({ limits: { batchRows: 10, windowRows: 5 } })
      assert.equal(sums(summary, 'gl_entry').delivered, 2)
    })
  })

  describe('failing', () => {
    it('an entity fails alone; what needs it is not read; the others are, and the run is red', async () => {
      r = await rig({
        entities: {
          ...suppliers,
          invoice: { schema: { ...entrySchema, entity: 'invoice' }, needs: ['supplier'] },
          gl_entry: { schema: entrySchema },
        },
      })
      fill(1)
      r.source.put('gl_entry', entry('E1', '1', '-1'))
      r.source.onPage((entity) => {
        if (entity === 'supplier') throw syncError('auth', 'x3.50', 'no right to read suppliers')
        return undefined
      })
      const summary = await r.poll()
      assert.equal(summary.state, 'failed')
      assert.match(sums(summary, 'invoice').problem ?? '', /needs supplier/)
      assert.deepEqual(
        summary.errors.map((error) => [error.entity, error.code]),
        [
          ['supplier', 'x3.50'],
          ['invoice', 'sync.needs'],
        ],
      )
      assert.equal(
        r.source.asked.some((a) => a.entity === 'invoice'),
        false,
      )
      assert.deepEqual([sums(summary, 'gl_entry').delivered, sums(summary, 'gl_entry').ties], [1, true])
      const alerts = await r.ledger.alerts({ open: true })
      assert.deepEqual(alerts.map((a) => [a.kind, a.entity]).sort(), [
        ['run-failed', 'invoice'],
        ['run-failed', 'supplier'],
      ])
      r.source.onPage(() => undefined)
      assert.equal((await r.poll()).state, 'done')
      assert.deepEqual(await r.ledger.alerts({ open: true }), [])
    })

    it('an entity that can reach no sink is said before anything is read', async () => {
      r = await rig()
      await assert.rejects(
        r.poll({ sinks: (entity) => (entity === 'supplier' ? [{ id: 'w', name: 'w' }] : []) }),
        (error: SyncError) => error.code === 'sync.no-sink' && /gl_entry/.test(error.message),
      )
      assert.equal(r.source.requests(), 0)
    })

    it('zero records where there always were some are announced', async () => {
      r = await rig({ entities: suppliers })
      for (let i = 0; i < 11; i++) {
        r.source.clockIs(`2026-03-01T08:${10 + i}:00Z`)
        if (i < 10) r.source.put('supplier', supplier('S1', `name ${i}`))
        if (i === 10) r.source.clockIs('2026-03-01T09:00:00Z')
        r.source.onPage(() => (i === 10 ? { records: [], cursor: null } : undefined))
        await r.poll()
      }
      assert.deepEqual(
        (await r.ledger.alerts({ open: true })).map((a) => a.kind),
        ['zero-records'],
      )
    })
  })

  describe('records that the source refuses', () => {
    const reason = { code: 'x3.unbalanced', message: 'does not balance: 0.01 too much', hint: 'Correct it in the ERP.' }

    it('are held before the cursor passes them, count as read, and a later good read closes them', async () => {
      r = await rig({ entities: suppliers })
      fill(3)
      r.source.refuse('supplier', 'erp|S001', reason)
      const first = await r.poll()
      const { read, delivered, held, ties } = sums(first, 'supplier')
      assert.deepEqual({ read, delivered, held, ties }, { read: 3, delivered: 2, held: 1, ties: true })
      const [open] = await r.ledger.held({})
      assert.deepEqual(
        [open?.sink, open?.stage, open?.key, open?.cause.message],
        ['source:s', 'source', 'erp|S001', reason.message],
      )
      r.source.refuse('supplier', 'erp|S001', undefined)
      r.source.clockIs('2026-03-01T08:05:00Z')
      r.source.put('supplier', supplier('S001', 'corrected'))
      await r.poll()
      assert.deepEqual(await r.ledger.held({}), [])
      same('supplier')
    })

    it('a page of nothing but refused records is not passed when the ledger cannot hold them', async () => {
      r = await rig({ entities: suppliers })
      fill(3)
      for (const key of r.source.all('supplier').keys()) r.source.refuse('supplier', key, reason)
      const commit = r.ledger.commit
      r.ledger.commit = async () => {
        throw syncError('config', 'ledger.full', 'the disk is full')
      }
      const failed = await r.poll()
      r.ledger.commit = commit
      assert.equal(failed.state, 'failed')
      assert.equal((await r.ledger.position('s', 'supplier'))?.readThrough, null)
      const next = await r.poll()
      // Each twice: in the window that was open, and in the overlap of the one that follows.
      assert.equal(sums(next, 'supplier').held, 6)
      assert.equal(await r.ledger.countHeld({ sync: 's' }), 3)
    })
  })
})
