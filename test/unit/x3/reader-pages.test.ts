import assert from 'node:assert/strict'
import { createX3Source } from '../../../nodes/x3/client/poll.ts'
import { syncError } from '../../../sync/contract/errors.ts'
import type { Row } from '../../../sync/contract/message.ts'
import {
  connection,
  further,
  line,
  lines,
  numbers,
  one,
  order,
  page,
  read,
  schema,
  signal,
} from '../../support/x3-reader.ts'

describe('reading a page of documents', () => {
  it('sends the cursor as a variable, orders by _id, and gives a cursor behind each record', async () => {
    const x3 = connection(() => page([order('A'), order('B')], 'next "one"'))
    const found = await read(x3, {}, { cursor: '["x"]#1' })
    assert.equal(x3.asked[0]?.variables.after, '["x"]#1')
    assert.equal(x3.asked[0]?.variables.orderBy, '{"_id":1}')
    assert.equal(x3.asked[0]?.variables.first, 200)
    assert.match(x3.asked[0]?.text ?? '', /purchaseOrderLines\{query\(first:200\)\{totalCount/)
    assert.deepEqual(found.cursors, ['["0"]#', '["1"]#'])
    assert.equal(found.cursor, 'next "one"')
    assert.deepEqual(
      found.records.map(({ _read, _stamp }) => [_read, _stamp]),
      [
        [1, '2026-03-01T10:00:00Z'],
        [1, '2026-03-01T10:00:00Z'],
      ],
    )
  })

  it('has the next page on its way while one is delivered, each asked once and with a number of its own', async () => {
    // The amounts of both are JSON numbers with more digits than JavaScript keeps, so that both are parsed again.
    const exactly = (id: string, next: string | null) =>
      JSON.stringify({ data: page([order(id)], next) }).replace(
        '"quantityInOrderUnitOrdered":"1"',
        '"quantityInOrderUnitOrdered":12345678901234567.89',
      )
    const x3 = connection(({ variables }) => (variables.after === null ? exactly('A', 'two') : exactly('B', null)))
    const plan = await createX3Source(x3, schema, { source: 's' }).plan('purchase_order', signal)
    let number = 0
    const request = { walk: 'changed', window: { from: null, bound: null }, nextRead: () => ++number, signal }
    const first = await plan.readPage({ ...request, cursor: null })
    assert.deepEqual(
      x3.asked.map(({ variables }) => variables.after),
      [null, 'two'],
    )
    const second = await plan.readPage({ ...request, cursor: first.cursor })
    assert.equal(x3.asked.length, 2)
    assert.equal(second.cursor, null)
    const amounts = [first, second].map((found) => [
      found.records[0]?._read,
      ((found.records[0]?.lines ?? []) as Row[])[0]?.quantity,
    ])
    assert.deepEqual(amounts, [
      [1, '12345678901234567.89'],
      [2, '12345678901234567.89'],
    ])
  })

  it('leaves the page that waits as it came: it is read in its turn, and asked for anew where it came cut', async () => {
    let cut = true
    const x3 = connection(({ variables }) => {
      if (variables.after === null) return page([order('A')], 'two')
      if (!cut) return page([order('B')])
      cut = false
      return '{"data":{"x3Purch'
    })
    const plan = await createX3Source(x3, schema, { source: 's' }).plan('purchase_order', signal)
    let number = 0
    const request = { walk: 'changed', window: { from: null, bound: null }, nextRead: () => ++number, signal }
    const first = await plan.readPage({ ...request, cursor: null })
    assert.deepEqual([x3.asked.length, x3.parsed.length], [2, 1])
    const second = await plan.readPage({ ...request, cursor: first.cursor })
    assert.deepEqual(
      second.records.map(({ number, _read }) => [number, _read]),
      [['B', 3]],
    )
    assert.deepEqual([x3.asked.length, x3.parsed.length], [3, 3])
  })

  it('a page that could not be had ahead fails in its own turn', async () => {
    const x3 = connection(({ variables }) => {
      if (variables.after === null) return page([order('A')], 'two')
      throw syncError('config', 'x3.test', 'no second page')
    })
    const plan = await createX3Source(x3, schema, { source: 's' }).plan('purchase_order', signal)
    const request = { walk: 'changed', window: { from: null, bound: null }, nextRead: () => 1, signal }
    const first = await plan.readPage({ ...request, cursor: null })
    assert.equal(first.records.length, 1)
    await assert.rejects(plan.readPage({ ...request, cursor: first.cursor }), /no second page/)
  })

  it('completes lines by further pages, with the number of the first request', async () => {
    const x3 = connection(({ text, variables }) =>
      text.includes('$document')
        ? further(order('A'), variables.after === 'c1' ? lines([2000], 3, 'c2') : lines([3000], 3))
        : page([order('A', { purchaseOrderLines: lines([1000], 3, 'c1') })]),
    )
    const found = await read(x3)
    assert.deepEqual(numbers(found), [[1000, 2000, 3000]])
    assert.equal(found.records[0]?._read, 1)
    assert.equal(x3.asked.length, 3)
  })

  it('reads a document again that changed between two pages of its lines', async () => {
    let changed = false
    const x3 = connection(({ text }) => {
      if (text.includes('$document')) {
        changed = true
        return further(order('A', { _etag: 'e2' }), lines([2000], 2))
      }
      return changed
        ? one(order('A', { _etag: 'e2', purchaseOrderLines: lines([1000, 2500]) }))
        : page([order('A', { purchaseOrderLines: lines([1000], 2, 'c1') })])
    })
    const found = await read(x3)
    assert.deepEqual(numbers(found), [[1000, 2500]])
    assert.ok((found.records[0]?._read ?? 0) > 1)
  })

  it('keeps the newer of two records with one key in one page, and says so', async () => {
    const older = order('A', { _updateStamp: '2026-02-01T00:00:00Z', isClosed: 'no' })
    const newer = order('A', { isClosed: 'yes' })
    for (const nodes of [
      [older, newer],
      [newer, older],
    ]) {
      const found = await read(connection(() => page(nodes)))
      assert.deepEqual(
        found.records.map(({ closed }) => closed),
        ['yes'],
      )
      assert.match(found.notices?.join() ?? '', /s\|A came twice in one page/)
    }
  })

  it('halves the page while X3 cannot answer, down to one', async () => {
    const x3 = connection(({ variables }) => {
      if (Number(variables.first) > 25) throw syncError('config', 'x3.too-large', 'too large')
      return page([order('A')])
    })
    await read(x3)
    assert.deepEqual(
      x3.asked.map(({ variables }) => variables.first),
      [200, 100, 50, 25],
    )
  })

  it('turns what is empty into null and keeps decimals to the last digit', async () => {
    const body = `{"data":${JSON.stringify(page([order('A', { isClosed: '', expectedReceiptDate: '1599-12-31', orderDate: '0000-00-00', company: null, purchaseOrderLines: { query: { totalCount: 1, edges: [line(1000, { grossPrice: 'PRICE', discountOrCharge1: '' })] } } })]))}}`
    const found = await read(connection(() => body.replace('"PRICE"', '123456789012345678.123456789')))
    const [record] = found.records
    assert.deepEqual(
      [record?.closed, record?.expected_receipt_date, record?.order_date, record?.company],
      [null, null, null, null],
    )
    const [row] = (record?.lines ?? []) as Row[]
    assert.deepEqual(
      [row?.gross_price, row?.discount, row?.quantity, row?.line],
      ['123456789012345678.123456789', null, '1', 1000],
    )
  })

  for (const [literal, told] of [
    ['12345678901.00000001', '12345678901.00000001'],
    ['-0.00000001', '-0.00000001'],
    ['1.50', '1.50'],
    ['1.00', '1'],
    ['1e3', '1000'],
    ['7', '7'],
  ] as const)
    it(`keeps a decimal that comes as the number ${literal}`, async () => {
      const lines = { query: { totalCount: 1, edges: [line(1000, { grossPrice: 'PRICE' })] } }
      const body = JSON.stringify({ data: page([order('A', { purchaseOrderLines: lines })]) }).replace(
        '"PRICE"',
        literal,
      )
      const found = await read(connection(() => body))
      assert.equal(((found.records[0]?.lines ?? []) as Row[])[0]?.gross_price, told)
    })

  it('walks of lines ask nothing on a first load', async () => {
    const x3 = connection(() => page([]))
    assert.deepEqual(await read(x3, {}, { walk: 'lines' }), { records: [], cursor: null })
    assert.equal(x3.asked.length, 0)
  })
})
