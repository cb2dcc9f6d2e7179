import assert from 'node:assert/strict'
import type { QueryOptions, X3Connection } from '../../../nodes/x3/client/connection.ts'
import { complaintError } from '../../../nodes/x3/client/errors.ts'
import { createX3Source, type X3SourceOptions } from '../../../nodes/x3/client/poll.ts'
import type { FieldInfo, NodeRef, TypeInfo, X3Schema } from '../../../nodes/x3/client/schema.ts'
import { syncError } from '../../../sync/errors.ts'
import type { Row } from '../../../sync/message.ts'
import type { Page } from '../../../sync/source.ts'

const signal = new AbortController().signal
const SCALARS = ['String', 'Int', 'Decimal', 'Boolean', 'Date', 'Datetime', 'Id']

/** Types as `name: {field: type}`; a node gets its operations, a collection its query. */
const NODES: Record<string, Record<string, string>> = {
  PurchaseOrder: {
    _id: 'Id',
    _etag: 'String',
    _updateStamp: 'Datetime',
    id: 'String',
    orderDate: 'Date',
    isClosed: 'String',
    company: 'Company',
    expectedReceiptDate: 'Date',
    purchaseOrderLines: 'PurchaseOrderLine_Collection',
  },
  PurchaseOrderLine: {
    _id: 'Id',
    _updateStamp: 'Datetime',
    lineNumber: 'Int',
    sequenceNumber: 'Int',
    purchaseOrder: 'PurchaseOrder',
    grossPrice: 'Decimal',
    discountOrCharge1: 'Decimal',
    quantityInOrderUnitOrdered: 'Decimal',
  },
  Company: { code: 'String' },
}

const schema: X3Schema = (() => {
  const types = new Map<string, TypeInfo>()
  const add = (name: string, fields: Record<string, string>) => {
    const infos = Object.entries(fields).map(([field, type]): [string, FieldInfo] => [
      field,
      { name: field, type, kind: SCALARS.includes(type) ? 'SCALAR' : 'OBJECT', args: {} },
    ])
    types.set(name, { name, fields: new Map(infos), members: [] })
  }
  for (const [name, fields] of Object.entries(NODES)) {
    add(name, fields)
    add(`${name}_Operations`, { query: `${name}_Page`, read: name })
    add(`${name}_Collection`, { query: `${name}_Page` })
    add(`${name}_Page`, { edges: `${name}_Edge`, totalCount: 'Int' })
    add(`${name}_Edge`, { node: name })
  }
  const refs = ['purchaseOrder', 'purchaseOrderLine'].map(
    (node): NodeRef => ({
      root: 'x3Purchasing',
      node,
      operations: `${node[0]?.toUpperCase()}${node.slice(1)}_Operations`,
    }),
  )
  return {
    nodes: async () => refs,
    find: async (_package, names) =>
      names
        .split('|')
        .map((name) => refs.find((ref) => ref.node === name))
        .find(Boolean),
    settle: async (resolve) => resolve((name) => types.get(name) ?? { name, fields: new Map(), members: [] }),
    generation: async () => 'x3',
    forget() {},
  }
})()

interface Asked {
  readonly text: string
  readonly variables: Readonly<Record<string, unknown>>
}
type Answers = (asked: Asked) => unknown

/** A connection whose answers a test gives; `text` of a reply is its JSON unless a test gives the text itself. */
function connection(answers: Answers): X3Connection & { asked: Asked[] } {
  const asked: Asked[] = []
  return {
    asked,
    address: 'x3://x3.example:8124/SEED',
    apiUrl: 'https://x3.example:8124/xtrem/api',
    folder: 'SEED',
    user: 'Clerk',
    clock: {
      now: () => Date.parse('2026-03-02T08:00:00Z'),
      learn() {},
      heard: () => undefined,
      differenceSeconds: () => 0,
    },
    retry: { attempts: 12, firstDelayMs: 1, maxDelayMs: 1 },
    async query(text: string, variables: Readonly<Record<string, unknown>>, options: QueryOptions) {
      options.onAttempt?.()
      asked.push({ text, variables })
      const given = answers({ text, variables })
      const body = typeof given === 'string' ? given : JSON.stringify({ data: given })
      return { data: JSON.parse(body).data, notices: [], text: body }
    },
    listen: () => () => {},
    requests: () => asked.length,
    close: async () => {},
  }
}

const line = (number: number, more: object = {}) => ({
  node: { lineNumber: number, sequenceNumber: 1, quantityInOrderUnitOrdered: '1', ...more },
})
const lines = (numbers: readonly number[], total = numbers.length, cursor: string | null = null) => ({
  query: {
    totalCount: total,
    edges: numbers.map((number) => line(number)),
    pageInfo: { endCursor: cursor, hasNextPage: cursor !== null },
  },
})
const order = (id: string, more: object = {}) => ({
  _id: id,
  _etag: 'e1',
  _updateStamp: '2026-03-01T10:00:00Z',
  id,
  purchaseOrderLines: lines([1000]),
  ...more,
})
const page = (nodes: readonly object[], next: string | null = null) => ({
  x3Purchasing: {
    purchaseOrder: {
      query: {
        edges: nodes.map((node, index) => ({ cursor: `["${index}"]#`, node })),
        pageInfo: { endCursor: next, hasNextPage: next !== null },
      },
    },
  },
})
const one = (node: object | null) => ({ x3Purchasing: { purchaseOrder: { read: node } } })
const further = (header: object, more: object) => ({
  document: { purchaseOrder: { read: header } },
  more: { purchaseOrder: { read: { purchaseOrderLines: more } } },
})

async function read(
  x3: X3Connection,
  options: Partial<X3SourceOptions> = {},
  request: { cursor?: string | null; walk?: string } = {},
): Promise<Page> {
  const plan = await createX3Source(x3, schema, { source: 's', ...options }).plan('purchase_order', signal)
  let number = 0
  return plan.readPage({
    walk: 'changed',
    window: { from: null, bound: null },
    cursor: null,
    nextRead: () => ++number,
    signal,
    ...request,
  })
}
const numbers = (found: Page) => found.records.map((record) => (record.lines as Row[]).map((row) => row.line))

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

  it('walks of lines ask nothing on a first load', async () => {
    const x3 = connection(() => page([]))
    assert.deepEqual(await read(x3, {}, { walk: 'lines' }), { records: [], cursor: null })
    assert.equal(x3.asked.length, 0)
  })
})
