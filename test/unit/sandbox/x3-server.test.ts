import assert from 'node:assert/strict'
import { createBooks } from '../../../sandbox/books/books.ts'
import type { Books, JournalEntry } from '../../../sandbox/books/types.ts'
import { createFaults, type FaultKind } from '../../../sandbox/faults.ts'
import { x3FaultSites } from '../../../sandbox/x3/server.ts'
import { at, startX3Fixture, type X3Answer, type X3Fixture } from '../../support/x3.ts'

const suppliers = `query($first: Int, $after: String, $last: Int, $before: String, $filter: String, $orderBy: String) {
  x3MasterData { supplier { query(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    totalCount edges { cursor node { _id } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } } }`
const journal = `query($id: Id!, $first: Int, $after: String) { x3Finance { journalEntry { read(_id: $id) { _id _etag
  journalEntryLines { query(first: $first, after: $after) { totalCount edges { node { _id lineNumber ledgerTypeNumber } }
  pageInfo { endCursor hasNextPage } } } } } } }`

const ids = (answer: X3Answer, path: string): string[] =>
  (at(answer.json, `data.${path}.edges`) as { node: { _id: string } }[]).map(({ node }) => node._id)
const supplierIds = (answer: X3Answer): string[] => ids(answer, 'x3MasterData.supplier.query')

describe('X3 sandbox: login', () => {
  let fixture: X3Fixture
  const tiny = '{ x3MasterData { supplier { query(first: 1) { totalCount } } } }'
  const tryToken = async (claims: Record<string, unknown>, secret?: string): Promise<string> => {
    const { status, text, headers } = await fixture.post(
      tiny,
      {},
      {
        authorization: `Bearer ${fixture.token(claims, secret)}`,
      },
    )
    if (status !== 401) return String(status)
    assert.match(headers.get('content-type') ?? '', /^text\/plain/)
    return text
  }
  const seconds = (): number => Math.floor(fixture.clock.time / 1000)

  before(async () => {
    fixture = await startX3Fixture({ tokenSeconds: 400 })
  })
  after(() => fixture.x3.close())

  it('lets a good token in', async () => assert.equal(await tryToken({}), '200'))

  it('refuses in the numbers of X3', async () => {
    assert.equal(await tryToken({ iat: seconds() + 60, exp: seconds() + 300 }), 'Error 21: Invalid token')
    assert.equal(await tryToken({ iss: 'someone' }), 'Error 41: Invalid token')
    assert.equal(await tryToken({ sub: fixture.x3.user.toUpperCase() }), 'Error 42: Invalid token')
    assert.equal(await tryToken({ aud: `${fixture.x3.url}/` }), 'Error 45: Invalid token')
    assert.equal(await tryToken({ exp: seconds() }), 'Error 50: Invalid token')
    assert.equal(await tryToken({}, 'another secret'), 'Error 50: Invalid token')
    assert.equal(await tryToken({ iat: seconds() - 500, exp: seconds() + 500 }), 'Error 50: Invalid token')
  })

  it('refuses a caller without a token, and Basic where it is off', async () => {
    for (const authorization of ['', 'Basic dGllb3V0OnB3', 'Bearer x.y.z']) {
      assert.equal((await fixture.post(tiny, {}, { authorization })).status, 401, authorization)
    }
  })

  it("lives in the ERP's time", async () => {
    const before = fixture.clock.time
    const token = fixture.token()
    fixture.clock.time += 15 * 60_000
    try {
      const { headers, text } = await fixture.post(tiny, {}, { authorization: `Bearer ${token}` })
      assert.equal(text, 'Error 50: Invalid token')
      assert.equal(Date.parse(headers.get('date') ?? ''), fixture.clock.time)
      assert.equal(await tryToken({}), '200')
    } finally {
      fixture.clock.time = before
    }
  })

  it('takes other audiences and Basic where so set', async () => {
    const basic = { user: 'ADMIN', password: 'pässword' }
    for (const audience of ['empty', 'xtrem', 'any'] as const) {
      const other = await startX3Fixture({ audience, basic })
      try {
        const aud = { empty: '', xtrem: 'xtrem', any: 'whatever' }[audience]
        const call = (authorization: string): Promise<X3Answer> => other.post(tiny, {}, { authorization })
        assert.equal((await call(`Bearer ${other.token({ aud })}`)).status, 200, audience)
        assert.equal((await call(`Bearer ${other.token()}`)).status, audience === 'any' ? 200 : 401, audience)
        const login = Buffer.from(`${basic.user}:${basic.password}`).toString('base64')
        assert.equal((await call(`Basic ${login}`)).status, 200)
      } finally {
        await other.x3.close()
      }
    }
  })

  it('refuses an unknown folder by name and serves each folder its own books', async () => {
    const other = createBooks({ seed: 99, size: 'small', today: '2026-03-10', now: () => fixture.clock.time })
    const two = await startX3Fixture({ folders: { TEST: other } })
    try {
      const read = (folder: string): Promise<X3Answer> =>
        two.post(suppliers, { first: 1000 }, { 'x-xtrem-endpoint': folder })
      const codes = (books: Books): string[] => [...books.tables.supplier.walk()].map((s) => s.code)
      assert.deepEqual(supplierIds(await read('SEED')), codes(two.books))
      assert.deepEqual(supplierIds(await two.post(suppliers, { first: 1000 })), codes(two.books))
      assert.deepEqual(supplierIds(await read('TEST')), codes(other))
      const unknown = await read('PROD')
      assert.equal(unknown.status, 400)
      assert.match(unknown.json?.errors?.[0]?.message ?? '', /PROD/)
    } finally {
      await two.x3.close()
    }
  })
})

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
      const query = `{ xtremX3MasterData { supplier { query(first: 1) { edges { node { code companyName1 } } } } }
        xtremX3Purchasing { purchaseOrder { query(first: 1) { edges { node { orderFromSupplier { code } purchaseOrderQuantityLines { query { edges { node { lineNumber } } } } } } } } } }`
      const { json } = await old.post(query)
      const [supplier] = old.books.tables.supplier.walk()
      assert.equal(at(json, 'data.xtremX3MasterData.supplier.query.edges.0.node.code'), supplier?.code)
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

