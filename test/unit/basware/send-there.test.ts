import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict'
import {
  apiBench as bench,
  codesOf as codes,
  orderLine as line,
  order,
  refusedAs,
  supplier,
} from '../../support/basware-sending.ts'

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

  it('holds what is there without an external code, lines of orders too, and sends it once that is mended', async () => {
    const vendors = bench('supplier')
    vendors.api.put('vendors', theirs({ externalCode: '' }))
    await vendors.prepare()
    const both = vendors.batch(supplier('1'), supplier('2'))
    const says = /vendor 1 is already there without an external code/
    await rejects(vendors.write(both), refusedAs('basware.no-code', says))
    deepStrictEqual(
      (await vendors.rejected(both)).map(({ index, code }) => [index, code]),
      [[0, 'basware.no-code']],
    )
    vendors.api.take('vendors', '')
    await vendors.prepare()
    await vendors.write(vendors.batch(supplier('1')))
    deepStrictEqual(codes(vendors.api.posts[0]?.bodies), ['x3_1'])
    const { api, prepare, write, batch } = bench('purchase_order')
    await prepare()
    await write(batch(order('PO1')))
    const typed = { externalCode: '', orderExternalCode: 'x3_PO1', lineNumber: '9000', quantity: 1 }
    api.put('matchingOrderLines', typed)
    api.now += 10_000
    await prepare()
    const changed = batch(order('PO1', [line(1000, { quantity: '11' })]))
    await rejects(write(changed), refusedAs('basware.no-code', /order line 9000 of the order x3_PO1 is already there/))
    strictEqual(api.posts.length, 2)
    api.put('matchingOrderLines', { ...typed, isDeleted: true })
    await prepare()
    await write(batch(order('PO1', [line(1000, { quantity: '11' })])))
    strictEqual(api.get('matchingOrderLines', 'x3_PO1_1000_1')?.quantity?.toString(), '11')
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
