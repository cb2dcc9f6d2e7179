import assert from 'node:assert/strict'
import type { SyncError } from '../../../../sync/contract/errors.ts'
import { syncError } from '../../../../sync/contract/errors.ts'
import { entry, entrySchema, supplier } from '../../../support/fakes.ts'
import { readingRig, suppliers } from '../../../support/reading-rig.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'
import { waitFor } from '../../../support/wait.ts'

describe('reading: batches and failures', () => {
  let r: Rig
  afterEach(() => r.close())

  const { same, fill } = readingRig(() => r)

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
      const { read, delivered, held, verdict } = sums(first, 'supplier')
      assert.deepEqual({ read, delivered, held, verdict }, { read: 3, delivered: 2, held: 1, verdict: 'open' })
      const [open] = await r.ledger.held({})
      assert.deepEqual(
        [open?.heldBy, open?.stage, open?.key, open?.cause.message],
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
