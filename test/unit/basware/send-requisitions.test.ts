import { deepStrictEqual, match, rejects, strictEqual } from 'node:assert/strict'
import {
  apiBench,
  codesOf as codes,
  type Given,
  orderLine as line,
  order,
  RULES,
  refusedAs,
} from '../../support/basware-sending.ts'

describe('basware-send: orders as requisitions', () => {
  const rules = { ...RULES, orders: 'requisition' as const, requisitions: { toProcess: false, owner: 'ann' } }
  const bench = () => {
    const one = apiBench('purchase_order', {
      rules,
      moves: (place) => (place === 'purchaseRequisitions' ? 'headerDataText5' : ''),
    })
    const send = async (...records: readonly Given[]): Promise<void> => {
      await one.prepare()
      one.api.now += 10_000
      one.accepted.length = 0
      await one.write(one.batch(...records))
    }
    return { ...one, send }
  }

  it('are one body with lines, coding and the flag of what is taken back', async () => {
    const { api, accepted, target, send } = bench()
    const back = { net_price: '-2.5', net_amount: '-25' }
    await send(order('PO1', [line(1000), line(2000, { ...back, sequence: 2 })], { internal_reference: 'Steel' }))
    strictEqual(api.posts[0]?.path, '/v1/purchaseRequisitions')
    const common = { priceType: 'Net', currencyCode: 'EUR', supplierCode: 'S1', quantityUnitCode: 'EA', taxCode: 'T20' }
    const coded = { accountCode: '601000', costCenterCode: 'CC1', dimCode1: 'P77' }
    deepStrictEqual(api.posts[0]?.bodies, [
      {
        ...{ externalCode: 'x3_PO1', extDocumentNumber: 'PO1', sendToProcess: false, organizationUnitCode: 'F1' },
        ...{ orderType: 'Standard', purpose: 'Steel', ownerLogin: 'ann' },
        lines: [
          {
            ...{ externalCode: 'x3_PO1_1000_1', extRequisitionLineNumber: '1000', quantity: 10, unitPrice: 12.345 },
            ...{ ...common, refundLine: false, buyerProductCode: 'P9', description: 'Goods' },
            codingRows: [{ externalCode: 'x3_PO1_1000_1_0', ...coded }],
          },
          {
            ...{ externalCode: 'x3_PO1_2000_2', extRequisitionLineNumber: '2000-2', quantity: 10, unitPrice: -2.5 },
            ...{ ...common, refundLine: true, buyerProductCode: 'P9', description: 'Goods' },
            codingRows: [{ externalCode: 'x3_PO1_2000_2_0', ...coded }],
          },
        ],
      },
    ])
    deepStrictEqual(accepted[0]?.records, [{ key: 'x3|PO1', items: ['x3_PO1'] }])
    match(target.address, /\/purchase_requisition$/)
  })

  it('are sent once: what P2P has and is as it was is not sent again, what changed or is gone is held', async () => {
    const { api, accepted, send } = bench()
    await send(order('PO1'))
    await send(order('PO1', undefined, { closed: 'yes', payment_term: 'N60' }))
    // What became of it is what became of the first time.
    deepStrictEqual(accepted, [{ request: 'request-1', records: [{ key: 'x3|PO1', items: ['x3_PO1'] }] }])
    const refused = refusedAs(
      'basware.requisition-changed',
      /PO1 is otherwise in the ERP \(lines\), and Basware takes no/,
    )
    await rejects(send(order('PO1', [line(1000, { quantity: '11' })])), refused)
    await rejects(send(order('PO1', [line(1000), line(2000)])), refused)
    const gone = refusedAs('basware.requisition-changed', /PO1 is gone in the ERP/)
    await rejects(send({ source: 'x3', number: 'PO1', _op: 'delete' }), gone)
    await send({ source: 'x3', number: 'PO2', _op: 'delete' }, order('PO3', undefined, { closed: 'yes' }))
    strictEqual(api.posts.length, 1)
  })

  it('are sent again only where P2P refused them, and changed or not', async () => {
    const { api, send } = bench()
    api.status = ({ requestId, bodies }) => ({
      ...{ requestId, requestStatus: 'Error' },
      systems: [{ system: 'P2P', items: bodies.map(({ externalCode }) => ({ externalCode, status: 'Error' })) }],
    })
    await send(order('PO1'))
    await send({ ...order('PO1'), _again: true })
    await send(order('PO1', [line(1000, { quantity: '11' })]))
    deepStrictEqual(
      api.posts.map(({ bodies }) => bodies[0]?.headerDataText5),
      [undefined, 'Sent again 2026-03-10T08:00:00Z', undefined],
    )
    await send({ source: 'x3', number: 'PO1', _op: 'delete' })
    strictEqual(api.posts.length, 3)
  })

  it('whose request number was lost are followed under it, or held where Basware does not tell', async () => {
    const { api, accepted, send } = bench()
    await send(order('PO1'))
    await send({ ...order('PO1'), _again: true })
    deepStrictEqual(accepted, [{ request: 'request-1', records: [{ key: 'x3|PO1', items: ['x3_PO1'] }] }])
    api.status = () => undefined
    const says = /was sent as a requisition, and Basware does not tell any more/
    await rejects(send({ ...order('PO1'), _again: true }), refusedAs('basware.requisition-unknown', says))
    strictEqual(api.posts.length, 1)
  })

  it('without a line, or with more than the contract takes, are held', async () => {
    const { send } = bench()
    await rejects(send(order('PO1', [])), refusedAs('basware.field', /lines of the requisition/))
    const many = Array.from({ length: 201 }, (_, k) => line(k + 1))
    await rejects(send(order('PO1', many)), refusedAs('basware.field', /lines of the requisition/))
  })

  it('go in as few requests as the contract allows', async () => {
    const { api, send } = bench()
    await send(...Array.from({ length: 100 }, (_, k) => order(`PO${k}`)))
    strictEqual(codes(api.posts[0]?.bodies).length, 100)
    strictEqual(api.posts.length, 1)
  })
})
