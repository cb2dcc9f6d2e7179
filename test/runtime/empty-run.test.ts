/** A warehouse that nobody asks goes to sleep and costs nothing: a run without changes must leave it alone. Counted by the warehouse. */
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { ENTITIES } from '../../nodes/x3/client/entities/index.ts'
import { entityOf, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'

/** The warehouse's own counters by kind of request; the end of an operation may follow its run. */
function asked({ databricks }: Thread) {
  const { requests, 'close-operation': ends, ...kinds } = databricks.stats()
  return { ...kinds, statements: kinds.statements ?? 0 }
}

describe('a run without changes', function () {
  this.timeout(120_000)
  let thread: Thread
  let job: Job
  before(async () => {
    thread = await startThread()
    job = thread.begin({ entities: ENTITIES.map(({ entity }) => entity) })
    await job.deploy()
    succeeded(await job.run())
  })
  after(() => thread?.end())

  it('asks X3 and sends the warehouse nothing at all', async () => {
    const before = asked(thread)
    ok(before.statements > 0)
    const sent = thread.x3.stats().requests
    for (const run of [await job.run(), await job.run()]) {
      succeeded(run)
      equal(run.summary?.statements, 0)
    }
    notEqual(thread.x3.stats().requests, sent)
    deepEqual(asked(thread), before)
    await job.ties()
  })

  it('nor for what it reads again because the windows overlap', async () => {
    const [product] = job.books.tables.product.walk()
    ok(product)
    job.put('product', { ...product, description: 'changed' })
    // Two minutes later instead of an hour: inside the overlap of the window after the next.
    thread.clock.advance(-58 * 60_000)
    const first = await job.run()
    succeeded(first)
    equal(entityOf(first, 'product').delivered, 1)
    const before = asked(thread)
    const second = await job.run()
    succeeded(second)
    const { read, unchanged } = entityOf(second, 'product')
    deepEqual({ read, unchanged }, { read: 1, unchanged: 1 })
    deepEqual(asked(thread), before)
    await job.ties()
  })
})
