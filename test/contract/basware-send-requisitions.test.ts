/** basware-send's requisitions against the sandbox, over HTTP: P2P takes each once and no change of it. */
import { deepStrictEqual, match, rejects, strictEqual } from 'node:assert/strict'
import type { Json } from '../support/basware.ts'
import { type BaswareRig, startBaswareRig } from '../support/basware-client.ts'
import { type Given, order, orderLine, RULES, refusedAs, sendBench, supplier } from '../support/basware-sending.ts'

const P2P_MS = 2000

describe('basware-send, orders as requisitions, and its sandbox', function () {
  this.timeout(120_000)
  let rig: BaswareRig
  beforeEach(async () => {
    rig = await startBaswareRig({ settings: { p2pMs: P2P_MS } })
  })
  afterEach(() => rig.close())

  const companies = ['FR10', 'GB10'].map((company) => ({ company, code: '', organization: '', chart: '' }))
  const rules = { ...RULES, companies, accounts: [], axes: [], orders: 'requisition' as const }
  const bench = (entity: string) =>
    sendBench(
      entity,
      rig.connection,
      {
        get now() {
          return rig.now()
        },
        set now(time: number) {
          rig.pass(time - rig.now())
        },
      },
      { rules, moves: (place) => (place === 'purchaseRequisitions' ? 'headerDataText5' : '') },
    )
  const send = async (one: ReturnType<typeof bench>, ...records: readonly Given[]): Promise<Record<string, string>> => {
    one.accepted.length = 0
    await one.prepare()
    await one.write(one.batch(...records))
    rig.pass(P2P_MS)
    return Object.fromEntries([...(await one.results())].map(([key, { kind }]) => [key, kind]))
  }
  const truth = (): readonly Json[] =>
    (rig.sandbox.act('records', {}) as { p2p: Record<string, readonly Json[]> }).p2p.purchaseRequisitions ?? []
  const own = (code: string): Given => supplier(code, { name: `Firm ${code}` })
  const po = (number: string, more: object = {}): Given =>
    order(number, [orderLine(1000), orderLine(2000)], {
      supplier: 'NEW1',
      expected_receipt_date: '2026-04-01',
      ...more,
    })
  const posts = (): number =>
    rig.sandbox.requests().filter(({ method, path }) => method === 'POST' && path.endsWith('/purchaseRequisitions'))
      .length
  const said = (): Json[] => (truth()[0]?.lines as Json[] | undefined) ?? []

  it('brings each to P2P once, and holds what changed, which P2P would refuse', async () => {
    await send(bench('supplier'), own('NEW1'))
    const orders = bench('purchase_order')
    deepStrictEqual(await send(orders, po('PO1')), { 'x3|PO1': 'processed' })
    deepStrictEqual(
      said().map(({ extRequisitionLineNumber, quantity, unitPrice }) => [
        extRequisitionLineNumber,
        quantity,
        unitPrice,
      ]),
      [
        ['1000', 10, 12.345],
        ['2000', 10, 12.345],
      ],
    )
    const refused = refusedAs('basware.requisition-changed', /otherwise in the ERP \(lines\)/)
    await rejects(send(orders, po('PO1', { lines: [orderLine(1000)] })), refused)
    // As it is read in full, receipts and all.
    deepStrictEqual(await send(orders, po('PO1', { receipts: [{ receipt: 'R1', line: 1000 }], site: 'FR012' })), {
      'x3|PO1': 'processed',
    })
    strictEqual(posts(), 1)
    deepStrictEqual([truth().length, said().length], [1, 2])
  })

  it('sends one again that P2P refused, and one whose number was lost not', async () => {
    const orders = bench('purchase_order')
    deepStrictEqual(await send(orders, po('PO1')), { 'x3|PO1': 'failed' })
    await send(bench('supplier'), own('NEW1'))
    deepStrictEqual(await send(orders, { ...po('PO1'), _again: true }), { 'x3|PO1': 'processed' })
    deepStrictEqual(await send(orders, { ...po('PO1'), _again: true }), { 'x3|PO1': 'processed' })
    deepStrictEqual([truth().length, posts()], [1, 2])
    match(String(truth()[0]?.headerDataText5), /^Sent again /)
  })

  it('says what stands there under another code', async () => {
    await send(bench('supplier'), own('NEW1'))
    const typed = { externalCode: 'HAND', extDocumentNumber: 'PO1', purpose: 'Typed', lines: [] }
    const line = { externalCode: 'HAND_1', extRequisitionLineNumber: '1', currencyCode: 'EUR', supplierCode: 'NEW1' }
    const record = { ...typed, lines: [line] }
    const { signal } = new AbortController()
    const ask = { what: 'a requisition', scope: 'purchaseRequisitions.write', group: 'requisitions', signal } as const
    const { refusal } = await rig.connection.post('/v1/purchaseRequisitions', JSON.stringify([record]), ask)
    strictEqual(refusal, undefined)
    const orders = bench('purchase_order')
    await rejects(
      send(orders, po('PO1')),
      refusedAs('basware.already-there', /requisition PO1 is already there as HAND/),
    )
  })
})
