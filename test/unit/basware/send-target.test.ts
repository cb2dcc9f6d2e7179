import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict'
import { createBaswareTarget, createSendMemory, type SendOptions } from '../../../nodes/basware/client/send/target.ts'
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { PendingResult } from '../../../sync/contract/results.ts'
import { type BaswareApi, baswareApi } from '../../support/basware-api.ts'
import {
  orderLine as line,
  order,
  pendingOf,
  RULES,
  type SendBench,
  sendBench,
  supplier,
} from '../../support/basware-sending.ts'

const signal = new AbortController().signal

interface Bench extends SendBench {
  readonly api: BaswareApi
}
function bench(entity: string, more: Partial<SendOptions> = {}): Bench {
  const api = baswareApi()
  return Object.assign(sendBench(entity, api.connection, api, more), { api })
}
const codes = (bodies: readonly { readonly externalCode: string }[] = []): string[] =>
  bodies.map((one) => one.externalCode)
const refusedAs = (code: string, says: RegExp) => (error: unknown) => {
  ok(isSyncError(error), String(error))
  deepStrictEqual([error.cause.class, error.code], ['data', code])
  match(error.message, says)
  return true
}

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

describe('basware-send: on the way', () => {
  it('cuts by count and by bytes, and holds a record that is over them alone', async () => {
    const { api, prepare, write, batch, target } = bench('supplier', { limits: { most: { vendors: 3 }, bytes: 900 } })
    await prepare()
    await write(batch(...['1', '2', '3', '4', '5', '6'].map((code) => supplier(code))))
    deepStrictEqual(
      api.posts.map(({ bodies }) => bodies.length),
      [3, 3],
    )
    ok(api.posts.every(({ text }) => Buffer.byteLength(text) <= 900))
    const big = batch(supplier('7'), supplier('8', { name: 'é'.repeat(250) }), supplier('9', { name: 'é'.repeat(250) }))
    await write(big)
    deepStrictEqual(
      api.posts.slice(2).map(({ bodies }) => bodies.length),
      [1, 1, 1],
    )
    const few = bench('supplier', { limits: { most: {}, bytes: 400 } })
    await few.prepare()
    const over = few.batch(supplier('7'), supplier('8', { name: 'é'.repeat(250) }))
    await rejects(few.write(over), refusedAs('basware.too-large', /takes \d+ bytes, and Basware takes 400/))
    const found = await few.target.findRejected?.(over, { signal, waiting: () => undefined })
    deepStrictEqual(
      found?.map(({ index, code }) => [index, code]),
      [[1, 'basware.too-large']],
    )
    ok(target.parts)
  })

  it('tells the records that Basware names, and sends those that it took before not again', async () => {
    const { api, accepted, prepare, write, batch, target } = bench('purchase_order', {
      limits: { most: { lines: 2 }, bytes: 6e6 },
    })
    await prepare()
    const all = [order('A', [line(1000), line(2000)]), order('B', [line(1000), line(2000)])]
    api.answer = ({ path, bodies }) =>
      path.endsWith('Lines') && bodies[0]?.externalCode.startsWith('x3_B')
        ? [{ externalCode: 'x3_B_2000_1', code: 'SCHEMA_VALIDATION_ERROR', text: 'taxCode: unknown' }]
        : undefined
    const both = batch(...all)
    await rejects(write(both), refusedAs('basware.refused', /HTTP 400/))
    deepStrictEqual(await target.findRejected?.(both, { signal, waiting: () => undefined }), [
      {
        index: 1,
        code: 'basware.refused',
        message: 'Basware refuses x3_B_2000_1: SCHEMA_VALIDATION_ERROR: taxCode: unknown',
      },
    ])
    const before = api.posts.length
    accepted.length = 0
    await write(batch(all[0] as ReturnType<typeof order>))
    strictEqual(api.posts.length, before)
    deepStrictEqual(
      accepted.flatMap(({ records }) => records.flatMap(({ items }) => items)),
      ['x3_A', 'x3_A_1000_1', 'x3_A_2000_1'],
    )
  })

  it('takes as few requests as the contract allows', async () => {
    const { api, prepare, write, batch, target } = bench('purchase_order')
    const lines = [line(1000), line(2000), line(3000)]
    const { records, ...rest } = batch(...Array.from({ length: 1000 }, (_, k) => order(`PO${k}`, lines)))
    await prepare()
    for (const part of target.parts?.(records, rest.schema) ?? []) await write({ ...rest, records: part })
    const counts = new Map<string, number>()
    for (const { path } of api.posts) counts.set(path, (counts.get(path) ?? 0) + 1)
    deepStrictEqual(
      [...counts],
      [
        ['/v1/matchingOrders', 2],
        ['/v1/matchingOrderLines', 30],
      ],
    )
    deepStrictEqual(api.gets, ['/v1/matchingOrders?pageSize=500'])
  })

  it('sends no code twice within two seconds', async () => {
    const { api, waits, prepare, write, batch } = bench('supplier')
    await prepare()
    await write(batch(supplier('1')))
    api.now += 500
    await write(batch(supplier('1', { name: 'Other' }), supplier('2')))
    deepStrictEqual(
      api.posts.map(({ at }) => at),
      [0, 2000],
    )
    ok(waits.some((what) => /a version was sent just now/.test(what)))
    await write(batch(supplier('3')))
    strictEqual(api.posts[2]?.at, 2000)
  })

  it('moves one harmless field where the same content must be taken once more', async () => {
    const { api, prepare, write, batch } = bench('purchase_order')
    await prepare()
    const once = batch({ ...order('PO1'), _again: true })
    await write(once)
    // what failed in P2P, or whose reply was lost, is sent again as the same version
    await write({ ...once, id: 'next', at: '2026-03-01T12:00:01Z' })
    deepStrictEqual(
      api.posts.map(({ path, bodies }) => [path.split('/').at(-1), bodies[0]?.text10]),
      [
        ['matchingOrders', `Sent again ${once.at}`],
        ['matchingOrderLines', `Sent again ${once.at}`],
        ['matchingOrders', 'Sent again 2026-03-01T12:00:01Z'],
        ['matchingOrderLines', 'Sent again 2026-03-01T12:00:01Z'],
      ],
    )
  })
})

