import assert from 'node:assert/strict'
import { complaintError } from '../../../nodes/x3/client/errors.ts'
import { createX3Source } from '../../../nodes/x3/client/poll.ts'
import { connection, further, lines, one, order, page, read, schema, signal } from '../../support/x3-reader.ts'

describe('reading documents that X3 cannot give whole, or not at all', () => {
  it('holds a document whose lines never come to the count X3 names, and lets the others pass', async () => {
    const short = order('A', { purchaseOrderLines: lines([1000], 2) })
    const x3 = connection(({ text }) =>
      text.includes('$document')
        ? further(short, lines([], 2))
        : text.includes('$id')
          ? one(short)
          : page([short, order('B')]),
    )
    const found = await read(x3)
    assert.deepEqual(
      found.records.map(({ number }) => number),
      ['B'],
    )
    assert.equal(found.refused?.[0]?.code, 'x3.incomplete')
    assert.match(
      found.refused?.[0]?.message ?? '',
      /purchase_order s\|A: it came incomplete: 0 of 2 elements of purchaseOrderLines/,
    )
  })

  it('holds a document of more than 100,000 lines without reading them', async () => {
    const x3 = connection(() => page([order('A', { purchaseOrderLines: lines([1000], 100_001, 'c') })]))
    const found = await read(x3)
    assert.equal(found.refused?.[0]?.code, 'x3.document-too-large')
    assert.equal(x3.asked.length, 1)
  })

  it('leaves out a document that was deleted while it was read again', async () => {
    const x3 = connection(({ text }) =>
      text.includes('$document')
        ? further(order('A', { _etag: 'e2' }), lines([2000], 2))
        : text.includes('$id')
          ? one(null)
          : page([order('A', { purchaseOrderLines: lines([1000], 2, 'c1') })]),
    )
    const found = await read(x3)
    assert.deepEqual([found.records, found.refused], [[], undefined])
  })

  it('holds the one record that X3 cannot give, by its key, and goes on behind it', async () => {
    const x3 = connection(({ text }) => {
      if (text.includes('purchaseOrderLines'))
        throw complaintError([{ text: 'Lock time-out', path: [] }], 'purchase_order')
      return page([{ _id: 'A', id: 'A' }], 'behind A')
    })
    const found = await read(x3, { pageSize: 1 })
    assert.equal(found.refused?.[0]?.code, 'x3.unreadable')
    assert.equal(found.refused?.[0]?.record.number, 'A')
    assert.match(found.refused?.[0]?.message ?? '', /Lock time-out/)
    assert.equal(found.cursor, 'behind A')
  })

  it('one that cannot be had by key does not stand in the way of the others, and its stamp says whether to ask again', async () => {
    const x3 = connection(({ text, variables }) => {
      const after = variables.after as string | null
      if (!text.includes('purchaseOrderLines'))
        return page([{ _id: 'A', id: 'A', _updateStamp: '2026-03-01T10:00:00Z' }], 'behind A')
      if (after === null) throw complaintError([{ text: 'Lock time-out', path: [] }], 'purchase_order')
      return page([order('B')])
    })
    const plan = await createX3Source(x3, schema, { source: 'demo', pageSize: 1 }).plan('purchase_order', signal)
    let read = 0
    const found = await plan.readKeys?.(['demo|A', 'demo|B'], () => ++read, signal)
    assert.deepEqual(
      found?.records.map(({ number }) => number),
      ['B'],
    )
    const [refused] = found?.refused ?? []
    assert.deepEqual([refused?.record.number, refused?.record._stamp], ['A', '2026-03-01T10:00:00Z'])
  })

  it('asks twice more about a right before the entity fails for it', async () => {
    let times = 0
    const denied = () => {
      times += 1
      throw complaintError([{ text: 'PurchaseOrder.read is not authorized', path: [] }], 'purchase_order')
    }
    await assert.rejects(
      read(connection(denied)),
      (error: { code: string; cause: { class: string } }) =>
        error.code === 'x3.right' && error.cause.class === 'config',
    )
    assert.equal(times, 3)
    const once = connection(() => (times++ === 3 ? denied() : page([order('A')])))
    assert.equal((await read(once)).records.length, 1)
  })

  it('leaves out columns that this X3 does not know, and says which', async () => {
    const plan = await createX3Source(
      connection(() => page([])),
      schema,
      { source: 's' },
    ).plan('purchase_order', signal)
    assert.ok(!plan.schema.columns.some(({ name }) => name === 'signature_status'))
    assert.ok(
      plan.notices?.some(
        (notice) =>
          notice.includes('signatureStatus on PurchaseOrder') && notice.includes('signature_status is left out'),
      ),
    )
  })

  it('refuses an added field under the name of another column', async () => {
    const extraFields = { purchase_order: [{ path: 'isClosed', name: 'company' }] }
    const plan = createX3Source(
      connection(() => page([])),
      schema,
      { source: 's', extraFields },
    ).plan('purchase_order', signal)
    await assert.rejects(plan, /the added field isClosed would be a second column company/)
  })
})
