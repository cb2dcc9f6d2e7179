/** Tables are looked at once in each run that writes: what somebody emptied, dropped or narrowed is told. */
import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { FoundTable, Target } from '../../../../sync/contract/target.ts'
import {
  type Bench,
  bench,
  counted,
  failing,
  journal,
  journalSchema,
  supplier,
  tallied,
} from '../../../support/deliveries.ts'
import { fakeTarget } from '../../../support/fake-target.ts'

const gone = syncError('config', 'fake.missing', 'the table does not exist')
const noLines = (number: string) => ({ ...journal(number, '1.00'), lines: [] })

describe('a target is looked at', () => {
  /** Runs that deliver one version of one journal each. */
  const deliver = async (b: Bench, run: string, read: number, record = journal('J1', `${read}.00`)) => {
    const state = await b.begin(run)
    const counts = await b.send(run, [record], { schema: journalSchema, read })
    return { state, counts: counted(counts) }
  }

  it('once for each run that writes, and not by one that does not', async () => {
    const b = await bench()
    await b.begin('r1')
    for (const read of [1, 2, 3]) await b.send('r1', [journal('J1', `${read}.00`)], { schema: journalSchema, read })
    assert.equal(b.target.counts.prepare, 1)
    await deliver(b, 'r2', 4, journal('J1', '3.00'))
    assert.equal(b.target.counts.prepare, 1, 'nothing to write')
    await deliver(b, 'r3', 5)
    assert.equal(b.target.counts.prepare, 2)
    await b.begin('r4', { full: true })
    for (const read of [6, 7]) await b.send('r4', [journal('J1', `${read}.00`)], { schema: journalSchema, read })
    assert.equal(b.target.counts.prepare, 3, 'a full refresh neither asks with every batch')
  })

  it('again within the run for records of another shape', async () => {
    const b = await bench()
    await b.begin('r1')
    const wider = { ...journalSchema, columns: [...journalSchema.columns, { name: 'site', type: 'string' as const }] }
    for (const [read, schema] of [journalSchema, wider, journalSchema, wider].entries())
      await b.send('r1', [journal('J1', `${read}.00`)], { schema, read: read + 1 })
    assert.equal(b.target.counts.prepare, 2)
  })

  it('before anything of the run is called delivered: a column narrowed meanwhile stops every run', async () => {
    const b = await bench()
    await deliver(b, 'r1', 1)
    b.target.prepare = async () => {
      throw syncError('config', 'fake.narrow', 'Column amount is decimal(18,1)', { field: 'amount' })
    }
    for (const [run, read] of [
      ['r2', 2],
      ['r3', 3],
    ] as const) {
      const state = await b.begin(run)
      const error = await failing(b.send(run, [journal('J1', '10.47')], { schema: journalSchema, read }))
      assert.deepEqual([error.code, error.cause.field], ['fake.narrow', 'amount'])
      assert.deepEqual(tallied(state, 'gl_entry'), {})
    }
    assert.equal(b.target.counts.write, 1)
  })

  for (const [list, state] of [
    ['', 'empty'],
    ['', 'new'],
    ['lines', 'empty'],
    ['lines', 'new'],
  ] as const)
    it(`${list || 'the header'} found ${state}: named, and nothing counts as unchanged any more`, async () => {
      const b = await bench()
      await b.begin('r1')
      await b.send('r1', [journal('J1', '1.00'), journal('J2', '2.00')], { schema: journalSchema, read: 1 })
      b.target.found = { [list]: state }
      const run = await b.begin('r2')
      const news = [journal('J1', '1.00'), journal('J2', '9.00')]
      assert.deepEqual(counted(await b.send('r2', news, { schema: journalSchema, read: 2 })), { delivered: 2 })
      const name = list === '' ? /books\.gl_entry is empty/ : /books\.gl_entry_lines (is empty|was made now), though/
      assert.match(run.notices.join(), name)
      assert.equal(run.entities.get('gl_entry')?.lost, 'found')
      assert.match((await b.ledger.lostRows('books of r1', 'gl_entry')) ?? '', name, 'whoever delivered there is told')
      assert.match((await b.ledger.lostRows('books of r2', 'gl_entry')) ?? '', name)
    })

  it('a list that never had a row may be empty for ever', async () => {
    const b = await bench()
    b.target.found = { '': 'new', lines: 'new' }
    await deliver(b, 'r1', 1, noLines('J1'))
    b.target.found = { lines: 'empty' }
    for (const [run, read] of [
      ['r2', 2],
      ['r3', 3],
    ] as const) {
      const { state } = await deliver(b, run, read, { ...noLines('J1'), status: run })
      assert.deepEqual(state.notices, [])
    }
    assert.equal(await b.ledger.lostRows('books of r3', 'gl_entry'), undefined)
    b.target.found = { lines: 'empty' }
    await deliver(b, 'r4', 4)
    assert.match((await deliver(b, 'r5', 5)).state.notices.join(), /gl_entry_lines is empty/, 'since r4 it had one')
  })

  it('a list that an older version filled is known once it was found with rows', async () => {
    const b = await bench()
    const old: typeof b.ledger = { ...b.ledger, commit: ({ filled: _, ...commit }) => b.ledger.commit(commit) }
    const before = await bench({ target: b.target, ledger: old })
    await deliver(before, 'r1', 1)
    assert.deepEqual(await b.ledger.filled(b.target.address), [])
    const again = await b.restart()
    await deliver(again, 'r2', 2, { ...noLines('J1'), status: 'without' })
    again.target.found = { lines: 'empty' }
    assert.match((await deliver(again, 'r3', 3, noLines('J1'))).state.notices.join(), /gl_entry_lines is empty/)
  })

  it('found empty once it is told once: what was delivered since counts', async () => {
    const b = await bench()
    await deliver(b, 'r1', 1)
    b.target.found = { '': 'empty' }
    await deliver(b, 'r2', 2)
    b.target.found = {}
    const third = await deliver(b, 'r3', 3)
    assert.deepEqual(third.state.notices, [])
    assert.deepEqual((await deliver(b, 'r4', 4, journal('J1', '3.00'))).counts, { unchanged: 1 })
  })

  describe('lost in mid-run', () => {
    const losing = async (): Promise<Bench> => {
      const b = await bench()
      await b.begin('r1')
      await b.send('r1', [journal('J1', '1.00'), journal('J2', '2.00')], { schema: journalSchema, read: 1 })
      b.target.isLost = (error) => error === gone
      b.target.accident = (_, attempt) => (attempt === 2 ? { before: gone } : undefined)
      b.target.prepare = async (): ReturnType<Target['prepare']> => {
        b.target.counts.prepare++
        const tables: FoundTable[] = [
          { list: '', name: 'books.gl_entry', state: 'new' },
          { list: 'lines', name: 'books.gl_entry_lines', state: 'filled' },
        ]
        return { tables }
      }
      b.target.stored.clear()
      return b
    }

    it('the table is made anew, the batch written whole, and what was delivered before doubted', async () => {
      const b = await losing()
      const news = [journal('J1', '1.00'), journal('J2', '3.00')]
      const counts = await b.send('r1', news, { schema: journalSchema, read: 2 })
      assert.deepEqual(counted(counts), { delivered: 2 })
      assert.deepEqual([...b.target.stored.keys()].sort(), ['x3|J1', 'x3|J2'])
      const run = b.settlement.runs.get('r1')
      assert.match(run?.notices.join() ?? '', /books\.gl_entry is empty, though records were delivered/)
      assert.equal(run?.entities.get('gl_entry')?.lost, 'found')
      assert.equal(b.target.counts.prepare, 2)
    })

    it('the sums of the run still tie once everything is delivered again', async () => {
      const b = await losing()
      const run = b.settlement.runs.get('r1')
      await b.send('r1', [journal('J2', '3.00')], { schema: journalSchema, read: 2 })
      const check = async () => {
        const reached = await run?.entities.get('gl_entry')?.reached.values().next().value
        return reached?.check?.({ signal: new AbortController().signal, waiting: () => undefined })
      }
      assert.equal((await check())?.kind, 'differs', 'the first journal of the run is not there')
      await b.send('r1', [journal('J1', '1.00')], { schema: journalSchema, read: 3 })
      assert.equal((await check())?.kind, 'ties')
    })

    it('a batch is written once more only: a table that will not stay fails the entity', async () => {
      const b = await losing()
      b.target.accident = () => ({ before: gone })
      const error = await failing(b.send('r1', [journal('J1', '9.00')], { schema: journalSchema, read: 2 }))
      assert.equal(error.code, 'fake.missing')
      assert.equal(b.target.counts.write, 3)
    })

    it('where no table was lost the failure stands', async () => {
      const b = await losing()
      b.target.prepare = async () => ({ tables: [{ list: '', name: 'books.gl_entry', state: 'filled' }] })
      const error = await failing(b.send('r1', [journal('J1', '9.00')], { schema: journalSchema, read: 2 }))
      assert.equal(error.code, 'fake.missing')
      assert.equal(b.target.counts.write, 2)
    })
  })

  describe('a full refresh of a target that keeps every version', () => {
    const versions = async () => {
      const b = await bench({ target: fakeTarget({ mode: 'append' }) })
      await b.begin('r1')
      const records = ['A', 'B', 'C', 'D'].map((code) => supplier(code, 'first'))
      await b.send('r1', records, { read: 1 })
      return b
    }
    const names = (b: Bench) => b.target.appended.map(({ key, record }) => `${key} ${record.name}`)

    it('writes the newest version of each key that is not there, and no other', async () => {
      const b = await versions()
      const gaps = b.target.appended.filter(({ key }) => key === 'x3|A' || key === 'x3|D')
      b.target.appended.splice(0, 4, ...gaps)
      await b.begin('r2', { full: true })
      const records = ['A', 'B', 'C'].map((code) => supplier(code, 'first'))
      const counts = await b.send('r2', [...records, supplier('D', 'second')], { read: 2 })
      assert.deepEqual(counted(counts), { delivered: 3, unchanged: 1 })
      assert.deepEqual(names(b), ['x3|A first', 'x3|D first', 'x3|B first', 'x3|C first', 'x3|D second'])
      assert.deepEqual(counted(await b.send('r2', records, { read: 3 })), { unchanged: 3 }, 'asked once in a run')
    })

    it('an older version beside a newer one that is gone does not pass for it', async () => {
      const b = await versions()
      await b.send('r1', [supplier('B', 'second')], { read: 2 })
      b.target.appended.pop()
      await b.begin('r2', { full: true })
      assert.deepEqual(counted(await b.send('r2', [supplier('B', 'second')], { read: 3 })), { delivered: 1 })
    })

    it('what is in doubt is not sent again', async () => {
      const b = await versions()
      b.target.accident = () => ({ after: syncError('unknown-outcome', 'fake.reset', 'reset') })
      b.target.resolve = async () => 'in-doubt'
      assert.deepEqual(counted(await b.send('r1', [supplier('E', 'first')], { read: 2 })), { inDoubt: 1 })
      b.target.appended.pop()
      b.target.accident = () => undefined
      await b.begin('r2', { full: true })
      const counts = await b.send('r2', [supplier('A', 'first'), supplier('E', 'first')], { read: 3 })
      assert.deepEqual(counted(counts), { unchanged: 1, inDoubt: 1 })
    })

    it('keys in another order than that of their bytes are refused: a page would not tell what is missing', async () => {
      const b = await versions()
      b.target.appended.reverse()
      b.target.sorted = false
      await b.begin('r2', { full: true })
      const error = await failing(b.send('r2', [supplier('A', 'first')], { read: 2 }))
      assert.equal(error.code, 'sync.keys-order')
      assert.match(error.cause.hint ?? '', /collation/)
    })
  })

  it('before an open intent is resolved: the table it went to may have been dropped', async () => {
    const b = await bench({ target: fakeTarget({ mode: 'append' }) })
    await b.begin('r1')
    await b.send('r1', [supplier('A', 'first')], { read: 1 })
    const stop = new AbortController()
    b.target.accident = () => {
      stop.abort()
      return { before: syncError('unknown-outcome', 'fake.reset', 'reset') }
    }
    await failing(b.send('r1', [supplier('B', 'first')], { read: 2, signal: stop.signal }))
    b.target.accident = () => undefined
    const order: string[] = []
    const { prepare, resolve } = b.target
    b.target.prepare = (...args) => {
      order.push('prepare')
      return prepare(...args)
    }
    b.target.resolve = async (...args) => {
      order.push('resolve')
      return (await resolve?.(...args)) ?? 'absent'
    }
    await b.begin('r2')
    await b.send('r2', [supplier('A', 'first')], { read: 3 })
    assert.deepEqual(order, ['prepare', 'resolve'])
  })
})
