import assert from 'node:assert/strict'
import type { SinkRef } from '../../../../sync/contract/engine.ts'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import type { RunSummary } from '../../../../sync/contract/summary.ts'
import { settleDoubt, settledText } from '../../../../sync/delivering/answer-doubt.ts'
import { newEntity, newRun, tallyOf } from '../../../../sync/run/state.ts'
import { summarize } from '../../../../sync/run/summary.ts'
import { entry, entrySchema, type FakeTarget, fakeTarget, supplier, supplierSchema } from '../../../support/fakes.ts'
import { mapping, type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

const suppliers = { supplier: { schema: supplierSchema } }
const other = { ...supplierSchema, entity: 'customer' }
const both = { supplier: { schema: supplierSchema }, customer: { schema: other } }
const anna = { by: 'anna', reason: 'looked at it' }
const lost = syncError('unknown-outcome', 'fake.reset', 'the connection was reset')

describe('no green while something is open', () => {
  let r: Rig
  afterEach(() => r.close())

  let minutes = 0
  const at = (n: number): string => new Date(Date.UTC(2026, 2, 2, 9, n)).toISOString().replace('.000', '')
  const put = (code: string, name: string, entity = 'supplier') => {
    minutes += 2
    r.source.put(entity, supplier(code, name), at(minutes))
    // Later than the record, so that the next window does not begin with it.
    r.source.clockIs(at(minutes + 1))
  }
  const refusing = (target: FakeTarget) =>
    target.onWrite(({ records }) => {
      if (records.some(({ record }) => record.name === 'bad')) throw syncError('data', 'fake.22018', 'not known')
    })
  const word = ({ verdict, ties }: RunSummary) => ({ verdict, ties })
  const red = { verdict: 'differs', ties: false }

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
        receiptSeconds: 5,
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

  describe('a deletion that is held', () => {
    const deleted = async () => {
      r = await rig({ entities: suppliers })
      Object.assign(r.target('supplier'), { deletes: false })
      put('A', 'first')
      put('B', 'first')
      await r.poll()
      r.source.remove('supplier', 'erp|A')
      const run = await r.poll({ sweep: { since: null } })
      assert.deepEqual(sums(run, 'supplier').open, ['1 held'])
      const [held] = await r.ledger.held({})
      return held?.id ?? ''
    }
    const decided = async () => {
      const [decision] = await r.ledger.decisions({})
      return [decision?.kind, decision?.by, decision?.reason, decision?.about]
    }

    it('is told with the amount that stands in the target, as too many too', async () => {
      r = await rig({ entities: { gl_entry: { schema: entrySchema } } })
      Object.assign(r.target('gl_entry'), { deletes: false })
      for (const [number, amount] of [
        ['1', '10.50'],
        ['2', '20.00'],
      ] as const)
        r.source.put('gl_entry', entry(number, amount, `-${amount}`))
      await r.poll()
      r.source.remove('gl_entry', 'erp|1')
      const run = await r.poll({ sweep: { since: null } })
      assert.deepEqual(sums(run, 'gl_entry').open, ['1 held, EUR 10.50'])
      const [held] = await r.ledger.held({})
      await r.ledger.discardHeld([held?.id ?? ''], anna, 'stays')
      assert.deepEqual((await r.poll()).open, ['gl_entry: 1 too many in the target, EUR 10.50'])
      assert.deepEqual((await r.ledger.decisions({}))[0]?.amounts, { EUR: '10.5' })
    })

    it('has two answers, and takes none for granted', async () => {
      const id = await deleted()
      await assert.rejects(r.ledger.discardHeld([id], anna), /which has two answers/)
      assert.equal((await r.ledger.held({})).length, 1)
      assert.deepEqual(await r.ledger.decisions({}), [])
    })

    it('is over when it was taken back by hand: its record is gone in the source, and nothing later would end it', async () => {
      const id = await deleted()
      assert.equal(await r.ledger.discardHeld([id], anna, 'taken-back'), 1)
      assert.equal((await r.poll()).verdict, 'nothing new')
      assert.deepEqual(await decided(), ['deletion-taken-back', 'anna', anna.reason, 'erp|A'])
    })

    it('is one too many in the target where it stays there, until its key is delivered again', async () => {
      const id = await deleted()
      assert.equal(await r.ledger.discardHeld([id], anna, 'stays'), 1)
      const run = await r.poll()
      assert.deepEqual([run.verdict, run.open], ['open', ['supplier: 1 too many in the target']])
      assert.deepEqual(await decided(), ['deletion-stays', 'anna', anna.reason, 'erp|A'])
      await r.ledger.purge(-1)
      assert.deepEqual((await r.poll()).open, ['supplier: 1 too many in the target'])
      put('A', 'again')
      assert.equal((await r.poll()).verdict, 'ties')
    })

    it('is no more too many once the target was emptied', async () => {
      const id = await deleted()
      await r.ledger.discardHeld([id], anna, 'stays')
      await r.ledger.forgetAddress(r.target('supplier').address)
      assert.deepEqual(await r.ledger.openItems('s'), [])
    })
  })

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
          receiptSeconds: 5,
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
