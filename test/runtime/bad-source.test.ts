/** Everything that can be wrong on X3's side, in a real Node-RED: what the user is told, and that nothing is lost or doubled. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { Decimal } from '../../sandbox/books/types.ts'
import { freePort } from '../support/node-red.ts'
import { startTamper, type Tamper } from '../support/tamper.ts'
import { entityOf, failed, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'
import { waitFor } from '../support/wait.ts'

describe('a bad source', function () {
  this.timeout(120_000)
  let thread: Thread
  let tamper: Tamper
  before(async () => {
    thread = await startThread()
    tamper = await startTamper(thread.x3.url)
  })
  afterEach(() => {
    thread.x3.allow()
    tamper.change = undefined
    thread.checkLeaks()
  })
  after(async () => {
    await tamper?.close()
    await thread?.end()
  })

  /** Ten minutes of patience are right for a night, and too long for a test. */
  const impatient = (job: Job): void => {
    job.node('x3-connection').retryMinutes = 0.02
  }
  const throughTamper = (job: Job): void => {
    Object.assign(job.node('x3-connection'), { url: tamper.url, audienceText: thread.x3.url })
    impatient(job)
  }
  const nothingCame = async (job: Job): Promise<void> => deepEqual(await job.tables(), [])

  it('a port where nothing listens: named with host and port; with the right one everything comes', async () => {
    const job = thread.begin()
    const { url } = job.node('x3-connection')
    const port = await freePort()
    job.node('x3-connection').url = `http://127.0.0.1:${port}`
    impatient(job)
    await job.deploy()
    const statuses = await thread.red.listen('status/#')
    const error = failed(await job.run())
    match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} cannot be reached: nothing listens there`))
    match(error.cause.hint ?? '', /Check host and port/)
    match(
      JSON.stringify(statuses),
      /X3: the list of nodes: 127\.0\.0\.1:\d+ cannot be reached: nothing listens there; trying again, 1 s left/,
      'who looks at the node sees that it waits',
    )
    await waitFor(() => JSON.stringify(statuses).includes('"fill":"red"'), { what: 'the red ring' })
    await nothingCame(job)
    job.node('x3-connection').url = url
    await job.deploy()
    succeeded(await job.run())
    await job.ties()
  })

  it('a host that nobody knows', async () => {
    const job = thread.begin()
    job.node('x3-connection').url = 'http://x3.invalid:8124'
    impatient(job)
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /x3\.invalid:8124 cannot be reached/)
    match(error.cause.hint ?? '', /DNS/)
  })

  it('an address without the GraphQL service', async () => {
    const job = thread.begin()
    job.node('x3-connection').url = thread.x3.url.replace('/xtrem/api', '/xtrem/wrong')
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /no X3 GraphQL service at this address/)
    match(error.cause.hint ?? '', /Server URL/)
    await nothingCame(job)
  })

  it('a wrong secret: the error number in words, and never the secret', async () => {
    const job = thread.begin()
    // What is typed counts only where no variable is named.
    Object.assign(job.node('x3-connection'), { secretFrom: '', credentials: { secret: 'quite-another-secret' } })
    await job.deploy()
    const ran = await job.run()
    const error = failed(ran)
    match(error.message, /refused the login \(Error 50\)/)
    match(`${error.message} ${error.cause.hint}`, /secret/i)
    ok(!JSON.stringify(ran).includes('quite-another-secret'))
    ok(!thread.red.output().includes('quite-another-secret'))
    await nothingCame(job)
  })

  it('an unknown user: named as the allowed user', async () => {
    const job = thread.begin()
    job.node('x3-connection').user = 'nobody'
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /Error 42/)
    match(`${error.message} ${error.cause.hint}`, /upper and lower case|capital/i)
  })

  it('an unknown folder: named, with the place to look at', async () => {
    const job = thread.begin()
    job.node('x3-connection').folder = 'NOWHERE'
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /does not know the folder.*NOWHERE/)
    match(error.cause.hint ?? '', /Folder on the connection/)
    await nothingCame(job)
  })

  it('an unset variable: named', async () => {
    const job = thread.begin()
    job.node('x3-connection').clientId = '${X3_CLIENT_ID_OF_NOBODY}'
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /X3_CLIENT_ID_OF_NOBODY/)
  })

  it('a missing right on one entity: the others go on, the run is red; with the right back the rest comes', async () => {
    const job = thread.begin({ entities: ['supplier', 'purchase_order', 'gl_entry'] })
    thread.x3.deny('PurchaseOrderLine')
    await job.deploy()
    const ran = await job.run()
    const error = failed(ran)
    match(error.message, /purchase_order.*refuses to read/)
    match(error.cause.hint ?? '', /Give the allowed user the read right PurchaseOrderLine\.read/)
    equal(error.cause.entity, 'purchase_order')
    equal(ran.summary?.state, 'failed')
    equal(entityOf(ran, 'supplier').delivered, 30)
    ok(entityOf(ran, 'supplier').ties)
    ok(entityOf(ran, 'gl_entry').ties && entityOf(ran, 'gl_entry').delivered > 0)
    equal(entityOf(ran, 'purchase_order').delivered, 0)
    deepEqual(await job.held(), [])
    thread.x3.allow()
    succeeded(await job.run())
    await job.ties()
  })

  it('a field that does not exist is dropped and reported; an existing one comes', async () => {
    const job = thread.begin()
    job.node('x3-poll').extraFields = [
      { entity: 'supplier', list: '', path: 'colourOfTheDoor', name: '', type: '' },
      { entity: 'supplier', list: '', path: 'isActive', name: 'still_active', type: 'boolean' },
    ]
    await job.deploy()
    const summary = succeeded(await job.run())
    const notices = summary.notices.filter((text) => text.includes('colourOfTheDoor'))
    equal(notices.length, 1)
    match(notices[0] ?? '', /^supplier: .*(does not know|no field)/)
    const columns = await job.rows(
      `select column_name from information_schema.columns where table_schema = '${job.name}' and table_name = 'supplier'`,
    )
    const names = columns.flat()
    ok(names.includes('still_active') && !names.some((name) => String(name).includes('colour')), names.join())
    deepEqual(await job.rows(`select code from main.${job.name}.supplier where still_active is null`), [])
  })

  it('a filter that X3 does not understand: the entity is named, the others go on', async () => {
    const job = thread.begin()
    job.node('x3-poll').entities = [
      { entity: 'supplier', filter: '{colourOfTheDoor: "blue"}' },
      { entity: 'gl_entry', filter: '' },
    ]
    await job.deploy()
    const ran = await job.run()
    const error = failed(ran)
    match(error.message, /^supplier: X3 does not take the filter: .*colourOfTheDoor/)
    match(error.cause.hint ?? '', /Correct the filter of this entity/)
    ok(entityOf(ran, 'gl_entry').delivered > 0)
  })

  it('an empty entity is no failure and makes no table out of nothing', async () => {
    const job = thread.begin()
    job.node('x3-poll').entities = [
      { entity: 'supplier', filter: '{code: "NOBODY"}' },
      { entity: 'gl_entry', filter: '' },
    ]
    await job.deploy()
    const ran = await job.run()
    succeeded(ran)
    equal(entityOf(ran, 'supplier').read, 0)
    ok(!(await job.tables()).includes('supplier'))
    const again = succeeded(await job.run())
    equal(again.statements, 0)
  })

  it('a journal that does not balance is held whole with its reason, and comes once it is corrected', async () => {
    const job = thread.begin()
    const [entry] = job.books.tables.journalEntry.walk()
    ok(entry)
    const cent = (amount: Decimal): Decimal => amount.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10))
    const lines = entry.lines.map((line, n) => (n === 0 ? { ...line, ledgerAmount: cent(line.ledgerAmount) } : line))
    job.put('journalEntry', { ...entry, lines, mustHold: 'unbalanced' })
    await job.deploy()
    const ran = await job.run()
    equal(ran.summary?.state, 'done')
    equal(entityOf(ran, 'gl_entry').held, 1)
    match(entityOf(ran, 'gl_entry').says ?? '', /^open: 1 held, [A-Z]{3} [\d,]+\.\d\d/)
    const [held, ...more] = await job.held()
    equal(more.length, 0)
    match(held?.key ?? '', new RegExp(entry.number))
    match(held?.cause.message ?? '', /does not balance: ledger \S+ of company \S+ is off by/)
    ok(held?.cause.hint)
    await job.ties()
    const itsLines = `select line from main.${job.name}.gl_entry_line where number = '${entry.number}' and entry_type = '${entry.entryType}'`
    deepEqual(await job.rows(itsLines), [], 'no line of it got through')
    job.put('journalEntry', entry)
    succeeded(await job.run())
    deepEqual(await job.held(), [])
    await job.ties()
  })

  it('a key twice in one page: the newer is kept, and the run says which', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    throughTamper(job)
    const [first] = job.books.tables.supplier.walk()
    ok(first)
    tamper.change = (query, reply) => {
      if (!query.includes('supplier') || !reply.body.includes(`"${first.code}"`)) return reply
      const body = JSON.parse(reply.body) as { data: { x3MasterData?: { supplier?: { query?: { edges: Edge[] } } } } }
      const edges = body.data.x3MasterData?.supplier?.query?.edges
      const at = edges?.findIndex(({ node }) => JSON.stringify(node).includes(`"${first.code}"`)) ?? -1
      const edge = edges?.[at]
      if (!edges || !edge) return reply
      const stale = structuredClone(edge)
      stale.node._updateStamp = '2001-01-01T00:00:00Z'
      edges.splice(at + 1, 0, stale)
      return { ...reply, body: JSON.stringify(body) }
    }
    await job.deploy()
    const ran = await job.run()
    const notices = ran.summary?.notices.filter((text) => text.includes('came twice')) ?? []
    equal(notices.length, 1, JSON.stringify(ran))
    match(
      notices[0] ?? '',
      new RegExp(`supplier .*${first.code}.* came twice in one page; the newer of the two was kept`),
    )
    succeeded(ran)
    await job.ties()
  })

  it('a 200 with a web page: once it is borne, for good it is named; nothing is read wrong', async () => {
    const job = thread.begin()
    throughTamper(job)
    const page = { status: 200, type: 'text/html', body: '<html><head><title>Please sign in</title></head></html>' }
    let pages = 1
    tamper.change = (query, reply) => (query.includes('supplier') && pages-- > 0 ? page : reply)
    await job.deploy()
    job.node('x3-connection').retryMinutes = 1
    await job.deploy()
    succeeded(await job.run())
    await job.ties()

    tamper.change = () => page
    job.node('x3-connection').retryMinutes = 0.02
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /X3 answered with a web page instead of data/)
    equal(error.cause.vendorText, 'Please sign in')
    match(error.cause.hint ?? '', /proxy, a login page/)
    await job.ties()
    tamper.change = undefined
    succeeded(await job.run())
    await job.ties()
  })

  it('whatever stands in a text comes as it is, and runs nowhere', async () => {
    const job = thread.begin({ entities: ['product'] })
    const texts = [
      `<img src=x onerror="alert(1)">`,
      `'; DROP TABLE product; --`,
      'back\\slash "quotes" `ticks` ${X3_SECRET} {{mustache}} :rows ?',
      'line\nbreak\ttab\r\n\u2028 \u00a0 end ',
      'Zoë 株式会社 🧾 \u0301 ﷽',
      'x'.repeat(5000),
      'null',
      '0012',
    ]
    const products = [...job.books.tables.product.walk()]
    texts.forEach((description, n) => {
      const product = products[n]
      ok(product)
      job.put('product', { ...product, description })
    })
    await job.deploy()
    succeeded(await job.run())
    await job.ties()
    equal(succeeded(await job.run()).statements, 0)
  })

  it('a start while a run is going on is refused, not doubled', async () => {
    const job = thread.begin()
    await job.deploy()
    thread.x3.setLatency(60)
    try {
      await job.press()
      await waitFor(() => thread.x3.stats().last.some(({ folder }) => folder === job.name), {
        what: 'the run to begin',
      })
      const statuses = await thread.red.listen('status/#')
      await job.press()
      await waitFor(() => JSON.stringify(statuses).includes('still running'), { what: 'the refusal' })
      await waitFor(() => job.seen.some(({ kind }) => kind === 'summary'), { what: 'the end' })
    } finally {
      thread.x3.setLatency(0)
    }
    equal((await job.runs()).length, 1)
    await job.ties()
  })
})

interface Edge {
  node: Record<string, unknown>
}
