import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import { supplier } from '../../../support/fakes.ts'
import { ledgerFolder } from '../../../support/ledger.ts'
import { type Rig, sums, warehouse } from '../../../support/rig.ts'
import { code, suppliers, sweepRig } from '../../../support/sweep-rig.ts'

describe('the sweep and what the ledger knows', () => {
  const { start, goOn, pass, later, fill, sweep, poll, found, same } = sweepRig()
  let r: Rig

  describe('between held records', () => {
    it('one that the target refused and that is deleted then: the held record is closed', async () => {
      r = await start()
      fill(3)
      r.target('supplier').onWrite((batch) => {
        if (batch.records.some(({ record }) => record.code === 'S001' && record._op !== 'delete'))
          throw syncError('data', 'fake.bad', 'S001 does not fit')
      })
      await r.poll()
      assert.equal((await r.ledger.held({})).length, 1)
      r.source.remove('supplier', 'erp|S001')
      const run = await sweep()
      assert.deepEqual([found(run)?.gone, sums(run, 'supplier').ties], [1, true])
      assert.deepEqual(await r.ledger.held({}), [])
      assert.equal((await r.ledger.held({ states: ['superseded'] })).length, 1)
    })

    it('one that the source refused and that is deleted then, likewise; unchanged it is not read again', async () => {
      r = await start()
      fill(3)
      r.source.refuse('supplier', 'erp|S001', { code: 'x3.unbalanced', message: 'does not balance' })
      await r.poll()
      // Out of the overlap.
      await poll()
      const [held] = await r.ledger.held({})
      assert.equal(found(await sweep())?.missed, 0)
      assert.equal((await r.ledger.held({}))[0]?.id, held?.id, 'an edit of a person would be lost')
      r.source.remove('supplier', 'erp|S001')
      assert.equal(found(await sweep())?.gone, 1)
      assert.deepEqual(await r.ledger.held({}), [])
      same()
    })

    it('one that is being replayed while it is deleted: the replay comes too late', async () => {
      r = await start()
      fill(3)
      let fits = false
      r.target('supplier').onWrite((batch) => {
        if (!fits && batch.records.some(({ record }) => record.code === 'S001'))
          throw syncError('data', 'fake.bad', 'S001 does not fit')
      })
      await r.poll()
      fits = true
      r.source.remove('supplier', 'erp|S001')
      const replayed = await r.engine.replay({
        name: 'replay',
        ref: { id: 'replay-1', name: 'replay' },
        filter: { sync: 's' },
        sinks: () => [warehouse],
        receiptSeconds: 60,
        // On its way, the sweep overtakes it.
        send: (_, message) => void sweep().then(() => r.deliver(structuredClone(message))),
        progress: () => undefined,
        signal: new AbortController().signal,
      })
      assert.equal(replayed.entities[0]?.superseded, 1, JSON.stringify(replayed))
      same()
      assert.deepEqual(await r.ledger.held({}), [])
    })
  })

  it('a record that a run wrote which died before the ledger knew, and that was deleted before the next, is deleted', async () => {
    r = await start()
    fill(2)
    const target = r.target('supplier')
    target.onWrite((batch) => {
      for (const one of batch.records) target.stored.set(one.key, { ...one, run: batch.run })
      throw syncError('config', 'test.fault', 'killed')
    })
    assert.equal((await r.poll()).state, 'failed')
    target.onWrite(() => undefined)
    r.source.remove('supplier', 'erp|S001')
    assert.equal(target.stored.size, 2)
    assert.equal(found(await sweep())?.gone, 1)
    same()
  })

  it('what a run for single records or dates did not deliver is found missing, not taken for known', async () => {
    r = await start()
    fill(2)
    await r.poll()
    await poll()
    r.source.put('supplier', supplier('LATE', 'first'), '2026-03-01T07:00:00Z')
    r.target('supplier').onWrite(() => {
      throw syncError('config', 'test.fault', 'down')
    })
    const keys = { kind: 'keys', entity: 'supplier', keys: ['erp|LATE'] } as const
    assert.equal((await r.poll({ scope: keys })).state, 'failed')
    r.target('supplier').onWrite(() => undefined)
    assert.equal(found(await sweep())?.missed, 1)
    same()
  })

  describe('with a new ledger that goes on from a mark', () => {
    /** Codes as the flow maps them. */
    let mapped: Map<string, string>
    let keyless: boolean
    const daily = () => ({
      sweep: { since: '2026-01-01T00:00:00.000Z' },
      targets: async () => {
        const { keys: _keys, ...mute } = r.target('supplier')
        return [{ ref: warehouse, target: keyless ? mute : r.target('supplier') }]
      },
    })
    const flow = (message: BatchMessage, rig: Rig) => {
      const payload = message.payload.map((record) => ({
        ...record,
        code: mapped.get(String(record.code)) ?? record.code,
      }))
      void rig.deliver({ ...message, payload } as BatchMessage)
    }
    /** Two hours pass, and the ledger is gone. */
    const loseLedger = async () => {
      const { source } = r
      const targets = new Map([['supplier', r.target('supplier')]])
      await r.close()
      r = await goOn({ entities: suppliers, source, targets, flow })
      pass(120)
    }
    beforeEach(async () => {
      mapped = new Map()
      keyless = false
      r = await start({ flow })
      fill(12)
      await r.poll()
    })

    it('reads nothing again, and deletes what went while there was none', async () => {
      r.source.remove('supplier', 'erp|S001')
      await loseLedger()
      later()
      assert.deepEqual(found(await r.poll(daily())), { swept: 11, missed: 0, gone: 1, foundAgain: 0 })
      same()
      r.source.remove('supplier', 'erp|S002')
      assert.deepEqual(found(await sweep()), { swept: 10, missed: 0, gone: 1, foundAgain: 0 })
      same()
    })

    it('deletes nothing where too much would go, and says that it cannot be confirmed later', async () => {
      await r.close()
      r = await start({ flow })
      fill(150)
      await r.poll()
      for (let i = 0; i < 120; i++) r.source.remove('supplier', `erp|${code(i)}`)
      await loseLedger()
      later()
      assert.match(found(await r.poll(daily()))?.problem ?? '', /120 of 150 records known .* empty the table and send/)
      assert.equal(r.target('supplier').stored.size, 150)
    })

    it('reads what the old one never saw, though its stamp lies behind the mark', async () => {
      r.source.put('supplier', supplier('LATE', 'first'), '2026-03-01T06:00:00Z')
      await loseLedger()
      later()
      assert.equal(found(await r.poll(daily()))?.missed, 1)
      same()
    })

    it('deletes nothing that a mapping wrote under another key, now or later', async () => {
      await r.close()
      mapped = new Map([
        ['S001', 'G1'],
        ['S002', 'G2'],
      ])
      r = await start({ flow })
      fill(12)
      await r.poll()
      await loseLedger()
      const names = () => [...r.target('supplier').stored.keys()].sort()
      const before = names()
      assert.ok(before.includes('erp|G1') && !before.includes('erp|S001'))
      // One of them changed while there was no ledger, so that the window reads it before the sweep does.
      r.source.clockIs('2026-03-01T09:30:00Z')
      r.source.put('supplier', supplier('S002', 'second'))
      later()
      await r.poll(daily())
      assert.deepEqual(names(), before)
      await sweep()
      assert.deepEqual(names(), before)
      assert.equal(r.target('supplier').stored.get('erp|G2')?.record.name, 'second')
    })

    it('goes on from the floor of the mark where the target fails to tell its keys, and says so', async () => {
      await loseLedger()
      r.target('supplier').on('keys', () => {
        throw syncError('transient', 'fake.reset', 'the connection was reset')
      })
      later()
      const run = await r.poll(daily())
      assert.deepEqual(found(run), { swept: 12, missed: 0, gone: 0, foundAgain: 0 })
      assert.match(run.notices.join(), /could not tell what it holds \(the connection was reset\)/)
      same()
    })

    it('takes the floor of the mark for its memory where the target cannot tell its keys', async () => {
      keyless = true
      await loseLedger()
      later()
      assert.deepEqual(found(await r.poll(daily())), { swept: 12, missed: 0, gone: 0, foundAgain: 0 })
      r.source.remove('supplier', 'erp|S001')
      await sweep()
      same()
    })
  })

  describe('with targets that hold what no ledger knows of', () => {
    const daily = () => ({
      sweep: { since: '2026-01-01T00:00:00.000Z' },
      targets: async () => [{ ref: warehouse, target: r.target('supplier') }],
    })
    const folder = ledgerFolder()
    after(() => folder.remove())
    let files = 0
    /** Goes on with another ledger file, or the same. */
    const change = async (file: string) => {
      const { source } = r
      const targets = new Map([['supplier', r.target('supplier')]])
      await r.close()
      r = await goOn({ entities: suppliers, source, targets, file })
      pass(120)
    }
    const fresh = () => `${folder.file}.${files++}`
    /** Two runs, as they come one after the other. */
    const twice = async () => {
      later()
      await r.poll(daily())
      later()
      return r.poll(daily())
    }

    it('deletes what a run wrote that never came to its mark', async () => {
      r = await start({ file: fresh() })
      fill(12)
      const { commit } = r.ledger
      r.ledger.commit = async () => {
        throw syncError('config', 'test.fault', 'a disk that is full')
      }
      assert.equal((await r.poll(daily())).state, 'failed')
      r.ledger.commit = commit
      assert.equal(r.target('supplier').stored.size, 12)
      r.source.remove('supplier', 'erp|S001')
      await change(fresh())
      await twice()
      same()
    })

    it('likewise where nothing is left in the source to deliver, and a person says so', async () => {
      r = await start({ file: fresh() })
      fill(1)
      r.ledger.commit = async () => {
        throw syncError('config', 'test.fault', 'a disk that is full')
      }
      await r.poll(daily())
      r.source.remove('supplier', 'erp|S000')
      await change(fresh())
      later()
      await r.poll({ ...daily(), sweep: { since: null, confirm: ['supplier'] } })
      same()
    })

    it('deletes what went behind a mark that tells no floor', async () => {
      r = await start({ file: fresh() })
      fill(12)
      r.source.put('supplier', supplier('BAD', 'first'), null)
      r.source.refuse('supplier', 'erp|BAD', { code: 'x3.unbalanced', message: 'does not balance' })
      await r.poll(daily())
      r.source.remove('supplier', 'erp|BAD')
      r.source.remove('supplier', 'erp|S001')
      await change(fresh())
      await twice()
      same()
    })

    it('asks again where the run died that had found the mark', async () => {
      r = await start({ file: fresh() })
      fill(12)
      await r.poll(daily())
      r.source.remove('supplier', 'erp|S001')
      const file = fresh()
      await change(file)
      r.source.onList(() => {
        throw syncError('config', 'test.fault', 'killed')
      })
      later()
      assert.equal((await r.poll(daily())).state, 'failed')
      r.source.onList(() => undefined)
      await change(file)
      later()
      assert.equal(found(await r.poll(daily()))?.gone, 1)
      same()
    })

    it('deletes what was written and went since an old copy of the ledger was made', async () => {
      const [file, old] = [fresh(), fresh()]
      r = await start({ file })
      fill(12)
      await r.poll(daily())
      await change(file)
      copyFileSync(file, old)
      later()
      r.source.put('supplier', supplier('S100', 'first'))
      await r.poll(daily())
      assert.equal(r.target('supplier').stored.size, 13)
      r.source.remove('supplier', 'erp|S100')
      await change(old)
      r.source.put('supplier', supplier('S002', 'second'))
      await twice()
      await twice()
      same()
    })

    it('asks nobody where the tables were empty when the first run began', async () => {
      r = await start({ file: fresh() })
      fill(12)
      let asked = 0
      r.target('supplier').on('keys', () => {
        asked++
      })
      await twice()
      await sweep(daily())
      assert.equal(asked, 0)
      assert.deepEqual(await r.ledger.areTargetsInDoubt('s', 'supplier'), false)
    })
  })

  it('a process that dies between the deletion in the target and the ledger deletes once more, and it ends the same', async () => {
    const folder = ledgerFolder()
    try {
      r = await start({ file: folder.file })
      const { source } = r
      fill(12)
      await r.poll()
      for (const n of [1, 5, 9]) source.remove('supplier', `erp|${code(n)}`)
      const { commit } = r.ledger
      r.ledger.commit = async (c) => {
        if (c.deliveries?.some(({ hash }) => hash === null)) throw syncError('transient', 'ledger.closed', 'killed')
        return commit(c)
      }
      await sweep()
      assert.equal(r.target('supplier').stored.size, 9)
      const targets = new Map([['supplier', r.target('supplier')]])
      await r.close()
      r = await goOn({ entities: suppliers, file: folder.file, source, targets })
      // Meanwhile one of them is there again.
      source.put('supplier', supplier(code(5), 'first'), '2026-03-01T08:00:00Z')
      const run = await sweep()
      assert.deepEqual(found(run)?.gone, 2)
      await sweep()
      same()
    } finally {
      await r.close()
      await folder.remove()
    }
  })
})
