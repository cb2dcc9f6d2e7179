import assert from 'node:assert/strict'
import { copyFileSync, rmSync } from 'node:fs'
import type { PollOptions } from '../../../../sync/contract/engine.ts'
import { floorOf } from '../../../../sync/run/marks.ts'
import {
  type FakeSource,
  type FakeTarget,
  fakeSource,
  fakeTarget,
  supplier,
  supplierSchema,
} from '../../../support/fakes.ts'
import { type LedgerFolder, ledgerFolder } from '../../../support/ledger.ts'
import { type Rig, rig, sums, warehouse } from '../../../support/rig.ts'

const suppliers = { supplier: { schema: supplierSchema, overlapSeconds: 60 } }

describe('marks', () => {
  let folder: LedgerFolder
  let source: FakeSource
  let targets: Map<string, FakeTarget>
  const open: Rig[] = []
  /** Our clock, set by hand: with it read numbers go back where a machine's clock does. */
  let now: number

  beforeEach(() => {
    folder = ledgerFolder()
    source = fakeSource(suppliers)
    targets = new Map()
    now = Date.parse('2026-03-01T08:00:00Z')
    for (let i = 0; i < 5; i++) source.put('supplier', supplier(`S${i}`, 'first'), '2026-02-01T00:00:00Z')
  })
  afterEach(async () => {
    for (const r of open.splice(0)) await r.close()
    await folder.remove()
  })

  const start = async (name = 'a'): Promise<Rig> => {
    const r = await rig({ entities: suppliers, source, targets, file: `${folder.file}.${name}`, now: () => now })
    open.push(r)
    return r
  }
  const stop = async (r: Rig) => {
    open.splice(open.indexOf(r), 1)
    await r.close()
  }
  const later = (minutes: number) => {
    now += minutes * 60_000
    source.clockIs(new Date(now).toISOString().slice(0, 19).concat('Z'))
  }
  const stored = () =>
    Object.fromEntries([...(targets.get('supplier')?.stored ?? [])].map(([key, { record }]) => [key, record.name]))
  const wanted = () => Object.fromEntries([...source.all('supplier')].map(([key, row]) => [key, row.name]))
  const wholeOf = (table: FakeTarget) => {
    const rows = [...table.stored.values()]
    const sum = rows.reduce((all, { hash }) => all + BigInt(Number.parseInt(hash.slice(0, 8), 16)), 0n)
    const highest = Math.max(0, ...rows.map(({ read }) => read))
    return { list: '', name: 'supplier', rows: rows.length, sum, highest, others: 0 }
  }
  /** As a node gives them: the targets behind the wires. */
  const asking = (r: Rig): Partial<PollOptions> => ({
    targets: async (entity) => [{ ref: warehouse, target: r.target(entity) }],
  })

  it('the ledger deleted: the new one goes on from the floor, loses nothing and doubles nothing', async () => {
    const a = await start()
    await a.poll()
    await stop(a)
    later(10)
    source.put('supplier', supplier('S1', 'changed meanwhile'))
    const b = await start('b')
    source.asked.length = 0
    const summary = await b.poll(asking(b))
    assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
    assert.equal(source.asked[0]?.from, '2026-03-01T06:59:00Z', 'the floor minus the overlap and a margin')
    assert.equal(sums(summary, 'supplier').read, 1)
    assert.match(summary.notices.join(), /going on from 2026-03-01T08:00:00Z/)
    assert.deepEqual(stored(), wanted())
    const [mark, ...more] = targets.get('supplier')?.marks ?? []
    assert.deepEqual([mark?.ledger, more.length], [b.ledger.id, 0])
  })

  it('the ledger deleted while the clock is set back: numbers go on above those of the target, so that no change is taken for old', async () => {
    const a = await start()
    await a.poll()
    await stop(a)
    const before = targets.get('supplier')?.marks[0]?.read ?? 0
    source.clockIs('2026-03-01T08:30:00Z')
    source.put('supplier', supplier('S1', 'changed meanwhile'))
    now -= 3_600_000
    const b = await start('b')
    await b.poll(asking(b))
    assert.ok((b.sent[0]?.sync.readNumber ?? 0) > before)
    assert.deepEqual(stored(), wanted())
  })

  it('the ledger deleted and nobody asks before reading: everything is read and compared again', async () => {
    const a = await start()
    await a.poll()
    await stop(a)
    later(10)
    const b = await start('b')
    const summary = await b.poll()
    assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
    assert.equal(sums(summary, 'supplier').delivered, 5)
    assert.deepEqual(stored(), wanted())
  })

  it('the same with the clock set back: the first run says so, the second one reads with higher numbers', async () => {
    const a = await start()
    await a.poll()
    await stop(a)
    now -= 3_600_000
    const b = await start('b')
    const first = await b.poll()
    assert.deepEqual([first.state, first.errors[0]?.code], ['failed', 'sync.old-numbers'])
    source.put('supplier', supplier('S1', 'changed meanwhile'))
    const second = await b.poll()
    assert.equal(second.state, 'done', JSON.stringify(second.errors))
    assert.deepEqual(stored(), wanted())
  })

  it('the ledger deleted, an entity added later: the old mark of that one is taken over too', async () => {
    const entities = { ...suppliers, customer: { schema: { ...supplierSchema, entity: 'customer' } } }
    const both = fakeSource(entities)
    both.put('supplier', supplier('S1', 'x'))
    both.put('customer', supplier('C1', 'x'))
    const a = await rig({ entities, source: both, targets, now: () => now })
    open.push(a)
    await a.poll()
    await stop(a)
    later(1)
    const b = await rig({ entities, source: both, targets, now: () => now })
    open.push(b)
    both.clockIs('2026-03-01T09:00:00Z')
    assert.equal((await b.poll({ ...asking(b), entities: ['supplier'] })).state, 'done')
    both.put('customer', supplier('C1', 'changed'))
    both.clockIs('2026-03-01T10:00:00Z')
    const summary = await b.poll(asking(b))
    assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
    assert.equal(targets.get('customer')?.stored.get('erp|C1')?.record.name, 'changed')
  })

  it('the table was emptied too: the mark says nothing, and everything is loaded', async () => {
    const a = await start()
    await a.poll()
    await stop(a)
    targets.get('supplier')?.stored.clear()
    later(10)
    const b = await start('b')
    assert.equal((await b.poll(asking(b))).state, 'done')
    assert.deepEqual(stored(), wanted())
  })

  it('an old copy of the ledger is noticed: what it takes for unchanged is sent again', async () => {
    const a = await start()
    await a.poll()
    await stop(a)
    copyFileSync(`${folder.file}.a`, `${folder.file}.copy`)
    later(10)
    source.put('supplier', supplier('S1', 'second'))
    const same = await start()
    await same.poll()
    await stop(same)
    for (const end of ['', '-wal']) rmSync(`${folder.file}.a${end}`, { force: true })
    copyFileSync(`${folder.file}.copy`, `${folder.file}.a`)
    // The source has gone back to what the old copy knows as delivered.
    later(10)
    source.put('supplier', supplier('S1', 'first'))
    const old = await start()
    const summary = await old.poll()
    assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
    assert.match(summary.notices.join(), /old copy/)
    assert.deepEqual(stored(), wanted())
    later(10)
    source.put('supplier', supplier('S2', 'second'))
    const next = await old.poll()
    assert.deepEqual([next.state, next.notices], ['done', []])
  })

  for (const mode of ['merge', 'append'] as const)
    it(`an old copy is noticed by the rows too, where the mark lagged (${mode})`, async () => {
      const table = fakeTarget({ mode })
      targets.set('supplier', Object.assign(table, { whole: async () => [wholeOf(table)] }))
      const a = await start()
      await a.poll()
      await stop(a)
      copyFileSync(`${folder.file}.a`, `${folder.file}.copy`)
      const marks = table.marks.map((mark) => ({ ...mark }))
      later(10)
      source.put('supplier', supplier('S1', 'second'))
      const same = await start()
      await same.poll()
      await stop(same)
      // The last mark was never written.
      table.marks.splice(0, table.marks.length, ...marks)
      for (const end of ['', '-wal']) rmSync(`${folder.file}.a${end}`, { force: true })
      copyFileSync(`${folder.file}.copy`, `${folder.file}.a`)
      // The source has gone back to what the old copy knows as delivered.
      later(10)
      source.put('supplier', supplier('S1', 'first'))
      const old = await start()
      const summary = await old.poll()
      if (mode === 'append') {
        assert.match(summary.errors[0]?.message ?? '', /only appends, and its rows are ahead of this ledger/)
        return
      }
      assert.equal(summary.state, 'done', JSON.stringify(summary.errors))
      assert.match(summary.notices.join(), /old copy/)
      assert.deepEqual(stored(), wanted())
      later(10)
      source.put('supplier', supplier('S2', 'second'))
      const next = await old.poll()
      assert.deepEqual([next.state, next.notices], ['done', []])
    })

  it('a process that was killed between the target and the ledger is no old copy', async () => {
    const table = fakeTarget()
    targets.set('supplier', Object.assign(table, { whole: async () => [wholeOf(table)] }))
    const a = await start()
    await a.poll()
    copyFileSync(`${folder.file}.a`, `${folder.file}.copy`)
    source.put('supplier', supplier('S1', 'second'))
    await a.poll()
    await stop(a)
    for (const end of ['', '-wal']) rmSync(`${folder.file}.a${end}`, { force: true })
    copyFileSync(`${folder.file}.copy`, `${folder.file}.a`)
    table.marks.length = 0
    const again = await start()
    later(10)
    assert.doesNotMatch((await again.poll()).notices.join(), /old copy/)
  })

  it('two ledgers that write one table: the one that sees the other in its place stops and says so', async () => {
    const a = await start()
    await a.poll()
    later(10)
    source.put('supplier', supplier('S1', 'second'))
    const b = await start('b')
    assert.equal((await b.poll(asking(b))).state, 'done')
    later(10)
    source.put('supplier', supplier('S1', 'third'))
    const failed = await a.poll()
    assert.deepEqual([failed.state, failed.errors[0]?.code], ['failed', 'sync.two-ledgers'])
    assert.match(failed.errors[0]?.message ?? '', new RegExp(b.ledger.id))
    // The other one goes on undisturbed, and nothing is missing.
    assert.equal((await b.poll()).state, 'done')
    assert.deepEqual(stored(), wanted())
  })

  it('two ledgers, and the other one is gone for good: a person takes over, and nothing is lost or old', async () => {
    const a = await start()
    await a.poll()
    later(10)
    source.put('supplier', supplier('S1', 'second'))
    const b = await start('b')
    await b.poll(asking(b))
    later(10)
    source.put('supplier', supplier('S2', 'third'))
    const questions = async () =>
      (await a.ledger.alerts({ open: true })).filter(({ kind }) => kind === 'take-over').map(({ message }) => message)
    await a.poll()
    assert.match((await questions()).join(), /is also written by another ledger.*answer "take over" in the sidebar/)
    const taken = await a.poll({ identityChange: 'take over', sweep: { since: null } })
    assert.equal(taken.state, 'done', JSON.stringify(taken.errors))
    assert.match(taken.notices.join(), /taken over; .* already holds what the ledger/)
    assert.deepEqual([stored(), await questions()], [wanted(), []])
    assert.deepEqual(
      targets.get('supplier')?.marks.map((mark) => mark.ledger),
      [a.ledger.id],
    )
    later(10)
    source.put('supplier', supplier('S3', 'fourth'))
    assert.equal((await a.poll()).state, 'done', 'once is enough')
    assert.deepEqual(stored(), wanted())
    source.put('supplier', supplier('S4', 'fifth'))
    assert.equal((await b.poll()).errors[0]?.code, 'sync.two-ledgers', 'the other one stops if it comes back')
  })

  it('a sync that has another name on the new machine takes over the table of the old one', async () => {
    const a = await start()
    await a.poll()
    later(10)
    const b = await start('b')
    source.put('supplier', supplier('S1', 'second'))
    assert.equal((await b.poll({ name: 'another' })).errors[0]?.code, 'sync.two-syncs')
    const taken = await b.poll({ name: 'another', ...asking(b), identityChange: 'take over' })
    assert.equal(taken.state, 'done', JSON.stringify(taken.errors))
    assert.deepEqual(stored(), wanted())
    assert.deepEqual(
      targets.get('supplier')?.marks.map(({ sync, ledger }) => [sync, ledger]),
      [['another', b.ledger.id]],
    )
    later(10)
    source.put('supplier', supplier('S2', 'third'))
    assert.equal((await b.poll({ name: 'another' })).state, 'done')
  })

  it('a ledger that was taken over from and is alive after all is noticed by its moving mark', async () => {
    const a = await start()
    await a.poll()
    const b = await start('b')
    later(10)
    assert.equal((await b.poll({ ...asking(b) })).state, 'done')
    later(10)
    source.put('supplier', supplier('S1', 'second'))
    assert.equal((await a.poll()).state, 'done', 'nothing of the other ledger is in the table yet')
    later(10)
    source.put('supplier', supplier('S2', 'second'))
    const failed = await b.poll()
    assert.equal(failed.errors[0]?.code, 'sync.two-ledgers')
  })

  it('two syncs of one source into one table are refused, those of two sources are not', async () => {
    const a = await start()
    await a.poll()
    later(10)
    const b = await start('b')
    const twin = await b.poll({ name: 'another' })
    assert.equal(twin.errors[0]?.code, 'sync.two-syncs')
    assert.match(twin.errors[0]?.message ?? '', /"s".*"another"/)
    await assert.doesNotReject(b.poll({ name: 'another', ...asking(b) }))
    const elsewhere = fakeSource(suppliers, { address: 'fake://erp/OTHER' })
    elsewhere.put('supplier', { ...supplier('S1', 'of the other'), source: 'other' })
    assert.equal((await b.poll({ name: 'third', source: elsewhere })).state, 'done')
  })

  it('a table that only appends is not sent to again by a new ledger: a person decides', async () => {
    const append = fakeTarget({ address: 'fakedb://host/bronze', mode: 'append' })
    targets.set('supplier', append)
    const a = await start()
    const resolvable = Object.assign(append, { resolve: async () => 'absent' as const })
    assert.equal((await a.poll()).state, 'done')
    await stop(a)
    later(10)
    const b = await start('b')
    const failed = await b.poll(asking(b))
    assert.equal(failed.errors[0]?.code, 'sync.append-memory')
    assert.equal(resolvable.stored.size, 5)
  })

  it('the floor is the earlier of read through and the oldest stamp held, and unknown where one held has none', () => {
    const through = '2026-03-01T08:00:00Z'
    assert.equal(floorOf(through, undefined), through)
    assert.equal(floorOf(through, { stamp: '2026-03-01T07:59:59.5Z' }), '2026-03-01T07:59:59.5Z')
    assert.equal(floorOf(through, { stamp: '2026-03-01T09:00:00Z' }), through)
    assert.equal(floorOf(through, { stamp: null }), null)
    assert.equal(floorOf(through, { stamp: 'no time' }), null)
    assert.equal(floorOf(null, { stamp: through }), null)
  })
})
