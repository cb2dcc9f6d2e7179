/** Everything that can be wrong on Power BI's side, in a real Node-RED: what is held, what fails, and that nothing is lost or doubled. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { PowerbiSandbox } from '../../sandbox/powerbi/api.ts'
import { connectTo } from '../support/powerbi.ts'
import { entityOf, failed, type Job, startThreadTo, succeeded, type ThreadTo } from '../support/thread.ts'
import { toPowerbi } from '../support/thread-targets.ts'
import { waitFor } from '../support/wait.ts'

describe('Power BI as a target', function () {
  this.timeout(120_000)
  let thread: ThreadTo<PowerbiSandbox>
  before(async () => {
    thread = await startThreadTo(toPowerbi)
  })
  afterEach(() => {
    thread.target.tune({ servicePrincipals: true, executeQueries: true, creation: true, visibleAfterMs: 0 })
    thread.target.setFaults()
    thread.checkLeaks()
  })
  after(() => thread?.end())

  const begin = (entities: readonly string[] = ['supplier']): Job => thread.begin({ entities })
  const workspaceOf = (job: Job) => thread.target.workspaces().find(({ name }) => name === job.name)?.id ?? ''
  const datasetOf = (job: Job, name: string) =>
    thread.target.datasets().find((one) => one.workspace === workspaceOf(job) && one.name === name)
  const postsOf = async (job: Job) => {
    const mine = new Set(
      thread.target
        .datasets()
        .filter((one) => one.workspace === workspaceOf(job))
        .map(({ id }) => id),
    )
    return (await thread.target.posts()).filter(({ dataset }) => mine.has(dataset))
  }
  const changeAll = (job: Job): number => {
    const all = [...job.books.tables.product.walk()]
    for (const product of all) job.put('product', { ...product, description: `${product.description} new` })
    return all.length
  }

  it('every entity of the template comes whole, a second run posts nothing', async () => {
    const job = begin(['supplier', 'purchase_order', 'sales_invoice', 'gl_entry'])
    await job.deploy()
    succeeded(await job.run())
    await job.ties()
    const before = (await postsOf(job)).length
    const again = succeeded(await job.run())
    equal(again.statements, 0)
    equal((await postsOf(job)).length, before)
  })

  it('no role on the workspace: the causes that remain are named, and with the role the next run goes on', async () => {
    const job = begin()
    await job.deploy()
    thread.target.setRole(workspaceOf(job), 'none')
    const error = failed(await job.run())
    match(error.message, /HTTP 40[134].*(app has no role on the workspace|Contributor \(or Member\))/)
    thread.target.setRole(workspaceOf(job), 'Contributor')
    succeeded(await job.run())
    await job.ties()
  })

  it('the tenant setting for service principals off: the vendor code and both cures', async () => {
    const job = begin()
    await job.deploy()
    thread.target.tune({ servicePrincipals: false })
    const error = failed(await job.run())
    match(error.message, /PowerBINotAuthorizedException|HTTP 40[13]/)
    match(error.cause.hint ?? '', /Service principals can call Fabric public APIs.*Contributor/s)
    deepEqual(await job.held(), [])
    thread.target.tune({ servicePrincipals: true })
    succeeded(await job.run())
    await job.ties()
  })

  it('a dataset that is no push dataset is refused by its name, and nothing is held', async () => {
    const job = begin()
    const id = await thread.target.addDataset({
      workspace: workspaceOf(job),
      name: 'Warehouse',
      mode: 'Import',
      tables: [],
    })
    Object.assign(job.node('powerbi-push'), { dataset: 'adopt', datasetId: id })
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /no push dataset|not Push API dataset/)
    deepEqual(await job.held(), [])
  })

  it('a table name in the wrong case is named with the right one', async () => {
    const job = begin()
    const id = await thread.target.addDataset({
      workspace: workspaceOf(job),
      name: 'Mine',
      tables: [{ name: 'Supplier', columns: [{ name: 'code', dataType: 'String' }] }],
    })
    Object.assign(job.node('powerbi-push'), { dataset: 'adopt', datasetId: id })
    await job.deploy()
    match(failed(await job.run()).message, /no table "supplier", but "Supplier": names are case-sensitive/)
  })

  it('an adopted table that lacks a column is refused by its name, and is never changed', async () => {
    const job = begin()
    const id = await thread.target.addDataset({
      workspace: workspaceOf(job),
      name: 'Mine',
      tables: [
        {
          name: 'supplier',
          columns: [
            { name: 'source', dataType: 'String' },
            { name: 'code', dataType: 'String' },
          ],
        },
      ],
    })
    Object.assign(job.node('powerbi-push'), { dataset: 'adopt', datasetId: id })
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /Table supplier has no column name/)
    match(error.cause.hint ?? '', /only to tables that it made itself/)
    equal(thread.target.columns(id, 'supplier')?.length, 2)
    deepEqual(await job.held(), [])
  })

  it('a column that is gone from a table of ours fails the entity and names it; nothing is held', async () => {
    const job = begin(['product'])
    await job.deploy()
    succeeded(await job.run())
    const set = datasetOf(job, 'Tieout product')
    ok(set)
    const table = set.tables.find(({ name }) => name === 'product')
    ok(table)
    await thread.target.removeDataset(set.id)
    const bare = { ...table, columns: table.columns.filter(({ name }) => name !== 'description'), measures: [] }
    const id = await thread.target.addDataset({ workspace: workspaceOf(job), name: 'Tieout product', tables: [bare] })
    Object.assign(job.node('powerbi-push'), { dataset: 'adopt', datasetId: id })
    await job.deploy()
    changeAll(job)
    match(failed(await job.run()).message, /Table product has no column description/)
    deepEqual(await job.held(), [])
  })

  it('a text of more than 4,000 characters holds its record, the others come; shortened in the ERP it comes too', async () => {
    const job = begin(['product'])
    const [product] = job.books.tables.product.walk()
    ok(product)
    job.put('product', { ...product, description: 'x'.repeat(4001) })
    await job.deploy()
    const counts = entityOf(await job.run(), 'product')
    deepEqual([counts.held, counts.delivered], [1, counts.read - 1])
    const [held] = await job.held()
    match(held?.cause.message ?? '', /field description: the value has 4,001 characters/)
    job.put('product', product)
    succeeded(await job.run())
    await job.ties()
    deepEqual(await job.held(), [])
  })

  it('two datasets of one name: neither is taken', async () => {
    const job = begin()
    const seed = { workspace: workspaceOf(job), name: 'Tieout supplier', tables: [] }
    await thread.target.addDataset(seed)
    await thread.target.addDataset(seed)
    await job.deploy()
    match(failed(await job.run()).message, /2 datasets named "Tieout supplier"/)
  })

  it('a dataset deleted between runs is told; a full refresh makes it anew and loads it whole', async () => {
    const job = begin(['product'])
    await job.deploy()
    succeeded(await job.run())
    const set = datasetOf(job, 'Tieout product')
    ok(set)
    await thread.target.removeDataset(set.id)
    changeAll(job)
    const error = failed(await job.run())
    match(error.message, /The dataset "Tieout product" .* is gone/)
    match(error.cause.hint ?? '', /full refresh/)
    succeeded(await job.run({ full: true }))
    await job.ties()
  })

  it('a dataset whose rows somebody deleted is told, and the sweep of the same run sends everything again', async () => {
    const job = begin(['product'])
    await job.deploy()
    succeeded(await job.run())
    const set = datasetOf(job, 'Tieout product')
    ok(set)
    const connection = connectTo(thread.target)
    const path = `/groups/${workspaceOf(job)}/datasets/${set.id}/tables/product/rows`
    const { signal } = new AbortController()
    await connection.call({ method: 'DELETE', path, what: 'emptying', kind: 'call' }, { signal })
    await connection.close()
    const [product] = job.books.tables.product.walk()
    ok(product)
    job.put('product', { ...product, description: 'changed' })
    const summary = succeeded(await job.run())
    match(summary.notices.join('\n'), /Tieout product\/product is empty, though records were delivered.*read again/s)
    await job.ties()
  })

  it('creation switched off: the end of push datasets is told, with the ways onward', async () => {
    const job = begin()
    await job.deploy()
    thread.target.tune({ creation: false })
    const error = failed(await job.run())
    match(error.message, /FeatureDeprecatedError/)
    match(error.cause.hint ?? '', /31 October 2027.*Existing ones go on.*refresh.*open mirroring/s)
  })

  it('killed right after a post was taken: the next run posts it not again', async () => {
    const job = begin(['product'])
    await job.deploy()
    succeeded(await job.run())
    const count = changeAll(job)
    const before = (await postsOf(job)).length
    thread.target.tune({ visibleAfterMs: 300, latencyMs: 400 })
    await job.press()
    await waitFor(async () => (await postsOf(job)).length > before, { what: 'the post' })
    await thread.restart('SIGKILL')
    thread.target.tune({ latencyMs: 0 })
    const ran = await job.run()
    equal(ran.summary?.state, 'done', JSON.stringify(ran))
    await job.ties()
    const rows = (await postsOf(job)).filter(({ table }) => table === 'product').map(({ rows: n }) => n)
    deepEqual(rows.slice(-1), [count])
    equal(
      rows.reduce((a, b) => a + b, 0),
      2 * count,
    )
  })

  it('a first attempt whose answer was lost is found by asking; one that was not taken is sent again', async () => {
    const job = begin(['product'])
    await job.deploy()
    const plan = thread.target.faults()
    plan.force('rows-post', 'reset-after')
    succeeded(await job.run())
    plan.force('rows-post', 'reset-before')
    changeAll(job)
    const summary = succeeded(await job.run())
    equal(
      summary.entities.reduce((sum, { inDoubt }) => sum + inDoubt, 0),
      0,
    )
    await job.ties()
  })

  it('without executeQueries a lost answer is in doubt: listed, and not sent again', async () => {
    const job = begin(['product'])
    await job.deploy()
    thread.target.tune({ executeQueries: false })
    thread.target.faults().force('rows-post', 'reset-after')
    const ran = await job.run()
    const counts = entityOf(ran, 'product')
    equal(counts.inDoubt, counts.read)
    equal(counts.verdict, 'open')
    match((counts.open ?? []).join(), /in doubt/)
    await job.ties()
    equal((await postsOf(job)).filter(({ table }) => table === 'product').length, 1)

    const list = async () =>
      (await thread.red.call('GET', `/tieout/in-doubt?sync=${job.name}`)).body as {
        id: string
        count: number
        state: string
      }[]
    const [batch, ...more] = await list()
    ok(batch && more.length === 0)
    deepEqual([batch.count, batch.state], [counts.read, 'in-doubt'])
    const alerts = async () =>
      (
        (await thread.red.call('GET', `/tieout/alerts?sync=${job.name}&open=true`)).body as {
          kind: string
          message: string
        }[]
      ).filter(({ kind }) => kind === 'in-doubt')
    match((await alerts())[0]?.message ?? '', new RegExp(`${counts.read} record\\(s\\) of 1 batch`))
    // a person has looked: they are in
    const settled = await thread.red.call('POST', '/tieout/in-doubt/settle', {
      id: batch.id,
      as: 'delivered',
      reason: 'the rows are there',
    })
    deepEqual(settled.body, {
      settled: counts.read,
      message: `${counts.read} record(s) of product are settled.`,
    })
    const refused = failed(await job.run({ full: true }))
    match(refused.message, /A full refresh would send every record to the dataset "Tieout product" once more/)
    const again = succeeded(await job.run())
    equal(again.entities[0]?.unchanged, counts.read, 'the window of the refused run is read to its end')
    deepEqual([await list(), await alerts()], [[], []])
    await job.ties()
  })

  it('a post that never came is read again by key and sent once a person said so, and amber until then', async () => {
    const job = begin(['product'])
    Object.assign(job.node('powerbi-push'), { doubt: 'miss' })
    await job.deploy()
    thread.target.tune({ executeQueries: false })
    thread.target.faults().force('rows-post', 'reset-before')
    const counts = entityOf(await job.run(), 'product')
    equal(counts.inDoubt, counts.read)
    const [batch] = (await thread.red.call('GET', `/tieout/in-doubt?sync=${job.name}`)).body as { id: string }[]
    const none = await thread.red.call('POST', '/tieout/in-doubt/settle', { id: batch?.id, as: 'absent' })
    equal(none.status, 400, 'not without a reason')
    const settled = await thread.red.call('POST', '/tieout/in-doubt/settle', {
      id: batch?.id,
      as: 'absent',
      reason: 'there is nothing in it',
    })
    deepEqual(settled.body, {
      settled: counts.read,
      message: `product: ${counts.read} are read by key in the next run and sent.`,
    })
    const run = await job.run()
    const again = entityOf(run, 'product')
    deepEqual([again.delivered, again.inDoubt], [counts.read, 0])
    deepEqual(again.open, ['not verified: queries (executeQueries) are not allowed on this dataset'])
    equal((await job.run()).summary?.verdict, 'nothing new')
    await job.ties()
  })

  it('without executeQueries and with "may repeat" it is sent again, and listed all the same', async () => {
    const job = begin(['product'])
    Object.assign(job.node('powerbi-push'), { doubt: 'repeat' })
    await job.deploy()
    thread.target.tune({ executeQueries: false })
    thread.target.faults().force('rows-post', 'reset-before')
    const counts = entityOf(await job.run(), 'product')
    equal(counts.inDoubt, counts.read)
    await job.ties()
  })

  it('an unknown ledger: a dataset that has something in it is not filled a second time', async () => {
    const job = begin(['product'])
    await job.deploy()
    succeeded(await job.run())
    job.node('sync-ledger').file = 'another.db'
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /only appends/)
    await job.ties()
  })
})
