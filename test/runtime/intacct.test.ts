/** Everything that can be wrong on Intacct's side, in a real Node-RED: what the user is told, and that nothing is lost or doubled. */
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { readTemplate } from '../../demo/job.ts'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { Dimension } from '../../sandbox/books/types.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type IntacctThread, startIntacctThread } from '../support/intacct-thread.ts'
import { waitFor } from '../support/wait.ts'

const summaryOf = (run: RunSummary, entity: string) => {
  const found = run.entities.find((one) => one.entity === entity)
  ok(found, `no summary of ${entity}: ${JSON.stringify(run)}`)
  return found
}
const succeeded = (run: RunSummary): RunSummary => {
  ok(run.state === 'done' && run.verdict !== 'differs', JSON.stringify(run, null, 1))
  return run
}
const failed = (run: RunSummary) => {
  const [error] = run.errors
  ok(run.state === 'failed' && error, JSON.stringify(run, null, 1))
  return error
}

/** What the entities of the template are read from, and the audit history, which tells of deletions. */
const OBJECTS = [
  ...['VENDOR', 'CUSTOMER', 'ITEM', 'EMPLOYEE', 'GLACCOUNT', 'DEPARTMENT', 'LOCATION', 'PROJECT', 'CLASS'],
  ...['PRODUCT_LINE', 'APBILL', 'APBILLITEM', 'APPYMT', 'APPYMTDETAIL', 'GLBATCH', 'GLENTRY', 'AUDITHISTORY'],
]
const templateEntities = (): string[] => {
  const node = readTemplate('intacct-to-databricks').find(({ type }) => type === 'intacct-query')
  return ((node?.entities ?? []) as { entity: string }[]).map(({ entity }) => entity)
}
type Counts = Readonly<Record<string, number>>

