import assert from 'node:assert/strict'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import { entry, entrySchema, supplier } from '../../../support/fakes.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'
import { code, suppliers, sweepRig } from '../../../support/sweep-rig.ts'

describe('the sweep', () => {
  const { start, later, fill, sweep, poll, found, same } = sweepRig()
  let r: Rig

  describe('finds', () => {
    it('a record deleted without a trace, and deletes it and nothing else', async () => {
      r = await start()
      fill(25)
      await r.poll()
      r.source.remove('supplier', 'erp|S007')
      await poll()
      assert.ok(r.target('supplier').stored.has('erp|S007'), 'a run without a sweep does not know')
      const run = await sweep()
      assert.deepEqual(found(run), { swept: 24, missed: 0, gone: 1, foundAgain: 0 })
      const { read, delivered, ties } = sums(run, 'supplier')
      assert.deepEqual([run.state, read, delivered, ties], ['done', 1, 1, true])
      same()
      assert.equal(found(await sweep())?.gone, 0, 'what is deleted is forgotten')
    })

    it('nothing gone under the source name that was changed, and goes on to find it under the new one', async () => {
      r = await start()
      fill(3)
      await r.poll()
      for (const n of [0, 1, 2]) {
        r.source.remove('supplier', `erp|${code(n)}`)
        r.source.put('supplier', { ...supplier(code(n), 'first'), source: 'erp|2' })
      }
      assert.equal(found(await sweep())?.gone, 0)
      assert.equal(r.target('supplier').stored.size, 6)
      r.source.remove('supplier', `erp\\|2|${code(1)}`)
      assert.equal(found(await sweep())?.gone, 1)
      assert.equal(r.target('supplier').stored.size, 5)
    })

    it("what was changed after the source's clock was set back by days, at once, and says so", async () => {
      r = await start()
      fill(3)
      const daily = (at: string) => ({ sweep: { since: at } })
      const begun = '2000-01-01T00:00:00Z'
      await r.poll(daily(begun))
      later()
      await r.poll(daily(begun))
      r.source.clockIs('2026-02-26T08:00:00Z')
      assert.deepEqual((await r.poll({ sweep: { since: null } })).state, 'done')
      // Forward again, changed meanwhile, and back by three days: the stamp lies before the window.
      later()
      await r.poll(daily(begun))
      r.source.put('supplier', supplier(code(1), 'changed'), '2026-02-25T09:00:00Z')
      r.source.clockIs('2026-02-26T09:00:00Z')
      const run = await r.poll(daily(begun))
      assert.match(run.notices.join('\n'), /the clock of the source shows 2026-02-26T09:00:00.*more than a day behind/)
      assert.equal(found(run)?.missed, 1)
      same()
      assert.equal(found(await r.poll(daily(begun))), undefined, 'once')
    })

    it('a document, which goes with its lines in one record', async () => {
      r = await start({ entities: { gl_entry: { schema: entrySchema } } })
      for (const n of ['1', '2']) r.source.put('gl_entry', entry(n, '10.00', '-10.00'))
      await r.poll()
      r.source.remove('gl_entry', 'erp|1')
      const run = await sweep()
      assert.equal(sums(run, 'gl_entry').ties, true)
      same('gl_entry', 'lines')
    })

    it('a record visible later than the overlap', async () => {
      r = await start()
      fill(3)
      await r.poll()
      await poll()
      r.source.put('supplier', supplier('LATE', 'first'), '2026-03-01T07:00:00Z')
      await poll()
      assert.equal(r.target('supplier').stored.has('erp|LATE'), false)
      assert.deepEqual(found(await sweep()), { swept: 4, missed: 1, gone: 0, foundAgain: 0 })
      same()
    })

    it('a change whose stamp is set back', async () => {
      r = await start()
      fill(3)
      await r.poll()
      await poll()
      r.source.put('supplier', supplier('S001', 'restored'), '2026-01-01T00:00:00Z')
      assert.equal(found(await sweep())?.missed, 1)
      same()
    })

    it('nothing in what waits for its time, or changed since the window ended', async () => {
      r = await start({ entities: { supplier: { ...suppliers.supplier, lagSeconds: 60 } } })
      fill(3)
      later()
      await r.poll()
      later()
      r.source.put('supplier', supplier('S001', 'just now'))
      r.source.put('supplier', supplier('S009', 'in the future'), '2027-01-01T00:00:00Z')
      const run = await r.poll({ sweep: { since: null } })
      assert.deepEqual(found(run), { swept: 4, missed: 0, gone: 0, foundAgain: 0 })
      assert.equal(r.target('supplier').stored.size, 3)
      r.source.remove('supplier', 'erp|S009')
      await poll()
      same()
    })

    it('deletions behind a full refresh, which knows only what is there', async () => {
      r = await start()
      fill(5)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      later()
      await r.poll({ scope: { kind: 'full' }, sweep: { since: null } })
      same()
    })
  })

  describe('does not undo', () => {
    it('a record re-created under its number between two sweeps', async () => {
      r = await start()
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      await sweep()
      later()
      r.source.put('supplier', supplier('S001', 'first'))
      await poll()
      same()
      assert.deepEqual(found(await sweep()), { swept: 3, missed: 0, gone: 0, foundAgain: 0 })
      same()
    })

    it('one deleted and re-created within one window: it is a change', async () => {
      r = await start()
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      later()
      r.source.put('supplier', supplier('S001', 'another'))
      assert.equal(found(await sweep())?.gone, 0)
      same()
    })

    it('one re-created under its old stamp, with its old content, after its deletion was delivered', async () => {
      r = await start()
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      await sweep()
      r.source.put('supplier', supplier('S001', 'first'), '2026-03-01T08:00:00Z')
      await poll()
      assert.equal(r.target('supplier').stored.size, 2)
      assert.equal(found(await sweep())?.missed, 1)
      same()
    })

    it('one re-created while the sweep asks for it by key', async () => {
      r = await start()
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      r.source.onKeys(() => r.source.put('supplier', supplier('S001', 'again')))
      assert.deepEqual(found(await sweep()), { swept: 2, missed: 0, gone: 0, foundAgain: 1 })
      same()
    })

    it('one re-created and read while its deletion of a run that was stopped is still on its way', async () => {
      const late: BatchMessage[] = []
      const stop = new AbortController()
      r = await start({
        flow(message, rig) {
          if (!message.payload.some(({ _op }) => _op === 'delete')) return void rig.deliver(message)
          late.push(message)
          stop.abort()
        },
      })
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      assert.equal((await sweep({ signal: stop.signal })).state, 'stopped')
      r.source.put('supplier', supplier('S001', 'again'))
      await poll()
      for (const message of late) await r.deliver(message)
      assert.equal(late.length, 1)
      same()
    })
  })

  describe('in a flow', () => {
    it('with a split, each record settles by itself and deletions count like the others', async () => {
      r = await start({
        flow: (message, rig) => {
          for (const record of message.payload) void rig.deliver({ ...message, payload: [record] })
        },
      })
      fill(25)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      r.source.remove('supplier', 'erp|S020')
      const run = await sweep()
      assert.deepEqual([found(run)?.gone, sums(run, 'supplier').ties], [2, true])
      same()
    })

    it('what the flow filters is known too, and not read again with every sweep', async () => {
      r = await start({
        flow: (message, rig) => {
          const payload = message.payload.filter(({ code }) => code !== 'S001')
          if (payload.length > 0) void rig.deliver({ ...message, payload })
        },
      })
      fill(3)
      const settings = { mayFilter: true, receiptSeconds: 0.2 }
      await r.poll(settings)
      assert.equal(found(await sweep(settings))?.missed, 0)
    })

    it('that drops the deletions fails the run, and the next sweep tries again', async () => {
      let drops = true
      r = await start({
        flow: (message, rig) => {
          if (!(drops && message.payload.some(({ _op }) => _op === 'delete'))) void rig.deliver(message)
        },
      })
      fill(3)
      await r.poll()
      r.source.remove('supplier', 'erp|S001')
      const run = await sweep({ receiptSeconds: 0.2 })
      assert.equal(run.errors[0]?.code, 'sync.not-received')
      drops = false
      await sweep()
      same()
    })
  })
})

