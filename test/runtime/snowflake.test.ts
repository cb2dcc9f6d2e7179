/** The shipped template into Snowflake: marks, ledgers, schemas, and a warehouse that does not run. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Decimal } from '../../sandbox/books/types.ts'
import type { SnowflakeSandbox } from '../../sandbox/snowflake/server.ts'
import { connectTo } from '../support/snowflake.ts'
import { entityOf, failed, type Job, type Ran, startThreadTo, succeeded, type ThreadTo } from '../support/thread.ts'
import { toSnowflake } from '../support/thread-targets.ts'

const HOUR = 3_600_000

describe('the way into Snowflake', function () {
  this.timeout(120_000)
  let thread: ThreadTo<SnowflakeSandbox>
  before(async () => {
    thread = await startThreadTo(toSnowflake)
  })
  afterEach(() => {
    thread.target.allow()
    thread.checkLeaks()
  })
  after(() => thread?.end())

  const at = (job: Job, table: string): string => `${thread.target.database}.${job.name.toUpperCase()}.${table}`
  const ledgerFiles = (job: Job): string[] => globSync(join(thread.red.userDir, `${job.name}.db*`))
  const changeOne = (job: Job, currency = 'XXX'): string => {
    const [supplier] = job.books.tables.supplier.walk()
    ok(supplier)
    job.put('supplier', { ...supplier, currency })
    return supplier.code
  }
  /** What somebody does in the warehouse beside Tieout. */
  const byHand = async (...statements: readonly string[]): Promise<void> => {
    const connection = connectTo(thread.target)
    const context = { signal: new AbortController().signal, waiting: () => undefined }
    for (const sql of statements) await connection.run({ sql, what: sql }, context)
    await connection.close()
  }
  const withoutLedger = async (job: Job): Promise<void> => {
    await thread.red.deploy([])
    for (const file of ledgerFiles(job)) rmSync(file)
    await job.deploy()
  }
  const read = (ran: Ran): number => (ran.summary?.entities ?? []).reduce((sum, entity) => sum + entity.read, 0)

  it('loads everything, sends nothing where nothing changed, and follows changes', async () => {
    const job = thread.begin({ entities: ['supplier', 'purchase_order', 'supplier_invoice', 'gl_entry'] })
    await job.deploy()
    succeeded(await job.run())
    await job.ties()
    equal(succeeded(await job.run()).statements, 0, 'the warehouse may sleep')
    changeOne(job)
    const ran = await job.run()
    equal(succeeded(ran).statements > 0, true)
    equal(entityOf(ran, 'supplier').delivered, 1)
    await job.ties()
  })

  it('a list narrowed or emptied by hand: stopped by its name, or read again by the sweep of the same run', async () => {
    const job = thread.begin({ entities: ['gl_entry'] })
    await job.deploy()
    succeeded(await job.run())
    const change = (transaction: string): void => {
      const [entry] = job.books.tables.journalEntry.walk()
      ok(entry)
      job.put('journalEntry', { ...entry, transaction })
    }
    const lines = at(job, 'GL_ENTRY_LINE')
    await byHand(`delete from ${lines}`)
    change('ODX')
    const summary = succeeded(await job.run())
    match(summary.notices.join('\n'), new RegExp(`${lines} is empty, though records were delivered.*read again`, 's'))
    await job.ties()
    await byHand(
      `drop table ${lines}`,
      `create table ${lines} (SOURCE varchar collate '', ENTRY_TYPE varchar collate '', ENTRY_NUMBER varchar collate '', AMOUNT number(18,1))`,
    )
    for (const transaction of ['ODY', 'ODZ']) {
      change(transaction)
      match(failed(await job.run()).message, new RegExp(`Column AMOUNT of ${lines} is NUMBER\\(18,1\\)`))
    }
    deepEqual(await job.rows(`select AMOUNT from ${lines}`), [])
    await byHand(`drop table ${lines}`)
    succeeded(await job.run())
    await job.ties()
  })

  it('a full refresh of the append mode writes the newest version of each key that is not there, and no other', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    job.node('snowflake-merge').mode = 'append'
    await job.deploy()
    succeeded(await job.run())
    const versions = at(job, 'SUPPLIER_VERSIONS')
    const count = job.books.tables.supplier.count()
    const code = changeOne(job)
    succeeded(await job.run())
    const newest = `x3|${code}`
    await byHand(`delete from ${versions} where KEY <> '${newest}'`)
    const ran = await job.run({ full: true })
    succeeded(ran)
    const { delivered, unchanged } = entityOf(ran, 'supplier')
    deepEqual({ delivered, unchanged }, { delivered: count - 1, unchanged: 1 })
    const stored = await job.rows(`select KEY from ${versions}`)
    deepEqual([stored.length, new Set(stored.flat()).size], [count + 1, count], 'two versions of the one that changed')
  })

  it('the ledger deleted: it goes on from the mark, reads under 5 %, merges no unchanged row, finds what was held', async () => {
    const job = thread.begin()
    // a new ledger begins an hour before the mark, and the books were made just now
    thread.clock.advance(3 * HOUR)
    await job.deploy()
    const first = await job.run()
    succeeded(first)
    const writtenBy = async () =>
      new Map((await job.rows(`select code, _sync_run from ${at(job, 'SUPPLIER')}`)).map(([code, run]) => [code, run]))
    // a journal that does not balance is held, and its place in the books is where a new ledger must begin
    thread.clock.advance(3 * HOUR)
    const [entry] = job.books.tables.journalEntry.walk()
    ok(entry)
    const cent = (amount: Decimal): Decimal => amount.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10))
    const lines = entry.lines.map((line, n) => (n === 0 ? { ...line, ledgerAmount: cent(line.ledgerAmount) } : line))
    job.put('journalEntry', { ...entry, lines, mustHold: 'unbalanced' })
    await job.run()
    const held = await job.held()
    equal(held.length, 1, JSON.stringify(held))
    const before = await writtenBy()
    const code = changeOne(job)
    await withoutLedger(job)
    const ran = await job.run()
    match(ran.summary?.notices.join('\n') ?? '', /the ledger knows nothing of this sync, but .* does: going on from/)
    ok(read(ran) > 0 && read(ran) < read(first) * 0.05, `${read(ran)} of ${read(first)} records were read`)
    const after = await writtenBy()
    deepEqual(
      [...after].filter(([supplier, run]) => before.get(supplier) !== run).map(([supplier]) => supplier),
      [code],
      'only what changed was written',
    )
    deepEqual(
      (await job.held()).map(({ key }) => key),
      held.map(({ key }) => key),
      'the held record is found again',
    )
    job.put('journalEntry', entry)
    succeeded(await job.run())
    deepEqual(await job.held(), [])
    await job.ties()
  })

  it('two ledgers into one table: the second is refused, and told of the first', async () => {
    const one = thread.begin({ entities: ['supplier'] })
    await one.deploy()
    succeeded(await one.run())
    const two = thread.begin({ entities: ['supplier'] })
    two.node('x3-connection').folder = one.name
    two.node('snowflake-connection').schema = one.name
    await two.deploy()
    const error = failed(await two.run())
    match(error.message, new RegExp(`${at(one, 'SUPPLIER')} is already written by the sync "${one.name}"`))
    match(error.message, new RegExp(`now by "${two.name}"`))
    deepEqual(await two.held(), [])
    // the same name in another installation goes on where the first one stood; from then on the first is the stranger
    two.node('x3-poll').syncName = one.name
    await two.deploy()
    succeeded(await two.run())
    changeOne(one)
    equal(entityOf(await two.run(), 'supplier').delivered, 1)
    await one.ties()
    await one.deploy()
    changeOne(one, 'YYY')
    const refused = failed(await one.run())
    match(refused.message, /is also written by another ledger/)
    match(refused.cause.hint ?? '', /Two installations write one table/)
  })

  it('entities go into schemas of their own where that is wished', async () => {
    const job = thread.begin({ entities: ['supplier', 'gl_entry'] })
    const elsewhere = thread.begin().name.toUpperCase()
    job.node('snowflake-merge').tables = [{ entity: 'gl_entry', pattern: `{database}.${elsewhere}.{entity}` }]
    await job.deploy()
    const ran = await job.run()
    succeeded(ran)
    const count = async (schema: string, table: string) =>
      Number((await job.rows(`select count(*) from ${thread.target.database}.${schema}.${table}`))[0]?.[0])
    equal(await count(elsewhere, 'GL_ENTRY'), entityOf(ran, 'gl_entry').delivered)
    equal(await count(job.name.toUpperCase(), 'SUPPLIER'), entityOf(ran, 'supplier').delivered)
    deepEqual((await job.tables()).sort(), ['_tieout_mark', 'supplier'])
  })

  it('appends every version of each record, none twice', async () => {
    const job = thread.begin()
    job.node('snowflake-merge').mode = 'append'
    await job.deploy()
    const first = await job.run()
    succeeded(first)
    const versions = async () =>
      (await job.rows(`select count(*), count(distinct key) from ${at(job, 'GL_ENTRY_VERSIONS')}`))[0]?.map(Number)
    const { delivered } = entityOf(first, 'gl_entry')
    deepEqual(await versions(), [delivered, delivered])
    equal(succeeded(await job.run()).statements, 0)
    const [entry] = job.books.tables.journalEntry.walk()
    ok(entry)
    job.put('journalEntry', { ...entry, transaction: 'ODX' })
    succeeded(await job.run())
    deepEqual(await versions(), [delivered + 1, delivered])
  })

  it('a warehouse that does not run: nothing is held, the run fails and says so, the next delivers everything', async () => {
    const job = thread.begin()
    job.node('snowflake-connection').coldStartMinutes = 0.02
    await job.deploy()
    thread.target.suspend(1000)
    const error = failed(await job.run())
    match(error.message, /000606/)
    match(error.cause.hint ?? '', /AUTO_RESUME/)
    deepEqual(await job.held(), [])
    thread.target.suspend(0)
    succeeded(await job.run())
    await job.ties()
  })

  it('a right missing on one table: what came is kept, nothing is held, the rest follows', async () => {
    const job = thread.begin()
    await job.deploy()
    succeeded(await job.run())
    const [entry] = job.books.tables.journalEntry.walk()
    ok(entry)
    thread.target.deny('UPDATE', at(job, 'GL_ENTRY_LINE'))
    changeOne(job)
    job.put('journalEntry', { ...entry, transaction: 'ODX' })
    const error = failed(await job.run())
    match(error.message, /003001/)
    deepEqual(await job.held(), [])
    thread.target.allow()
    succeeded(await job.run())
    await job.ties()
  })
})
