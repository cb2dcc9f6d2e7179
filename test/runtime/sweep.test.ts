/** What was deleted in X3 leaves the warehouse, and what only seems to be deleted stays. Over HTTP, as a user has it. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { AlertRecord } from '../../ledger/ledger.ts'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { BookTables, TableName } from '../../sandbox/books/types.ts'
import { entityOf, JOURNAL, type Job, MASTER, startThread, succeeded, type Thread } from '../support/thread.ts'

const SWEEP = { sweep: true }

describe('the sweep, in Node-RED', function () {
  this.timeout(120_000)
  let thread: Thread
  before(async () => {
    // Enough journals that a hundred are not most of them.
    thread = await startThread({ rows: 8_000 })
  })
  after(() => thread?.end())

  const begin = async (entities: readonly string[] = [MASTER, JOURNAL]): Promise<Job> => {
    const job = thread.begin({ entities })
    await job.deploy()
    succeeded(await job.run())
    return job
  }
  const remove = (job: Job, table: TableName, count: number) => {
    const books = job.books.tables[table] as ChangingTable<BookTables[TableName]>
    const now = new Date(thread.clock.now()).toISOString()
    const things = [...books.walk()].slice(3, 3 + count)
    for (const thing of things) books.remove(books.keyOf(thing), now)
    thread.clock.advance(3_600_000)
    return things
  }
  const alerts = async ({ name }: Job) => {
    const { body } = await thread.red.call('GET', `/tieout/alerts?sync=${name}&open=true`)
    return (body as AlertRecord[]).map(({ kind, entity, message }) => ({ kind, entity, message }))
  }

  it('deletes a document with its lines and splits, behind the mapping, and nothing else', async () => {
    const job = await begin()
    remove(job, 'journalEntry', 2)
    remove(job, 'supplier', 1)
    succeeded(await job.run())
    ok((await job.compare()).extra > 3, 'without a sweep it cannot know')
    const swept = await job.run(SWEEP)
    succeeded(swept)
    equal(entityOf(swept, JOURNAL).sweep?.gone, 2)
    equal(entityOf(swept, MASTER).sweep?.gone, 1)
    await job.ties()
    const again = await job.run(SWEEP)
    succeeded(again)
    equal(again.summary?.statements, 0, 'a sweep that finds nothing lets the warehouse sleep')
  })

  it('brings a record back that is restored under its old stamp, which no window ever covers again', async () => {
    const job = await begin([JOURNAL])
    const [was] = remove(job, 'journalEntry', 3)
    equal(entityOf(await job.run(SWEEP), JOURNAL).sweep?.gone, 3)
    ok(was)
    const books = job.books.tables.journalEntry as ChangingTable<typeof was>
    books.put(was)
    thread.clock.advance(3_600_000)
    succeeded(await job.run())
    ok((await job.compare()).missing > 0)
    const back = await job.run(SWEEP)
    succeeded(back)
    equal(entityOf(back, JOURNAL).sweep?.missed, 1)
    await job.ties()
  })

  it('takes more than 100 and 5 % gone for a lost right: nothing is deleted, until a person says that it is so', async () => {
    const job = await begin([JOURNAL])
    const there = (await job.ties()).records
    remove(job, 'journalEntry', 101)
    const doubted = await job.run(SWEEP)
    succeeded(doubted)
    match(entityOf(doubted, JOURNAL).sweep?.problem ?? '', /101 of \d+ records known are not listed/)
    const { missing, extra, different } = await job.compare()
    ok(extra > 300)
    deepEqual([missing, different], [0, 0])
    const [alert, ...others] = await alerts(job)
    deepEqual([alert?.kind, alert?.entity, others], ['sweep', JOURNAL, []])
    match(alert?.message ?? '', /lost right.*\{"sweep": \{"confirm": "gl_entry"\}\}/)
    succeeded(await job.run({ sweep: { confirm: JOURNAL }, reason: 'they were archived' }))
    equal((await job.ties()).records, there - 101)
    deepEqual(await alerts(job), [])
  })
})
