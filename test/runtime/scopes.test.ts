/** What a message may ask of the source, other ways of reading and writing, and older releases of X3. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { JournalEntry, Supplier } from '../../sandbox/books/types.ts'
import { startX3 } from '../../sandbox/x3/server.ts'
import { entityOf, failed, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'
import { waitFor } from '../support/wait.ts'

describe('what can be asked', function () {
  this.timeout(120_000)
  let thread: Thread
  before(async () => {
    thread = await startThread()
  })
  afterEach(() => {
    thread.x3.setLatency(0)
    thread.checkLeaks()
  })
  after(() => thread?.end())

  const firstSupplier = (job: Job): Supplier => [...job.books.tables.supplier.walk()][0] as Supplier
  const firstEntry = (job: Job): JournalEntry => [...job.books.tables.journalEntry.walk()][0] as JournalEntry
  /** As a change by a script in the ERP's database: no stamp moves. */
  const putSilently = (job: Job, entry: JournalEntry): void =>
    (job.books.tables.journalEntry as ChangingTable<JournalEntry>).put(entry)

  it('first load, nothing, an edit, a full refresh: each reads and writes what it must', async () => {
    const job = thread.begin()
    await job.deploy()
    const first = await job.run()
    succeeded(first)
    equal(succeeded(await job.run()).statements, 0, 'nothing changed: the warehouse may sleep')
    job.put('supplier', { ...firstSupplier(job), currency: 'XXX' })
    const edit = await job.run()
    deepEqual([entityOf(edit, 'supplier').delivered, entityOf(edit, 'gl_entry').delivered], [1, 0])
    await job.ties()
    // What somebody did to the target by hand is mended by a full refresh only.
    await job.rows(`delete from main.${job.name}.gl_entry_line where ledger = 'legal'`)
    await job.rows(`delete from main.${job.name}.supplier`)
    const full = await job.run({ full: true })
    succeeded(full)
    equal(entityOf(full, 'gl_entry').read, entityOf(first, 'gl_entry').read)
    await job.ties()
  })

  it('{from, to} reads the documents of these days again, which changed without a stamp, and moves no window', async () => {
    const job = thread.begin({ entities: ['gl_entry'] })
    await job.deploy()
    succeeded(await job.run())
    const entry = firstEntry(job)
    putSilently(job, { ...entry, transaction: 'ODX' })
    equal(entityOf(await job.run(), 'gl_entry').read, 0)
    const ran = await job.run({ from: entry.accountingDate, to: entry.accountingDate })
    succeeded(ran)
    const { read, delivered, unchanged } = entityOf(ran, 'gl_entry')
    ok(read > 0 && read < 52, `${read} read`)
    deepEqual([delivered, unchanged], [1, read - 1])
    await job.ties()
    equal(succeeded(await job.run()).statements, 0)
    const wrong = failed(await job.run({ from: '31.12.2025', to: 'today' }))
    match(wrong.message, /msg\.tieout must be one of/)
  })

  it('{entity, keys} reads single records again', async () => {
    const job = thread.begin({ entities: ['supplier', 'gl_entry'] })
    await job.deploy()
    succeeded(await job.run())
    const entry = firstEntry(job)
    putSilently(job, { ...entry, transaction: 'ODX' })
    const ran = await job.run({ entity: 'gl_entry', keys: [`x3|${entry.entryType}|${entry.number}`] })
    succeeded(ran)
    deepEqual([entityOf(ran, 'gl_entry').read, entityOf(ran, 'gl_entry').delivered], [1, 1])
    await job.ties()
  })

  it('{stop: true} stops the run; what is settled is kept, and the next goes on', async () => {
    const job = thread.begin({ entities: ['supplier', 'product', 'gl_entry'] })
    await job.deploy()
    thread.x3.setLatency(40)
    await job.press()
    await waitFor(async () => (await job.tables()).includes('supplier'), {
      what: 'the run to be on its way',
    })
    await job.press({ stop: true })
    const stopped = await waitFor(() => job.seen.find(({ kind }) => kind === 'summary'), {
      what: 'the end',
    })
    equal((stopped.message.payload as { state: string }).state, 'stopped')
    ok(!job.seen.some(({ kind }) => kind === 'caught'), 'a stop that was asked for is no failure')
    thread.x3.setLatency(0)
    succeeded(await job.run())
    await job.ties()
    const statuses = await thread.red.listen('status/#')
    await job.press({ stop: true })
    await waitFor(() => JSON.stringify(statuses).includes('nothing to stop'), { what: 'the answer' })
  })

  it('an order that is none is refused in words', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    await job.deploy()
    const error = failed(await job.run({ everything: 'please' }))
    match(error.message, /\{stop: true\}, \{full: true\}, .*\{from, to\}/)
    equal(error.cause.field, 'msg.tieout')
    deepEqual(await job.runs(), [])
  })

  it('bronze keeps every version as it came, none twice', async () => {
    const job = thread.begin()
    job.node('databricks-write').mode = 'bronze'
    await job.deploy()
    const first = await job.run()
    succeeded(first)
    const table = `main.${job.name}.gl_entry_bronze`
    const versions = async (): Promise<unknown[][]> => job.rows(`select count(*), count(distinct key) from ${table}`)
    const { delivered } = entityOf(first, 'gl_entry')
    deepEqual(await versions(), [[String(delivered), String(delivered)]])
    const entry = firstEntry(job)
    const [[text] = []] = await job.rows(
      `select record from ${table} where key = 'x3|${entry.entryType}|${entry.number}'`,
    )
    const record = JSON.parse(String(text)) as { number: string; lines: { amount: string }[] }
    equal(record.number, entry.number)
    equal(record.lines.length, entry.lines.length)
    ok(record.lines.every(({ amount }) => typeof amount === 'string'))
    equal(succeeded(await job.run()).statements, 0)
    job.put('journalEntry', { ...entry, transaction: 'ODX' })
    succeeded(await job.run())
    deepEqual(await versions(), [[String(delivered + 1), String(delivered)]])
    job.node('databricks-connection').volume = ''
    job.put('journalEntry', { ...entry, transaction: 'ODY' })
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /staging volume/)
    match(error.cause.hint ?? '', /CREATE VOLUME/)
    deepEqual(await job.held(), [])
  })

  it('stamps of whole days: the last day is read again with each run, and written only where it changed', async () => {
    const job = thread.begin()
    job.node('x3-poll').granularity = 'day'
    await job.deploy()
    const first = await job.run()
    succeeded(first)
    await job.ties()
    job.put('supplier', { ...firstSupplier(job), currency: 'XXX' })
    job.put('supplier', { ...firstSupplier(job), currency: 'YYY' })
    const second = await job.run()
    succeeded(second)
    ok(entityOf(second, 'supplier').read < entityOf(first, 'supplier').read)
    equal(entityOf(second, 'supplier').delivered, 1)
    await job.ties()
    const third = await job.run()
    equal(succeeded(third).statements, 0)
    ok(entityOf(third, 'supplier').read > 0, 'the day is read again')
    equal(entityOf(third, 'supplier').unchanged, entityOf(third, 'supplier').read)
  })

  it('a date field as the change stamp, where only one entity has it', async () => {
    const job = thread.begin({ entities: ['supplier', 'gl_entry'] })
    job.node('x3-poll').stampField = 'accountingDate'
    await job.deploy()
    const first = await job.run()
    succeeded(first)
    await job.ties()
    const today = new Date(thread.clock.now()).toISOString().slice(0, 10)
    const entry = firstEntry(job)
    const lines = entry.lines.map((line) => ({ ...line, accountingDate: today }))
    putSilently(job, { ...entry, accountingDate: today, lines })
    const second = await job.run()
    succeeded(second)
    equal(entityOf(second, 'gl_entry').delivered, 1)
    ok(entityOf(second, 'gl_entry').read < entityOf(first, 'gl_entry').read)
    await job.ties()
  })

  for (const generation of ['quantityLines', '2021'] as const)
    it(`X3 of the generation ${generation}: everything comes`, async () => {
      const job = thread.begin({
        entities: [
          'supplier',
          'customer',
          'product',
          'gl_account',
          'dimension',
          'cost_centre',
          'purchase_order',
          'supplier_invoice',
          'sales_invoice',
          'gl_entry',
        ],
      })
      const { clientId, secret, user } = thread.x3
      const older = await startX3({
        generation,
        books: job.books,
        folder: job.name,
        clock: thread.clock,
        clientId,
        secret,
        user,
      })
      try {
        job.node('x3-connection').url = older.url
        await job.deploy()
        succeeded(await job.run())
        job.put('supplier', { ...firstSupplier(job), currency: 'XXX' })
        equal(entityOf(await job.run(), 'supplier').delivered, 1)
        const found = await job.compare()
        deepEqual([found.missing, found.extra, found.examples], [0, 0, []])
      } finally {
        await older.close()
      }
    })
})
