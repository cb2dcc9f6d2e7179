import type { X3Connection } from '../../nodes/x3/client/connection.ts'
import { createX3Source, type X3SourceOptions } from '../../nodes/x3/client/poll.ts'
import { readReply } from '../../nodes/x3/client/reply.ts'
import type { FieldInfo, NodeRef, TypeInfo, X3Schema } from '../../nodes/x3/client/schema.ts'
import type { Row } from '../../sync/contract/message.ts'
import type { Page } from '../../sync/contract/source.ts'

export const signal = new AbortController().signal
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

export const schema: X3Schema = (() => {
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

/** A connection whose answers a test gives: data, or the text of a body. `parsed` says which requests were read so far. */
export function connection(answers: Answers): X3Connection & { asked: Asked[]; parsed: Asked[] } {
  const asked: Asked[] = []
  const parsed: Asked[] = []
  const send: X3Connection['send'] = async (text, variables, options) => {
    options.onAttempt?.()
    asked.push({ text, variables })
    const given = answers({ text, variables })
    const body = typeof given === 'string' ? given : JSON.stringify({ data: given })
    return {
      bytes: Buffer.byteLength(body),
      read: (exact = false) => {
        parsed.push({ text, variables })
        return readReply({ status: 200, contentType: 'application/json', text: body }, exact, options.what)
      },
      drop() {},
    }
  }
  return {
    asked,
    parsed,
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
    concurrency: 2,
    retry: { attempts: 12, firstDelayMs: 1, maxDelayMs: 1 },
    send,
    query: async (text, variables, options) => (await send(text, variables, options)).read(),
    post: async () => Promise.reject(new Error('no other door here')),
    login: { header: async () => 'Bearer x', forget() {}, cures: () => false },
    tell: () => undefined,
    listen: () => () => {},
    requests: () => asked.length,
    close: async () => {},
  }
}

export const line = (number: number, more: object = {}) => ({
  node: { lineNumber: number, sequenceNumber: 1, quantityInOrderUnitOrdered: '1', ...more },
})
export const lines = (numbers: readonly number[], total = numbers.length, cursor: string | null = null) => ({
  query: {
    totalCount: total,
    edges: numbers.map((number) => line(number)),
    pageInfo: { endCursor: cursor, hasNextPage: cursor !== null },
  },
})
export const order = (id: string, more: object = {}) => ({
  _id: id,
  _etag: 'e1',
  _updateStamp: '2026-03-01T10:00:00Z',
  id,
  purchaseOrderLines: lines([1000]),
  ...more,
})
export const page = (nodes: readonly object[], next: string | null = null) => ({
  x3Purchasing: {
    purchaseOrder: {
      query: {
        edges: nodes.map((node, index) => ({ cursor: `["${index}"]#`, node })),
        pageInfo: { endCursor: next, hasNextPage: next !== null },
      },
    },
  },
})
export const one = (node: object | null) => ({ x3Purchasing: { purchaseOrder: { read: node } } })
export const further = (header: object, more: object) => ({
  document: { purchaseOrder: { read: header } },
  more: { purchaseOrder: { read: { purchaseOrderLines: more } } },
})

export async function read(
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
export const numbers = (found: Page) => found.records.map((record) => (record.lines as Row[]).map((row) => row.line))
