import assert from 'node:assert/strict'
import { type Budget, createBudget } from '../../../../sync/reading/budget.ts'
import { createPassage, defaultLimits } from '../../../../sync/reading/in-flight.ts'
import { apply, markReceived, newBatch, type SinkSide } from '../../../../sync/run/progress.ts'
import { newEntity, newRun } from '../../../../sync/run/state.ts'

const KB = 1 << 10
/** 64 MB of memory are counted as so much. */
const BYTES = 16 << 20
const SINK = 'write-1'
const NOTHING = { rows: 0, bytes: 0 }
const signal = new AbortController().signal

/** A run that reads and sends by hand. */
function runOf(budget: Budget, sync: string) {
  const run = newRun(
    {
      ...{ id: sync, sync, mode: 'poll', at: '2026-03-01T08:00:00Z', mustReport: 'every', mayFilter: false },
      ...{ receiptMs: 1000, full: false, memory: true, sourceAddress: 'memory' },
    } as Parameters<typeof newRun>[0],
    0,
  )
  const entity = newEntity(run, { name: 'supplier', sinks: [{ id: SINK, name: SINK }] })
  const passage = createPassage(budget, run, defaultLimits)
  const unsent = { bytes: 0, isFirst: true }
  const reader = passage.reader(
    () => unsent.bytes,
    () => unsent.isFirst,
  )
  const sideOf = (index: number) => entity.batches[index]?.sinks.get(SINK) as SinkSide
  return {
    passage,
    reader,
    unsent,
    /** Asks for a page; tells whether it may. */
    async asks() {
      let granted = false
      const page = reader.page(NOTHING, signal).then(() => {
        granted = true
      })
      // Everything that follows by itself has followed.
      await new Promise((resolve) => setImmediate(resolve))
      return { page, granted: () => granted, first: granted }
    },
    /** A batch of one record, which its sink has. */
    send(bytes: number) {
      const index = entity.batches.length
      const batch = newBatch({ index, count: 1, rows: 1, bytes, sentAt: 0, segments: [] })
      entity.batches.push(batch)
      markReceived(batch, SINK, [0])
      passage.changed()
      return {
        waits(what: string | undefined) {
          sideOf(index).waiting = what
          run.changed()
        },
        settle() {
          apply(batch, SINK, [{ row: 0, outcome: 'delivered' }])
          run.changed()
        },
      }
    },
  }
}

describe('what a run has on its way', () => {
  it('holds a slot from asking for a page until what it gave is settled', async () => {
    const budget = createBudget(64)
    const [one, other] = [runOf(budget, 'one'), runOf(budget, 'other')]
    other.send(KB)
    const large = one.send(BYTES - 400 * KB)
    // Of the 400 kB that are left a first page is taken for 256.
    assert.equal((await one.asks()).first, true)
    const waiting = await other.asks()
    assert.equal(waiting.first, false, 'asked for is as good as there')
    one.unsent.bytes = 300 * KB
    one.reader.came(300 * KB)
    one.reader.leave()
    assert.equal(waiting.granted(), false)
    const small = one.send(300 * KB)
    one.unsent.bytes = 0
    small.settle()
    await waiting.page
    large.settle()
  })

  it('what was read and not sent is held', async () => {
    const budget = createBudget(64)
    const [one, other] = [runOf(budget, 'one'), runOf(budget, 'other')]
    other.send(KB)
    one.unsent.bytes = BYTES
    one.reader.came(0)
    const waiting = await other.asks()
    assert.equal(waiting.first, false)
    one.unsent.bytes = 0
    one.passage.changed()
    await waiting.page
  })

  it('asks for no page while its sink waits, however much room there is, and goes on with it', async () => {
    const one = runOf(createBudget(64), 'one')
    const batch = one.send(KB)
    batch.waits('the warehouse is starting')
    const waiting = await one.asks()
    assert.equal(waiting.first, false)
    batch.waits(undefined)
    await waiting.page
  })

  it('sends no second batch while its sink waits for the first', async () => {
    const one = runOf(createBudget(64), 'one')
    const first = one.send(KB)
    first.waits('the warehouse is starting')
    let sent = false
    const sending = one.passage.send({ rows: 1, bytes: KB }, signal).then(() => {
      sent = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(sent, false)
    first.settle()
    await sending
  })

  it('one batch always passes, however much others hold: its page, and its sending', async () => {
    const budget = createBudget(64)
    const [full, one] = [runOf(budget, 'full'), runOf(budget, 'one')]
    full.send(2 * BYTES)
    assert.equal((await one.asks()).first, true)
    one.reader.came(KB)
    await one.passage.send({ rows: defaultLimits.windowRows + 1, bytes: 2 * BYTES }, signal)
    // Sent again by hand.
    await one.passage.slot({ rows: 1, bytes: 2 * BYTES }, signal)
  })

  it('what is read ahead has no such right: it waits for room, or until it is first in line', async () => {
    const budget = createBudget(64)
    const [full, one] = [runOf(budget, 'full'), runOf(budget, 'one')]
    full.send(2 * BYTES)
    one.unsent.isFirst = false
    const waiting = await one.asks()
    assert.equal(waiting.first, false)
    one.unsent.isFirst = true
    one.passage.changed()
    await waiting.page
  })

  it('a batch that was read waits for no slot: two runs that read and hold all there is both send', async () => {
    const budget = createBudget(64)
    const runs = [runOf(budget, 'a'), runOf(budget, 'b')]
    for (const run of runs) {
      run.send(KB)
      run.unsent.bytes = BYTES / 2
      run.reader.came(BYTES / 2)
    }
    await Promise.all(runs.map((run) => run.passage.send({ rows: 1, bytes: BYTES / 2 }, signal)))
  })
})