describe('X3 sandbox: what goes wrong', () => {
  const lines = `{ x3Purchasing { purchaseOrder { query(first: 2) { edges { node { _id purchaseOrderLines { query { edges { node { lineNumber } } } } } } } } } }`

  it('answers partly where a child node may not be read, and nothing where the node itself may not', async () => {
    const { x3, post } = await startX3Fixture()
    try {
      x3.deny('PurchaseOrderLine.read')
      const partly = await post(lines)
      const edges = at(partly.json, 'data.x3Purchasing.purchaseOrder.query.edges') as {
        node: Record<string, unknown>
      }[]
      assert.equal(edges.length, 2)
      assert.ok(edges.every(({ node }) => node._id && node.purchaseOrderLines === null))
      assert.deepEqual(
        partly.json?.errors?.map((error) => error.path?.at(-1)),
        ['purchaseOrderLines', 'purchaseOrderLines'],
      )
      const [diagnosis] = partly.json?.errors?.[0]?.extensions?.diagnoses ?? []
      assert.ok(diagnosis && diagnosis.severity > 2 && diagnosis.message.includes('\n'))
      x3.deny('purchaseOrder')
      const nothing = await post(lines)
      assert.equal(nothing.status, 200)
      assert.equal(nothing.json?.data, null)
      assert.match(nothing.json?.errors?.[0]?.message ?? '', /PurchaseOrder/)
      x3.allow()
      assert.equal((await post(lines)).json?.errors, undefined)
    } finally {
      await x3.close()
    }
  })

  it('loses a right in the middle of the run of a day, until the books give it back', async () => {
    const fixture = await startX3Fixture()
    try {
      fixture.clock.time += 86_400_000
      fixture.books.day()
      fixture.x3.newDay()
      assert.equal(fixture.books.lostRight(), 'purchaseOrder')
      const answers: unknown[] = []
      for (let i = 0; i < 3; i++) answers.push(at((await fixture.post(lines)).json, 'data'))
      assert.ok(answers[0] && answers[1])
      assert.equal(answers[2], null)
      fixture.books.finish()
      assert.ok(at((await fixture.post(lines)).json, 'data'))
    } finally {
      await fixture.x3.close()
    }
  })

  it('changes a document between two of its line pages', async () => {
    const fixture = await startX3Fixture()
    try {
      fixture.clock.time += 86_400_000
      fixture.books.day()
      const ambush = fixture.books.ambushes().find(({ table }) => table === 'journalEntry')
      assert.ok(ambush)
      const read = (after: unknown): Promise<X3Answer> => fixture.post(journal, { id: ambush.key, first: 20, after })
      const stamp = async (): Promise<unknown> =>
        at(
          (await fixture.post(journal, { id: ambush.key, first: 1000 })).json,
          'data.x3Finance.journalEntry.read._etag',
        )
      const before = await stamp()
      assert.equal(await stamp(), before)
      const first = await read(null)
      assert.equal(at(first.json, 'data.x3Finance.journalEntry.read._etag'), before)
      const cursor = at(first.json, 'data.x3Finance.journalEntry.read.journalEntryLines.query.pageInfo.endCursor')
      const second = await read(cursor)
      assert.notEqual(at(second.json, 'data.x3Finance.journalEntry.read._etag'), before)
      assert.equal(fixture.x3.stats().ambushes, 1)
      assert.ok(!fixture.books.ambushes().includes(ambush))
    } finally {
      await fixture.x3.close()
    }
  })

  it('hides a record until its transaction is committed', async () => {
    const fixture = await startX3Fixture()
    try {
      fixture.clock.time += 86_400_000
      fixture.books.day()
      const tables = Object.values(fixture.books.tables)
      const late = tables.flatMap((table) => [...table.walk()]).find((thing) => thing.visibleFrom !== undefined)
      assert.ok(late?.visibleFrom && Date.parse(late.visibleFrom) > fixture.clock.time)
      const number = 'number' in late ? late.number : ''
      const query = `{ x3Purchasing { purchaseInvoice { query(filter: "{id:'${number}'}") { totalCount } } } }`
      const count = async (): Promise<unknown> =>
        at((await fixture.post(query)).json, 'data.x3Purchasing.purchaseInvoice.query.totalCount')
      assert.equal(await count(), 0)
      fixture.clock.time = Date.parse(late.visibleFrom)
      assert.equal(await count(), 1)
    } finally {
      await fixture.x3.close()
    }
  })

  it('plays every fault of the plan as a client meets it', async () => {
    const faults = createFaults('calm', 1, x3FaultSites, { slowMs: 5, timeoutMs: 5, retryAfterSeconds: 7 })
    const { x3, post, clock, token } = await startX3Fixture({ faults })
    try {
      const played = async (kind: FaultKind): Promise<X3Answer | undefined> => {
        faults.force('graphql:read', kind)
        return post(lines).catch(() => undefined)
      }
      assert.equal((await played('unauthorized'))?.text, 'Error 21: Invalid token')
      const throttled = await played('throttled')
      assert.equal(throttled?.status, 429)
      assert.equal(throttled?.headers.get('retry-after'), '7')
      assert.equal((await played('server-error'))?.status, 500)
      assert.equal((await played('unavailable'))?.status, 503)
      for (const kind of ['timeout', 'reset-before', 'reset-after', 'cut-body'] as const) {
        assert.equal(await played(kind), undefined, kind)
      }
      const broken = await played('broken-body')
      assert.equal(broken?.status, 200)
      assert.match(broken?.text ?? '', /^<!DOCTYPE html>/)
      assert.equal((await played('slow'))?.status, 200)
      const partial = await played('partial-errors')
      assert.equal(partial?.status, 200)
      assert.ok(partial?.json?.data && partial.json.errors?.length === 1)

      const old = token()
      assert.equal((await played('token-expired'))?.text, 'Error 50: Invalid token')
      assert.equal((await post(lines)).status, 200, 'a token signed anew in the same second')
      clock.time += 60_000
      const later = await post(lines, {}, { authorization: `Bearer ${old}` })
      assert.equal(later.text, 'Error 50: Invalid token')
      faults.force('graphql:type', 'throttled')
      assert.equal((await post('{ __type(name: "Supplier_node") { name } }')).status, 429)
      assert.equal(Object.keys(faults.met()).length, 13)
    } finally {
      await x3.close()
    }
  })
})
