import { deepStrictEqual, equal, rejects } from 'node:assert/strict'
import type { X3Connection } from '../../nodes/x3/client/connection.ts'
import { createX3Source } from '../../nodes/x3/client/poll.ts'
import { type Invoice, readInvoice } from '../../nodes/x3/client/posting/invoice.ts'
import { buildJournal } from '../../nodes/x3/client/posting/journal.ts'
import {
  type OrderCodingRules,
  type OrderLine,
  type OrderReader,
  orderReader,
  recoder,
} from '../../nodes/x3/client/posting/order-coding.ts'
import { createX3Schema } from '../../nodes/x3/client/schema.ts'
import { lineDetails } from '../../sandbox/books/purchasing.ts'
import type { PurchaseOrder } from '../../sandbox/books/types.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { connect } from '../support/x3-client.ts'
import { approved, codingRow, handRules } from '../support/x3-posting.ts'

const signal = new AbortController().signal

/** An invoice with two rows: one that was matched with an order that Basware does not have, and one that was coded by hand. */
const matched = (order: string, line: string): Invoice =>
  readInvoice(
    approved({ net_amount: '200.00', tax_amount: '40.00', gross_amount: '240.00' }, [
      codingRow({ coding: 'order not readable', order_number: order, order_line: line, ofOrder: { CCE1: 'forged' } }),
      codingRow({ line: 2, row: 'r2', coding: 'row', order_number: order, order_line: line }),
    ]),
  )
const rules = (more: Partial<OrderCodingRules> = {}): OrderCodingRules => ({
  from: 'x3',
  accounts: [
    { company: 'FR10', product: 'P-1', account: '607100' },
    { company: '*', product: 'GOODS', account: '607200' },
  ],
  dimensions: [{ axis: 'CCT', field: 'CCE1' }],
  ...more,
})
const line = (more: Partial<OrderLine> = {}): OrderLine => ({
  ...{ line: 1000, product: 'P-1', accountingCode: 'GOODS', dimensions: { CCT: 'CC900', PRD: 'X' } },
  ...more,
})
/** Account and cost centre of each cost line of the journal. */
const coded = async (of: OrderCodingRules, lines: readonly OrderLine[] | undefined, number = '1000') => {
  const invoice = await recoder(of, async () => lines)(matched('PO1', number), signal)
  return buildJournal(invoice, handRules, '2026-03-10')
    .lines.slice(0, 2)
    .map(({ account, dimensions }) => `${account} ${dimensions.CCE1 ?? ''}`)
}
const APPROVED = '606300 CC100'

describe('rows that were matched with an order which Basware does not have', () => {
  it("take account and dimensions of X3's order line: by its product, else by the accounting code, else by *", async () => {
    deepStrictEqual(await coded(rules(), [line()]), ['607100 CC900', APPROVED])
    deepStrictEqual(await coded(rules(), [line({ product: 'P-2' })]), ['607200 CC900', APPROVED])
    const any = { company: '*', product: '*', account: '607900' }
    const other = line({ product: 'P-3', accountingCode: '' })
    deepStrictEqual(await coded(rules({ accounts: [...rules().accounts, any] }), [other]), ['607900 CC900', APPROVED])
  })

  it('keep the approved cost centre where X3 shows no dimensions of lines', async () => {
    deepStrictEqual(await coded(rules(), [line({ dimensions: {} })]), ['607100 CC100', APPROVED])
  })

  it('go as they were approved where X3 does not say, or are held, as it was chosen', async () => {
    const twice = [line(), line({ dimensions: { CCT: 'CC901' } })]
    for (const lines of [
      undefined,
      [],
      [line({ line: 2000 })],
      [line({ product: 'P-9', accountingCode: '' })],
      twice,
    ]) {
      deepStrictEqual(await coded(rules(), lines), [APPROVED, APPROVED])
      await rejects(coded(rules({ from: 'hold' }), lines), ({ code, cause }: SyncError) => {
        return code === 'x3.post-order' && cause.field === 'order_number'
      })
    }
    deepStrictEqual(await coded(rules(), [line(), line()]), ['607100 CC900', APPROVED], 'two deliveries of one line')
  })

  it('do not ask X3 where they go as they were approved', async () => {
    const never: OrderReader = async () => {
      throw new Error('asked')
    }
    const invoice = await recoder(rules({ from: 'row' }), never)(matched('PO1', '1000'), signal)
    equal(invoice.lines[0]?.account, '606300')
  })

  describe("are looked for in X3's orders", () => {
    let fixture: X3Fixture
    let connection: X3Connection
    let orders: PurchaseOrder[]
    const reader = (now?: () => number): OrderReader => {
      const schema = createX3Schema(connection)
      return orderReader((options) => createX3Source(connection, schema, options), ['CCT', 'PRD'], 'x3', now)
    }
    beforeEach(async () => {
      fixture = await startX3Fixture({})
      connection = connect(fixture, { now: fixture.clock.now })
      orders = [...fixture.books.tables.purchaseOrder.walk()].slice(0, 5)
    })
    afterEach(async () => {
      await connection.close()
      await fixture.x3.close()
    })

    it('with product and dimensions of each line, of their own company alone', async () => {
      const read = reader()
      for (const order of orders) {
        const found = await read(order.company, order.number, signal)
        const expected = order.lines.map((own) => {
          const { CCT, PRD } = lineDetails(order, own).dimensions
          const dimensions = { ...(CCT && { CCT }), ...(PRD && { PRD }) }
          return { line: own.line, product: own.product, accountingCode: '', dimensions }
        })
        deepStrictEqual(found, expected)
        equal(await read('OTHER', order.number, signal), undefined)
      }
      equal(await read('FR10', 'NOBODY', signal), undefined)
    })

    it('once for check and post, and anew later', async () => {
      let now = 0
      const read = reader(() => now)
      const [{ company, number }] = orders as [PurchaseOrder]
      await read(company, number, signal)
      const before = connection.requests()
      await read(company, number, signal)
      equal(connection.requests(), before)
      now = 61_000
      await read(company, number, signal)
      equal(connection.requests(), before + 1)
    })
  })
})
