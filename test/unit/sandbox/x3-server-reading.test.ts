import assert from 'node:assert/strict'
import { createBooks } from '../../../sandbox/books/books.ts'
import type { JournalEntry } from '../../../sandbox/books/types.ts'
import { at, startX3Fixture, type X3Fixture } from '../../support/x3.ts'
import { ids, journal, supplierIds, suppliers } from '../../support/x3-queries.ts'

describe('X3 sandbox: reading', () => {
  let fixture: X3Fixture
  before(async () => {
    fixture = await startX3Fixture()
  })
  after(() => fixture.x3.close())

  it('cuts at 20 where first is absent, on nested collections too', async () => {
    const long = [...fixture.books.tables.journalEntry.walk()].find((e) => e.lines.length > 200) as JournalEntry
    const id = fixture.books.tables.journalEntry.keyOf(long)
    const nested = await fixture.post(journal, { id })
    const found = at(nested.json, 'data.x3Finance.journalEntry.read.journalEntryLines.query') as Record<string, unknown>
    assert.equal((found.edges as unknown[]).length, 20)
    assert.equal(found.totalCount, long.lines.length)
    assert.deepEqual(at(found, 'pageInfo.hasNextPage'), true)
    assert.equal(supplierIds(await fixture.post(suppliers)).length, 20)
  })

  it('pages through everything once, by cursors with double quotes', async () => {
    const all = [...fixture.books.tables.supplier.walk()].map((s) => s.code)
    for (const orderBy of ['', '{_id:-1}', '{currency:+1,_updateStamp:-1}']) {
      const read: string[] = []
      let after: unknown = null
      do {
        const page = await fixture.post(suppliers, { first: 7, after, orderBy })
        const query = at(page.json, 'data.x3MasterData.supplier.query')
        assert.equal(at(query, 'totalCount'), all.length)
        read.push(...supplierIds(page))
        after = at(query, 'pageInfo.hasNextPage') ? at(query, 'pageInfo.endCursor') : null
        if (after) assert.match(String(after), /^\[.*".*\]#\d+$/)
      } while (after)
      assert.deepEqual([...read].sort(), all, orderBy)
      if (orderBy === '') assert.deepEqual(read, all)
      if (orderBy === '{_id:-1}') assert.deepEqual(read, [...all].reverse())
    }
  })

  it('pages backwards', async () => {
    const all = [...fixture.books.tables.supplier.walk()].map((s) => s.code)
    const page = await fixture.post(suppliers, { last: 3 })
    assert.deepEqual(supplierIds(page), all.slice(-3))
    const before = at(page.json, 'data.x3MasterData.supplier.query.pageInfo.startCursor')
    const earlier = await fixture.post(suppliers, { last: 2, before })
    assert.deepEqual(supplierIds(earlier), all.slice(-5, -3))
    assert.deepEqual(at(earlier.json, 'data.x3MasterData.supplier.query.pageInfo.hasPreviousPage'), true)
  })

  it('resumes at the same place after others were added before it', async () => {
    const mine = createBooks({ seed: 3, size: 'small', today: '2026-03-10', now: () => fixture.clock.time })
    const other = await startX3Fixture({ books: mine })
    try {
      const query = `query($after: String) { x3Purchasing { purchaseOrderLine { query(first: 37, after: $after, filter: "{orderUnit:{_ne:null}}") {
        edges { node { _id } } pageInfo { endCursor hasNextPage } } } } }`
      const path = 'x3Purchasing.purchaseOrderLine.query'
      const first = await other.post(query)
      const after = at(first.json, `data.${path}.pageInfo.endCursor`)
      const expected = ids(await other.post(query, { after }), path)
      other.clock.time += 86_400_000
      assert.ok(mine.day().includes('new order'))
      const again = ids(await other.post(query, { after }), path)
      assert.ok(again.length > 0 && expected.length > 0)
      assert.ok((again[0] ?? '') <= (expected[0] ?? '') || !expected.includes(again[0] ?? ''))
      assert.ok(!again.some((id) => ids(first, path).includes(id)), 'a line came twice')
    } finally {
      await other.x3.close()
    }
  })

  it('refuses a page beyond the maximum, a broken cursor and a wrong field, with diagnoses', async () => {
    const failures: [variables: Record<string, unknown>, words: RegExp][] = [
      [{ first: 1001 }, /1001.*1000/],
      [{ after: 'AE003' }, /Invalid cursor/],
      [{ after: '["AE003"]#1x' }, /Invalid cursor/],
      [{ filter: '{nope:1}' }, /Supplier\.nope/],
      [{ orderBy: '{nope:1}' }, /Supplier\.nope/],
    ]
    for (const [variables, words] of failures) {
      const { status, json } = await fixture.post(suppliers, variables)
      assert.equal(status, 200)
      assert.equal(json?.data, null)
      assert.match(json?.errors?.[0]?.extensions?.diagnoses?.[0]?.message ?? '', words)
      assert.equal(typeof json?.errors?.[0]?.extensions?.diagnoses?.[0]?.severity, 'number')
    }
  })

  it('answers 400 in the form of section 1.2 for an unknown field or a missing variable', async () => {
    for (const [query, words] of [
      [
        '{ x3MasterData { supplier { query { edges { node { nope } } } } } }',
        /Cannot query field "nope" on type "Supplier_node"/,
      ],
      ['{ x3Financials { journalEntry { query { totalCount } } } }', /Cannot query field "x3Financials" on type/],
      ['mutation { x3Finance { journalEntry { create(data: {}) { _id } } } }', /mutation/],
      [journal, /\$id/],
      ['{ x3MasterData {', /Syntax Error/],
    ] as const) {
      const { status, json } = await fixture.post(query)
      assert.equal(status, 400, query)
      assert.match(json?.errors?.[0]?.message ?? '', words)
      assert.deepEqual(json?.extensions, {})
    }
  })

  it('reads by key, null where there is none', async () => {
    const [entry] = fixture.books.tables.journalEntry.walk()
    assert.ok(entry)
    const id = `${entry.entryType}|${entry.number}`
    assert.equal(at((await fixture.post(journal, { id })).json, 'data.x3Finance.journalEntry.read._id'), id)
    assert.equal(at((await fixture.post(journal, { id: 'GEN|nope' })).json, 'data.x3Finance.journalEntry.read'), null)
    const line =
      '{ x3Finance { journalEntryLine { query(first: 3) { edges { node { _id journalEntry { _id journalEntryNumber journalEntryType { code } } } } } } } }'
    const lines = await fixture.post(line)
    const [lineId] = ids(lines, 'x3Finance.journalEntryLine.query')
    const read = '{ x3Finance { journalEntryLine { read(_id: "LINE") { _id journalEntry { _id } } } } }'.replace(
      'LINE',
      lineId ?? '',
    )
    const one = at((await fixture.post(read)).json, 'data.x3Finance.journalEntryLine.read')
    assert.deepEqual(one, { _id: lineId, journalEntry: { _id: id } })
  })

  it('puts decimals, enums, keys and stamps on the wire as X3 does', async () => {
    const query = `{ x3Finance { journalEntry { query(first: 50) { edges { node { _id _etag _createStamp _updateStamp accountingDate journalEntryStatus
      _createUser { code } journalEntryLines { query(first: 500) { edges { node { sign lineNumber transactionAmount ledgerTypeNumber matchingDate matchingCode } } } } } } } } } }`
    const { json } = await fixture.post(query)
    const edges = at(json, 'data.x3Finance.journalEntry.query.edges') as { node: Record<string, unknown> }[]
    assert.ok(edges.length === 50)
    for (const { node } of edges) {
      assert.match(String(node._id), /^[A-Z]+\|\w+$/)
      assert.match(String(node._updateStamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      assert.match(String(node.accountingDate), /^\d{4}-\d\d-\d\d$/)
      assert.ok(['temporary', 'final'].includes(String(node.journalEntryStatus)))
      for (const line of at(node, 'journalEntryLines.query.edges') as { node: Record<string, unknown> }[]) {
        assert.match(String(line.node.transactionAmount), /^\d+(\.\d*[1-9])?$/)
        assert.equal(typeof line.node.transactionAmount, 'string')
        assert.ok(line.node.sign === 1 || line.node.sign === -1)
        assert.equal(typeof line.node.matchingCode, 'string')
      }
    }
  })

  it('describes a node by __type, as a client learns it', async () => {
    const { json } = await fixture.post(
      '{ __type(name: "JournalEntry_node") { name fields { name type { name kind } } } }',
    )
    const fields = at(json, 'data.__type.fields') as { name: string; type: { name: string } }[]
    assert.equal(fields.find(({ name }) => name === 'journalEntryLines')?.type.name, 'JournalEntryLine_Collection')
    assert.equal(at((await fixture.post('{ __type(name: "Nope_node") { name } }')).json, 'data.__type'), null)
  })

  it('sends a notice of success now and then', async () => {
    const severities: number[] = []
    for (let i = 0; i < 8; i++) {
      const { json } = await fixture.post(suppliers, { first: 1 })
      severities.push(...(json?.extensions?.diagnoses ?? []).map(({ severity }) => severity))
    }
    assert.ok(severities.length > 0 && severities.every((severity) => severity === 1))
  })

  it('speaks the names of 2021', async () => {
    const old = await startX3Fixture({ generation: '2021' })
    try {
      const query = `{ xtremX3MasterData { supplier { query(first: 1) { edges { node { code { code } companyName } } } } }
        xtremX3Purchasing { purchaseOrder { query(first: 1) { edges { node { orderFromSupplier { code { code } } purchaseOrderQuantityLines { query { edges { node { lineNumber } } } } } } } } } }`
      const { json } = await old.post(query)
      const [supplier] = old.books.tables.supplier.walk()
      assert.equal(at(json, 'data.xtremX3MasterData.supplier.query.edges.0.node.code.code'), supplier?.code)
      assert.equal((await old.post(suppliers)).status, 400)
    } finally {
      await old.x3.close()
    }
  })

  it('counts requests by node and keeps no credentials', async () => {
    const before = fixture.x3.stats()
    await fixture.post(suppliers, { first: 1 })
    const after = fixture.x3.stats()
    assert.equal(after.requests, before.requests + 1)
    assert.equal(after.byNode['x3MasterData.supplier'], (before.byNode['x3MasterData.supplier'] ?? 0) + 1)
    assert.ok(!JSON.stringify(after).includes('Bearer'))
  })
})
