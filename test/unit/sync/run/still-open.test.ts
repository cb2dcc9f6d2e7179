import assert from 'node:assert/strict'
import type { SinkRef } from '../../../../sync/contract/engine.ts'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import { newEntity, newRun, tallyOf } from '../../../../sync/run/state.ts'
import { summarize } from '../../../../sync/run/summary.ts'
import { supplier, supplierSchema } from '../../../support/fakes.ts'
import { anna, at, putting, red, refusing, suppliers, word } from '../../../support/left-open.ts'
import { mapping, type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

const other = { ...supplierSchema, entity: 'customer' }
const both = { supplier: { schema: supplierSchema }, customer: { schema: other } }

describe('no green while something is open', () => {
  let r: Rig
  afterEach(() => r.close())

  const put = putting(() => r)

  describe('ties', () => {
    it('is not said of a run that was stopped before anything was compared', async () => {
      const stop = new AbortController()
      const kept: BatchMessage[] = []
      r = await rig({ entities: suppliers, flow: (message) => kept.push(message) })
      put('A', 'first')
      put('B', 'first')
      const going = r.poll({ signal: stop.signal, limits: { batchRows: 1, windowRows: 1 } })
      while (kept.length === 0) await new Promise(setImmediate)
      await r.deliver(kept[0] as BatchMessage)
      stop.abort()
      const run = await going
      assert.equal(run.state, 'stopped')
      assert.deepEqual(word(run), { verdict: 'open', ties: false })
      assert.match(sums(run, 'supplier').open?.join() ?? '', /stopped/)
    })

    it('is not said of a run that was stopped before it read anything', async () => {
      r = await rig({ entities: suppliers })
      const stop = new AbortController()
      r.source.onPage(() => {
        stop.abort()
        return undefined
      })
      put('A', 'first')
      const run = await r.poll({ signal: stop.signal })
      assert.deepEqual([run.state, run.ties], ['stopped', false])
    })

    it('is not said of what was delivered and never compared', () => {
      const start = { id: 'r1', sync: 's', mode: 'poll', at: at(0), mustReport: 'every', mayFilter: false } as const
      const run = newRun({ ...start, receiptMs: 1, full: false }, 0)
      const entity = newEntity(run, { name: 'supplier', sinks: [warehouse] })
      Object.assign(entity, { read: 1, readDone: true })
      tallyOf(entity, warehouse).counts.delivered = 1
      const summary = summarize(run, { ended: at(1), stopped: true, open: [] })
      assert.deepEqual(word(summary), { verdict: 'open', ties: false })
      assert.match(summary.open?.join() ?? '', /^supplier: not verified: what was delivered was not compared/)
    })

    it('is not said where the ledger cannot tell what is open', async () => {
      r = await rig({ entities: suppliers })
      const broken = () => Promise.reject(syncError('config', 'ledger.full', 'the disk is full'))
      Object.assign(r.ledger, { openItems: broken })
      put('A', 'first')
      const run = await r.poll()
      assert.deepEqual([run.state, run.verdict, run.ties], ['failed', 'failed', false])
      assert.match(run.errors.map(({ message }) => message).join(), /the disk is full/)
    })

    for (const [name, fault] of [
      ['compared too', undefined],
      ['and differs where a row is missing', 'erp|A'],
    ] as const)
      it(`a message of no run is ${name}`, async () => {
        r = await rig({ entities: suppliers })
        const target = r.target('supplier')
        let asked = 0
        target.on('totals', () => {
          asked++
          if (fault) target.stored.delete(fault)
        })
        const payload = [{ ...supplier('A', 'from a CSV'), _row: 0 }]
        await r.deliver({ payload, schema: supplierSchema, topic: 'supplier' } as unknown as BatchMessage)
        const [run] = await r.ledger.runs({})
        assert.equal(asked, 1)
        assert.deepEqual(run && word(run), fault ? red : { verdict: 'ties', ties: true })
      })
  })

  describe('a run of some entities', () => {
    it('says what is open of the others', async () => {
      r = await rig({ entities: both })
      refusing(r.target('supplier'))
      put('A', 'bad')
      put('A', 'fine', 'customer')
      assert.deepEqual(word(await r.poll()), { verdict: 'open', ties: false })
      const run = await r.poll({ entities: ['customer'] })
      assert.deepEqual(word(run), { verdict: 'open', ties: false })
      assert.equal(sums(run, 'customer').verdict, 'nothing new')
      assert.match((run.open ?? []).join(), /supplier.*1 held/)
    })

    it('says what differs in the others', async () => {
      r = await rig({ entities: both })
      const target = r.target('supplier')
      target.on('totals', () => void target.stored.delete('erp|A'))
      put('A', 'first')
      assert.deepEqual(word(await r.poll()), red)
      assert.deepEqual(word(await r.poll({ entities: ['customer'] })), red)
    })
  })

  describe('what was held before a mapping', () => {
    it('is over when a later version is delivered under the key that the mapping makes', async () => {
      let mapped = false
      const map: SinkRef = { id: 'map-1', name: 'map-gl' }
      r = await rig({
        entities: suppliers,
        flow: (message, self) => {
          void (async () => {
            if (!mapped) {
              const cause = { class: 'data', code: 'map.unknown', message: 'no such code' } as const
              const records = message.payload.map((record) => ({ record, cause }))
              await self.engine.hold({ ref: map, sinks: [warehouse], message, stage: 'map', records })
            } else {
              await self.deliver(mapping(self, message, (record) => ({ ...record, code: `G${record.code}` })))
            }
          })()
        },
      })
      put('A', 'first')
      put('B', 'first')
      assert.equal((await r.poll()).verdict, 'open')
      const [one] = await r.ledger.held({})
      await r.ledger.discardHeld([one?.id ?? ''], anna)
      mapped = true
      put('A', 'second')
      put('B', 'second')
      const run = await r.poll()
      assert.deepEqual(sums(run, 'supplier').open ?? [], [])
      assert.equal(run.verdict, 'ties')
    })
  })
})
