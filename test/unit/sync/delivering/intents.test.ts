import assert from 'node:assert/strict'
import { isSyncError, syncError } from '../../../../sync/contract/errors.ts'
import { bench, counted, journal, journalSchema, supplier, tallied } from '../../../support/deliveries.ts'
import { type FakeTarget, fakeTarget } from '../../../support/fake-target.ts'

const lost = syncError('unknown-outcome', 'fake.timeout', 'no answer')
const busy = syncError('transient', 'fake.503', 'busy')
const appending = () => bench({ target: fakeTarget({ mode: 'append' }) })
const names = (target: FakeTarget) => target.appended.map(({ record }) => record.name)
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (isSyncError(error) ? error.code : String(error)),
  )

describe('intents: sinks that append', () => {
  it('write once, close the intent, and remember what was delivered', async () => {
    const b = await appending()
    const run = await b.begin('r1')
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A'), supplier('T', 'B')], { read: 1 })), {
      delivered: 2,
    })
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { read: 2 })), { unchanged: 1 })
    assert.deepEqual(names(b.target), ['A', 'B'])
    assert.deepEqual(await b.ledger.intents(b.target.address), [])
    assert.deepEqual(tallied(run, 'supplier'), { delivered: 2, unchanged: 1 })
  })

  it('never write again what arrived before the answer was lost', async () => {
    const b = await appending()
    await b.begin('r1')
    b.target.accident = (_, attempt) => (attempt === 1 ? { after: lost } : undefined)
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')])), { delivered: 1 })
    assert.equal(b.target.counts.write, 1)
    assert.equal(b.target.counts.resolve, 1)
    assert.deepEqual(names(b.target), ['A'])
  })

  it('write again what did not arrive', async () => {
    const b = await appending()
    await b.begin('r1')
    b.target.accident = (_, attempt) => (attempt === 1 ? { before: lost } : undefined)
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')])), { delivered: 1 })
    assert.equal(b.target.counts.write, 2)
    assert.deepEqual(names(b.target), ['A'])
  })

  it('list as in doubt what the target cannot tell, settle it, and never send it again', async () => {
    const b = await appending()
    const run = await b.begin('r1')
    b.target.accident = () => ({ after: lost })
    b.target.resolve = async () => 'unknown'
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { read: 1 })), { inDoubt: 1 })
    assert.deepEqual(tallied(run, 'supplier'), { inDoubt: 1 })
    const [intent] = await b.ledger.intents(b.target.address)
    assert.equal(intent?.state, 'in-doubt')
    b.target.accident = () => undefined
    const writes = b.target.counts.write
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { read: 2 })), { inDoubt: 1 })
    assert.equal(b.target.counts.write, writes)
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'B')], { read: 3 })), { delivered: 1 })
  })

  it('send again what may be in, where that was chosen, and list it as in doubt all the same', async () => {
    const b = await appending()
    await b.begin('r1')
    b.target.accident = (_, attempt) => (attempt === 1 ? { before: lost } : undefined)
    b.target.resolve = async () => 'repeat'
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')])), { inDoubt: 1 })
    assert.equal(b.target.counts.write, 2)
    assert.deepEqual(names(b.target), ['A'])
    assert.deepEqual(
      (await b.ledger.doubtful()).map(({ state, records }) => [state, records.length]),
      [['in-doubt', 1]],
    )
  })

  it('after a crash too, when the records are read again: what may be in holds nothing back then', async () => {
    const b = await appending()
    await b.begin('r1')
    const stop = new AbortController()
    b.target.accident = () => {
      stop.abort()
      return { after: lost }
    }
    const write = b.target.write.bind(b.target)
    b.target.write = (batch, context) => write(batch, { ...context, signal: new AbortController().signal })
    assert.equal(await codeOf(b.send('r1', [supplier('S', 'A')], { read: 1, signal: stop.signal })), 'sync.stopped')
    const again = await b.restart()
    again.target.accident = () => undefined
    again.target.resolve = async () => 'repeat'
    await again.begin('r2')
    assert.deepEqual(counted(await again.send('r2', [supplier('S', 'A')], { read: 2 })), { delivered: 1 })
    assert.deepEqual(
      (await again.ledger.doubtful()).map(({ state }) => state),
      ['repeated'],
    )
  })

  it('in parts: each is written behind an intent of its own, and one that is refused takes none of the others with it', async () => {
    const b = await appending()
    await b.begin('r1')
    b.target.parts = (records) => records.map((record) => [record])
    b.target.refuses = ({ code }) => (code === 'T' ? 'does not fit' : undefined)
    const sent = [supplier('S', 'A'), supplier('T', 'B'), supplier('U', 'C')]
    assert.deepEqual(counted(await b.send('r1', sent)), { delivered: 2, held: 1 })
    assert.deepEqual(names(b.target), ['A', 'C'])
    assert.equal(new Set(b.target.batches.map(({ id }) => id)).size, b.target.batches.length)
    assert.deepEqual(await b.ledger.intents(b.target.address), [])
  })

  it('list a batch that turns out to be in twice; a later version of its records goes on', async () => {
    const b = await appending()
    const run = await b.begin('r1')
    b.target.prepare = async () => ({ tables: [], doubled: [{ id: 'b7', records: [{ key: 'x3|S', read: 1 }] }] })
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { read: 5 })), { delivered: 1 })
    assert.deepEqual(
      (await b.ledger.doubtful()).map(({ id }) => id),
      ['b7 (twice)'],
    )
    assert.ok(run.notices.some((notice) => /has the batch b7 twice/.test(notice)))
  })

  it('forget deliveries and doubts of tables that the target emptied itself', async () => {
    const b = await appending()
    await b.begin('r1')
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { read: 1 })), { delivered: 1 })
    const again = await b.restart()
    await again.begin('r2')
    again.target.prepare = async () => ({ tables: [], cleared: true })
    assert.deepEqual(counted(await again.send('r2', [supplier('S', 'A')], { read: 2 })), { delivered: 1 })
  })

  for (const arrived of [true, false])
    it(`ask, after a crash in mid-write, whether the batch arrived before anything is sent: it did${arrived ? '' : ' not'}`, async () => {
      const b = await appending()
      await b.begin('r1')
      const stop = new AbortController()
      b.target.accident = () => {
        stop.abort()
        return arrived ? { after: lost } : { before: lost }
      }
      const write = b.target.write.bind(b.target)
      b.target.write = (batch, context) => write(batch, { ...context, signal: new AbortController().signal })
      assert.equal(await codeOf(b.send('r1', [supplier('S', 'A')], { read: 1, signal: stop.signal })), 'sync.stopped')
      assert.equal((await b.ledger.intents(b.target.address))[0]?.state, 'open')

      const again = await b.restart()
      again.target.accident = () => undefined
      await again.begin('r2')
      const counts = await again.send('r2', [supplier('S', 'A')], { read: 2 })
      assert.deepEqual(counted(counts), arrived ? { unchanged: 1 } : { delivered: 1 })
      assert.deepEqual(names(again.target), ['A'])
      assert.deepEqual(await again.ledger.intents(again.target.address), [])
    })

  for (const known of [true, false])
    it(`count the rows of lists of what a crash left behind${known ? '' : ', and are open where a version before announced it'}`, async () => {
      const own = Object.assign(fakeTarget({ mode: 'append' }), { countsOnly: true as const, whole: async () => [] })
      const b = await bench({ target: own })
      await b.begin('r1')
      const stop = new AbortController()
      own.accident = () => {
        stop.abort()
        return { after: lost }
      }
      const write = own.write.bind(own)
      own.write = (batch, context) => write(batch, { ...context, signal: new AbortController().signal })
      const about = { schema: journalSchema, read: 1, signal: stop.signal }
      assert.equal(await codeOf(b.send('r1', [journal('1', '10.00'), journal('2', '5.00')], about)), 'sync.stopped')
      const [{ state: _, ...intent } = assert.fail()] = await b.ledger.intents(own.address)
      assert.deepEqual(
        intent.records.map(({ lines }) => lines),
        ['2', '2'],
      )
      if (!known) {
        await b.ledger.closeIntent(intent.id, 'absent')
        await b.ledger.openIntent({ ...intent, records: intent.records.map(({ lines: _, ...one }) => one) })
      }
      const again = await b.restart()
      own.accident = () => undefined
      await again.begin('r2')
      await again.send('r2', [journal('3', '1.00')], { schema: journalSchema, read: 2 })
      const memory = await again.ledger.targetMemory(own.address, 'x3')
      const rows = Object.fromEntries(memory?.tables.map((table) => [table.list, table.rows]) ?? [])
      assert.deepEqual([memory?.whole, rows], [known, known ? { '': 3, lines: 6 } : { '': 1, lines: 2 }])
    })

  it('leave the intent open while the target does not answer: nothing is guessed', async () => {
    const b = await appending()
    await b.begin('r1')
    b.target.accident = () => ({ after: lost })
    b.target.resolve = async () => {
      throw busy
    }
    assert.equal(await codeOf(b.send('r1', [supplier('S', 'A')])), 'fake.503')
    assert.equal((await b.ledger.intents(b.target.address))[0]?.state, 'open')
  })

  it('close the intent of a batch that was refused, and hold its bad record', async () => {
    const b = await appending()
    const run = await b.begin('r1')
    b.target.refuses = ({ name }) => (name === 'bad' ? 'too long' : undefined)
    const records = [supplier('S', 'A'), supplier('T', 'bad'), supplier('U', 'C')]
    assert.deepEqual(counted(await b.send('r1', records)), { delivered: 2, held: 1 })
    assert.deepEqual(names(b.target), ['A', 'C'])
    assert.deepEqual(await b.ledger.intents(b.target.address), [])
    assert.deepEqual(tallied(run, 'supplier'), { delivered: 2, held: 1 })
  })

  it('do not forget what they delivered in a full refresh: an append would double it', async () => {
    const b = await appending()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A')], { read: 1 })
    await b.begin('r2', { full: true })
    assert.deepEqual(counted(await b.send('r2', [supplier('S', 'A')], { read: 2 })), { unchanged: 1 })
    assert.deepEqual(names(b.target), ['A'])
  })
})
