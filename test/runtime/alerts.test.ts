/** What sync-alert says, and that it says when it is over. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { entityOf, failed, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'
import { waitFor } from '../support/wait.ts'

interface Alert {
  readonly state: 'raised' | 'cleared'
  readonly sync: string
  readonly kind: string
  readonly entity?: string
  readonly message: string
}

describe('alerts', function () {
  this.timeout(120_000)
  let thread: Thread
  before(async () => {
    thread = await startThread()
  })
  afterEach(() => {
    thread.x3.allow()
    thread.checkLeaks()
  })
  after(() => thread?.end())

  const told = (job: Job): Alert[] =>
    job.seen.filter(({ kind }) => kind === 'alert').map(({ message }) => message.payload as Alert)
  const waitForAlert = (job: Job, kind: string, state: Alert['state']): Promise<Alert> =>
    waitFor(() => told(job).find((alert) => alert.kind === kind && alert.state === state), {
      what: `${kind} to be ${state}; told: ${JSON.stringify(told(job))}`,
    })

  it('a failed run is told once, and its end with the next good run; a redeploy repeats nothing', async () => {
    const job = thread.begin()
    thread.x3.deny('Supplier')
    await job.deploy()
    failed(await job.run())
    const raised = await waitForAlert(job, 'run-failed', 'raised')
    equal(raised.sync, job.name)
    match(raised.message, /^supplier.*X3 refuses to read.*\. Give the allowed user the read right/)
    failed(await job.run())
    await job.deploy()
    thread.x3.allow()
    succeeded(await job.run())
    await waitForAlert(job, 'run-failed', 'cleared')
    deepEqual(
      told(job).map(({ kind, state }) => `${kind} ${state}`),
      ['run-failed raised', 'run-failed cleared'],
    )
    const open = await thread.red.call('GET', `/tieout/alerts?sync=${job.name}&open=true`)
    deepEqual(open.body, [])
  })

  it('a run that cannot even begin is told too', async () => {
    const job = thread.begin()
    const { clientId } = job.node('x3-connection')
    job.node('x3-connection').clientId = '${X3_CLIENT_OF_NOBODY}'
    await job.deploy()
    failed(await job.run())
    match((await waitForAlert(job, 'run-failed', 'raised')).message, /X3_CLIENT_OF_NOBODY/)
    deepEqual(
      (await job.runs()).map(({ state }) => state),
      ['failed'],
    )
    job.node('x3-connection').clientId = clientId
    await job.deploy()
    succeeded(await job.run())
    await waitForAlert(job, 'run-failed', 'cleared')
    equal(told(job).length, 2)
  })

  it('held records are told with their number, and that they are gone', async () => {
    const job = thread.begin({ entities: ['product'] })
    const [product] = job.books.tables.product.walk()
    ok(product)
    job.put('product', { ...product, basePrice: '123456789012345678901234.5' })
    await job.deploy()
    equal(entityOf(await job.run(), 'product').held, 1)
    const raised = await waitForAlert(job, 'held', 'raised')
    match(raised.message, new RegExp(`1 record of ${job.name} is held \\(limit 0\\).*replay`))
    job.put('product', product)
    succeeded(await job.run())
    await waitForAlert(job, 'held', 'cleared')
    await job.ties()
  })

  it('stamps in the future are told, and the record comes when its time has come', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    await job.deploy()
    succeeded(await job.run())
    const [supplier] = job.books.tables.supplier.walk()
    ok(supplier)
    thread.clock.advance(3 * 3_600_000)
    job.put('supplier', { ...supplier, currency: 'XXX' })
    thread.clock.advance(-4 * 3_600_000)
    const early = await job.run()
    succeeded(early)
    equal(entityOf(early, 'supplier').delivered, 0)
    const raised = await waitForAlert(job, 'future-stamp', 'raised')
    equal(raised.entity, 'supplier')
    match(raised.message, /later than|future/i)
    thread.clock.advance(4 * 3_600_000)
    equal(entityOf(await job.run(), 'supplier').delivered, 1)
    await waitForAlert(job, 'future-stamp', 'cleared')
    await job.ties()
  })

  it('records that never reached a sink are told as such', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    const poll = job.node('x3-poll')
    const [[next] = []] = poll.wires as string[][]
    poll.wires = [['bent'], (poll.wires as string[][])[1] ?? []]
    poll.receiptMinutes = 0.05
    const bent = {
      id: 'bent',
      type: 'function',
      z: poll.z,
      x: 1,
      y: 1,
      outputs: 1,
      func: 'return null',
      wires: [[next]],
    }
    job.flow.push(bent as never)
    await job.deploy()
    failed(await job.run())
    match((await waitForAlert(job, 'not-received', 'raised')).message, /30 records of batch 0 never reached a sink/)
    bent.func = 'return msg'
    await job.deploy()
    succeeded(await job.run())
    await waitForAlert(job, 'not-received', 'cleared')
    await job.ties()
  })
})
