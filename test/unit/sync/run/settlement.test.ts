import assert from 'node:assert/strict'
import type { PollOptions, SinkRef } from '../../../../sync/contract/engine.ts'
import type { SyncError } from '../../../../sync/contract/errors.ts'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import { fakeTarget, supplier, supplierSchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums, warehouse } from '../../../support/rig.ts'
import { waitFor } from '../../../support/wait.ts'

const suppliers = { supplier: { schema: supplierSchema, cursors: true } }
const second: SinkRef = { id: 'write-2', name: 'second-write' }

/** The same message with some of its records. */
const only = (message: BatchMessage, wanted: (row: number) => boolean): BatchMessage => ({
  ...message,
  payload: message.payload.filter((record) => wanted(record._row)),
})

describe('settling', () => {
  let r: Rig
  afterEach(() => r.close())

  const fill = (n: number) => {
    for (let i = 0; i < n; i++) r.source.put('supplier', supplier(`S${String(i).padStart(2, '0')}`, 'x'))
  }
  const cursor = async () => (await r.ledger.position('s', 'supplier'))?.window?.walks.stamped
  const readThrough = async () => (await r.ledger.position('s', 'supplier'))?.readThrough
  /** Suppliers through `flow`, 20 of them in batches of 5. */
  const make = async (flow: (message: BatchMessage) => void) => {
    r = await rig({ entities: suppliers, flow })
    fill(20)
  }
  const small: Partial<PollOptions> = { limits: { batchRows: 5 } }

  describe('the position', () => {
    it('batch 2 settled before batch 1 does not move the cursor; a kill now would read both again', async () => {
      const kept: BatchMessage[] = []
      await make((m) => kept.push(m))
      const run = r.poll(small)
      await waitFor(() => kept.length === 4)
      const [first, next, ...others] = kept as [BatchMessage, BatchMessage, ...BatchMessage[]]
      await r.deliver(next)
      assert.equal(r.target('supplier').stored.size, 5)
      assert.equal(await cursor(), null)
      await r.deliver(first)
      assert.equal(await cursor(), 'erp|S09')
      for (const message of others) await r.deliver(message)
      assert.equal((await run).state, 'done')
      assert.equal(await readThrough(), '2026-03-01T08:00:00Z')
    })

    it('moves over the first records of a batch whose others are still on their way', async () => {
      const kept: BatchMessage[] = []
      await make((m) => kept.push(m))
      const run = r.poll(small)
      await waitFor(() => kept.length === 4)
      const [first, ...others] = kept as [BatchMessage, ...BatchMessage[]]
      await r.deliver(only(first, (row) => row < 3))
      assert.equal(await cursor(), 'erp|S02')
      await r.deliver(only(first, (row) => row >= 3))
      for (const message of others) await r.deliver(message)
      assert.equal((await run).state, 'done')
    })

    it('does not move when the ledger cannot write the settlement, though the target has the records', async () => {
      await make((m) => void r.deliver(m))
      const commit = r.ledger.commit
      r.ledger.commit = async (c) => {
        if (c.batch === 1) throw syncError('config', 'ledger.full', 'The disk of the ledger is full.')
        return commit(c)
      }
      const failed = await r.poll(small)
      r.ledger.commit = commit
      assert.equal(failed.state, 'failed')
      assert.match(sums(failed, 'supplier').problem ?? '', /disk of the ledger is full/)
      assert.equal(await cursor(), 'erp|S04')
      assert.equal(await readThrough(), null)
      const next = await r.poll(small)
      assert.equal(next.state, 'done')
      assert.equal(r.target('supplier').stored.size, 20)
    })

    it('a warehouse that is down fails the run, holds nothing and keeps what was settled', async () => {
      await make((m) => void r.deliver(m))
      r.target('supplier').onWrite((batch) => {
        if (batch.records[0]?.key !== 'erp|S00') throw syncError('transient', 'test.down', 'The warehouse is down.')
      })
      const failed = await r.poll({ limits: { batchRows: 5, windowRows: 5 } })
      assert.equal(failed.state, 'failed')
      assert.equal(await r.ledger.countHeld({}), 0)
      assert.equal(await cursor(), 'erp|S04')
      r.target('supplier').onWrite(() => undefined)
      assert.equal((await r.poll(small)).state, 'done')
      assert.equal(r.target('supplier').stored.size, 20)
    })
  })

  describe('the flow in between', () => {
    it('a split into single records loses nothing', async () => {
      await make((m) => {
        for (const record of m.payload) void r.deliver(only(m, (row) => row === record._row))
      })
      const summary = await r.poll(small)
      assert.deepEqual([summary.state, sums(summary, 'supplier').delivered], ['done', 20])
    })

    it('a message that comes twice is counted once', async () => {
      await make((m) => {
        void r.deliver(m)
        void r.deliver(structuredClone(m))
      })
      const summary = await r.poll(small)
      const { read, delivered, ties } = sums(summary, 'supplier')
      assert.deepEqual({ read, delivered, ties }, { read: 20, delivered: 20, ties: true })
    })

    it('a function node that drops records: the run fails and says how many of which batch', async () => {
      await make((m) => void r.deliver(m.sync.batch === 2 ? only(m, (row) => row > 2) : m))
      const failed = await r.poll({ ...small, receiptSeconds: 0.2 })
      assert.equal(failed.state, 'failed')
      assert.match(
        sums(failed, 'supplier').problem ?? '',
        /3 records of batch 2 never reached a sink \(databricks-write\)/,
      )
      assert.equal((await r.ledger.alerts({ open: true }))[0]?.kind, 'not-received')
      assert.equal(await cursor(), 'erp|S09')
    })

    it('a flow that drops a whole batch is noticed as well', async () => {
      await make((m) => {
        if (m.sync.batch !== 1) void r.deliver(m)
      })
      const failed = await r.poll({ ...small, receiptSeconds: 0.2 })
      assert.match(sums(failed, 'supplier').problem ?? '', /5 records of batch 1 never reached a sink/)
    })

    it('a function node that builds new records without _row is told so', async () => {
      await make(
        (m) => void r.deliver({ ...m, payload: m.payload.map(({ _row, ...rest }) => rest as (typeof m.payload)[0]) }),
      )
      const failed = await r.poll({ ...small, receiptSeconds: 0.2 })
      assert.equal(failed.state, 'failed')
      const told = [...failed.errors.map((e) => `${e.message} ${e.hint}`), ...r.thrown.map(String)].join('\n')
      assert.match(told, /_row/)
    })

    it('where records may be filtered, those that never come count as filtered, and the run ties', async () => {
      await make((m) => void r.deliver(only(m, (row) => row % 2 === 0)))
      const summary = await r.poll({ ...small, mayFilter: true, receiptSeconds: 0.2 })
      const { read, delivered, filtered, ties } = sums(summary, 'supplier')
      assert.deepEqual({ read, delivered, filtered, ties }, { read: 20, delivered: 12, filtered: 8, ties: true })
      assert.equal(await readThrough(), '2026-03-01T08:00:00Z')
    })

    it('a whole batch that was filtered does not hold the run for ever', async () => {
      await make((m) => {
        if (m.sync.batch !== 3) void r.deliver(m)
      })
      const summary = await r.poll({ ...small, mayFilter: true, receiptSeconds: 0.2 })
      assert.deepEqual([summary.state, sums(summary, 'supplier').filtered], ['done', 5])
    })
  })

  describe('several sinks', () => {
    it('every sink must answer: one that is down keeps the position, and the other gets nothing twice', async () => {
      const broken = fakeTarget({ address: 'fakedb://second/supplier' })
      await make((m) => {
        void r.deliver(structuredClone(m))
        void r.deliver(structuredClone(m), second, broken)
      })
      broken.onWrite(() => {
        throw syncError('config', 'test.rights', 'no right to write')
      })
      const both = { ...small, sinks: () => [warehouse, second] }
      const failed = await r.poll(both)
      assert.equal(failed.state, 'failed')
      assert.equal(await cursor(), null)
      broken.onWrite(() => undefined)
      const next = await r.poll(both)
      assert.equal(next.state, 'done')
      assert.equal(sums(next, 'supplier', second.name).delivered, 20)
      assert.equal(broken.stored.size, 20)
      assert.equal(r.target('supplier').stored.size, 20)
    })

    it('behind a switch one answer is enough, and both sinks tie', async () => {
      const other = fakeTarget({ address: 'fakedb://second/supplier' })
      await make((m) => {
        void r.deliver(only(m, (row) => row < 2))
        void r.deliver(
          only(m, (row) => row >= 2),
          second,
          other,
        )
      })
      const summary = await r.poll({
        ...small,
        sinks: () => [warehouse, second],
        mustReport: 'one',
        receiptSeconds: 0.5,
      })
      assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
      assert.deepEqual([r.target('supplier').stored.size, other.stored.size], [8, 12])
      assert.equal(summary.ties, true)
    })

    it('behind a switch too a record that no sink got fails the run', async () => {
      await make((m) => void r.deliver(only(m, (row) => row < 4)))
      const failed = await r.poll({
        ...small,
        sinks: () => [warehouse, second],
        mustReport: 'one',
        receiptSeconds: 0.2,
      })
      assert.match(sums(failed, 'supplier').problem ?? '', /1 record of batch 0 never reached a sink/)
    })
  })

  describe('waiting', () => {
    it('a sink that shows signs of life may take as long as it likes', async () => {
      const gate = Promise.withResolvers<void>()
      await make((m) => void r.deliver(m))
      r.target('supplier').onWrite(() => gate.promise)
      const began = performance.now()
      const run = r.poll({ ...small, receiptSeconds: 0.2, sinks: () => [warehouse] })
      await waitFor(() => r.sent.length > 0)
      // The sink's own signs come every 10 s; here the target waits loudly.
      const sync = r.sent[0]?.sync
      assert.ok(sync)
      const keepAlive = setInterval(() => {
        for (const { sync: of } of r.sent) alive(r, of)
      }, 20)
      await waitFor(() => performance.now() - began > 600)
      gate.resolve()
      const summary = await run
      clearInterval(keepAlive)
      assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
    })

    it('a sink that took a batch and fell silent fails the entity, and says what it last waited for', async () => {
      await make((m) => void r.deliver(m))
      const gate = Promise.withResolvers<void>()
      r.target('supplier').onWrite(() => gate.promise)
      const failed = await r.poll({ ...small, receiptSeconds: 0.2 })
      assert.equal(failed.errors[0]?.code, 'sync.silent')
      assert.match(failed.errors[0]?.message ?? '', /databricks-write received batch 0 and gave no sign of life/)
      gate.resolve()
    })
  })

  describe('runs that end early', () => {
    it('a stop keeps what is settled; what a batch of the ended run still delivers is recorded and settles nothing', async () => {
      const kept: BatchMessage[] = []
      await make((m) => kept.push(m))
      const stop = new AbortController()
      const run = r.poll({ ...small, signal: stop.signal })
      await waitFor(() => kept.length === 4)
      await r.deliver(kept[0] as BatchMessage)
      stop.abort()
      const summary = await run
      assert.deepEqual([summary.state, sums(summary, 'supplier').delivered], ['stopped', 5])
      assert.equal((await r.ledger.alerts({ open: true }))[0]?.kind, 'stopped')
      await r.deliver(kept[1] as BatchMessage)
      assert.equal(r.target('supplier').stored.size, 10)
      assert.equal(await cursor(), 'erp|S04')
      // The next run reads both again and finds the late ones unchanged.
      kept.length = 0
      let ended = false
      const again = r.poll(small).finally(() => {
        ended = true
      })
      while (!ended) {
        await waitFor(() => ended || kept.length > 0)
        for (const message of kept.splice(0)) await r.deliver(message)
      }
      const next = sums(await again, 'supplier')
      // 5 of the window that was open, and all 20 again in the overlap of the one that follows.
      assert.deepEqual([next.delivered, next.unchanged, next.ties], [10, 25, true])
      assert.deepEqual(await r.ledger.alerts({ open: true }), [])
    })

    it('closing the engine in mid-run ends the run as stopped, with its summary in the ledger', async () => {
      await make(() => undefined)
      const run = r.poll(small)
      await waitFor(() => r.sent.length > 0)
      assert.equal(r.engine.running()[0]?.sync, 's')
      await r.engine.close()
      assert.equal((await run).state, 'stopped')
    })

    it('two runs of one sync do not overlap', async () => {
      await make(() => undefined)
      const stop = new AbortController()
      const run = r.poll({ ...small, signal: stop.signal })
      await waitFor(() => r.sent.length > 0)
      await assert.rejects(r.poll(small), (error: SyncError) => error.code === 'ledger.lease')
      stop.abort()
      await run
    })

    it('two nodes with one name are refused, until the first gives it back', async () => {
      await make(() => undefined)
      const giveBack = r.engine.claimName('s', 'node-1')
      r.engine.claimName('s', 'node-1')
      assert.throws(() => r.engine.claimName('s', 'node-2'), /Two nodes have the sync name "s"/)
      giveBack()
      r.engine.claimName('s', 'node-2')
    })
  })

  describe('the end of a run', () => {
    it('sums as stored that are not those delivered turn the run red, though every record was settled', async () => {
      await make((m) => void r.deliver(m))
      const target = r.target('supplier')
      target.on('totals', () => {
        target.stored.delete('erp|S07')
      })
      const summary = await r.poll(small)
      assert.deepEqual([summary.state, summary.ties], ['failed', false])
      assert.match(sums(summary, 'supplier').problem ?? '', /20 delivered, 19 stored/)
      assert.equal((await r.ledger.alerts({ open: true }))[0]?.kind, 'no-tie')
    })

    it('the mark is written after the window is finished, and says how far everything is in', async () => {
      await make((m) => void r.deliver(m))
      const summary = await r.poll(small)
      const [mark] = r.target('supplier').marks
      assert.deepEqual([mark?.floor, mark?.run, mark?.ledger], ['2026-03-01T08:00:00Z', summary.run, r.ledger.id])
      const reads = r.sent.flatMap((m) => m.payload.map((record) => record._read ?? 0))
      assert.equal(mark?.read, Math.max(...reads))
    })

    it('the floor stays before the oldest record that is held', async () => {
      r = await rig({ entities: suppliers })
      r.source.put('supplier', supplier('bad', 'x'), '2026-02-10T10:00:00Z')
      r.source.put('supplier', supplier('good', 'x'))
      r.source.refuse('supplier', 'erp|bad', { code: 'test.bad', message: 'no' })
      await r.poll()
      assert.equal(r.target('supplier').marks[0]?.floor, '2026-02-10T10:00:00Z')
    })

    it('a mark that cannot be written is a notice, not a failure', async () => {
      await make((m) => void r.deliver(m))
      r.target('supplier').on('writeMark', () => {
        throw syncError('transient', 'test.down', 'The warehouse fell asleep.')
      })
      const summary = await r.poll(small)
      assert.equal(summary.state, 'done')
      assert.match(summary.notices.join(), /mark in fakedb.*The warehouse fell asleep/)
    })

    it('a message without msg.sync is a run of its own', async () => {
      await make(() => undefined)
      const records = ['A', 'B'].map((code, _row) => ({ ...supplier(code, 'from a CSV'), _row }))
      await r.engine.deliver({
        ref: warehouse,
        target: r.target('supplier'),
        message: { payload: records, schema: supplierSchema },
        progress: () => undefined,
        signal: new AbortController().signal,
      })
      const [run] = await r.ledger.runs({})
      assert.deepEqual([run?.mode, run?.state, run?.entities[0]?.delivered, run?.ties], ['push', 'done', 2, true])
    })
  })
})

/** A sign of life, as the sink's own heart beat gives one. */
function alive(r: Rig, sync: BatchMessage['sync']): void {
  void r.engine.deliver({
    ref: warehouse,
    target: r.target('supplier'),
    message: { payload: [], schema: supplierSchema, sync },
    progress: () => undefined,
    signal: new AbortController().signal,
  })
}
