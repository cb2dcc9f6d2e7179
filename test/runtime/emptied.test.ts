/** Tables that somebody empties, drops or narrows by hand between two runs, in a real Node-RED: nothing stays missing and green. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { AlertRecord } from '../../ledger/ledger.ts'
import { entityOf, failed, JOURNAL, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'

describe('tables emptied by hand', function () {
  this.timeout(120_000)
  let thread: Thread
  before(async () => {
    thread = await startThread()
  })
  after(() => thread?.end())

  /** A job whose first run is over; `change` of each its nodes comes before. */
  const begin = async (entities: readonly string[], change: (job: Job) => void = () => undefined): Promise<Job> => {
    const job = thread.begin({ entities })
    change(job)
    await job.deploy()
    succeeded(await job.run())
    return job
  }
  const changeProduct = (job: Job): void => {
    const [product] = job.books.tables.product.walk()
    ok(product)
    job.put('product', { ...product, description: `${product.description} new` })
  }
  const changeJournal = (job: Job): void => {
    const [entry] = job.books.tables.journalEntry.walk()
    ok(entry)
    job.put('journalEntry', { ...entry, transaction: 'ODX' })
  }
  const alerts = async ({ name }: Job) => {
    const { body } = await thread.red.call('GET', `/tieout/alerts?sync=${name}&open=true`)
    return (body as AlertRecord[]).map(({ kind, message }) => `${kind} ${message}`)
  }
  const bronze = (job: Job) => {
    job.node('databricks-write').mode = 'bronze'
  }

  for (const [what, entity, sql] of [
    ['a header emptied', 'product', 'truncate table main.{job}.product'],
    ['a header dropped', 'product', 'drop table main.{job}.product'],
    ['the lines beside an intact header deleted', JOURNAL, 'delete from main.{job}.gl_entry_line where true'],
    ['the splits dropped', JOURNAL, 'drop table main.{job}.gl_entry_analytical'],
  ] as const)
    it(`${what}: the notice names the table, and the sweep at the end of the same run brings everything back`, async () => {
      const job = await begin([entity])
      const table = /main\S+/.exec(sql)?.[0].replace('{job}', job.name) ?? ''
      await job.rows(sql.replace('{job}', job.name))
      if (entity === JOURNAL) changeJournal(job)
      else changeProduct(job)
      const summary = succeeded(await job.run())
      match(
        summary.notices.join('\n'),
        new RegExp(`${table} (is empty|was made now), though (records|documents) were deliv`),
      )
      match(summary.notices.join('\n'), /the sweep has read again/)
      await job.ties()
      deepEqual(await alerts(job), [])
      const next = succeeded(await job.run())
      deepEqual([next.statements, next.notices], [0, []], 'the warehouse may sleep again')
    })

  it('bronze emptied: every record is written once more', async () => {
    const job = await begin(['product'], bronze)
    const table = `main.${job.name}.product_bronze`
    const count = job.books.tables.product.count()
    await job.rows(`delete from ${table} where true`)
    changeProduct(job)
    const summary = succeeded(await job.run())
    match(summary.notices.join('\n'), new RegExp(`${table} is empty, though records were delivered`))
    const keys = async () => (await job.rows(`select count(*), count(distinct key) from ${table}`))[0]?.map(Number)
    deepEqual(await keys(), [count, count])
  })

  it('bronze with gaps: a full refresh writes the newest version of each key that is not there, and nothing else', async () => {
    const job = await begin(['product'], bronze)
    const table = `main.${job.name}.product_bronze`
    const count = job.books.tables.product.count()
    const [first] = [...job.books.tables.product.walk()]
    await job.rows(`delete from ${table} where key <> 'x3|${first?.code}'`)
    const ran = await job.run({ full: true })
    succeeded(ran)
    const { delivered, unchanged } = entityOf(ran, 'product')
    deepEqual({ delivered, unchanged }, { delivered: count - 1, unchanged: 1 })
    deepEqual((await job.rows(`select count(*), count(distinct key) from ${table}`))[0]?.map(Number), [count, count])
    const again = entityOf(await job.run({ full: true }), 'product')
    equal(again.unchanged, count)
  })

  it('a sync that never sweeps says so in each run and alerts, until a full refresh', async () => {
    const job = await begin(['product'], (made) => {
      made.node('x3-poll').sweep = 'never'
    })
    await job.rows(`truncate table main.${job.name}.product`)
    for (const _ of ['finds it', 'says it again']) {
      changeProduct(job)
      const { summary } = await job.run()
      match(summary?.notices.join('\n') ?? '', /product is empty, though.*run a full refresh/s)
      match((await alerts(job)).join('\n'), /^lost-rows product: .*product is empty.*\{"full": true\}/)
    }
    ok((await job.compare()).missing > 0)
    succeeded(await job.run({ full: true }))
    await job.ties()
    deepEqual(await alerts(job), [])
  })

  it('a list made again with a narrower amount stops every run, named, before anything is rounded', async () => {
    const job = await begin([JOURNAL])
    const table = `main.${job.name}.gl_entry_line`
    await job.rows(`drop table ${table}`)
    await job.rows(
      `create table ${table} (source string not null, entry_type string not null, entry_number string not null, amount decimal(18,1)) using delta`,
    )
    for (const _ of ['this run', 'the next']) {
      changeJournal(job)
      const error = failed(await job.run())
      match(error.message, new RegExp(`Column amount of ${table} is decimal\\(18,1\\)`))
      deepEqual(await job.held(), [])
      deepEqual(await job.rows(`select amount from ${table}`), [])
    }
    await job.rows(`drop table ${table}`)
    succeeded(await job.run())
    await job.ties()
  })
})
