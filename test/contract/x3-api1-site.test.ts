import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Ledger } from '../../ledger/ledger.ts'
import { checkApi1 } from '../../nodes/x3/client/api1/check.ts'
import { readApi1List } from '../../nodes/x3/client/api1/lists.ts'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { JournalEntry } from '../../sandbox/books/types.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { API1_SITES, type Api1Options } from '../../sandbox/x3/api1/door.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import { type LedgerFolder, ledgerFolder } from '../support/ledger.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { type Api1Reading, BASIC, CLASSES, throughApi1 } from '../support/x3-api1.ts'
import { never, readEntity } from '../support/x3-client.ts'

const linesIn = (record: DataRecord | undefined) => (record?.lines ?? []) as unknown as Record<string, unknown>[]
const codeOf = (code: string) => (error: { code?: string }) => error.code === code

describe('X3 by REST api1, as a site is set up', function () {
  this.timeout(120_000)
  let fixture: X3Fixture
  let rest: Api1Reading
  const open = async (options: Api1Options = {}, ...more: Parameters<typeof through>): Promise<void> => {
    fixture = await startX3Fixture({ basic: BASIC, api1: options })
    rest = through(...more)
  }
  const through = (
    settings: Parameters<typeof throughApi1>[1] = {},
    options: Parameters<typeof throughApi1>[2] = {},
    kept?: Parameters<typeof throughApi1>[3],
  ) => throughApi1(fixture, settings, options, kept)
  afterEach(async () => {
    await rest.door.leave?.()
    await rest.connection.close()
    await fixture.x3.close()
  })

  describe('sessions', () => {
    let folder: LedgerFolder
    let ledger: Ledger
    beforeEach(async () => {
      folder = ledgerFolder()
      ledger = await folder.open()
    })
    afterEach(() => folder.remove())
    const kept = () => ({ store: ledger, name: 'demo' })
    /** As by a kill: what was open stays open in X3, and nobody says goodbye. */
    const killed = async (): Promise<void> => {
      await rest.connection.close()
      await ledger.close()
      ledger = await folder.open()
    }

    it('that a killed process left are given back by the next start, and that is told', async () => {
      await open({ sessions: 8 })
      rest = through({}, {}, kept())
      const orders = await readEntity(rest.source(), 'purchase_order')
      const { open: left } = fixture.x3.api1.sessions()
      assert.equal(left, 4)
      await killed()
      // Another sync's are not touched.
      rest = through({}, {}, { store: ledger, name: 'other' })
      await readEntity(rest.source(), 'supplier')
      assert.ok(fixture.x3.api1.sessions().open > left)
      await rest.door.leave?.()
      await rest.connection.close()
      rest = through({}, {}, kept())
      const again = await readEntity(rest.source(), 'purchase_order')
      assert.equal(again.records.length, orders.records.length)
      assert.ok(
        again.notices.includes(`${left} session(s) of X3 that a process had left behind were given back`),
        again.notices.join(),
      )
      await rest.door.leave?.()
      assert.equal(fixture.x3.api1.sessions().open, 0)
      assert.equal(await ledger.token('x3 sessions of demo'), undefined)
    })

    it('of whom nobody knows are waited for until X3 ends them, which is told and fails nothing', async () => {
      await open()
      const other = through()
      await readEntity(other.source(), 'purchase_order')
      await other.connection.close()
      assert.equal(fixture.x3.api1.sessions().open, 4, 'the pool is used up')
      const said: string[] = []
      // Far more refusals than an ordinary outage may have.
      rest = through({ sessionWaitMs: 1 }, { retry: { firstDelayMs: 1, maxDelayMs: 1, totalMs: 1 } })
      const waiting = (what: string): void => {
        said.push(what)
        if (said.length === 20) fixture.x3.api1.endSessions()
      }
      const read = await readEntity(rest.source({ waiting }), 'purchase_order')
      assert.equal(read.records.length, fixture.books.tables.purchaseOrder.count())
      assert.ok(said.length >= 20)
      assert.match(
        said[1] ?? '',
        /X3 has no session free: what a process that was killed has left ends there by itself/,
      )
      assert.equal(read.notices.filter((notice) => /no session free.*asked again/.test(notice)).length, 1)
      assert.ok(fixture.x3.api1.sessions().most <= 4)
    })
  })

  it('offers in its dialogs the columns of its classes, and not the fields of GraphQL', async () => {
    await open()
    const list = async (name: string, query: Record<string, string> = {}) =>
      (await readApi1List(rest.door, name, query, never)).map(({ value, note }) => `${value} ${note ?? ''}`.trim())
    const { last } = fixture.x3.stats()
    assert.ok((await list('entities')).includes('supplier BPSUPPLIER.YBPS'))
    const suppliers = await list('fields', { entity: 'supplier' })
    assert.ok(suppliers.includes('BPSNAM string') && suppliers.includes('ENAFLG integer'), suppliers.join())
    const orders = await list('fields', { entity: 'purchase_order' })
    assert.ok(orders.includes('ORDDAT date') && !orders.some((name) => name.startsWith('POHLIN')), orders.join())
    assert.ok((await list('fields', { entity: 'purchase_order', list: 'lines' })).includes('GROPRI'))
    assert.ok((await list('fields', { entity: 'gl_entry', list: 'lines' })).includes('ACC'))
    assert.deepEqual(await list('stamps', { entity: 'supplier' }), ['UPDDAT date', 'UPDDATTIM timestamp'])
    assert.deepEqual((await list('ledgers')).slice(0, 2), ['legal', 'analytical'])
    assert.ok((await list('dimensionTypes')).includes('CCT'))
    assert.ok((await list('sensitive')).some((name) => name.startsWith('supplier.bank_account')))
    await assert.rejects(list('fields', { entity: 'gl_entry', list: 'none' }), codeOf('x3.node'))
    await assert.rejects(list('fields'), codeOf('x3.api1-class'))
    assert.deepEqual(fixture.x3.stats().last, last, 'GraphQL was not asked')
    assert.equal(fixture.x3.api1.sessions().open, 0)
  })

  it('reads added fields as columns of the class, in their own types; what is no column is left out and told', async () => {
    await open()
    const extraFields = {
      purchase_order: [
        { path: 'ORDDAT', name: 'ordered' },
        { path: 'QTYUOM', list: 'lines', name: 'ordered_quantity', type: 'decimal(28,8)' as const },
        { path: 'orderDate' },
        { path: 'company.name' },
      ],
      gl_entry: [{ path: 'FCYLIN', list: 'analytical', name: 'split_site' }],
    }
    const { records, plan, notices } = await readEntity(rest.source({ extraFields }), 'purchase_order')
    const columns = plan.schema.columns.map(({ name, type }) => `${name} ${type}`)
    assert.ok(columns.includes('ordered date'), columns.join())
    assert.ok(!columns.some((name) => /^orderdate|^company_name/.test(name)))
    assert.equal(notices.filter((text) => /no (?:orderDate|field) for .* left out/.test(text)).length, 2)
    for (const record of records) {
      assert.equal(record.ordered, record.order_date)
      for (const line of linesIn(record)) assert.equal(line.ordered_quantity, line.quantity)
    }
    const journals = await readEntity(rest.source({ extraFields }), 'gl_entry')
    const splits = journals.records.flatMap((one) => (one.analytical ?? []) as unknown as Record<string, unknown>[])
    assert.ok(splits.length > 0)
    for (const split of splits) assert.equal(split.split_site, split.site)
    const twice = { supplier: [{ path: 'BPSNAM', name: 'name' }] }
    await assert.rejects(rest.source({ extraFields: twice }).plan('supplier', never), codeOf('x3.extra-field'))
  })

  it('finds a journal of which only the analytical lines tell the change, and watches what is published of a document', async () => {
    const { 'gl_entry.lines': _, 'supplier_invoice.lines': __, ...classes } = CLASSES
    await open({}, { classes })
    const { clock, books } = fixture
    const from = new Date(clock.time).toISOString().replace('.000Z', 'Z')
    clock.time += 60_000
    const table = books.tables.journalEntry as unknown as ChangingTable<JournalEntry>
    const entry = [...table.walk()].find(
      ({ lines, mustHold }) => !mustHold && lines.some((one) => one.analytical.length > 0),
    )
    assert.ok(entry)
    const updated = new Date(clock.time).toISOString()
    table.put({
      ...entry,
      lines: entry.lines.map((line) => (line.analytical.length > 0 ? { ...line, updated } : line)),
    })
    const window = { from, bound: new Date(clock.time + 1000).toISOString() }
    const found = await readEntity(rest.source(), 'gl_entry', window)
    assert.deepEqual(
      found.records.map(({ entry_type, number }) => [entry_type, number]),
      [[entry.entryType, entry.number]],
    )
    assert.ok(found.notices.some((notice) => /no class is chosen for gl_entry\.lines/.test(notice)))
    // Lines are not published, the joined header is.
    const invoices = await readEntity(rest.source(), 'supplier_invoice', window)
    assert.deepEqual(invoices.refused, [])
  })

  it('fails an entity whose right is gone, by name, at once and in the middle; the others go on', async () => {
    await open({ mostItems: 5 }, {}, { retry: { firstDelayMs: 1, maxDelayMs: 2 } })
    fixture.x3.deny('supplier')
    await assert.rejects(
      readEntity(rest.source(), 'supplier'),
      (error: Error & { code?: string; cause: { hint?: string } }) => {
        assert.equal(error.code, 'x3.right')
        assert.match(error.message, /^supplier.*Supplier\.read is not authorized/)
        assert.match(error.cause.hint ?? '', /class and its representation/)
        return true
      },
    )
    assert.ok((await readEntity(rest.source(), 'purchase_order')).records.length > 0)
    fixture.x3.allow()
    const plan = await rest.source().plan('supplier', never)
    const page = (cursor: string | null) =>
      plan.readPage({ walk: 'changed', window: { from: null, bound: null }, cursor, nextRead: () => 1, signal: never })
    const first = await page(null)
    fixture.x3.deny('supplier')
    await assert.rejects(page(first.cursor), codeOf('x3.right'))
    await assert.rejects(
      (async () => plan.list?.({ cursor: null, nextRead: () => 1, signal: never }))(),
      codeOf('x3.right'),
    )
  })

  it('fails an entity whose pages do not rise by key, and takes nothing of them', async () => {
    await open({ paging: 'unordered', mostItems: 7 }, {}, { retry: { attempts: 2, firstDelayMs: 1 } })
    const { requests } = fixture.x3.api1
    await assert.rejects(readEntity(rest.source(), 'supplier'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'x3.api1-order')
      assert.match(error.message, /keys must rise/)
      return true
    })
    assert.ok((requests().query ?? 0) > 1, 'it was asked again')
    fixture.x3.api1.set({})
    assert.equal((await readEntity(rest.source(), 'supplier')).records.length, fixture.books.tables.supplier.count())
  })

  it('goes on by key, and never to where the link of a page leads', async () => {
    const asked: string[] = []
    const other = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end('{}')
    })
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    try {
      await open({ nextOrigin: `http://127.0.0.1:${port}`, mostItems: 7 })
      const { records } = await readEntity(rest.source(), 'supplier')
      assert.equal(records.length, fixture.books.tables.supplier.count())
      assert.deepEqual(asked, [])
    } finally {
      other.close()
    }
  })

  it('says that names must be typed where X3 does not tell what it publishes, and gives the session back', async () => {
    await open({ noLookup: true }, { classes: { supplier: CLASSES.supplier as (typeof CLASSES)[string] } })
    const lines = await checkApi1(rest.connection, rest.door, never)
    const said = lines.map(({ text }) => text)
    assert.ok(said.includes('X3 does not list what it publishes: Classes must be typed.'), said.join('\n'))
    assert.ok(said.some((text) => text.startsWith('supplier: can be read by UPDDATTIM')))
    assert.equal(fixture.x3.api1.sessions().open, 0)
  })

  it('a run that is stopped gives its sessions back, also those that open while it leaves', async () => {
    await open({ mostItems: 7 })
    const faults = createFaults('calm', 1, API1_SITES, { slowMs: 60, timeoutMs: 20, retryAfterSeconds: 0 })
    fixture.x3.setFaults(faults)
    const stop = new AbortController()
    const plan = await rest.source().plan('gl_entry', never)
    const page = (cursor: string | null, signal: AbortSignal) =>
      plan.readPage({ walk: 'changed', window: { from: null, bound: null }, cursor, nextRead: () => 1, signal })
    const { cursor } = await page(null, never)
    faults.force('api1:details', 'slow', 4)
    const reading = page(cursor, stop.signal)
    stop.abort()
    await assert.rejects(reading)
    await rest.door.leave?.()
    assert.equal(fixture.x3.api1.sessions().open, 0)
  })
})