describe('basware-send: what stands at Basware', () => {
  const theirs = (more: object = {}) => ({
    ...{ externalCode: 'OLD_1', vendorCode: '1', name: 'Old', companies: [{ companyCode: 'F1' }], ...more },
  })

  it('holds a code that is there under another external code, until a person says to use that', async () => {
    const one = bench('supplier')
    const { api, prepare, write, batch } = one
    api.put('vendors', theirs())
    await prepare()
    const records = batch(supplier('1'), supplier('2'))
    await rejects(write(records), refusedAs('basware.already-there', /vendor 1 is already there as OLD_1/))
    strictEqual(api.posts.length, 0)
    one.note = JSON.stringify({ keys: ['x3|1'] })
    await prepare()
    await write(batch(supplier('1'), supplier('2')))
    deepStrictEqual(codes(api.posts[0]?.bodies), ['OLD_1', 'x3_2'])
    // It stays so, also when the name at Basware is another by then.
    await prepare()
    api.now += 5000
    await write(batch(supplier('1', { name: 'New' })))
    deepStrictEqual(codes(api.posts[1]?.bodies), ['OLD_1'])
    strictEqual(JSON.parse(one.note ?? '').codes['vendors|x3_1'], 'OLD_1')
  })

  it('takes whatever is there where a person said so of all, but not one of two', async () => {
    const one = bench('supplier')
    const { api, prepare, write, batch } = one
    api.put(
      'vendors',
      theirs(),
      theirs({ externalCode: 'OLD_2', vendorCode: '2' }),
      theirs({ externalCode: 'OLD_3', vendorCode: '2' }),
    )
    one.note = JSON.stringify({ all: true })
    await prepare()
    await write(batch(supplier('1')))
    deepStrictEqual(codes(api.posts[0]?.bodies), ['OLD_1'])
    await rejects(write(batch(supplier('2'))), refusedAs('basware.already-there', /OLD_2, OLD_3, more than once/))
  })

  it('carries over what the mapping does not fill, with its digits, and not what is of Basware alone', async () => {
    const { api, prepare, write, batch } = bench('supplier')
    const means = [{ paymentMeansCode: 'A', financialAccounts: [{ limit: 1.1 }] }]
    api.put('vendors', {
      ...theirs({
        externalCode: 'x3_1',
        paymentMeans: means,
        contacts: [{ name: 'Ann' }],
        orderingDetails: { orderingFormat: 'email' },
      }),
      ...{
        lastUpdated: '2026-01-01T00:00:00Z',
        buvid: 'B',
        description: null,
        processingStatus: { active: true, paymentDenied: true },
      },
      companies: [
        { companyCode: 'F1', inheritToChildUnits: true },
        { companyCode: 'DE10', inheritToChildUnits: false },
      ],
    })
    await prepare()
    await write(batch(supplier('1', { active: false })))
    const [body] = api.posts[0]?.bodies ?? []
    deepStrictEqual(body?.paymentMeans, means)
    deepStrictEqual([body?.contacts, body?.orderingDetails], [[{ name: 'Ann' }], { orderingFormat: 'email' }])
    deepStrictEqual(body?.processingStatus, { active: false, paymentDenied: true })
    deepStrictEqual(body?.companies, [
      { companyCode: 'F1', inheritToChildUnits: false },
      { companyCode: 'GB10', inheritToChildUnits: false },
      { companyCode: 'DE10', inheritToChildUnits: false },
    ])
    deepStrictEqual([body?.name, body?.lastUpdated, body?.buvid], ['Firm 1', undefined, undefined])
  })

  it('holds a record whose copy cannot be read', async () => {
    const { api, prepare, write, batch } = bench('supplier')
    api.put('vendors', { externalCode: 'x3_1', vendorCode: '1', companies: 'none' })
    await prepare()
    await rejects(write(batch(supplier('1'))), refusedAs('basware.copy', /x3_1 cannot be read/))
  })

  it('marks lines that are gone in the ERP as deleted, and only those whose code it gave', async () => {
    const { api, accepted, prepare, write, batch } = bench('purchase_order')
    await prepare()
    await write(batch(order('PO1', [line(1000), line(2000), line(3000, { sequence: 2 })])))
    strictEqual(
      api.gets.some((path) => path.startsWith('/v1/matchingOrderLines')),
      false,
    )
    api.put('matchingOrderLines', {
      externalCode: 'HAND',
      orderExternalCode: 'x3_PO1',
      lineNumber: '9000',
      quantity: 1,
    })
    await prepare()
    api.now += 10_000
    accepted.length = 0
    await write(batch(order('PO1', [line(1000, { quantity: '11' })])))
    const lines = api.posts.at(-1)?.bodies ?? []
    deepStrictEqual(
      lines.map(({ externalCode, isDeleted, isClosed }) => [externalCode, isDeleted, isClosed]),
      [
        ['x3_PO1_1000_1', false, false],
        ['x3_PO1_2000_1', true, true],
        ['x3_PO1_3000_2', true, true],
      ],
    )
    ok(api.posts.at(-1)?.text.includes('"netPrice":12.345'))
    deepStrictEqual(accepted.at(-1)?.records[0]?.items.length, 3)
  })

  it('closes what is gone in the ERP by flags, and sends nothing where Basware has nothing', async () => {
    const orders = bench('purchase_order')
    await orders.prepare()
    await orders.write(orders.batch(order('PO1')))
    await orders.prepare()
    orders.api.now += 10_000
    const gone = { source: 'x3', number: 'PO1', _op: 'delete' as const }
    await orders.write(orders.batch(gone, { ...gone, number: 'PO2' }))
    const [header, lines] = orders.api.posts.slice(-2).map(({ bodies }) => bodies[0])
    deepStrictEqual([header?.isClosed, header?.supplierCode, lines?.isDeleted, lines?.quantity], [true, 'S1', true, 10])
    deepStrictEqual(orders.accepted.at(-1), { request: null, records: [{ key: 'x3|PO2', items: [] }] })
    const vendors = bench('supplier')
    vendors.api.put('vendors', theirs({ externalCode: 'x3_1' }))
    await vendors.prepare()
    await vendors.write(vendors.batch({ source: 'x3', code: '1', _op: 'delete' }))
    deepStrictEqual(vendors.api.posts[0]?.bodies[0]?.processingStatus, { active: false })
  })

  it('is read whole once, and then what changed', async () => {
    const { api, prepare, write, batch } = bench('supplier')
    api.put('vendors', theirs({ lastUpdated: '2026-03-02T00:00:00Z' }))
    await prepare()
    await write(batch(supplier('2')))
    await prepare()
    await write(batch(supplier('3')))
    deepStrictEqual(api.gets, [
      '/v1/vendors?pageSize=500',
      '/v1/vendors?pageSize=500&lastUpdated=2026-03-01T00%3A00%3A00.000Z',
    ])
  })
})

