/** X3 by REST api1 as a user has it: tested, proposed, typed, read, changed, swept. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { PurchaseOrder, Supplier } from '../../sandbox/books/types.ts'
import { entityOf, failed, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'
import { BASIC } from '../support/x3-api1.ts'

describe('X3 by REST api1', function () {
  this.timeout(120_000)
  let thread: Thread
  before(async () => {
    thread = await startThread()
  })
  after(() => thread?.end())
  afterEach(() => {
    thread.checkLeaks()
    equal(thread.x3.api1.sessions().open, 0, 'every session is given back at the end of a run')
  })

  const test = async (job: Job): Promise<{ ok: boolean; text: string }[]> => {
    const { credentials, ...config } = job.node('x3-connection')
    const body = { id: config.id, config, credentials }
    const reply = await thread.red.call('POST', '/tieout/connections/x3-connection/test', body)
    equal(reply.status, 200)
    return (reply.body as { lines: { ok: boolean; text: string }[] }).lines
  }
  const byApi1 = (entities: readonly string[], classes = ''): Job => {
    const job = thread.begin({ entities })
    const { user, password } = BASIC
    Object.assign(job.node('x3-connection'), { door: 'api1', login: 'basic', user, classes, credentials: { password } })
    return job
  }
  /** What Test connection proposes, as somebody pastes it. */
  const proposed = async (job: Job): Promise<string> => {
    const lines = await test(job)
    const line = lines.find(({ text }) => text.startsWith('Proposed for Classes: '))
    return (line?.text ?? '').replace('Proposed for Classes: ', '').replaceAll('; ', '\n')
  }

  it('says, given only a URL, which doors answer and which login each wants', async () => {
    const job = thread.begin()
    Object.assign(job.node('x3-connection'), { clientId: '', user: '', credentials: {} })
    const lines = (await test(job)).map(({ text }) => text)
    const of = (door: string) => lines.find((text) => text.startsWith(door)) ?? lines.join('\n')
    match(
      of('GraphQL'),
      /wants a token of a connected application, or user and password; then it says which generation/,
    )
    match(of('REST api1'), /wants user and password; then it says what the site publishes/)
    ok(lines.includes('The cloud gateway does not answer at this address.'))
  })

  it('says which doors there are where the chosen one is not there or takes another login', async () => {
    const job = byApi1([])
    Object.assign(job.node('x3-connection'), { user: 'nobody' })
    const lines = (await test(job)).map(({ text }) => text)
    match(lines[0] ?? '', /X3 refused the login/)
    ok(
      lines.some((text) => text.startsWith('GraphQL wants a token')),
      lines.join('\n'),
    )
  })

  it('says of each entity what is missing, and offers the columns of its classes for added fields', async () => {
    const job = byApi1(['supplier'])
    job.node('x3-connection').classes = 'supplier = BPSUPPLIER.YBPS\npurchase_order = PORDER.YWRONG'
    const lines = (await test(job)).map(({ text }) => text)
    const said = lines.join('\n')
    match(said, /^supplier: can be read by UPDDATTIM\..*no class is chosen for supplier\.joined/m)
    match(said, /^purchase_order.*Representation YWRONG.* does not exist/m)
    match(said, /^Not read yet, since no class is chosen: customer, product, /m)
    match(said, /api1 names no total/)
    const { credentials, ...config } = job.node('x3-connection')
    const reply = await thread.red.call('POST', '/tieout/connections/x3-connection/lists/fields', {
      ...{ id: config.id, config, credentials, query: { entity: 'supplier' } },
    })
    equal(reply.status, 200)
    const { items } = reply.body as { items: { value: string }[] }
    ok(items.some(({ value }) => value === 'BPSNAM') && !items.some(({ value }) => value === 'companyName1'))
  })

  it('reads what Test connection proposes, finds changes of headers, lines and partners, and what is gone', async () => {
    const job = byApi1(['supplier', 'purchase_order', 'gl_entry'])
    match(failed({ ...(await runOf(job)) }).message, /no class of X3 is chosen/)
    job.node('x3-connection').classes = await proposed(job)
    const lines = await test(job)
    ok(
      lines.some(({ ok, text }) => ok && /^gl_entry: can be read by UPDDATTIM\.$/.test(text)),
      JSON.stringify(lines),
    )
    await job.deploy()
    succeeded(await job.run())
    await job.ties()
    const [supplier] = [...job.books.tables.supplier.walk()] as Supplier[]
    const [order, gone] = [...job.books.tables.purchaseOrder.walk()] as PurchaseOrder[]
    ok(supplier && order && gone)
    job.put('supplier', { ...supplier, currency: 'XXX' })
    job.put('purchaseOrder', { ...order, internalReference: 'XXX' })
    const changed = await job.run()
    deepEqual([entityOf(changed, 'supplier').delivered, entityOf(changed, 'purchase_order').delivered], [1, 1])
    await job.ties()
    succeeded(await job.run({ sweep: true }))
    await job.ties()
  })
  it('is switched to from GraphQL and back under a sync that runs: keys stay, nothing is written twice, nothing is missed', async () => {
    const job = thread.begin({ entities: ['supplier', 'gl_entry'] })
    await job.deploy()
    succeeded(await job.run())
    const before = { ...job.node('x3-connection') }
    const { user, password } = BASIC
    Object.assign(job.node('x3-connection'), { door: 'api1', login: 'basic', user, credentials: { password } })
    job.node('x3-connection').classes = await proposed(job)
    await job.deploy()
    const switched = await job.run()
    succeeded(switched)
    equal(entityOf(switched, 'gl_entry').delivered, 0)
    match(switched.summary?.notices.join() ?? '', /gl_entry: read by REST api1 now.*begins a day earlier/)
    await job.ties()
    const [supplier] = [...job.books.tables.supplier.walk()] as Supplier[]
    ok(supplier)
    job.put('supplier', { ...supplier, currency: 'YYY' })
    Object.assign(job.node('x3-connection'), { door: 'graphql', ...before })
    await job.deploy()
    const back = await job.run()
    succeeded(back)
    equal(entityOf(back, 'supplier').delivered, 1)
    await job.ties()
  })

  const runOf = async (job: Job) => {
    await job.deploy()
    return job.run()
  }
})
