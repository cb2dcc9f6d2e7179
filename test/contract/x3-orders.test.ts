import { deepStrictEqual, equal, match, ok, rejects } from 'node:assert'
import type { X3Connection } from '../../nodes/x3/client/connection.ts'
import { inOldForm } from '../../nodes/x3/client/old-form.ts'
import { createX3Source, type X3SourceOptions } from '../../nodes/x3/client/poll.ts'
import type { Reply } from '../../nodes/x3/client/reply.ts'
import { createX3Schema } from '../../nodes/x3/client/schema.ts'
import { lineDetails, receiptsOf } from '../../sandbox/books/purchasing.ts'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { PurchaseOrder } from '../../sandbox/books/types.ts'
import type { Generation } from '../../sandbox/x3/model.ts'
import { isSyncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { BASIC, throughApi1 } from '../support/x3-api1.ts'
import { connect, readEntity, sourceOf } from '../support/x3-client.ts'

const WHOLE = { from: null, bound: null }
const BOTH = { further: { purchase_order: ['matching', 'receipts'] } }
/** A reply with receipts among others. */
interface ReceiptReply {
  readonly x3Purchasing?: { readonly purchaseReceiptLine?: { readonly query?: { readonly edges?: unknown[] } } }
}
const rows = (record: DataRecord | undefined, list: string): Row[] => (record?.[list] ?? []) as unknown as Row[]
const plain = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)

/** What an invoice is matched by, from the books. */
function expected(order: PurchaseOrder, isShown: boolean) {
  const lines = order.lines.map((line) => {
    const { discounts, dimensions, ...details } = lineDetails(order, line)
    return {
      line: line.line,
      discounts: [...discounts].map(plain),
      ...{ net_price: plain(details.netPrice), net_amount: plain(details.netAmount), tax: details.tax },
      from: isShown ? 'X3' : 'computed',
      ...{
        line_status: details.status,
        line_closed: details.closed,
        dim_cct: dimensions.CCT,
        dim_pro: dimensions.PRO ?? null,
      },
    }
  })
  const receipts = receiptsOf(order).map((receipt) => ({
    ...{
      receipt: receipt.number,
      receipt_line: receipt.line,
      line: receipt.orderLine,
      quantity: plain(receipt.quantity),
    },
    ...{ unit: receipt.unit, delivery_note: receipt.deliveryNote },
  }))
  return { lines, receipts }
}

function told(record: DataRecord | undefined) {
  const lines = rows(record, 'lines').map((row) => ({
    line: row.line,
    discounts: [row.discount, ...[2, 3, 4, 5, 6, 7, 8, 9].map((n) => row[`discount_${n}`])],
    ...{ net_price: row.net_price, net_amount: row.net_amount, tax: row.tax },
    from: row.net_amount_from,
    ...{ line_status: row.line_status, line_closed: row.line_closed, dim_cct: row.dim_cct, dim_pro: row.dim_pro },
  }))
  const receipts = rows(record, 'receipts').map((row) => ({
    ...{ receipt: row.receipt, receipt_line: row.receipt_line, line: row.line, quantity: row.quantity },
    ...{ unit: row.unit, delivery_note: row.delivery_note },
  }))
  return { lines, receipts }
}