describe('basware-send: alignment', () => {
  const keeper = () => {
    const texts = new Map<string, string>()
    const made = {
      note: async (address: string) => texts.get(address),
      saveNote: async (address: string, text: string) => void texts.set(address, text),
    }
    return { texts, options: { keeper: async () => made } }
  }
  const rowsOf = async (one: Bench): Promise<string[]> =>
    (await one.target.alignment(signal, { since: '', night: 0 })).map(
      ({ kind, code, text }) => `${kind} ${code}: ${text}`,
    )

  it('looks at the lines of each order once in thirty nights, and of one that was sent since at once', async () => {
    const one = bench('purchase_order', keeper().options)
    await one.prepare()
    const numbers = ['PO1', 'PO2', 'PO3', 'PO4', 'PO5']
    await one.write(one.batch(...numbers.map((number) => order(number))))
    const asked = async (since: string, night: number): Promise<string[]> => {
      const before = one.api.gets.length
      await one.target.alignment(signal, { since, night })
      const orders = one.api.gets.slice(before).map((path) => /orderExternalCode=(\w+)/.exec(path)?.[1])
      return [...new Set(orders.filter((code) => code !== undefined))].sort()
    }
    const all = numbers.map((number) => `x3_${number}`)
    deepStrictEqual(await asked('2000-01-01', 0), all)
    const nights: string[] = []
    for (let night = 100; night < 130; night++) nights.push(...(await asked('9999-01-01', night)))
    deepStrictEqual(nights.sort(), all)
  })

  it('tells suppliers that are missing, otherwise, there twice or there alone, and no name stands in the ledger', async () => {
    const { texts, options } = keeper()
    const one = bench('supplier', options)
    const { api, prepare, write, batch } = one
    await prepare()
    await write(batch(...['1', '2', '3', '4'].map((code) => supplier(code))))
    deepStrictEqual(await rowsOf(one), [])
    const there = (externalCode: string, more: object = {}) => ({
      ...{
        externalCode,
        vendorCode: '1',
        name: 'Firm 1',
        processingStatus: { active: true },
        companies: [{ companyCode: 'F1' }],
      },
      ...more,
    })
    api.put(
      'vendors',
      there('x3_1', { name: 'Other', processingStatus: { active: false } }),
      there('HAND_2', { vendorCode: '2' }),
      there('HAND_9', { vendorCode: '9' }),
      there('HAND_8', { vendorCode: '8', processingStatus: { active: false } }),
      there('HAND_7', { vendorCode: '7', companies: [{ companyCode: 'US10' }] }),
    )
    const fresh = bench('supplier', options)
    fresh.api.put(
      'vendors',
      ...['x3_1', 'x3_2', 'x3_3', 'HAND_2', 'HAND_9', 'HAND_8', 'HAND_7'].flatMap(
        (code) => api.get('vendors', code) ?? [],
      ),
    )
    deepStrictEqual(await rowsOf(fresh), [
      'differs 1: its name there is Other; it is not active there, and active in the ERP',
      'missing 4: it was sent, and is not there',
      'only-there 9: it was never sent',
      'twice 2: what was sent is there under another code too',
    ])
    ok(![...texts.values()].some((text) => text.includes('Firm')))
  })

  it('tells orders that are open there and closed in the ERP', async () => {
    const { options } = keeper()
    const one = bench('purchase_order', options)
    const { api, prepare, write, batch } = one
    await prepare()
    await write(batch(order('PO1', [line(1000)], { closed: 'yes' }), order('PO2')))
    deepStrictEqual(await rowsOf(one), [])
    api.put('matchingOrders', {
      ...(api.get('matchingOrders', 'x3_PO1') ?? {}),
      externalCode: 'x3_PO1',
      isClosed: false,
    })
    deepStrictEqual(await rowsOf(one), ['open PO1: it is open there, and closed in the ERP'])
  })
})