describe('Intacct, bad input and faults', function () {
  this.timeout(120_000)
  let thread: IntacctThread
  before(async () => {
    thread = await startIntacctThread()
  })
  afterEach(() => {
    thread.intacct.allow()
    thread.intacct.unset()
    thread.checkLeaks()
    const reads = ['getAPISession', 'readUserFormatting', 'getDimensions', 'lookup', 'inspect', 'query']
    deepEqual(
      Object.keys(thread.intacct.stats().functions).filter((name) => !reads.includes(name)),
      [],
    )
  })
  after(async () => thread?.end())

  /** What the sandbox was asked so far, by function, and by object as it counts calls. */
  const seen = (): { requests: number; functions: Counts; objects: Counts } => {
    const { requests, functions, meter } = thread.intacct.stats()
    const objects: Record<string, number> = {}
    for (const month of Object.values(meter))
      for (const [object, n] of Object.entries(month))
        objects[object.toUpperCase()] = (objects[object.toUpperCase()] ?? 0) + n
    return { requests, functions: { ...functions }, objects }
  }
  const more = (after: Counts, before: Counts): Counts =>
    Object.fromEntries(
      Object.entries(after)
        .map(([name, n]) => [name, n - (before[name] ?? 0)] as const)
        .filter(([, n]) => n > 0),
    )
  const since = (before: ReturnType<typeof seen>): ReturnType<typeof seen> => {
    const now = seen()
    return {
      requests: now.requests - before.requests,
      functions: more(now.functions, before.functions),
      objects: more(now.objects, before.objects),
    }
  }

  it('the shipped flow moves everything; run again it changes nothing, and says how many calls the month has seen', async () => {
    const job = thread.begin(templateEntities())
    job.node('intacct-connection').allowance = 100
    await job.deploy()
    const first = succeeded(await job.run())
    await job.ties()
    const { calls } = first
    equal(calls?.allowance, 100)
    equal(
      calls?.used,
      Object.values(calls?.objects ?? {}).reduce((sum, n) => sum + n, 0),
    )
    ok((calls?.forecast ?? 0) >= (calls?.used ?? 1))
    const again = succeeded(await job.run())
    equal(again.statements, 0, 'a run without changes sends the target nothing')
    ok(again.entities.every(({ delivered }) => delivered === 0))
    for (let runs = 0; runs < 4; runs++) succeeded(await job.run())
    ok(
      (await job.alerts()).some((text) => /of 100 calls of .* are used/.test(text)),
      'an alert above four fifths',
    )
  })

  it('a poll without changes is one call for each object, one for deletions and one sign-in a session; a changed department reaches both its tables', async () => {
    const job = thread.begin(templateEntities())
    // Changes of this moment shall be in the next run.
    job.node('intacct-query').lagSeconds = 0
    const start = seen()
    await job.deploy()
    succeeded(await job.run())
    const before = seen()
    const again = succeeded(await job.run())
    ok(again.entities.every(({ delivered }) => delivered === 0))
    const once = Object.fromEntries(OBJECTS.map((object) => [object, 1]))
    deepEqual(since(before), { requests: OBJECTS.length, functions: { query: OBJECTS.length }, objects: once })
    equal(since(start).functions.getAPISession, 1)

    const table = thread.books.tables.dimension as ChangingTable<Dimension>
    const [department] = [...table.walk()].filter(({ type }) => type === 'CCT')
    ok(department)
    const updated = `${new Date().toISOString().slice(0, 19)}Z`
    table.put({ ...department, title: 'Renamed in the day', updated })
    const unchanged = seen()
    const changed = succeeded(await job.run())
    deepEqual(since(unchanged).objects, once)
    deepEqual(
      changed.entities.filter(({ delivered }) => delivered > 0).map(({ entity, delivered }) => [entity, delivered]),
      [
        ['dimension', 1],
        ['cost_centre', 1],
      ],
    )
    for (const name of ['dimension', 'cost_centre'])
      deepEqual(await job.rows(`select code from main.${job.name}.${name} where title = 'Renamed in the day'`), [
        [department.code],
      ])
    await job.ties()

    await thread.kill()
    const restarted = seen()
    ok(succeeded(await job.run()).entities.every(({ delivered }) => delivered === 0))
    deepEqual(since(restarted).objects, once)
    equal(since(restarted).functions.getAPISession, 1)
  })

  it('a wrong sender, user and entity: told apart, never tried again, and no secret told', async () => {
    for (const [field, value, words] of [
      ['senderId', 'nobody', /sender ID or sender password is wrong/],
      ['user', 'nobody', /refused the sign-in.*Sign-in information is incorrect/],
      ['company', 'nobody', /refused the sign-in/],
    ] as const) {
      const job = thread.begin(['supplier', 'customer', 'product', 'employee', 'gl_account'])
      job.node('intacct-connection')[field] = value
      await job.deploy()
      const before = thread.intacct.stats().functions.getAPISession ?? 0
      const run = await job.run()
      match(failed(run).message, words)
      equal(run.errors.length, 5)
      ok((thread.intacct.stats().functions.getAPISession ?? 0) - before <= 1, 'failures lock the user')
      doesNotMatch(JSON.stringify(run), /secret-of-tests/)
      deepEqual(await job.tables(), [])
    }
  })

  it('a page whose rows do not add up: asked for again; if it stays so the entity fails, the others go on, and nothing is lost', async () => {
    const job = thread.begin()
    await job.deploy()
    thread.intacct.inject('row-missing', { times: 2, on: 'query' })
    succeeded(await job.run())
    await job.ties()
    const other = thread.begin(['supplier', 'customer'])
    await other.deploy()
    thread.intacct.inject('row-missing', { times: 6, on: 'query' })
    const run = await other.run()
    const error = failed(run)
    match(error.message, /supplier: Intacct counts \d+ rows of VENDOR/)
    equal(summaryOf(run, 'supplier').delivered, 0)
    ok(summaryOf(run, 'customer').ties && summaryOf(run, 'customer').delivered > 0)
    succeeded(await other.run())
    await other.ties()
  })

  it('the session ends between two pages: a new one is opened, and every record comes once', async () => {
    const job = thread.begin()
    job.node('intacct-query').pageSize = 7
    await job.deploy()
    for (let times = 0; times < 3; times++) thread.intacct.inject('invalid-session', { times: 1, on: 'query' })
    const run = succeeded(await job.run())
    equal(summaryOf(run, 'supplier').read, thread.books.tables.supplier.count())
    await job.ties()
  })

  it('a vendor name with control characters, the end of CDATA, emoji and an entity arrives as it was typed', async () => {
    const job = thread.begin(['supplier'])
    thread.intacct.setText('VENDOR', 1, 'NAME', 'A\u0002C\u000bME ]]> \u{1F600} O&#039;N')
    await job.deploy()
    const run = succeeded(await job.run())
    ok(
      run.notices.some((notice) => /control character/.test(notice)),
      run.notices.join(),
    )
    const names = (await job.rows(`select name from main.${job.name}.supplier`)).map(([name]) => String(name))
    ok(
      names.some((name) => name.startsWith('ACME ]]> \u{1F600} O')),
      names.join(),
    )
    thread.intacct.unset()
    succeeded(await job.run({ full: true }))
    await job.ties()
  })

  it('an object without permission fails by its name, the others go on; with the right back the rest comes', async () => {
    const job = thread.begin(['supplier', 'supplier_invoice', 'payment'])
    thread.intacct.deny('APBILLITEM')
    await job.deploy()
    const run = await job.run()
    const error = failed(run)
    equal(error.entity, 'supplier_invoice')
    match(error.message, /APBILLITEM.*permission.*Support ID/i)
    match(error.hint ?? '', /role of the API user/)
    ok(summaryOf(run, 'supplier').delivered > 0 && summaryOf(run, 'payment').delivered > 0)
    equal(summaryOf(run, 'supplier_invoice').delivered, 0)
    thread.intacct.allow()
    succeeded(await job.run())
    await job.ties()
  })

  it('a billion-laughs document is refused unread, and the page asked for again', async () => {
    const job = thread.begin()
    await job.deploy()
    thread.intacct.inject('doctype-bomb', { times: 3, on: 'query' })
    succeeded(await job.run())
    await job.ties()
    const other = thread.begin(['supplier'])
    await other.deploy()
    thread.intacct.inject('doctype-bomb', { times: 6, on: 'query' })
    match(failed(await other.run()).message, /supplier: the answer has a DOCTYPE/)
    succeeded(await other.run())
    await other.ties()
  })

  it('a reply of 200 MB, and one packed small: given up at 64 MB, the memory of Node-RED flat', async () => {
    const job = thread.begin()
    await job.deploy()
    const peakMb = () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${thread.red.child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
    const before = peakMb()
    thread.intacct.inject('huge-reply', { times: 1, on: 'query' })
    thread.intacct.inject('compressed-bomb', { times: 1, on: 'query' })
    succeeded(await job.run())
    await job.ties()
    ok(peakMb() - before < 300, `${Math.round(peakMb() - before)} MB more`)
    const other = thread.begin(['supplier'])
    await other.deploy()
    thread.intacct.inject('huge-reply', { times: 1000, on: 'query' })
    match(failed(await other.run()).message, /supplier: the answer of Intacct is greater than 64 MB/)
    thread.intacct.withdraw()
    succeeded(await other.run())
    await other.ties()
  })

  it('killed in the middle of bills and journals, it goes on where it stood: nothing is missing, nothing doubled', async () => {
    const job = thread.begin(['supplier', 'supplier_invoice', 'gl_entry'])
    job.node('intacct-query').pageSize = 5
    await job.deploy()
    thread.intacct.setLatency(15)
    for (const object of ['APBILL', 'GLBATCH', 'GLENTRY']) {
      const calls = () =>
        Object.values(thread.intacct.stats().meter).reduce((sum, objects) => sum + (objects[object] ?? 0), 0)
      const before = calls()
      await job.press()
      await waitFor(() => calls() > before + 2, { what: `calls for ${object}` })
      await thread.kill()
    }
    thread.intacct.setLatency(0)
    succeeded(await job.run())
    await job.ties()
    const again = succeeded(await job.run())
    ok(again.entities.every(({ delivered }) => delivered === 0))
  })

  it('names that a user puts in reach Intacct only if it lists them', async () => {
    const job = thread.begin(['supplier', 'customer'])
    const extra = job.node('intacct-query')
    extra.extraFields = [
      {
        entity: 'supplier',
        list: '',
        path: 'NAME</field></select></query><delete><object>VENDOR</object></delete>',
        name: 'x',
        type: '',
      },
    ]
    await job.deploy()
    const run = await job.run()
    match(failed(run).message, /is no name of a field of Intacct/)
    ok(summaryOf(run, 'customer').delivered > 0)
  })
})