describe('purchase orders of X3 with what invoices are matched by', function () {
  this.timeout(120_000)
  let fixture: X3Fixture
  const ordersOf = (): PurchaseOrder[] => [...fixture.books.tables.purchaseOrder.walk()]
  afterEach(() => fixture.x3.close())

  const doors: Readonly<Record<string, (more: Partial<X3SourceOptions>) => Promise<DataRecord[]>>> = {
    ...Object.fromEntries(
      (['current', 'quantityLines', '2021', 'sage'] as const).map((generation: Generation) => [
        generation,
        async (more: Partial<X3SourceOptions>) => {
          fixture = await startX3Fixture({ generation })
          const connection = connect(fixture)
          const asked = generation === 'sage' ? inOldForm(connection) : connection
          const source = createX3Source(asked, createX3Schema(asked), { source: 'demo', ...more })
          const { records, refused } = await readEntity(source, 'purchase_order')
          await connection.close()
          deepStrictEqual(refused, [])
          return records
        },
      ]),
    ),
    async api1(more) {
      fixture = await startX3Fixture({ basic: BASIC, api1: {} })
      const rest = throughApi1(fixture)
      const { records, refused } = await readEntity(rest.source(more), 'purchase_order')
      await rest.door.leave?.()
      await rest.connection.close()
      deepStrictEqual(refused, [])
      return records
    },
  }
  for (const [door, read] of Object.entries(doors))
    it(`are read by ${door}: prices, amounts, discounts, tax, status, dimensions and receipts of every line`, async () => {
      const isShown = door === 'current' || door === 'api1'
      const records = new Map((await read(BOTH)).map((record) => [record.number, record]))
      const orders = ordersOf()
      equal(records.size, orders.length)
      ok(orders.some((order) => receiptsOf(order).length > 1))
      for (const order of orders)
        deepStrictEqual(told(records.get(order.number)), expected(order, isShown), order.number)
    })

  it('have no other column and no other list than before where nobody asks for more', async () => {
    const [record] = await (doors.current as (more: object) => Promise<DataRecord[]>)({})
    const lines = 'source number line sequence company supplier order_date currency product description unit quantity'
    deepStrictEqual(Object.keys(rows(record, 'lines')[0] ?? {}), [
      ...`${lines} received_quantity gross_price discount`.split(' '),
    ])
    deepStrictEqual(
      Object.keys(record ?? {}).filter((name) => Array.isArray(record?.[name])),
      ['lines'],
    )
    ok(!('invoice_status' in (record ?? {})))
  })

  it('tell what was received in the unit of the order, or nothing', async () => {
    const found = await (doors.current as (more: object) => Promise<DataRecord[]>)(BOTH)
    const details = new Map(
      ordersOf().flatMap((order) =>
        order.lines.map(
          (line) => [`${order.number} ${line.line}` as string, { line, ...lineDetails(order, line) }] as const,
        ),
      ),
    )
    let converted = 0
    for (const record of found)
      for (const row of rows(record, 'lines')) {
        const { line, stockUnit, quantityStock } = details.get(`${record.number} ${row.line}`) as never as {
          line: PurchaseOrder['lines'][number]
          stockUnit: string
          quantityStock: string
        }
        if (Number(line.receivedQuantity) === 0 || stockUnit === line.unit)
          equal(row.received, plain(line.receivedQuantity))
        else {
          converted++
          const ratio = (Number(line.receivedQuantity) * Number(line.quantity)) / Number(quantityStock)
          ok(Math.abs(Number(row.received) - ratio) < 1e-7, `${row.received} of ${ratio}`)
          equal(row.received_from, 'converted')
        }
      }
    ok(converted > 5, `${converted} lines`)
    const old = await (doors.quantityLines as (more: object) => Promise<DataRecord[]>)(BOTH)
    const unknown = old.flatMap((record) => rows(record, 'lines')).filter((row) => row.received === null)
    ok(unknown.length > 5)
    deepStrictEqual(new Set(unknown.map((row) => row.received_from)), new Set([null]))
  })

  it('are read whole again when a receipt alone was corrected', async () => {
    fixture = await startX3Fixture({})
    const connection = connect(fixture)
    const source = sourceOf(connection, BOTH)
    const table = fixture.books.tables.purchaseOrder as ChangingTable<PurchaseOrder>
    const order = ordersOf().find((one) => receiptsOf(one).length > 1) as PurchaseOrder
    const updated = new Date(fixture.clock.now() + 3_600_000).toISOString().replace(/\.\d+Z/, 'Z')
    table.put({ ...order, receipts: { updated, note: 'DN corrected' } })
    const { records, walks } = await readEntity(source, 'purchase_order', { from: updated, bound: updated })
    await connection.close()
    deepStrictEqual(walks, { changed: 0, empty: 0, lines: 0, receipts: 1 })
    deepStrictEqual(
      records.map(({ number }) => number),
      [order.number],
    )
    equal(rows(records[0], 'receipts')[0]?.delivery_note, 'DN corrected')
    equal(rows(records[0], 'lines').length, order.lines.length)
  })

  it('are not taken short of receipts that X3 counts: they are asked for again, and the page fails where they never come', async () => {
    fixture = await startX3Fixture({})
    const whole = connect(fixture)
    let [cuts, met] = [0, 0]
    const cut = (reply: Reply): Reply => {
      const { edges } = (reply.data as ReceiptReply).x3Purchasing?.purchaseReceiptLine?.query ?? {}
      if (edges?.length && met < cuts) {
        met++
        edges.pop()
      }
      return reply
    }
    const connection: X3Connection = {
      ...whole,
      async send(...asked) {
        const answer = await whole.send(...asked)
        return { ...answer, read: (exact) => cut(answer.read(exact)) }
      },
    }
    const source = sourceOf(connection, BOTH)
    try {
      cuts = 1
      const { records } = await readEntity(source, 'purchase_order', WHOLE, ['changed'])
      equal(met, 1)
      for (const order of ordersOf())
        equal(
          rows(
            records.find(({ number }) => number === order.number),
            'receipts',
          ).length,
          receiptsOf(order).length,
          order.number,
        )
      cuts = Number.POSITIVE_INFINITY
      await rejects(readEntity(source, 'purchase_order', WHOLE, ['changed']), (error: unknown) => {
        ok(isSyncError(error), String(error))
        deepStrictEqual([error.cause.class, error.code], ['transient', 'x3.incomplete'])
        match(error.message, /receipts: \d+ came, and X3 counts \d+/)
        return true
      })
    } finally {
      await whole.close()
    }
  })

  it('are held where a line has neither a net amount nor a price', async () => {
    fixture = await startX3Fixture({ generation: 'quantityLines' })
    const connection = connect(fixture)
    const table = fixture.books.tables.purchaseOrder as ChangingTable<PurchaseOrder>
    const [order] = ordersOf()
    if (!order) throw new Error('no order')
    const [first, ...others] = order.lines
    table.put({ ...order, lines: [{ ...first, grossPrice: '' } as PurchaseOrder['lines'][number], ...others] })
    const { refused } = await readEntity(sourceOf(connection, BOTH), 'purchase_order')
    await connection.close()
    deepStrictEqual(
      refused.map(({ code, record }) => [code, record.number]),
      [['x3.price', order.number]],
    )
    ok(refused[0]?.message.includes(`line ${first?.line} has neither a net amount nor a price`), refused[0]?.message)
  })
})
