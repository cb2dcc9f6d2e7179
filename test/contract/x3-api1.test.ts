import assert from 'node:assert/strict'
import type { X3SourceOptions } from '../../nodes/x3/client/poll.ts'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { JournalEntry, PurchaseOrder, Stamped, Supplier } from '../../sandbox/books/types.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { API1_SITES, type Api1Options } from '../../sandbox/x3/api1/door.ts'
import { type DataRecord, keyText } from '../../sync/contract/message.ts'
import type { Listing } from '../../sync/contract/source.ts'
import { compileHasher } from '../../sync/values/fingerprint.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { type Api1Reading, BASIC, CLASSES, throughApi1 } from '../support/x3-api1.ts'
import { connect, never, readEntity, sourceOf } from '../support/x3-client.ts'

const ENTITIES = [
  'supplier',
  'customer',
  'product',
  'gl_account',
  'dimension',
  'cost_centre',
  'purchase_order',
  'supplier_invoice',
  'sales_invoice',
  'gl_entry',
]
const seconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`
const linesIn = (record: DataRecord | undefined) => (record?.lines ?? []) as unknown as Record<string, string>[]
const codeOf = (code: string) => (error: { code?: string }) => error.code === code

describe('X3 by REST api1', function () {
  this.timeout(120_000)
  let fixture: X3Fixture
  let rest: Api1Reading
  const open = async (options: Api1Options = {}, more: Parameters<typeof throughApi1>[1] = {}): Promise<void> => {
    fixture = await startX3Fixture({ basic: BASIC, api1: options })
    rest = throughApi1(fixture, more)
  }
  const shut = async (): Promise<void> => {
    await rest.door.leave?.()
    await rest.connection.close()
  }
  const anew = async (
    ...more: [Parameters<typeof throughApi1>[1]?, Parameters<typeof throughApi1>[2]?]
  ): Promise<void> => {
    await shut()
    rest = throughApi1(fixture, ...more)
  }
  afterEach(async () => {
    await shut()
    assert.equal(fixture.x3.api1.sessions().open, 0, 'every session was given back')
    await fixture.x3.close()
  })

  const read = (
    entity: string,
    more: Partial<X3SourceOptions> = {},
    window = { from: null as string | null, bound: null as string | null },
  ) => readEntity(rest.source(more), entity, window)
  const bare = (records: readonly DataRecord[]) =>
    records
      .map(({ _read, _stamp, _row, ...row }) => row)
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  const table = <T extends Stamped>(name: 'supplier' | 'purchaseOrder' | 'journalEntry') =>
    fixture.books.tables[name] as unknown as ChangingTable<T>

  it('gives the same rows as GraphQL, of every entity, down to the digits', async () => {
    await open()
    const line = connect(fixture)
    try {
      for (const entity of ENTITIES) {
        const more = { sensitive: { supplier: ['bank_account'] } }
        const [a, b] = [await readEntity(sourceOf(line, more), entity), await read(entity, more)]
        assert.ok(b.records.length > 0, entity)
        assert.deepEqual(bare(b.records), bare(a.records), entity)
        assert.deepEqual(b.plan.schema, a.plan.schema, entity)
        // A sink that appends or posts finds each under the key and with the hash that it knows.
        const told = ({ plan: { schema }, records }: typeof a): string[] =>
          records.map((record) => `${keyText(schema, record)} ${compileHasher(schema)(record)}`)
        assert.deepEqual(told(b), told(a), entity)
        assert.equal(b.refused.length, a.refused.length)
      }
    } finally {
      await line.close()
    }
  })

  it('asks pages and one document at a time each, four together, with no more sessions than set', async () => {
    await open()
    await read('purchase_order')
    const { query = 0, details = 0 } = fixture.x3.api1.requests()
    const orders = fixture.books.tables.purchaseOrder.count()
    assert.equal(details, orders)
    // Two more prove the stamp; a page that ends full is asked behind.
    assert.ok(query <= Math.ceil(orders / 20) + 1 + 2, `${query} pages of ${orders}`)
    assert.ok(fixture.x3.api1.sessions().most <= 4)
  })

  it('finds what changed, also where only a line or the partner did', async () => {
    await open()
    const { clock } = fixture
    await read('supplier')
    const from = seconds(clock.time)
    clock.time += 60_000
    const [supplier] = [...table<Supplier>('supplier').walk()]
    const [order] = [...table<PurchaseOrder>('purchaseOrder').walk()]
    assert.ok(supplier && order)
    const updated = seconds(clock.time)
    table<Supplier>('supplier').put({ ...supplier, currency: 'XXX', updated })
    const [line, ...lines] = order.lines
    assert.ok(line)
    table<PurchaseOrder>('purchaseOrder').put({ ...order, lines: [{ ...line, quantity: '7.5', updated }, ...lines] })
    const bound = seconds(clock.time + 1000)
    const suppliers = await read('supplier', {}, { from, bound })
    assert.deepEqual(
      suppliers.records.map(({ code, currency }) => [code, currency]),
      [[supplier.code, 'XXX']],
    )
    const orders = await read('purchase_order', {}, { from, bound })
    assert.deepEqual(
      orders.records.map(({ number }) => number),
      [order.number],
    )
    assert.equal(linesIn(orders.records[0])[0]?.quantity, '7.5')
    assert.deepEqual(orders.walks, { changed: 0, empty: 0, lines: 1 })
  })

  for (const [stamps, granularity, words] of [
    ['second', 'second', undefined],
    ['day', 'day', undefined],
    ['none', 'day', /no change stamp can be compared; documents dated in the last 35 days/],
  ] as const)
    it(`goes by the first stamp that two queries prove: ${stamps}`, async () => {
      await open({ stamps })
      const plan = await rest.source().plan('purchase_order', never)
      assert.equal(plan.granularity, granularity)
      assert.equal(plan.notices?.some((notice) => words?.test(notice)) ?? false, words !== undefined)
      const masters = await rest.source().plan('supplier', never)
      assert.equal(masters.granularity, stamps === 'none' ? 'none' : granularity)
    })

  it('trusts no stamp of a site that takes conditions and does not obey them', async () => {
    await open({ ignoresWhere: true })
    const plan = await rest.source().plan('purchase_order', never)
    assert.equal(plan.granularity, 'none')
    assert.match(plan.notices?.join() ?? '', /every run reads everything/)
  })

  it('reads a change later on the same day where stamps are days', async () => {
    await open({ stamps: 'day' })
    const { clock } = fixture
    const [supplier] = [...table<Supplier>('supplier').walk()]
    assert.ok(supplier)
    table<Supplier>('supplier').put({ ...supplier, updated: new Date(clock.time).toISOString() })
    const from = new Date(clock.time).toISOString().slice(0, 10)
    assert.ok((await read('supplier', {}, { from, bound: null })).records.some(({ code }) => code === supplier.code))
    clock.time += 3_600_000
    table<Supplier>('supplier').put({ ...supplier, currency: 'XXX', updated: new Date(clock.time).toISOString() })
    const later = await read('supplier', {}, { from, bound: null })
    assert.equal(later.records.find(({ code }) => code === supplier.code)?.currency, 'XXX')
  })

  for (const emptyStamp of ['date', 'null', 'absent'] as const)
    it(`a first load has records with an empty stamp (${emptyStamp}) too`, async () => {
      await open({ emptyStamp })
      const [supplier] = [...table<Supplier>('supplier').walk()]
      assert.ok(supplier)
      table<Supplier>('supplier').put({ ...supplier, updated: null })
      const bound = new Date(fixture.clock.time).toISOString()
      const found = await read('supplier', {}, { from: null, bound })
      assert.equal(found.records.length, fixture.books.tables.supplier.count())
      assert.equal(found.walks.empty, 0)
    })

  it('names what is missing: a class, a column, a part of the key, a list', async () => {
    await open(
      { hidden: ['BPSUPPLIER.CUR', 'ITMMASTER.ITMREF', 'GACCENTRY.GAELIN', 'SINVOICEV'] },
      { classes: { ...CLASSES, customer: { name: 'BPCUSTOMER', representation: 'YNONE' } } },
    )
    const suppliers = await read('supplier')
    assert.ok(suppliers.notices.some((notice) => /no CUR for currency; the column is left out/.test(notice)))
    assert.ok(!('currency' in (suppliers.records[0] ?? {})))
    await assert.rejects(read('product'), /no ITMREF for code.*not read without it/)
    await assert.rejects(read('sales_invoice'), /Class SINVOICEV does not exist/)
    await assert.rejects(read('customer'), /Representation YNONE/)
    await anew({ classes: {} })
    await assert.rejects(read('supplier'), codeOf('x3.api1-class'))
  })

  it('a row that comes twice is taken once; one that a page skips is in the next listing', async () => {
    await open({ paging: 'repeat', mostItems: 7 })
    const twice = await read('supplier')
    const codes = twice.records.map(({ code }) => code)
    assert.equal(new Set(codes).size, codes.length)
    assert.equal(codes.length, fixture.books.tables.supplier.count())
    assert.ok(twice.notices.some((notice) => /came twice; it is taken once/.test(notice)))
    fixture.x3.api1.set({ paging: 'skip', mostItems: 7 })
    const read1 = new Set((await read('supplier')).records.map(({ code }) => code))
    assert.ok(read1.size < codes.length)
    fixture.x3.api1.set({})
    const plan = await rest.source().plan('supplier', never)
    const listed = new Set<string>()
    let cursor: string | null = null
    do {
      const page: Listing | undefined = await plan.list?.({
        cursor,
        nextRead: () => 1,
        signal: never,
      })
      for (const { key } of page?.keys ?? []) listed.add(key)
      cursor = page?.cursor ?? null
    } while (cursor !== null)
    assert.equal(listed.size, codes.length)
  })

  it('keys that hold the separator, quotes and accents are read, once each, and as themselves', async () => {
    await open({ mostItems: 5 })
    const [entry] = [...table<JournalEntry>('journalEntry').walk()]
    assert.ok(entry)
    for (const number of ['A~B', "O'Neil", 'Müller & Söhne', 'a~b~c', '~', 'A/B?c=d'])
      table<JournalEntry>('journalEntry').put({ ...entry, number })
    const { records, refused } = await read('gl_entry')
    const numbers = records.map(({ entry_type, number }) => `${entry_type} ${number}`)
    assert.equal(new Set(numbers).size, numbers.length)
    assert.equal(numbers.length + refused.length, fixture.books.tables.journalEntry.count())
    for (const number of ['A~B', "O'Neil", 'Müller & Söhne', 'a~b~c', '~', 'A/B?c=d'])
      assert.ok(numbers.includes(`${entry.entryType} ${number}`), number)
  })

  it('reads by key, and of one that is gone nothing', async () => {
    await open()
    const plan = await rest.source().plan('gl_entry', never)
    const [entry] = [...table<JournalEntry>('journalEntry').walk()]
    assert.ok(entry)
    const found = await plan.readKeys?.(
      [`demo|${entry.entryType}|${entry.number}`, `demo|${entry.entryType}|none`],
      () => 5,
      never,
    )
    assert.deepEqual(
      found?.records.map(({ number, _read }) => [number, _read]),
      [[entry.number, 5]],
    )
  })

  it('amounts have every digit of the source text', async () => {
    await open()
    const [order] = [...table<PurchaseOrder>('purchaseOrder').walk()]
    const [line, ...lines] = order?.lines ?? []
    assert.ok(order && line)
    const grossPrice = '12345678901234567.12345678'
    table<PurchaseOrder>('purchaseOrder').put({ ...order, lines: [{ ...line, grossPrice, quantity: '1e2' }, ...lines] })
    const { records } = await read('purchase_order')
    const found = records.find(({ number }) => number === order.number)
    assert.equal(linesIn(found)[0]?.gross_price, grossPrice)
  })

  it('notices beside rows are told, and rows beside an error are not taken', async () => {
    await open({ notices: 'warning' })
    assert.ok((await read('product')).notices.includes('Some fields are not visible'))
    fixture.x3.api1.set({ notices: 'error' })
    await anew({}, { retry: { attempts: 2, firstDelayMs: 1 } })
    await assert.rejects(read('product'), /Some fields are not visible/)
    fixture.x3.api1.set({})
    const path = "/api1/x3/erp/SEED/PORDER('none')?representation=YPOH.$details"
    await assert.rejects(rest.door.line.get(path, { what: 'a document', signal: never }), codeOf('x3.api1-missing'))
  })

  it('a pool that is used up is waited for, not failed', async () => {
    await open({ sessions: 1 }, { sessions: 3 })
    await anew({ sessions: 3 }, { retry: { firstDelayMs: 1, maxDelayMs: 5 } })
    const { records } = await read('purchase_order')
    assert.equal(records.length, fixture.books.tables.purchaseOrder.count())
    assert.equal(fixture.x3.api1.sessions().most, 1)
  })

  it('reads the same through every fault', async () => {
    await open()
    const whole = bare((await read('purchase_order')).records)
    const plan = createFaults('hostile', 1, API1_SITES, { slowMs: 1, timeoutMs: 10, retryAfterSeconds: 0 })
    fixture.x3.setFaults(plan)
    await anew({}, { retry: { firstDelayMs: 1, maxDelayMs: 5 } })
    for (let time = 0; plan.pending().length > 0 && time < 5; time++)
      assert.deepEqual(bare((await read('purchase_order')).records), whole)
    fixture.x3.setFaults(undefined)
  })

  it('says who refuses a login', async () => {
    await open()
    await anew({}, { auth: { kind: 'basic', user: 'x', password: 'y' } })
    await assert.rejects(read('supplier'), codeOf('x3.401'))
  })
})
