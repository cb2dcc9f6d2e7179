import { deepStrictEqual, equal } from 'node:assert'
import { priceFault, priceLines, priceReceipts } from '../../../nodes/x3/client/prices.ts'
import type { DataRecord, Row } from '../../../sync/contract/message.ts'

const DEF = { lines: 'lines', receipts: 'receipts', option: 'matching' }
const order = (lines: Row[], more: object = {}): DataRecord =>
  ({
    currency: 'EUR',
    lines: lines.map((line, at) => ({ line: (at + 1) * 1000, sequence: 1, ...line })),
    ...more,
  }) as never
const priced = (line: Row, more: object = {}): Row => {
  const record = order([line], more)
  priceLines(DEF, record)
  return (record.lines as unknown as Row[])[0] as Row
}

describe('prices of order lines', () => {
  it('are computed exactly of price, quantity and every discount, the amount to the digits of its currency', () => {
    const line = { quantity: '3', gross_price: '10.05', discount: '10', discount_2: '5', discount_9: '1' }
    const { net_price, net_price_from, net_amount, net_amount_from } = priced(line)
    // 10.05 x 0.9 x 0.95 x 0.99 = 8.5068225, and three of them 25.5204675: not three times a rounded price.
    deepStrictEqual(
      [net_price, net_price_from, net_amount, net_amount_from],
      ['8.5068225', 'computed', '25.52', 'computed'],
    )
    equal(priced({ quantity: '1', gross_price: '2.5' }, { currency: 'JPY' }).net_amount, '3')
    equal(priced({ quantity: '1', gross_price: '1.23456' }, { currency: 'KWD' }).net_amount, '1.235')
    equal(priced({ quantity: '-1', gross_price: '0.005' }).net_amount, '-0.01')
    equal(priced({ quantity: '1', gross_price: '100', discount: '-2.5' }).net_amount, '102.5')
  })

  it('are taken from X3 where it shows them, and say so', () => {
    const { net_price, net_amount, net_price_from, net_amount_from } = priced({
      ...{ quantity: '3', gross_price: '10', net_price: '9', net_amount: '26.99' },
    })
    deepStrictEqual([net_price, net_amount, net_price_from, net_amount_from], ['9', '26.99', 'X3', 'X3'])
    const half = priced({ quantity: '3', gross_price: '10', discount: '50', net_price: '9' })
    deepStrictEqual([half.net_amount, half.net_price_from, half.net_amount_from], ['27', 'X3', 'computed'])
    const other = priced({ quantity: '3', net_amount: '10' })
    deepStrictEqual([other.net_price, other.net_price_from, other.net_amount_from], ['3.33333333', 'computed', 'X3'])
  })

  it('hold the order where a line has neither, by its number', () => {
    const fault = (lines: Row[], more?: object): string | undefined => {
      const record = order(lines, more)
      priceLines(DEF, record)
      return priceFault(DEF, record)
    }
    equal(fault([{ quantity: '1', gross_price: '2' }]), undefined)
    equal(fault([{ quantity: '1', net_amount: '0', net_price: '0' }]), undefined)
    const missing = [{ quantity: '1', gross_price: '2' }, { quantity: '1' }, { gross_price: '2' }]
    equal(fault(missing), 'line 2000 and 1 more has neither a net amount nor a price to compute it of')
    equal(
      fault([{ quantity: '1', gross_price: '2' }], { currency: 'no code' }),
      'line 1000 has neither a net amount nor a currency whose digits are known to compute it of',
    )
  })
})

describe('received quantities', () => {
  const received = (line: Row): unknown[] => {
    const { received, received_from } = priced({ gross_price: '1', unit: 'UN', quantity: '10', ...line })
    return [received, received_from]
  }
  it("are in the order's unit: as they are, converted by what the line is in both units, or empty", () => {
    deepStrictEqual(received({ received_quantity: '4', stock_unit: 'UN' }), ['4', 'X3'])
    deepStrictEqual(received({ received_quantity: '0', stock_unit: 'KG' }), ['0', 'X3'])
    deepStrictEqual(received({ received_quantity: '24', stock_unit: 'KG', quantity_stock: '120' }), ['2', 'converted'])
    deepStrictEqual(received({ received_quantity: '1', stock_unit: 'KG', quantity_stock: '120' }), [
      '0.08333333',
      'converted',
    ])
    for (const line of [
      { received_quantity: '24', stock_unit: 'KG' },
      { received_quantity: '24' },
      { received_quantity: '24', stock_unit: 'KG', quantity_stock: '0' },
      { received_quantity: null, stock_unit: 'UN' },
    ])
      deepStrictEqual(received(line), [null, null])
  })

  it('of a receipt too, by the line that it names', () => {
    const record = order([{ quantity: '10', unit: 'UN', quantity_stock: '120', gross_price: '1' }], {
      receipts: [
        { line: 1000, sequence: 1, unit: 'UN', quantity: '3' },
        { line: 1000, sequence: 1, unit: 'KG', quantity: '36', quantity_stock: '36' },
        { line: 1000, sequence: null, unit: 'KG', quantity: '36', quantity_stock: '36' },
        { line: 2000, sequence: 1, unit: 'UN', quantity: '3' },
        { line: 1000, sequence: 1, unit: 'KG', quantity: '36' },
      ],
    })
    priceReceipts(DEF, record)
    deepStrictEqual(
      (record.receipts as unknown as Row[]).map((row) => [row.received, row.received_from]),
      [
        ['3', 'X3'],
        ['3', 'converted'],
        ['3', 'converted'],
        [null, null],
        [null, null],
      ],
    )
  })
})
