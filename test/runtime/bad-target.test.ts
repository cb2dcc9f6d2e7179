/** Everything that can be wrong on the warehouse's side, in a real Node-RED: what is held, what fails, and that nothing is lost or doubled. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { entityOf, failed, type Job, startThread, succeeded, type Thread, writeInto } from '../support/thread.ts'

describe('a bad target', function () {
  this.timeout(120_000)
  let thread: Thread
  before(async () => {
    thread = await startThread()
  })
  afterEach(() => {
    thread.databricks.allow()
    thread.databricks.coldStart(0)
    thread.checkLeaks()
  })
  after(() => thread?.end())

  const impatient = (job: Job): void => {
    job.node('databricks-connection').coldStartMinutes = 0.02
  }
  const changeAll = (job: Job): number => {
    const all = [...job.books.tables.product.walk()]
    for (const product of all) job.put('product', { ...product, description: `${product.description} new` })
    return all.length
  }

  it('a value that does not fit is held with its field, the rest comes; an edit is replayed, and the ERP may correct it', async () => {
    const job = thread.begin({ entities: ['product', 'gl_entry'] })
    const [product] = job.books.tables.product.walk()
    ok(product)
    job.put('product', { ...product, basePrice: '123456789012345678901234.5' })
    await job.deploy()
    const ran = await job.run()
    equal(ran.summary?.state, 'done')
    const counts = entityOf(ran, 'product')
    equal(counts.held, 1)
    equal(counts.delivered, counts.read - 1)
    deepEqual([counts.verdict, counts.open], ['open', ['1 held']])
    const [held, ...more] = await job.held()
    ok(held && more.length === 0)
    match(held.cause.message, new RegExp(`product .*${product.code}, field base_price: .*decimal`))
    equal(held.cause.class, 'data')
    match(held.cause.hint ?? '', /widen the column/)
    const shown = job.seen.filter(({ kind }) => kind === 'held')
    deepEqual(
      shown.map(({ message }) => (message.payload as { code?: string }).code),
      [product.code],
    )
    const { missing, extra, different } = await job.compare()
    deepEqual({ missing, extra, different }, { missing: 1, extra: 0, different: 0 })

    const edited = await thread.red.call('POST', '/tieout/held/edit', {
      id: held.id,
      changes: { base_price: '77.5' },
      reason: 'a slip of the pen',
    })
    equal(edited.status, 200, JSON.stringify(edited.body))
    const replayed = await job.replay()
    equal(replayed.summary?.state, 'done', JSON.stringify(replayed))
    deepEqual(await job.held(), [])
    const price = `select base_price from main.${job.name}.product where code = '${product.code}'`
    match(String((await job.rows(price))[0]?.[0]), /^77\.50*$/)
    // The same original read again does not undo what the person did.
    job.put('product', { ...product, basePrice: '123456789012345678901234.5' })
    const again = entityOf(await job.run(), 'product')
    deepEqual([again.read, again.unchanged, again.held], [1, 1, 0])
    match(String((await job.rows(price))[0]?.[0]), /^77\.50*$/)
    job.put('product', product)
    succeeded(await job.run())
    await job.ties()
  })

  it('a record that the warehouse itself refuses is found among the good ones and held in its words', async () => {
    const job = thread.begin({ entities: ['product'] })
    await job.deploy()
    succeeded(await job.run())
    await job.rows(`alter table main.${job.name}.product alter column description set not null`)
    const count = changeAll(job)
    const product = [...job.books.tables.product.walk()][7]
    ok(product)
    job.put('product', { ...product, description: '' })
    const ran = await job.run()
    const counts = entityOf(ran, 'product')
    deepEqual([counts.read, counts.held, counts.delivered], [count, 1, count - 1])
    const [held] = await job.held()
    match(
      held?.cause.message ?? '',
      new RegExp(`${product.code}.*NOT NULL constraint violated for column: description`),
    )
    const still = await job.replay()
    deepEqual([entityOf(still, 'product').held, entityOf(still, 'product').delivered], [1, 0])
    equal((await job.held()).length, 1, 'a record that is refused again stays held, once')
    await job.rows(`alter table main.${job.name}.product alter column description drop not null`)
    succeeded(await job.replay())
    deepEqual(await job.held(), [])
    await job.ties()
  })

  it('a column that is too narrow is named with its table before anything is written; nothing is held, the others go on', async () => {
    const job = thread.begin({ entities: ['supplier', 'product'] })
    await job.rows(
      `create table main.${job.name}.product (source string not null, code string not null, base_price decimal(9,2)) using delta`,
    )
    await job.deploy()
    const ran = await job.run()
    const error = failed(ran)
    match(
      error.message,
      new RegExp(
        `Column base_price of main\\.${job.name}\\.product is decimal\\(9,2\\), which cannot hold every decimal`,
      ),
    )
    match(error.cause.hint ?? '', /Widen it in Databricks/)
    equal(error.cause.class, 'config')
    equal(entityOf(ran, 'supplier').delivered, 30)
    deepEqual(await job.held(), [])
    deepEqual(await job.rows(`select code from main.${job.name}.product`), [])
    await job.rows(`drop table main.${job.name}.product`)
    succeeded(await job.run())
    await job.ties()
  })

  it('a column narrowed between two runs is refused too, and nothing is rounded', async () => {
    const job = thread.begin({ entities: ['product'] })
    await job.deploy()
    succeeded(await job.run())
    const table = `main.${job.name}.product`
    await job.rows(`drop table ${table}`)
    await job.rows(
      `create table ${table} (source string not null, code string not null, base_price decimal(12,1)) using delta`,
    )
    await job.rows(`insert into ${table} (source, code) values ('x3', 'somebody')`)
    changeAll(job)
    await job.deploy()
    const error = failed(await job.run())
    match(error.message, /Column base_price of .*\.product is decimal\(12,1\)/)
    deepEqual(await job.held(), [])
    deepEqual(await job.rows(`select code from ${table}`), [['somebody']])
  })

  it('the warehouse down: nothing is held, the run fails and says what to do, the next run delivers everything', async () => {
    const job = thread.begin()
    impatient(job)
    await job.deploy()
    thread.databricks.coldStart(1_000_000)
    const ran = await job.run()
    const error = failed(ran)
    match(error.message, /warehouse|Databricks/i)
    ok(error.cause.hint)
    equal(error.cause.class, 'transient')
    equal(ran.summary?.state, 'failed')
    deepEqual(await job.held(), [])
    equal(
      (await job.rows(`select table_name from information_schema.tables where table_schema = '${job.name}'`)).length,
      0,
    )
    thread.databricks.coldStart(0)
    succeeded(await job.run())
    await job.ties()
  })

  it('a right missing on one table: named with its GRANT; what came is kept, nothing is held, the rest follows', async () => {
    const job = thread.begin({ entities: ['supplier', 'product', 'gl_entry'] })
    impatient(job)
    await job.deploy()
    succeeded(await job.run())
    changeAll(job)
    const [supplier] = job.books.tables.supplier.walk()
    ok(supplier)
    job.put('supplier', { ...supplier, currency: 'XXX' })
    thread.databricks.deny('MODIFY', `main.${job.name}.product`)
    const ran = await job.run()
    equal(entityOf(ran, 'supplier').delivered, 1)
    const error = failed(ran)
    match(error.message, new RegExp(`MODIFY on Table 'main\\.${job.name}\\.product'`))
    match(error.cause.hint ?? '', new RegExp(`GRANT MODIFY ON TABLE main\\.${job.name}\\.product`))
    deepEqual(await job.held(), [])
    thread.databricks.allow()
    succeeded(await job.run())
    await job.ties()
  })

  it('a wrong secret, warehouse, schema or catalog: each named, nothing held, no secret told', async () => {
    const job = thread.begin({ entities: ['supplier'] })
    impatient(job)
    const connection = job.node('databricks-connection')
    const good = structuredClone(connection)
    const cases: [Record<string, unknown>, RegExp][] = [
      [{ secretFrom: '', credentials: { secret: 'not-the-secret-at-all' } }, /client ID|secret|principal/i],
      [{ path: '/sql/1.0/warehouses/nowhere' }, /warehouses?\/?.*nowhere/],
      [{ schema: 'not_there' }, /not_there/],
      [{ catalog: 'no_catalog' }, /no_catalog/],
      [{ host: 'databricks.invalid' }, /databricks\.invalid/],
      [{ ca: '' }, /certificate/i],
    ]
    for (const [change, words] of cases) {
      Object.assign(connection, structuredClone(good), change)
      await job.deploy()
      const error = failed(await job.run())
      match(`${error.message} ${error.cause.hint}`, words, JSON.stringify(change))
      ok(error.cause.hint, error.message)
      ok(!JSON.stringify(error).includes('not-the-secret-at-all'))
      deepEqual(await job.held(), [])
    }
    Object.assign(connection, structuredClone(good))
    await job.deploy()
    succeeded(await job.run())
    await job.ties()
  })

  it('a connection broken after it was good fails the run at once, naming the variable or the field', async () => {
    const job = thread.begin({ entities: ['product'] })
    await job.deploy()
    succeeded(await job.run())
    changeAll(job)
    const connection = job.node('databricks-connection')
    for (const [change, words] of [
      [{ clientId: '${DATABRICKS_OF_NOBODY}' }, /DATABRICKS_OF_NOBODY/],
      [{ clientId: '' }, /Client ID is missing/],
    ] as const) {
      const { clientId } = connection
      Object.assign(connection, change)
      await job.deploy()
      const ran = await job.run()
      match(failed(ran).message, words)
      ok(!ran.summary?.errors.some(({ code }) => code === 'sync.not-received'))
      connection.clientId = clientId
    }
    await job.deploy()
    succeeded(await job.run())
    await job.ties()
  })

  it('two folders under one source name, each with a sync and a ledger of its own, into one table: the second is refused', async () => {
    const one = thread.begin({ entities: ['supplier'] })
    await one.deploy()
    succeeded(await one.run())
    const marks = () => one.rows(`select sync, source_address, source, run from main.${one.name}._tieout_mark`)
    const [mark] = await marks()
    match(String(mark), new RegExp(`^${one.name},x3://[^,]+/${one.name},x3,`))

    const two = thread.begin({ entities: ['supplier'] })
    writeInto(one, two)
    await two.deploy()
    const error = failed(await two.run())
    equal(error.code, 'sync.two-sources')
    match(error.message, new RegExp(`main\\.${one.name}\\.supplier has records of the source "x3"`))
    match(error.message, new RegExp(`the sync "${one.name}" reads from x3://\\S+/${one.name},`))
    match(error.message, new RegExp(`"${two.name}" would write those of x3://\\S+/${two.name} under`))
    match(error.cause.hint ?? '', /another source name.*tables of its own/)
    deepEqual([await two.held(), await marks()], [[], [mark]])
    await one.ties()

    // A name of its own is the way out; then both share the table.
    two.node('x3-connection').source = 'x3-two'
    await two.deploy()
    succeeded(await two.run())
    const count = async (source: string) =>
      Number((await one.rows(`select count(*) from main.${one.name}.supplier where source = '${source}'`))[0]?.[0])
    deepEqual(
      [await count('x3'), await count('x3-two')],
      [one, two].map(({ books }) => books.tables.supplier.count()),
    )
    equal((await marks()).length, 2)
  })

  it('two syncs of two ledgers into one table: the second is refused and told of the first', async () => {
    const one = thread.begin({ entities: ['supplier'] })
    await one.deploy()
    succeeded(await one.run())
    const two = thread.begin({ entities: ['supplier'] })
    two.node('x3-connection').folder = one.name
    writeInto(one, two)
    const change = (): void => {
      const [supplier] = one.books.tables.supplier.walk()
      ok(supplier)
      one.put('supplier', { ...supplier, currency: supplier.currency === 'XXX' ? 'YYY' : 'XXX' })
    }
    await two.deploy()
    const error = failed(await two.run())
    match(error.message, new RegExp(`main\\.${one.name}\\.supplier is already written by the sync "${one.name}"`))
    match(error.message, new RegExp(`now by "${two.name}"`))
    match(error.cause.hint ?? '', /its own table/)
    deepEqual(await two.held(), [])
    await one.ties()

    // The same name in another installation is not the same sync either.
    two.node('x3-poll').syncName = one.name
    const before = await one.rows(`select ledger from main.${one.name}._tieout_mark`)
    await two.deploy()
    const taken = await two.run()
    succeeded(taken)
    const adopted = taken.summary?.notices.some((text) => text.includes(String(before[0]?.[0])))
    ok(adopted, `a new ledger is told whose work it goes on with: ${JSON.stringify(taken)}`)
    change()
    equal(entityOf(await two.run(), 'supplier').delivered, 1)
    await one.ties()
    await one.deploy()
    change()
    const refused = failed(await one.run())
    match(refused.message, /is also written by another ledger/)
    match(refused.cause.hint ?? '', /Two installations write one table/)
  })
})