describe('basware-send: results', () => {
  const ask = (one: Bench) => one.target.results?.follow(pendingOf(one.accepted), { signal, waiting: () => undefined })
  const told = async (one: Bench, statuses: Readonly<Record<string, object>>, whole = 'Success') => {
    one.api.status = ({ requestId, bodies }) => ({
      requestId,
      requestStatus: whole,
      systems: [
        {
          items: bodies.flatMap(({ externalCode }) =>
            statuses[externalCode] ? [{ externalCode, ...statuses[externalCode] }] : [],
          ),
        },
      ],
    })
    return (await ask(one))?.get('x3|PO1')
  }
  let one: Bench
  beforeEach(async () => {
    one = bench('purchase_order')
    await one.prepare()
    await one.write(one.batch(order('PO1', [line(1000), line(2000)])))
  })
  const all = (status: object): Record<string, object> => ({
    x3_PO1: status,
    x3_PO1_1000_1: status,
    x3_PO1_2000_1: status,
  })

  it('are of the whole record: the worst of its items', async () => {
    const ok = { status: 'Success' }
    const error = { status: 'Error', errors: [{ category: 'DataValidation', message: 'Supplier unknown' }] }
    deepStrictEqual(await told(one, all(ok)), { kind: 'processed' })
    deepStrictEqual(await told(one, {}), { kind: 'processed' })
    deepStrictEqual(await told(one, {}, 'InProgress'), { kind: 'pending' })
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1_2000_1: { status: 'InProgress' } }), { kind: 'pending' })
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1: error }), {
      ...{ kind: 'failed', code: 'basware.not-processed', text: 'Supplier unknown', cause: 'data' },
    })
    const technical = { status: 'Error', errors: [{ category: 'Technical', message: 'Queue' }] }
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1_1000_1: technical }), {
      ...{ kind: 'failed', code: 'basware.not-processed', text: 'Queue', cause: 'technical' },
    })
    deepStrictEqual(await told(one, all({ status: 'NotProcessed' })), { kind: 'unchanged' })
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1: { status: 'NotProcessed' } }), {
      kind: 'processed',
      skipped: true,
    })
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1: { status: 'RecordExpired' } }), { kind: 'superseded' })
    deepStrictEqual(await told(one, { ...all(ok), x3_PO1: { status: 'Warning', errors: [{ message: 'No tax' }] } }), {
      ...{ kind: 'warning', text: 'No tax' },
    })
    one.api.status = () => undefined
    deepStrictEqual((await ask(one))?.get('x3|PO1'), { kind: 'unknown' })
  })

  it('of what was sent twice are those of the last request that did something', async () => {
    const [header] = pendingOf(one.accepted)
    const twice = {
      ...header,
      requests: [
        { request: 'a', items: ['x'] },
        { request: 'b', items: ['x'] },
      ],
    } as PendingResult
    const follow = async (a: string, b: string) => {
      const status = (requestId: string, of: string) => ({
        ...{ requestId, requestStatus: 'Success', systems: [{ items: [{ externalCode: 'x', status: of }] }] },
      })
      const { connection } = one.api
      const get: typeof connection.get = async () => ({
        data: { requestStatus: [status('a', a), status('b', b)] },
        continuation: null,
      })
      const target = createBaswareTarget(
        { ...connection, get },
        createSendMemory(),
        { rules: RULES, moves: () => '', limits: { most: {}, bytes: 6e6 } },
        'supplier',
      )
      return (await target.results?.follow([twice], { signal, waiting: () => undefined }))?.get('x3|PO1')?.kind
    }
    deepStrictEqual(await follow('RecordExpired', 'Success'), 'processed')
    deepStrictEqual(await follow('Success', 'RecordExpired'), 'superseded')
    deepStrictEqual(await follow('Success', 'NotProcessed'), 'processed')
    deepStrictEqual(await follow('Error', 'NotProcessed'), 'failed')
    deepStrictEqual(await follow('NotProcessed', 'NotProcessed'), 'unchanged')
  })

  it('of ten thousand are asked by the list', async () => {
    const many = bench('supplier')
    await many.prepare()
    for (let at = 0; at < 10_000; at += 1000)
      await many.write(many.batch(...Array.from({ length: 1000 }, (_, k) => supplier(String(at + k)))))
    const before = many.api.gets.length
    const found = await ask(many)
    strictEqual([...(found?.values() ?? [])].filter(({ kind }) => kind === 'processed').length, 10_000)
    strictEqual(many.api.gets.length - before, 1)
  })
})
