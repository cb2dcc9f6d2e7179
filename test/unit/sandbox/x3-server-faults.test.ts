import assert from 'node:assert/strict'
import { createFaults, type FaultKind } from '../../../sandbox/faults.ts'
import { x3FaultSites } from '../../../sandbox/x3/server.ts'
import { at, startX3Fixture, type X3Answer } from '../../support/x3.ts'
import { journal } from '../../support/x3-queries.ts'

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
