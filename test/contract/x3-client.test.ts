import assert from 'node:assert/strict'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { JournalEntry, SalesInvoice, SupplierInvoice } from '../../sandbox/books/types.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { x3FaultSites } from '../../sandbox/x3/server.ts'
import type { Row } from '../../sync/contract/message.ts'
import { keyText } from '../../sync/contract/message.ts'
import { addDecimals, normalise, timesSign } from '../../sync/values/money.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { connect, jwtOf, never, readEntity, sourceOf } from '../support/x3-client.ts'

const rows = (records: readonly Row[], list: string): Row[] => records.flatMap((record) => record[list] as Row[])
const decimal = (text: unknown): string => normalise(String(text))
const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error)

describe('the X3 client reads the books of the sandbox', () => {
  let fixture: X3Fixture
  const opened: { close(): Promise<void> }[] = []
  const open = (...more: Parameters<typeof connect> extends [unknown, ...infer Rest] ? Rest : never) => {
    const connection = connect(fixture, ...more)
    opened.push(connection)
    return connection
  }
  before(async () => {
    fixture = await startX3Fixture()
  })
  after(async () => {
    for (const connection of opened) await connection.close()
    await fixture.x3.close()
  })
  afterEach(() => fixture.x3.allow())

  const tables = {
    supplier: 'supplier',
    customer: 'customer',
    product: 'product',
    gl_account: 'account',
    dimension: 'dimension',
    purchase_order: 'purchaseOrder',
    supplier_invoice: 'supplierInvoice',
    sales_invoice: 'salesInvoice',
    gl_entry: 'journalEntry',
  } as const

  for (const [entity, table] of Object.entries(tables)) {
    it(`every ${entity} comes once, with all its lines`, async () => {
      const window = { from: null, bound: '2026-03-10T08:59:00Z' }
      const { records, plan, refused, notices } = await readEntity(sourceOf(open(), { pageSize: 7 }), entity, window)
      assert.deepEqual(refused, [])
      assert.deepEqual(notices, [])
      const expected = [...fixture.books.tables[table].walk()] as { lines?: { analytical?: unknown[] }[] }[]
      const keys = records.map((record) => keyText(plan.schema, record).replace(/^demo\|/, ''))
      const wanted = expected.map((thing) => fixture.books.tables[table].keyOf(thing as never))
      assert.deepEqual([...keys].sort(), [...wanted].sort())
      const lines = expected.flatMap((thing) => thing.lines ?? [])
      if (plan.schema.lists) assert.equal(rows(records, 'lines').length, lines.length)
      for (const [list, { key }] of Object.entries(plan.schema.lists ?? {})) {
        const seen = new Set(rows(records, list).map((row) => JSON.stringify(key.map((name) => row[name]))))
        assert.equal(seen.size, rows(records, list).length, `${list} has a key twice`)
      }
      if (entity === 'gl_entry')
        assert.equal(rows(records, 'analytical').length, lines.flatMap((line) => line.analytical ?? []).length)
    })
  }

  it('takes name, country and tax number of a supplier from its business partner', async () => {
    const { records } = await readEntity(sourceOf(open()), 'supplier')
    for (const record of records) {
      const partner = fixture.books.tables.businessPartner.get(String(record.code))
      assert.equal(record.name, partner?.name)
      assert.equal(record.country, partner?.country)
      assert.equal(record.vat_number, partner?.vatNumber === '' ? null : partner?.vatNumber)
    }
  })

  it('leaves bank accounts out unless they are chosen', async () => {
    const source = sourceOf(open())
    const plain = await readEntity(source, 'supplier')
    assert.ok(!plain.plan.schema.columns.some((column) => column.name === 'bank_account'))
    const chosen = await readEntity(sourceOf(open(), { sensitive: { supplier: ['bank_account'] } }), 'supplier')
    const column = chosen.plan.schema.columns.find(({ name }) => name === 'bank_account')
    assert.equal(column?.sensitive, true)
    for (const record of chosen.records) {
      const partner = fixture.books.tables.businessPartner.get(String(record.code))
      assert.equal(record.bank_account, partner?.bankAccounts[0] ?? null)
    }
  })

  it('reads cost centres as the dimension type chosen', async () => {
    const { records } = await readEntity(sourceOf(open()), 'cost_centre')
    const wanted = [...fixture.books.tables.dimension.walk()]
      .filter(({ type }) => type === 'CCT')
      .map(({ code }) => code)
    assert.deepEqual(records.map(({ code }) => code).sort(), wanted.sort())
  })

  it('signs amounts that are larger than JavaScript can count, to the last digit', async () => {
    const big = '90071992547409931234.01'
    const table = fixture.books.tables.journalEntry as ChangingTable<JournalEntry>
    const entry = [...table.walk()].find(({ lines }) =>
      lines.every((one) => lines.filter(({ ledger }) => ledger === one.ledger).length === 2),
    )
    assert.ok(entry)
    const lines = entry.lines.map((line) => ({ ...line, amount: big, ledgerAmount: big, analytical: [] }))
    table.put({ ...entry, lines })
    try {
      const plan = await sourceOf(open()).plan('gl_entry', never)
      const page = await plan.readKeys?.([`demo|${entry.entryType}|${entry.number}`], () => 1, never)
      const rows = (page?.records[0]?.lines ?? []) as Row[]
      assert.deepEqual(
        rows.map(({ amount, amount_ledger: ledger }) => [amount, ledger]),
        lines.map(({ sign }) => (sign === 1 ? [big, big] : [`-${big}`, `-${big}`])),
      )
      assert.ok(rows.some(({ amount }) => amount === `-${big}`))
    } finally {
      table.put(entry)
    }
  })

  it('signs amounts as text, debit positive, and lays splits on the line where there is one', async () => {
    const { records } = await readEntity(sourceOf(open()), 'gl_entry')
    let compared = 0
    for (const record of records) {
      const entry = fixture.books.tables.journalEntry.get(`${record.entry_type}|${record.number}`) as JournalEntry
      for (const line of entry.lines) {
        const row = (record.lines as Row[]).find((one) => one.line === line.line && one.ledger === line.ledger) as Row
        assert.equal(decimal(row.amount), decimal(timesSign(line.amount, line.sign)))
        assert.equal(decimal(row.amount_ledger), decimal(timesSign(line.ledgerAmount, line.sign)))
        assert.equal(row.account, line.account)
        assert.equal(row.company, entry.company)
        assert.equal(row.period, line.accountingDate.slice(0, 7))
        const only = line.analytical.length === 1 ? line.analytical[0] : undefined
        for (const type of ['CCT', 'PRD', 'PRO']) {
          assert.equal(row[`dim_${type.toLowerCase()}`], only?.dimensions[type] ?? null)
        }
        const splits = (record.analytical as Row[]).filter(
          (one) => one.line === line.line && one.ledger === line.ledger,
        )
        assert.equal(splits.length, line.analytical.length)
        for (const split of line.analytical) {
          const found = splits.find((one) => one.split === split.split)
          assert.equal(decimal(found?.amount), decimal(timesSign(split.amount, line.sign)))
          assert.equal(found?.account, line.account)
          assert.equal(found?.dim_cct, split.dimensions.CCT ?? null)
          compared += 1
        }
      }
      for (const ledger of new Set((record.lines as Row[]).map((row) => row.ledger))) {
        const amounts = (record.lines as Row[])
          .filter((row) => row.ledger === ledger)
          .map((row) => String(row.amount_ledger))
        assert.equal(addDecimals(...amounts), '0')
      }
    }
    assert.ok(compared > 50)
  })

  it('an invoice is positive and a credit memo negative, and what X3 said of the side stands beside it', async () => {
    const { records } = await readEntity(sourceOf(open()), 'supplier_invoice')
    const of = (side: number) => records.filter(({ debit_or_credit: told }) => told === side)
    assert.ok(of(1).length > 0 && of(-1).length > 0)
    for (const record of records) {
      const invoice = fixture.books.tables.supplierInvoice.get(String(record.number)) as SupplierInvoice
      const { debitOrCredit: side } = invoice
      assert.equal(record.debit_or_credit, side)
      assert.equal(decimal(record.amount_with_tax), decimal(timesSign(invoice.amountWithTax, side)))
      assert.equal(decimal(record.amount_without_tax), decimal(timesSign(invoice.amountWithoutTax, side)))
      assert.equal(decimal(record.amount_with_tax_company), decimal(timesSign(invoice.amountWithTaxCompany, side)))
      assert.equal(
        decimal(record.amount_without_tax_company),
        decimal(timesSign(invoice.amountWithoutTaxCompany, side)),
      )
    }
    assert.equal((await sourceOf(open()).plan('supplier_invoice', never)).schema.contract, 2)
  })

  const invoices = () => fixture.books.tables.supplierInvoice as ChangingTable<SupplierInvoice>
  for (const [what, changed, message] of [
    ['no side', { debitOrCredit: null as never }, /debit_or_credit is null, neither 1 nor -1/],
    ['a side that is none', { debitOrCredit: 2 as never }, /debit_or_credit is 2, neither 1 nor -1/],
    ['a side that its category denies', { category: 'creditMemo' }, /category is creditMemo, but debit_or_credit is 1/],
  ] as const)
    it(`an invoice with ${what} is held without amounts that could be taken for positive`, async () => {
      const invoice = [...invoices().walk()].find(({ debitOrCredit }) => debitOrCredit === 1) as SupplierInvoice
      invoices().put({ ...invoice, ...changed })
      try {
        const plan = await sourceOf(open()).plan('supplier_invoice', never)
        const page = await plan.readKeys?.([`demo|${invoice.number}`], () => 1, never)
        assert.deepEqual(page?.records, [])
        const [held] = page?.refused ?? []
        assert.equal(held?.code, 'x3.side')
        assert.match(held?.message ?? '', message)
        if (what !== 'a side that its category denies') assert.equal(held?.record.amount_with_tax, null)
      } finally {
        invoices().put(invoice)
      }
    })

  it('a sales credit memo whose lines come positive is held, since it would be added where it takes away', async () => {
    const table = fixture.books.tables.salesInvoice as ChangingTable<SalesInvoice>
    const memo = [...table.walk()].find(({ category }) => category === 'creditMemo') as SalesInvoice
    const lines = memo.lines.map((line) => ({ ...line, amountWithoutTax: line.amountWithoutTax.replace('-', '') }))
    const plan = await sourceOf(open()).plan('sales_invoice', never)
    const read = () => plan.readKeys?.([`demo|${memo.number}`], () => 1, never)
    assert.equal((await read())?.records.length, 1)
    table.put({ ...memo, lines })
    try {
      const page = await read()
      assert.deepEqual(page?.records, [])
      assert.match(page?.refused?.[0]?.message ?? '', /category is creditMemo, but its lines add up to \d/)
    } finally {
      table.put(memo)
    }
  })

  it('keeps only the ledgers chosen', async () => {
    const { records } = await readEntity(sourceOf(open(), { ledgers: ['legal'] }), 'gl_entry')
    assert.deepEqual([...new Set(rows(records, 'lines').map((row) => row.ledger))], ['legal'])
    assert.deepEqual([...new Set(rows(records, 'analytical').map((row) => row.ledger))], ['legal'])
  })

  it('takes a filter typed as in the explorer of X3, and one that cannot be read is named', async () => {
    const source = sourceOf(open(), { filters: { purchase_order: "{company: {code: 'FR10'}}" } })
    const { records } = await readEntity(source, 'purchase_order')
    assert.ok(records.length > 0)
    assert.ok(records.every((record) => record.company === 'FR10'))
    const wrong = sourceOf(open(), { filters: { purchase_order: '{company: ' } })
    await assert.rejects(wrong.plan('purchase_order', never), /purchase_order: the filter cannot be read: .*character/)
  })

  it('adds fields of the user, typed by X3, and reports a field that does not exist', async () => {
    const extraFields = {
      purchase_order: [
        { path: 'revisionNumber' },
        { path: 'purchaseSite.name', name: 'site_name' },
        { path: 'noSuchField' },
      ],
    }
    const { plan, records, notices } = await readEntity(sourceOf(open(), { extraFields }), 'purchase_order')
    const columns = Object.fromEntries(plan.schema.columns.map(({ name, type }) => [name, type]))
    assert.equal(columns.revisionnumber, 'integer')
    assert.equal(columns.site_name, 'string')
    assert.ok(!('nosuchfield' in columns))
    assert.ok(
      notices.some((notice) => notice.includes('noSuchField') && notice.includes('left out')),
      notices.join(),
    )
    assert.ok(records.length > 0)
  })

  it('reads single records by key', async () => {
    const source = sourceOf(open())
    const plan = await source.plan('gl_entry', never)
    const some = [...fixture.books.tables.journalEntry.walk()]
      .slice(3, 6)
      .map((entry) => `demo|${entry.entryType}|${entry.number}`)
    const page = await plan.readKeys?.([...some, 'demo|BPCIN|MISSING'], () => 1, never)
    assert.deepEqual(page?.records.map((record) => keyText(plan.schema, record)).sort(), [...some].sort())
  })

  it('reads documents of a span of dates for a backfill', async () => {
    const { records } = await readEntity(sourceOf(open()), 'gl_entry', { from: '2025-06-01', bound: '2025-07-31' }, [
      'backfill',
    ])
    const wanted = [...fixture.books.tables.journalEntry.walk()].filter(
      ({ accountingDate: date }) => date >= '2025-06-01' && date <= '2025-07-31',
    )
    assert.ok(wanted.length > 0)
    assert.equal(records.length, wanted.length)
  })

  it("gives the server's clock and address, and asks for fields only once", async () => {
    const connection = open()
    const source = sourceOf(connection)
    assert.equal(await source.clock(never), '2026-03-10T09:00:00Z')
    assert.equal(source.address, `x3://127.0.0.1:${fixture.x3.port}/SEED`)
    await source.plan('supplier', never)
    const before = source.requests()
    await source.plan('supplier', never)
    assert.equal(source.requests(), before)
  })

  for (const minutes of [15, -15]) {
    it(`signs by the server's clock when ours is ${minutes} minutes off`, async () => {
      const connection = open({ now: () => fixture.clock.now() + minutes * 60_000 })
      assert.ok((await readEntity(sourceOf(connection), 'product')).records.length > 0)
      assert.equal(connection.clock.differenceSeconds(), -minutes * 60)
    })
  }

  it('renews the token after four of five minutes', async () => {
    const connection = open()
    const source = sourceOf(connection)
    await source.clock(never)
    const before = connection.requests()
    fixture.clock.time += 290_000
    await source.clock(never)
    assert.ok(connection.requests() - before <= 2)
    fixture.clock.time -= 290_000
  })

  const refusals: [string, Parameters<typeof jwtOf>[1], RegExp][] = [
    ['x3.41', { clientId: 'nobody' }, /client ID/],
    ['x3.42', { user: 'ADMIN ' }, /allowed user/],
    ['x3.45', { audience: { kind: 'word', word: 'elsewhere' } }, /audience/],
    ['x3.50', { secret: 'not the secret' }, /signature is wrong|expired/],
  ]
  for (const [code, wrong, words] of refusals) {
    it(`explains a login refused with ${code}`, async () => {
      const source = sourceOf(open({ auth: jwtOf(fixture, wrong) }))
      await assert.rejects(source.clock(never), (error: Error & { cause: { hint: string } }) => {
        assert.equal(codeOf(error), code)
        assert.match(error.message, words)
        assert.ok(error.cause.hint.length > 20)
        return true
      })
    })
  }

  it('names an unknown folder', async () => {
    const source = sourceOf(open({ folder: 'NOSUCH' }))
    await assert.rejects(source.clock(never), (error: Error & { cause: { class: string } }) => {
      assert.equal(error.cause.class, 'config')
      assert.match(error.message, /folder/)
      return true
    })
  })

  it('names the node whose right is missing, of an entity and of its lines', async () => {
    for (const node of ['supplier', 'journalEntryLine']) {
      fixture.x3.deny(node)
      const entity = node === 'supplier' ? 'supplier' : 'gl_entry'
      await assert.rejects(readEntity(sourceOf(open()), entity), (error: Error & { cause: { class: string } }) => {
        assert.equal(codeOf(error), 'x3.right')
        assert.equal(error.cause.class, 'config')
        assert.match(error.message, new RegExp(`${entity}.*(${node}|journalEntryLines)`))
        return true
      })
      fixture.x3.allow(node)
    }
  })

  it('halves the page when X3 refuses its size', async () => {
    const source = sourceOf(open(), { pageSize: 5000 })
    const { records } = await readEntity(source, 'supplier')
    assert.equal(records.length, fixture.books.tables.supplier.count())
  })

  it('comes through every fault of the hostile profile', async () => {
    const faults = createFaults('hostile', 3, x3FaultSites, { slowMs: 20, timeoutMs: 300, retryAfterSeconds: 0.05 })
    fixture.x3.setFaults(faults)
    const source = sourceOf(open({ timeoutMs: 5000 }), { pageSize: 3 })
    const { records } = await readEntity(source, 'sales_invoice')
    fixture.x3.setFaults(undefined)
    faults.stop()
    assert.equal(records.length, fixture.books.tables.salesInvoice.count())
    assert.ok(Object.keys(faults.met()).length >= 6, JSON.stringify(faults.met()))
  }).timeout(120_000)
})
