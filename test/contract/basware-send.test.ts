/** basware-send's target against the sandbox, over HTTP: what P2P has in the end, and what is told of it. */
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict'
import { createSendMemory, type SendOptions } from '../../nodes/basware/client/send/target.ts'
import { BASWARE_SITES } from '../../sandbox/basware/sites.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { isSyncError } from '../../sync/contract/errors.ts'
import type { Column } from '../../sync/contract/message.ts'
import type { Json } from '../support/basware.ts'
import { type BaswareRig, startBaswareRig } from '../support/basware-client.ts'
import {
  type Given,
  order,
  orderLine,
  RULES,
  type SendBench,
  schemaOf,
  sendBench,
  supplier,
} from '../support/basware-sending.ts'

const COMPANIES = ['FR10', 'GB10'].map((company) => ({ company, code: '', organization: '', chart: '' }))
const P2P_MS = 2000
const heldAs = (code: string, says: RegExp) => (error: unknown) => {
  ok(isSyncError(error), String(error))
  deepStrictEqual([error.cause.class, error.code], ['data', code], error.message)
  match(error.message, says)
  return true
}

describe('basware-send and its sandbox', function () {
  this.timeout(120_000)
  let rig: BaswareRig
  let rules: typeof RULES
  beforeEach(async () => {
    rig = await startBaswareRig({ settings: { p2pMs: P2P_MS } })
    rules = { ...RULES, companies: COMPANIES, accounts: [], axes: [] }
  })
  afterEach(() => rig.close())

  const bench = (entity: string, more: Partial<SendOptions> = {}, shared = createSendMemory()): SendBench =>
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
      { rules, ...more },
      shared,
    )
  const truth = (collection: string, externalCode: string): Json | undefined =>
    (rig.sandbox.act('records', {}) as { p2p: Record<string, readonly Json[]> }).p2p[collection]?.find(
      (one) => one.externalCode === externalCode,
    )
  const kinds = async (one: SendBench): Promise<Record<string, string>> =>
    Object.fromEntries([...(await one.results())].map(([key, { kind }]) => [key, kind]))
  const own = (code: string, more: object = {}) => supplier(code, { name: `Firm ${code}`, ...more })
  /** Without a payment term that P2P may not have. */
  const po = (number: string, more: object = {}) =>
    order(number, [orderLine(1000), orderLine(2000)], { supplier: 'NEW1', payment_term: null, ...more })
  const send = async (one: SendBench, ...records: readonly Given[]): Promise<void> => {
    await one.prepare()
    await one.write(one.batch(...records))
  }

  it('brings suppliers and orders with their lines to P2P, each once', async () => {
    const vendors = bench('supplier')
    await send(vendors, own('NEW1'), own('NEW2', { active: false }))
    deepStrictEqual(await kinds(vendors), { 'x3|NEW1': 'pending', 'x3|NEW2': 'pending' })
    rig.pass(P2P_MS)
    deepStrictEqual(await kinds(vendors), { 'x3|NEW1': 'processed', 'x3|NEW2': 'processed' })
    deepStrictEqual((truth('vendors', 'x3_NEW2')?.processingStatus as Json | undefined)?.active, false)
    const orders = bench('purchase_order')
    await send(orders, po('PO1'), po('PO2', { closed: 'yes' }))
    rig.pass(P2P_MS)
    deepStrictEqual(await kinds(orders), { 'x3|PO1': 'processed', 'x3|PO2': 'processed' })
    deepStrictEqual(
      ['x3_PO1_1000_1', 'x3_PO1_2000_1'].map((code) => {
        const { netSum, netPrice, orderExternalCode, lineNumber } = truth('matchingOrderLines', code) ?? {}
        return [netSum, netPrice, orderExternalCode, lineNumber]
      }),
      [
        [123.45, 12.345, 'x3_PO1', '1000'],
        [123.45, 12.345, 'x3_PO1', '2000'],
      ],
    )
    deepStrictEqual(
      [truth('matchingOrders', 'x3_PO2')?.isClosed, truth('matchingOrderLines', 'x3_PO2_1000_1')?.isClosed],
      [true, true],
    )
  })

  it('shows a record as the API layer has it, an order with its lines, and hides what was never sent', async () => {
    const [vendors, orders] = [bench('supplier'), bench('purchase_order')]
    const context = () => ({
      ...{ signal: new AbortController().signal, waiting: () => undefined },
      note: { read: async () => vendors.note, save: async () => undefined },
    })
    const shown = (one: SendBench, entity: string, key: string, most = 5, columns: readonly Column[] = []) =>
      one.target.standing?.(key, { ...schemaOf(entity), columns }, most, context())
    strictEqual(await shown(vendors, 'supplier', 'x3|NEW1'), undefined)
    await send(vendors, own('NEW1'))
    await send(orders, po('PO1'))
    const vendor = await shown(vendors, 'supplier', 'x3|NEW1')
    deepStrictEqual([vendor?.record.vendorCode, vendor?.record.name], ['NEW1', 'Firm NEW1'])
    match(vendor?.says?.join(' ') ?? '', /The vendor x3_NEW1, last changed .* the API does not give/)
    const hidden = (there: typeof vendor) =>
      there?.schema?.columns.filter(({ sensitive }) => sensitive).map(({ name }) => name)
    deepStrictEqual(hidden(vendor), [])
    const calls = rig.connection.requests()
    const there = await shown(orders, 'purchase_order', 'x3|PO1', 1)
    strictEqual(rig.connection.requests() - calls, 2, 'one for the order, one for its lines')
    const [line, ...more] = (there?.record.lines ?? []) as Json[]
    deepStrictEqual([there?.record.orderNumber, line?.lineNumber, line?.netSum, more], ['PO1', '1000', '123.45', []])
    deepStrictEqual(there?.cut, ['lines'])
    const body = {
      ...{ externalCode: 'x3_NEW1', vendorCode: 'NEW1', name: 'Firm NEW1' },
      ...{ companies: [{ companyCode: 'FR10', inheritToChildUnits: false }] },
      paymentMeans: [{ paymentMeansCode: 'TRF', financialAccounts: [] }],
    }
    const ask = { what: 'a vendor', signal: context().signal, scope: 'vendors.write', group: 'vendors' } as const
    strictEqual((await rig.connection.post('/v1/vendors', [body], ask)).status, 200)
    deepStrictEqual(hidden(await shown(vendors, 'supplier', 'x3|NEW1')), ['paymentMeans'])
    const secret = [{ name: 'name', type: 'string', sensitive: true }] as const
    ok(
      hidden(await shown(vendors, 'supplier', 'x3|NEW1', 5, secret))?.includes('name'),
      'a name that is sensitive in the ERP',
    )
  })

  it('tells of an order whose supplier P2P does not know, and brings it once the supplier is there', async () => {
    const orders = bench('purchase_order')
    await send(orders, po('PO1'))
    rig.pass(P2P_MS)
    const failed = (await orders.results()).get('x3|PO1')
    deepStrictEqual([failed?.kind, failed?.kind === 'failed' && failed.cause], ['failed', 'data'])
    match(failed?.kind === 'failed' ? failed.text : '', /Supplier NEW1/)
    await send(bench('supplier'), own('NEW1'))
    rig.pass(P2P_MS)
    orders.accepted.length = 0
    await send(orders, { ...po('PO1'), _again: true })
    rig.pass(P2P_MS)
    deepStrictEqual(await kinds(orders), { 'x3|PO1': 'processed' })
    ok(truth('matchingOrderLines', 'x3_PO1_2000_1'))
  })

  it('holds a record that Basware refuses, by the text of Basware, and sends the others', async () => {
    const vendors = bench('supplier')
    await send(vendors, own('NEW2'))
    rig.pass(P2P_MS)
    rig.sandbox.tune({ edits: 'published' })
    const record = { externalCode: 'x3_NEW2', contacts: [{ name: 'Ann', colour: 'red' }] }
    rig.sandbox.act('edit', { collection: 'vendors', record })
    rig.pass(P2P_MS)
    await vendors.prepare()
    const changed = ['NEW1', 'NEW2', 'NEW3'].map((code) => own(code, { name: 'Other' }))
    const all = vendors.batch(...changed)
    await rejects(vendors.write(all), heldAs('basware.refused', /3 records for vendors/))
    const [found, ...more] = await vendors.rejected(all)
    deepStrictEqual([found?.index, more.length], [1, 0])
    match(found?.message ?? '', /refuses x3_NEW2: SCHEMA_VALIDATION_ERROR: contacts\[0\]\.colour: no such field/)
    await vendors.write(vendors.batch(...changed.filter(({ code }) => code !== 'NEW2')))
    rig.pass(P2P_MS)
    deepStrictEqual(
      ['x3_NEW1', 'x3_NEW2', 'x3_NEW3'].map((code) => truth('vendors', code)?.name),
      ['Other', 'Firm NEW2', 'Other'],
    )
  })

  it('leaves out fields that the contract does not have', async () => {
    rig.sandbox.tune({ extraField: true })
    const vendors = bench('supplier')
    await send(vendors, own('NEW1'))
    rig.pass(P2P_MS)
    await send(vendors, own('NEW1', { name: 'Other' }))
    rig.pass(P2P_MS)
    deepStrictEqual(await kinds(vendors), { 'x3|NEW1': 'processed' })
  })

  it('keeps apart two versions of a record, so that none expires', async () => {
    const vendors = bench('supplier')
    await send(vendors, own('NEW1'))
    const before = rig.now()
    await send(vendors, own('NEW1', { name: 'Second' }))
    ok(rig.now() - before >= 2000)
    rig.pass(P2P_MS)
    deepStrictEqual(await kinds(vendors), { 'x3|NEW1': 'processed' })
    strictEqual(truth('vendors', 'x3_NEW1')?.name, 'Second')
  })

  it('holds what stands there under another code, and sends it under that code when a person said so', async () => {
    const standing = (await rig.pages('/v1/vendors?pageSize=1'))[0]?.[0] ?? {}
    const code = String(standing.vendorCode)
    const vendors = bench('supplier')
    await vendors.prepare()
    const again = vendors.batch(own(code), own('NEW1'))
    await rejects(
      vendors.write(again),
      heldAs('basware.already-there', new RegExp(`already there as ${standing.externalCode}`)),
    )
    deepStrictEqual(
      (await vendors.rejected(again)).map(({ index }) => index),
      [0],
    )
    vendors.note = JSON.stringify({ all: true })
    await send(vendors, own(code, { name: 'Renamed' }))
    rig.pass(P2P_MS)
    deepStrictEqual(await kinds(vendors), { [`x3|${code}`]: 'processed' })
    strictEqual(truth('vendors', String(standing.externalCode))?.name, 'Renamed')
    strictEqual(truth('vendors', `x3_${code}`), undefined)
  })

  it('keeps bank accounts and sites that are kept by hand', async () => {
    const vendors = bench('supplier')
    await send(vendors, own('NEW1'))
    rig.pass(P2P_MS)
    const bank = [{ paymentMeansCode: 'TRF', financialAccounts: [] }]
    const addresses = Array.from({ length: 5000 }, (_, k) => ({
      externalCode: `SITE_${k}`,
      name: `Site ${k}`,
      cityName: 'Lyon',
    }))
    rig.sandbox.tune({ edits: 'published' })
    rig.sandbox.act('edit', {
      collection: 'vendors',
      record: { externalCode: 'x3_NEW1', paymentMeans: bank, addresses },
    })
    rig.pass(P2P_MS)
    await send(vendors, own('NEW1', { name: 'Other' }))
    rig.pass(P2P_MS)
    const { name, paymentMeans, addresses: kept } = truth('vendors', 'x3_NEW1') ?? {}
    deepStrictEqual([name, paymentMeans, (kept as readonly Json[]).length], ['Other', bank, 5000])
  })

  it('holds a record that would not fit into a request', async () => {
    const vendors = bench('supplier')
    await send(vendors, own('NEW1'))
    rig.pass(P2P_MS)
    rig.sandbox.tune({ edits: 'published' })
    const tags = Array.from({ length: 25_000 }, () => ({ name: 'n', value: 'v'.repeat(250) }))
    rig.sandbox.act('edit', { collection: 'vendors', record: { externalCode: 'x3_NEW1', tags } })
    rig.pass(P2P_MS)
    await vendors.prepare()
    await rejects(
      vendors.write(vendors.batch(own('NEW1', { name: 'Other' }))),
      heldAs('basware.too-large', /x3_NEW1 takes \d+ bytes/),
    )
  })

  it('deletes a line that is gone in the ERP by its flag, and an order, and never one of somebody else', async () => {
    await send(bench('supplier'), own('NEW1'))
    rig.pass(P2P_MS)
    const orders = bench('purchase_order')
    await send(orders, po('PO1'))
    rig.pass(P2P_MS)
    const hand = {
      externalCode: 'HAND',
      orderExternalCode: 'x3_PO1',
      lineNumber: '9000',
      quantity: 1,
      netSum: 1,
      matchingMode: 'Standard',
    }
    await rig.call('POST', '/v1/matchingOrderLines', [hand])
    rig.pass(P2P_MS)
    await send(orders, po('PO1', { lines: [orderLine(1000)] }))
    rig.pass(P2P_MS)
    const deleted = () =>
      ['x3_PO1_1000_1', 'x3_PO1_2000_1', 'HAND'].map((code) => truth('matchingOrderLines', code)?.isDeleted === true)
    deepStrictEqual(deleted(), [false, true, false])
    await send(orders, { source: 'x3', number: 'PO1', _op: 'delete' })
    rig.pass(P2P_MS)
    deepStrictEqual([deleted(), truth('matchingOrders', 'x3_PO1')?.isClosed], [[true, true, false], true])
  })

  it('sends codes that are long or have other characters, and finds them again', async () => {
    const vendors = bench('supplier')
    const code = 'É/1 %'
    await send(vendors, own(code))
    rig.pass(P2P_MS)
    deepStrictEqual(await kinds(vendors), { [`x3|${code}`]: 'processed' })
    await vendors.prepare()
    await rejects(
      vendors.write(vendors.batch(own('V'.repeat(26)))),
      heldAs('basware.field', /vendorCode of the vendor/),
    )
  })

  for (const kind of ['reset-after', 'server-error', 'unavailable', 'throttled', 'token-expired', 'cut-body'] as const)
    it(`brings a record once where the sandbox plays ${kind}`, async () => {
      const plan = createFaults('calm', 0, BASWARE_SITES)
      rig.sandbox.setFaults(plan)
      plan.force('masters-post', kind)
      const vendors = bench('supplier')
      await vendors.prepare()
      const batch = vendors.batch(own('NEW1'))
      await vendors.write(batch).catch(async (error: unknown) => {
        ok(isSyncError(error), String(error))
        match(error.cause.class, /^(transient|throttled|unknown-outcome)$/)
        rig.pass(5000)
        await vendors.write(batch)
      })
      deepStrictEqual(plan.met(), { [`masters-post/${kind}`]: 1 })
      rig.pass(P2P_MS)
      match((await kinds(vendors))['x3|NEW1'] ?? '', /^(processed|unchanged)$/)
      ok(truth('vendors', 'x3_NEW1'))
    })

  it('gives results as they come, in whatever order', async () => {
    rig.sandbox.tune({ spreadMs: 60_000 })
    const vendors = bench('supplier')
    await send(vendors, ...Array.from({ length: 30 }, (_, k) => own(`S${k}`)))
    rig.pass(20_000)
    const early = Object.values(await kinds(vendors))
    ok(early.includes('pending') && early.includes('processed'), early.join())
    rig.pass(60_000)
    deepStrictEqual(new Set(Object.values(await kinds(vendors))), new Set(['processed']))
  })

  it('shares what was sent when among the nodes of a connection', async () => {
    const memory = createSendMemory()
    const [one, other] = [bench('supplier', {}, memory), bench('supplier', {}, memory)]
    await send(one, own('NEW1'))
    const before = rig.now()
    await send(other, own('NEW1', { name: 'Second' }))
    ok(rig.now() - before >= 2000)
  })
})