describe('deletions that the source tells', () => {
  let r: Rig
  afterEach(() => r.close())
  beforeEach(async () => {
    r = await rig({ entities: suppliers })
    for (const n of ['A', 'B', 'C', 'D']) r.source.put('supplier', supplier(n, 'first'))
    await r.poll()
    r.source.clockIs('2026-03-01T09:00:00Z')
  })
  const stored = () => [...r.target('supplier').stored].map(([key, { record }]) => `${key} ${record.name}`).sort()

  it('are confirmed by key: what is there again stays, what is not is deleted', async () => {
    r.source.remove('supplier', 'erp|A')
    r.source.remove('supplier', 'erp|B')
    r.source.put('supplier', supplier('B', 'again'), '2026-03-01T08:00:00Z')
    r.source.onPage((_, { walk }) => (walk === 'stamped' ? { gone: ['erp|A', 'erp|B', 'erp|never'] } : undefined))
    const run = await r.poll()
    assert.deepEqual([run.state, sums(run, 'supplier').ties], ['done', true])
    assert.deepEqual(stored(), ['erp|B again', 'erp|C first', 'erp|D first'])
  })

  it('do not undo a record that a later page of the same run read', async () => {
    r.source.remove('supplier', 'erp|A')
    r.source.onPage((_, { walk }) => {
      if (walk === 'stamped') return { gone: ['erp|A'] }
      // Created after it was confirmed gone.
      const record = { _row: 0, _read: r.ledger.nextRead(), _stamp: null, ...supplier('A', 'again') }
      return { records: [record] }
    })
    await r.poll()
    assert.ok(stored().includes('erp|A again'), stored().join())
  })

  it('may come as records of their own', async () => {
    r.source.onPage((_, { walk, nextRead }) =>
      walk === 'stamped'
        ? { records: [{ _row: 0, _read: nextRead(), _op: 'delete', source: 'erp', code: 'A' }] }
        : undefined,
    )
    await r.poll()
    assert.deepEqual(stored(), ['erp|B first', 'erp|C first', 'erp|D first'])
  })
})
