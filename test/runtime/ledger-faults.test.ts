/** The ledger full, gone or old; Node-RED killed or redeployed in mid-run; another folder behind the same name. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, globSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { JournalEntry } from '../../sandbox/books/types.ts'
import {
  entityOf,
  failed,
  JOURNAL,
  type Job,
  MASTER,
  movedFolder,
  startThread,
  succeeded,
  type Thread,
} from '../support/thread.ts'
import { waitFor } from '../support/wait.ts'

describe('a ledger and a process in trouble', function () {
  this.timeout(120_000)
  let thread: Thread
  before(async () => {
    thread = await startThread()
  })
  afterEach(() => {
    limitFiles('unlimited')
    thread.x3.setLatency(0)
    thread.databricks.tune({ latencyMs: 0 })
    thread.checkLeaks()
  })
  after(() => thread?.end())

  const ledgerFile = (job: Job): string => join(thread.red.userDir, `${job.name}.db`)
  const changeOne = (job: Job, currency = 'XXX'): void => {
    const [supplier] = job.books.tables.supplier.walk()
    ok(supplier)
    job.put('supplier', { ...supplier, currency })
  }
  /** Runs of each row, by its key. */
  const writtenBy = async (job: Job): Promise<Map<string, string>> =>
    new Map(
      (await job.rows(`select code, _sync_run from main.${job.name}.supplier`)).map(
        (row) => row.map(String) as [string, string],
      ),
    )
  /** With the flows stopped the ledger is closed. */
  const stopped = async (job: Job, work: () => void): Promise<void> => {
    await thread.red.deploy([])
    work()
    await job.deploy()
  }
  const limitFiles = (bytes: string): void => {
    execFileSync('prlimit', ['--pid', String(thread.red.child.pid), `--fsize=${bytes}:`])
  }

  it('a disk without space for the ledger: the run says so and fails, and with space the next goes on', async () => {
    const job = thread.begin({ entities: ['supplier', 'product', 'gl_entry'] })
    await job.deploy()
    limitFiles('0')
    const refused = failed(await job.run())
    match(refused.message, new RegExp(`The ledger .*${job.name}\\.db`))
    match(refused.cause.hint ?? '', /space/)
    deepEqual(await job.tables(), [], 'nothing is written that could not be counted')
    limitFiles('unlimited')
    const from = job.seen.length
    // Full in mid-run: masters are in, journals are not.
    thread.databricks.tune({ latencyMs: 100 })
    await job.press()
    await waitFor(async () => (await job.tables()).includes('product'), { what: 'the first tables' })
    limitFiles('0')
    const caught = await waitFor(
      () =>
        job.seen.slice(from).find(({ kind, message }) => kind === 'caught' && message.error?.source.type === 'x3-poll'),
      { what: 'the failure' },
    )
    match(caught.message.error?.message ?? '', /ledger/i)
    match(caught.message.error?.cause?.hint ?? '', /space/)
    limitFiles('unlimited')
    thread.databricks.tune({ latencyMs: 0 })
    deepEqual(await job.held(), [])
    succeeded(await job.run())
    await job.ties()
    changeOne(job)
    succeeded(await job.run())
    await job.ties()
  })

  it('the ledger deleted: it goes on from the mark, reads little again, rewrites no row that did not change, deletes what went', async () => {
    const job = thread.begin()
    await job.deploy()
    const first = await job.run()
    succeeded(first)
    const before = await writtenBy(job)
    changeOne(job)
    await stopped(job, () => {
      for (const file of globSync(`${ledgerFile(job)}*`)) rmSync(file)
    })
    const entries = job.books.tables.journalEntry as ChangingTable<JournalEntry>
    const [, gone] = entries.walk()
    ok(gone)
    entries.remove(entries.keyOf(gone), new Date(thread.clock.now()).toISOString())
    const ran = await job.run()
    const summary = succeeded(ran)
    match(
      summary.notices.join('\n'),
      /supplier: the ledger knows nothing of this sync, but .*supplier .* does: going on from \d{4}-/,
    )
    ok(entityOf(ran, 'supplier').read < entityOf(first, 'supplier').read, JSON.stringify(summary))
    ok(entityOf(ran, 'gl_entry').read < entityOf(first, 'gl_entry').read)
    deepEqual(
      [MASTER, JOURNAL].map((entity) => entityOf(ran, entity).sweep?.gone),
      [0, 1],
    )
    const [supplier] = job.books.tables.supplier.walk()
    const after = await writtenBy(job)
    deepEqual(
      [...after].filter(([code, run]) => before.get(code) !== run).map(([code]) => code),
      [supplier?.code],
    )
    await job.ties()
    equal(succeeded(await job.run()).statements, 0, 'and then it is quiet again')
  })

  it('the ledger restored from an old copy: it notices by the mark, and what was delivered since is not undone', async () => {
    const job = thread.begin()
    await job.deploy()
    succeeded(await job.run())
    await stopped(job, () => copyFileSync(ledgerFile(job), `${ledgerFile(job)}.copy`))
    changeOne(job, 'AAA')
    succeeded(await job.run())
    changeOne(job, 'BBB')
    succeeded(await job.run())
    await stopped(job, () => {
      for (const file of globSync(`${ledgerFile(job)}*`)) if (!file.endsWith('.copy')) rmSync(file)
      copyFileSync(`${ledgerFile(job)}.copy`, ledgerFile(job))
    })
    // Back to a version that the old copy takes for delivered.
    const [supplier] = job.books.tables.supplier.walk()
    ok(supplier)
    changeOne(job, 'AAA')
    const ran = await job.run()
    match(ran.summary?.notices.join('\n') ?? '', /supplier: the ledger is an old copy: .* is ahead of it/)
    // A copy that is only seconds old gives numbers that were given before: one run says so, the next is above them.
    if (ran.error) {
      equal(ran.error.code, 'sync.old-numbers')
      match(ran.error.cause?.hint ?? '', /the next run reads these records again/)
      succeeded(await job.run())
    }
    await job.ties()
    equal(succeeded(await job.run()).statements, 0)
  })

  it('a ledger that another process has open, and a file that is none: named, nothing is read, and it goes on afterwards', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    await job.deploy()
    succeeded(await job.run())
    await thread.red.deploy([])
    const other = new DatabaseSync(ledgerFile(job))
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT')
    changeOne(job)
    await job.deploy()
    const locked = failed(await job.run())
    match(locked.message, new RegExp(`The ledger .*${job.name}\\.db is in use by another process`))
    match(locked.message, /a file of its own/)
    other.close()
    equal(entityOf(await job.run(), 'supplier').delivered, 1, 'no redeploy is needed')

    await stopped(job, () => {
      for (const file of globSync(`${ledgerFile(job)}-*`)) rmSync(file)
      writeFileSync(ledgerFile(job), 'this is no ledger'.repeat(1000))
    })
    const damaged = failed(await job.run())
    match(damaged.message, new RegExp(`${job.name}\\.db is not a ledger, or is damaged`))
    match(damaged.message, /move the file away: a new ledger goes on from the marks/)
    changeOne(job, 'YYY')
    await stopped(job, () => rmSync(ledgerFile(job)))
    succeeded(await job.run())
    await job.ties()
  })

  it('a replay beside a running poll: each counts its own, nothing comes twice', async () => {
    const job = thread.begin({ entities: ['product', 'gl_entry'] })
    const [product] = job.books.tables.product.walk()
    ok(product)
    job.put('product', { ...product, basePrice: '123456789012345678901234.5' })
    await job.deploy()
    equal(entityOf(await job.run(), 'product').held, 1)
    const [held] = await job.held()
    await thread.red.call('POST', '/tieout/held/edit', {
      id: held?.id,
      changes: { base_price: product.basePrice },
      reason: 'a slip of the pen',
    })
    for (const entry of job.books.tables.journalEntry.walk()) job.put('journalEntry', { ...entry, transaction: 'ODX' })
    thread.x3.setLatency(40)
    const from = job.seen.length
    await job.press()
    await waitFor(() => thread.x3.stats().last.at(-1)?.folder === job.name, { what: 'the poll to be on its way' })
    const replayed = await job.replay()
    equal(replayed.summary?.state, 'done', JSON.stringify(replayed))
    await waitFor(() => job.seen.slice(from).some(({ kind }) => kind === 'summary'), {
      what: 'the poll',
    })
    thread.x3.setLatency(0)
    job.put('product', product)
    succeeded(await job.run())
    await job.ties()
  })

  for (const [what, moment] of [
    [
      'while it reads',
      (job: Job) =>
        thread.x3
          .stats()
          .last.filter(({ folder, query }) => folder === job.name && query.includes('journalEntry{query')).length > 0,
    ],
    [
      'while it writes',
      (job: Job) =>
        thread.databricks
          .log()
          .some(({ kind, text }) => kind === 'merge' && text.includes(`\`${job.name}\`.\`gl_entry_line\``)),
    ],
  ] as const)
    it(`Node-RED killed ${what}: the run is known as died, the next one goes on, nothing is lost or doubled`, async () => {
      const job = thread.begin({ entities: ['supplier', 'gl_entry'] })
      await job.deploy()
      thread.x3.setLatency(30)
      thread.databricks.tune({ latencyMs: 60 })
      await job.press()
      await waitFor(() => moment(job), { what: `it to be ${what}` })
      await thread.restart('SIGKILL')
      thread.x3.setLatency(0)
      thread.databricks.tune({ latencyMs: 0 })
      const ran = await job.run()
      succeeded(ran)
      await job.ties()
      const states = (await job.runs()).map(({ state }) => state)
      deepEqual(states, ['done', 'died'])
      if (what === 'while it writes') equal(entityOf(ran, 'supplier').delivered, 0, 'masters were settled before')
    })

  it('a redeploy in mid-run stops it in order; the next run finishes', async () => {
    const job = thread.begin({ entities: ['supplier', 'product', 'gl_entry'] })
    await job.deploy()
    thread.databricks.tune({ latencyMs: 60 })
    await job.press()
    // A mark comes after everything of its entity is settled.
    const marked = async (): Promise<boolean> =>
      (await job.tables()).includes('_tieout_mark') &&
      (await job.rows(`select 1 from main.${job.name}._tieout_mark where entity = 'supplier'`)).length > 0
    await waitFor(marked, { what: 'the suppliers to be settled and the run to be on its way' })
    await job.deploy()
    thread.databricks.tune({ latencyMs: 0 })
    deepEqual(await job.held(), [])
    const ran = await job.run()
    succeeded(ran)
    await job.ties()
    deepEqual(
      (await job.runs()).map(({ state }) => state),
      ['done', 'stopped'],
    )
    equal(entityOf(ran, 'supplier').delivered, 0)
  })

  it('the sink alone redeployed in mid-run: its batch is not lost', async () => {
    const job = thread.begin({ entities: ['supplier', 'gl_entry'] })
    job.node('x3-poll').receiptMinutes = 0.1
    await job.deploy()
    thread.databricks.tune({ latencyMs: 60 })
    await job.press()
    await waitFor(async () => (await job.tables()).includes('gl_entry'), {
      what: 'the run to be on its way',
    })
    job.node('databricks-write').name = 'Write elsewhere'
    await thread.red.deploy(job.flow, 'nodes')
    thread.databricks.tune({ latencyMs: 0 })
    await waitFor(() => job.seen.some(({ kind }) => kind === 'summary'), {
      what: 'the end of the run',
    })
    succeeded(await job.run())
    await job.ties()
  })

  it('the connection switched to another folder stops and asks; "keep" goes on, "anew" reads everything', async () => {
    const job = thread.begin()
    await job.deploy()
    const first = await job.run()
    succeeded(first)
    job.node('x3-connection').folder = movedFolder(job.name)
    changeOne(job)
    await job.deploy()
    const error = failed(await job.run())
    equal(error.code, 'sync.identity')
    match(
      error.message,
      new RegExp(
        `The sync "${job.name}" has read supplier of x3://.*/${job.name}; now it would read supplier of x3://.*/${movedFolder(job.name)}`,
      ),
    )
    match(error.cause.hint ?? '', /"start anew".*"keep"/)
    deepEqual(
      (await job.runs()).map(({ state, entities }) => [state, entities.length > 0]),
      [
        ['failed', false],
        ['done', true],
      ],
      'nothing was read',
    )
    await waitFor(
      () =>
        job.seen.some(
          ({ kind, message }) =>
            kind === 'alert' &&
            message.topic === 'identity' &&
            (message.payload as { state: string }).state === 'raised',
        ),
      { what: 'the alert' },
    )
    failed(await job.run())
    const kept = await job.run({ identity: 'keep', reason: 'the server was renamed' })
    succeeded(kept)
    equal(entityOf(kept, 'supplier').delivered, 1)
    ok(entityOf(kept, 'gl_entry').read < entityOf(first, 'gl_entry').read)
    await job.ties()
    await waitFor(
      () =>
        job.seen.some(
          ({ kind, message }) =>
            kind === 'alert' &&
            message.topic === 'identity' &&
            (message.payload as { state: string }).state === 'cleared',
        ),
      { what: 'the end of the alert' },
    )
    // Answered once, it is not asked again.
    succeeded(await job.run())

    job.node('x3-connection').folder = job.name
    changeOne(job, 'YYY')
    await job.deploy()
    failed(await job.run())
    const anew = await job.run({ identity: 'anew', reason: 'it is another folder' })
    succeeded(anew)
    equal(entityOf(anew, 'gl_entry').read, entityOf(first, 'gl_entry').read)
    equal(entityOf(anew, 'supplier').delivered, 1, 'what is there already is not written again')
    await job.ties()
  })

  it('a changed filter asks too', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    await job.deploy()
    succeeded(await job.run())
    job.node('x3-poll').entities = [{ entity: 'supplier', filter: '{isActive: true}' }]
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /now it would read supplier of .* where \{isActive: true\}/)
  })
})
