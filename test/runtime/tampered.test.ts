/** Rows that somebody takes away, puts back or puts in by SQL between two runs, in a real Node-RED: mended and told, or not green. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { JOURNAL, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'

describe('tables changed by hand', function () {
  this.timeout(120_000)
  let thread: Thread
  before(async () => {
    thread = await startThread()
  })
  after(() => thread?.end())

  const begin = async (): Promise<Job> => {
    const job = thread.begin({ entities: [JOURNAL] })
    await job.deploy()
    succeeded(await job.run())
    return job
  }
  const changeJournal = (job: Job, transaction = 'ODX'): void => {
    const [entry] = job.books.tables.journalEntry.walk()
    ok(entry)
    job.put('journalEntry', { ...entry, transaction })
  }
  /** Number of a journal that no test changes in the ERP. */
  const lastOf = async (job: Job): Promise<string> => {
    const [row] = await job.rows(`select max(number) from main.${job.name}.gl_entry`)
    return String(row?.[0])
  }

  for (const [what, list, sql] of [
    ['a header deleted', 'gl_entry', 'delete from {table} where {key}'],
    ['a line deleted', 'gl_entry_line', 'delete from {table} where {key} and line = 1'],
    [
      'the lines put back to an older version',
      'gl_entry_line',
      'update {table} set amount = 1, _sync_read = 7 where {key}',
    ],
  ] as const)
    it(`${what}: found by the next run that writes, which reads the journal again`, async () => {
      const job = await begin()
      const number = await lastOf(job)
      const table = `main.${job.name}.${list}`
      await job.rows(sql.replace('{table}', table).replace('{key}', `number = '${number}'`))
      changeJournal(job)
      const summary = succeeded(await job.run())
      match(
        summary.notices.join('\n'),
        new RegExp(`1 record\\(s\\) are not in .* as they were delivered, such as .*${number}`),
      )
      match(summary.notices.join('\n'), /is there now/)
      equal(summary.verdict, 'ties')
      await job.ties()
      deepEqual((await job.run()).summary?.statements, 0, 'the warehouse may sleep again')
    })

  it('rows that no run wrote: open with their number, whatever runs, until somebody takes them away', async () => {
    const job = await begin()
    const table = `main.${job.name}.gl_entry`
    const columns = 'source, company, entry_type, number'
    await job.rows(
      `insert into ${table} (${columns}) select ${columns.replace('number', "'HAND'")} from ${table} limit 1`,
    )
    changeJournal(job)
    const { summary } = await job.run({ sweep: true })
    equal(summary?.verdict, 'open')
    match(summary?.open?.join('; ') ?? '', /1 row\(s\) of others under our source name in .*gl_entry/)
    equal((await job.rows(`select 1 from ${table} where number = 'HAND'`)).length, 1)
    await job.rows(`delete from ${table} where number = 'HAND'`)
    changeJournal(job, 'OD')
    equal((await job.run()).summary?.verdict, 'ties')
  })
})
