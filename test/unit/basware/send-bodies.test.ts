import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict'
import {
  apiBench as bench,
  codesOf as codes,
  orderLine as line,
  order,
  RULES,
  refusedAs,
  supplier,
} from '../../support/basware-sending.ts'

describe('basware-send: bodies', () => {
  it('of a supplier go to all companies of the table, inactive by their flag', async () => {
    const { api, prepare, write, batch } = bench('supplier')
    await prepare()
    await write(batch(supplier('00042', { active: false })))
    deepStrictEqual(api.posts[0]?.bodies, [
      {
        ...{ externalCode: 'x3_00042', vendorCode: '00042', name: 'Firm 00042', sourceSystem: 'X3' },
        processingStatus: { active: false },
        companies: [
          { companyCode: 'F1', inheritToChildUnits: false },
          { companyCode: 'GB10', inheritToChildUnits: false },
        ],
      },
    ])
  })

  it('of an account go to the companies of its chart alone, and of another chart nowhere', async () => {
    const { api, accepted, told, prepare, write, batch } = bench('gl_account')
    await prepare()
    await write(batch({ source: 'x3', chart: 'FRA', code: '601000', title: 'X', active: true }))
    deepStrictEqual(api.posts[0]?.bodies, [
      {
        ...{ externalCode: 'x3_FRA_601000', accountCode: '601000' },
        accountNames: [{ language: 'en-US', translation: '601000 X' }],
        companies: [{ companyCode: 'F1', inherit: false, active: true }],
      },
    ])
    const other = (code: string) => ({ source: 'x3', chart: 'USA', code, title: 'Cash' })
    await write(batch(other('1'), other('2')))
    strictEqual(api.posts.length, 1)
    deepStrictEqual(told, ['Accounts of the chart USA are not sent: no company of the table has it.'])
    deepStrictEqual(accepted.at(-1)?.request, null)
  })

  it('of axes go where the table says, and one that is not in it is held', async () => {
    const { api, accepted, prepare, write, batch } = bench('dimension')
    const axis = (type: string, code: string) => ({ source: 'x3', type, code, title: `Value ${code}`, active: true })
    await prepare()
    await write(batch(axis('CCT', 'CC1'), axis('PRO', 'P77'), axis('PRD', 'D1')))
    deepStrictEqual(
      api.posts.map(({ path, bodies }) => [path, codes(bodies)]),
      [
        ['/v1/costCenters', ['x3_CCT_CC1']],
        ['/v1/lists/ACC_LIST_21', ['x3_PRO_P77']],
      ],
    )
    deepStrictEqual(api.posts[1]?.bodies[0]?.text_2, 'Value P77')
    deepStrictEqual(accepted.find(({ request }) => request === null)?.records, [{ key: 'x3|PRD|D1', items: [] }])
    await rejects(write(batch(axis('XXX', '1'))), refusedAs('basware.axis', /axis XXX is not in the table/))
  })

  it('of an order are a header and its lines with coding, in this order, with all digits', async () => {
    const { api, accepted, prepare, write, batch } = bench('purchase_order')
    await prepare()
    const exact = { quantity: '3', net_price: '0.30000000000000004', net_amount: '12345678901234567.89' }
    await write(batch(order('PO1', [line(1000, exact), line(2000, { sequence: 2, product: 'P1' })])))
    const [header, lines] = api.posts
    deepStrictEqual([header?.path, lines?.path], ['/v1/matchingOrders', '/v1/matchingOrderLines'])
    deepStrictEqual(header?.bodies, [
      {
        ...{ externalCode: 'x3_PO1', orderNumber: 'PO1', sourceSystem: 'X3', companyCode: 'F1' },
        ...{ organizationElementCode: 'F1', currencyCode: 'EUR', supplierCode: 'S1', created: '2026-01-15' },
        ...{ paymentTermCode: 'N30', isClosed: false },
      },
    ])
    ok(lines?.text.includes('"netPrice":0.30000000000000004,"netSum":12345678901234567.89'), lines?.text)
    const [first, second] = lines?.bodies ?? []
    deepStrictEqual(
      [first?.lineNumber, second?.lineNumber, first?.uom, first?.taxCode, first?.isDeleted, first?.matchingMode],
      ['1000', '2000-2', 'EA', 'T20', false, 'Standard'],
    )
    const coding = (one: typeof first) => (one?.orderLineCoding as readonly object[] | undefined)?.[0]
    const coded = { rowIndex: 0, taxCode: 'T20', costCenterCode: 'CC1', dimCode1: 'P77' }
    deepStrictEqual(coding(second), {
      ...{ externalCode: 'x3_PO1_2000_2_0', ...coded, accountCode: '602000', allocatedQuantity: 10, netTotal: 123.45 },
    })
    deepStrictEqual((coding(first) as { accountCode?: string }).accountCode, '601000')
    deepStrictEqual(
      accepted.map(({ records }) => records),
      [[{ key: 'x3|PO1', items: ['x3_PO1'] }], [{ key: 'x3|PO1', items: ['x3_PO1_1000_1', 'x3_PO1_2000_2'] }]],
    )
  })

  it('of lines that a supplier takes back or credits have the mode of a negative price', async () => {
    const { api, prepare, write, batch } = bench('purchase_order')
    await prepare()
    const back = { net_price: '-12.345', net_amount: '-123.45' }
    await write(batch(order('PO1', [line(1000), line(2000, back), line(3000, { net_price: '0', net_amount: '0' })])))
    deepStrictEqual(
      api.posts[1]?.bodies.map(({ matchingMode, quantity, netSum }) => [matchingMode, quantity, netSum]),
      [
        ['Standard', 10, 123.45],
        ['Return', 10, -123.45],
        ['Standard', 10, 0],
      ],
    )
  })

  it('of receipts are in the unit of the order, or the order is held', async () => {
    const { api, prepare, write, batch } = bench('purchase_order')
    await prepare()
    const receipt = (more: object) => ({
      ...{
        receipt: 'R1',
        receipt_line: 1000,
        line: 1000,
        sequence: 1,
        unit: 'UN',
        quantity: '4',
        receipt_date: '2026-02-01',
      },
      ...more,
    })
    await write(
      batch(
        order('PO1', [line(1000)], {
          receipts: [receipt({}), receipt({ receipt: 'R2', unit: 'KG', received: '2.5' })],
        }),
      ),
    )
    deepStrictEqual(api.posts[1]?.bodies[0]?.goodsReceipts, [
      {
        ...{ externalCode: 'x3_PO1_1000_R1_1000', goodsReceiptNumber: 'R1', goodsReceiptLineNumber: '1000' },
        ...{ deliveryDate: '2026-02-01', quantity: 4, netPrice: 12.345, netSum: 49.38, isDeleted: false },
      },
      {
        ...{ externalCode: 'x3_PO1_1000_R2_1000', goodsReceiptNumber: 'R2', goodsReceiptLineNumber: '1000' },
        ...{ deliveryDate: '2026-02-01', quantity: 2.5, netPrice: 12.345, netSum: 30.86, isDeleted: false },
      },
    ])
    const held = (receipts: readonly object[], code: string, says: RegExp) =>
      rejects(write(batch(order('PO2', [line(1000)], { receipts }))), refusedAs(code, says))
    await held([receipt({ unit: 'KG' })], 'basware.receipt-unit', /Line 1000: the receipt R1 is in KG, the order in UN/)
    await held([receipt({ line: 3000 })], 'basware.receipt-line', /R1 is of the line 3000/)
  })

  for (const [name, made, code, says] of [
    ['a company that is not mapped', order('PO1', [line(1000)], { company: 'US10' }), 'basware.company', /US10/],
    ['a line without a price', order('PO1', [line(1000, { net_price: null })]), 'basware.amount', /Line 1000/],
    ['a quantity of nothing', order('PO1', [line(1000, { quantity: '0' })]), 'basware.quantity', /is 0/],
    ['a currency that is none', order('PO1', [line(1000)], { currency: 'EURO' }), 'basware.field', /currencyCode/],
    [
      'a unit that is too long',
      order('PO1', [line(1000, { unit: 'U'.repeat(26) })]),
      'basware.field',
      /Line 1000: uom/,
    ],
  ] as const)
    it(`hold an order with ${name}, before anything of it goes`, async () => {
      const { api, prepare, write, batch } = bench('purchase_order')
      await prepare()
      await rejects(write(batch(made)), refusedAs(code, says))
      strictEqual(api.posts.length, 0)
    })

  it('hold an order whose product has no account', async () => {
    const rules = { ...RULES, accounts: RULES.accounts.slice(1) }
    const { prepare, write, batch } = bench('purchase_order', { rules })
    await prepare()
    await rejects(write(batch(order('PO1'))), refusedAs('basware.account', /no account for the product P9/))
  })
})
