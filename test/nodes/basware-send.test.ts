import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import baswareConnectionNode from '../../nodes/basware/basware-connection.ts'
import baswareSendNode from '../../nodes/basware/basware-send.ts'
import { compareNightly } from '../../nodes/basware/nightly.ts'
import { defineConnection, type defineNode, defineSource } from '../../nodes/kit/kit.ts'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import type { Row, Schema } from '../../sync/contract/message.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type BaswareFixture, type Json, startBaswareFixture } from '../support/basware.ts'
import { type FakeSource, fakeSource } from '../support/fakes.ts'
import { type FlowEntry, helper, inbox, load, type Seen, watchRejections } from '../support/helper.ts'
import { noConnection } from '../support/no-connection.ts'
import { waitFor } from '../support/wait.ts'

type RED = Parameters<typeof defineNode>[0]
const schema: Schema = {
  entity: 'supplier',
  key: ['source', 'code'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'code', type: 'string' },
    { name: 'name', type: 'string' },
    { name: 'active', type: 'boolean' },
  ],
}
const supplier = (code: string, name = `Firm ${code}`): Row => ({ source: 'x3', code, name, active: true })

const column = (name: string, type: Schema['columns'][number]['type'] = 'string') => ({ name, type })
const orderSchema: Schema = {
  entity: 'purchase_order',
  key: ['source', 'number'],
  columns: ['source', 'number', 'company', 'supplier', 'currency', 'closed'].map((name) => column(name)),
  lists: {
    lines: {
      entity: 'purchase_order_line',
      key: ['source', 'number', 'line', 'sequence'],
      columns: [
        ...['source', 'number', 'product', 'unit', 'line_closed', 'dim_cct'].map((name) => column(name)),
        ...['line', 'sequence'].map((name) => column(name, 'integer')),
        ...['quantity', 'net_price', 'net_amount'].map((name) => column(name, 'decimal(28,8)')),
      ],
    },
  },
}
const centreSchema: Schema = {
  entity: 'cost_centre',
  key: ['source', 'code'],
  columns: ['source', 'code', 'title'].map((name) => column(name)),
}
const order = (number: string, supplier: string, ...lines: readonly number[]): Row => ({
  ...{ source: 'x3', number, company: 'FR10', supplier, currency: 'EUR', closed: 'no' },
  lines: lines.map((line) => ({
    ...{ source: 'x3', number, line, sequence: 1, product: 'P1', unit: 'UN', line_closed: 'no' },
    ...{ quantity: '3', net_price: '4.5', net_amount: '13.5' },
  })),
})

describe('basware-send', function () {
  this.timeout(120_000)
  let dir: string
  let basware: BaswareFixture
  let erp: FakeSource
  let summaries: Seen[]
  let red: RED
  const types = [
    syncLedger,
    baswareConnectionNode,
    baswareSendNode,
    (RED: RED) => {
      red = RED
      defineConnection(RED, noConnection)
    },
    (RED: RED) =>
      defineSource(RED, {
        ...{
          type: 'erp-poll',
          version: 1,
          config: z.object({}),
          connection: noConnection,
          entities: () => ['supplier', 'cost_centre', 'purchase_order'],
        },
        source: () => erp,
      }),
  ]
  watchRejections()
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'tieout-basware-send-'))
    basware = await startBaswareFixture({ clock: { now: Date.now }, now: Date.now })
    erp = fakeSource({
      supplier: { schema },
      cost_centre: { schema: centreSchema },
      purchase_order: { schema: orderSchema },
    })
  })
  afterEach(async () => {
    await basware.close()
    rmSync(dir, { recursive: true, force: true })
  })

  const deploy = async (): Promise<void> => {
    const { url, clientId, clientSecret: secret } = basware.sandbox
    const flow: FlowEntry[] = [
      { id: 'L', type: 'sync-ledger', file: join(dir, 'ledger.db') },
      { id: 'C', type: 'test-connection' },
      { id: 'B', type: 'basware-connection', url, source: 'basware', clientId, redirectHosts: '127.0.0.1' },
      { id: 's', type: 'erp-poll', syncName: 'masters', ledger: 'L', connection: 'C', wires: [['w'], ['sum']] },
      {
        ...{ id: 'w', type: 'basware-send', name: 'to Basware', ledger: 'L', connection: 'B', wires: [[], []] },
        companies: [{ company: 'FR10', code: '', organization: '', chart: '' }],
        axes: [{ axis: 'CCT', to: 'costCenters', code: '', name: '', coding: 'costCenterCode' }],
        waitSeconds: 5,
      },
      { id: 'sum', type: 'helper' },
    ]
    await load(types, flow, { L: { key: 'k' }, B: { secret } })
    summaries = inbox('sum')
  }

  const post = async (path: string, body: object): Promise<string> => {
    const { body: answer } = await helper.request().post(`/tieout/${path}`).send(body)
    return `${answer.message ?? ''}${answer.error ?? ''} ${answer.hint ?? ''}`
  }
  const get = async <T>(path: string): Promise<T> => (await helper.request().get(`/tieout/${path}`)).body as T
  const run = async (kind = 'changed'): Promise<RunSummary> => {
    const at = summaries.length
    await post('run', { sync: 'masters', kind })
    await waitFor(() => summaries.length > at)
    return summaries[at]?.payload as RunSummary
  }
  const vendor = async (code: string): Promise<Json> => (await basware.get(`/v1/vendors/${code}`)).json as Json
  interface Report {
    readonly done?: boolean
    readonly count: number
    readonly rows: readonly {
      readonly place: string
      readonly kind: string
      readonly code: string
      readonly text: string
    }[]
    readonly problems?: readonly string[]
    readonly sinks: readonly { readonly id: string }[]
    readonly entities: readonly string[]
  }
  const compared = async (alert = false): Promise<Report> => {
    match(await post('basware/alignment', { alert }), /It is compared/)
    await waitFor(async () => (await get<Report>('basware/alignment')).done === true)
    return get<Report>('basware/alignment?limit=1000')
  }
  const alerts = async () =>
    (await get<{ kind: string }[]>('alerts?open=true')).filter(({ kind }) => kind === 'alignment')

  it('brings what a source reads to Basware', async () => {
    await deploy()
    for (const code of ['NEW1', 'NEW2']) erp.put('supplier', supplier(code))
    const summary = await run()
    deepStrictEqual(
      summary.entities.map(({ entity, delivered, held }) => [entity, delivered, held]),
      [
        ['supplier', 2, 0],
        ['cost_centre', 0, 0],
        ['purchase_order', 0, 0],
      ],
    )
    strictEqual((await vendor('x3_NEW2')).name, 'Firm NEW2')
  })

  const truth = (collection: string, externalCode: string): Json | undefined =>
    (basware.sandbox.act('records', {}) as { p2p: Record<string, readonly Json[]> }).p2p[collection]?.find(
      (one) => one.externalCode === externalCode,
    )

  it('holds an order whose supplier P2P does not know, and brings it once the supplier is there, though it did not change', async () => {
    await deploy()
    erp.put('purchase_order', order('PO1', 'NEW1', 1000, 2000))
    const first = await run()
    const [held] = await get<{ entity: string; key: string; cause: { message: string } }[]>('held?brief=true')
    deepStrictEqual([held?.entity, held?.key, first.verdict], ['purchase_order', 'x3|PO1', 'open'])
    match(held?.cause.message ?? '', /was accepted and then refused: .*NEW1/)
    strictEqual(truth('matchingOrderLines', 'x3_PO1_1000_1'), undefined)
    erp.put('supplier', supplier('NEW1'))
    await run()
    await run()
    deepStrictEqual(await get('held?brief=true'), [])
    const { netSum, quantity } = truth('matchingOrderLines', 'x3_PO1_2000_1') ?? {}
    deepStrictEqual([netSum, quantity, truth('matchingOrders', 'x3_PO1')?.supplierCode], [13.5, 3, 'NEW1'])
  })

  it('sends an order again once the cost centre is there that P2P left out of its lines, though it did not change', async () => {
    await deploy()
    const made = order('PO1', 'NEW1', 1000)
    const lines = (made.lines as unknown as Row[]).map((line) => ({ ...line, dim_cct: 'CC9' }))
    erp.put('supplier', supplier('NEW1'))
    erp.put('purchase_order', { ...made, lines } as unknown as Row)
    erp.put('cost_centre', { source: 'x3', code: 'CC9', title: 'Nine' })
    basware.sandbox.act('plan', { collection: 'costCenters', status: 'Error', message: 'not yet' })
    const first = await run()
    const coding = () => (truth('matchingOrderLines', 'x3_PO1_1000_1')?.orderLineCoding as Json[] | undefined)?.[0]
    deepStrictEqual([coding()?.costCenterCode ?? null, first.verdict], [null, 'open'])
    match(first.says ?? '', /processed with a warning/)
    erp.put('cost_centre', { source: 'x3', code: 'CC9', title: 'Number nine' })
    const second = await run()
    deepStrictEqual([coding()?.costCenterCode, second.verdict], ['CC9', 'ties'], second.says)
    deepStrictEqual(await get('held?brief=true'), [])
  })

  it('sends nothing that is unchanged, and deletes a line and an order by their flags', async () => {
    await deploy()
    erp.put('supplier', supplier('NEW1'))
    for (const number of ['PO1', 'PO2']) erp.put('purchase_order', order(number, 'NEW1', 1000, 2000))
    await run()
    const posts = () =>
      basware.sandbox
        .requests()
        .filter(({ method, path }) => method === 'POST' && /^\/v1\/(vendors|matching)/.test(path))
    const before = posts().length
    await run()
    strictEqual(posts().length, before)
    erp.put('purchase_order', order('PO1', 'NEW1', 1000))
    strictEqual((await run()).verdict, 'ties')
    deepStrictEqual(
      ['x3_PO1_1000_1', 'x3_PO1_2000_1', 'x3_PO2_2000_1'].map((code) => truth('matchingOrderLines', code)?.isDeleted),
      [false, true, false],
    )
  })

  it('brings a code that was renamed in the ERP as a new record; the old one ends by its flag, its orders go with the new', async () => {
    await deploy()
    erp.put('supplier', supplier('OLD1'))
    erp.put('purchase_order', order('PO1', 'OLD1', 1000))
    await run()
    erp.remove('supplier', 'x3|OLD1')
    erp.put('supplier', supplier('REN1'))
    erp.put('purchase_order', order('PO1', 'REN1', 1000))
    const second = await run()
    const third = await run('sweep')
    deepStrictEqual([second.verdict, third.verdict], ['ties', 'ties'], `${second.says}; ${third.says}`)
    deepStrictEqual(
      ['x3_OLD1', 'x3_REN1']
        .map((code) => truth('vendors', code))
        .map((one) => [one?.vendorCode, (one?.processingStatus as Json | undefined)?.active]),
      [
        ['OLD1', false],
        ['REN1', true],
      ],
    )
    const orders = basware.sandbox.act('records', {}) as { p2p: Record<string, readonly Json[]> }
    deepStrictEqual(
      orders.p2p.matchingOrders?.filter(({ orderNumber }) => orderNumber === 'PO1').map((one) => one.supplierCode),
      ['REN1'],
    )
    deepStrictEqual(await get('held?brief=true'), [])
  })

  it('holds what is there under another code, until a person says with a reason to use that', async () => {
    const standing = (await basware.pages('/v1/vendors?pageSize=1'))[0]?.[0] ?? {}
    const code = String(standing.vendorCode)
    await deploy()
    erp.put('supplier', supplier(code, 'First'))
    await run()
    const [held] = await get<{ id: string; cause: { code: string; message: string } }[]>('held?brief=true')
    strictEqual(held?.cause.code, 'basware.already-there')
    match(held.cause.message, new RegExp(`already there as ${String(standing.externalCode)}`))
    match(await post('basware/use-code', { ids: [held.id] }), /reason/)
    match(await post('basware/use-code', { ids: ['other'], reason: 'because' }), /not held any more/)
    match(
      await post('basware/use-code', { ids: [held.id], reason: 'It is the same firm' }),
      /1 record\(s\) will be sent/,
    )
    erp.put('supplier', supplier(code, 'Second'))
    await run()
    strictEqual((await vendor(String(standing.externalCode))).name, 'Second')
    strictEqual((await basware.get(`/v1/vendors/x3_${code}`)).status, 404)
  })

  it('uses the codes that stand there for all of an entity, also where so many are there that nothing is held', async () => {
    const standing = (await basware.pages('/v1/vendors?pageSize=500')).flat()
    const now = standing.map(({ vendorCode }) => String(vendorCode))
    await deploy()
    for (const code of now) erp.put('supplier', supplier(code, `New ${code}`))
    const before = await run()
    ok(standing.length > 0 && before.verdict !== 'ties')
    match(await post('basware/use-code', { node: 'other', entity: 'supplier', reason: 'because' }), /No node other/)
    match(await post('basware/use-code', { node: 'w', entity: 'supplier', reason: 'Our own, sent before' }), /supplier/)
    for (const code of now) erp.put('supplier', supplier(code, `Newer ${code}`))
    await run()
    deepStrictEqual(
      (await basware.pages('/v1/vendors?pageSize=500'))
        .flat()
        .filter(({ externalCode }) => String(externalCode).startsWith('x3_')),
      [],
    )
    const [first] = standing
    strictEqual((await vendor(String(first?.externalCode))).name, `Newer ${String(first?.vendorCode)}`)
  })

  it('lists what the ERP and Basware do not have alike, as a file and as an alert', async () => {
    await deploy()
    match(await post('basware/alignment', {}), /It is compared/)
    await waitFor(async () => (await get<Report>('basware/alignment')).done === true)
    for (const code of ['NEW1', 'NEW2']) erp.put('supplier', supplier(code))
    await run()
    basware.sandbox.tune({ edits: 'published' })
    const edit = (record: Json) => basware.sandbox.act('edit', { collection: 'vendors', record })
    edit({ externalCode: 'x3_NEW1', name: '=Other' })
    const report = await compared(true)
    deepStrictEqual(report.problems, [])
    deepStrictEqual(
      report.rows.filter(({ code }) => code === 'NEW1').map(({ kind, text }) => [kind, text]),
      [['differs', 'its name there is =Other']],
    )
    // What the company had before, and what nobody sent.
    ok(report.rows.some(({ kind }) => kind === 'only-there'))
    ok(!report.rows.some(({ code }) => code === 'NEW2'))
    strictEqual((await alerts()).length, 1)
    const file = await helper.request().get('/tieout/basware/alignment/file')
    match(file.headers['content-disposition'] ?? '', /alignment-.*\.csv/)
    ok(file.text.startsWith('\uFEFFnode,entity,place,kind,code,externalCode,text\r\n'), file.text.slice(0, 80))
    match(file.text, /to Basware,supplier,vendors,differs,NEW1,x3_NEW1,its name there is =Other/)
  })

  it('compares once a night: masters and headers all, lines of what was sent since, and says as an alert what is not alike', async () => {
    await deploy()
    for (const code of ['NEW1', 'NEW2']) erp.put('supplier', supplier(code))
    for (const number of ['PO1', 'PO2']) erp.put('purchase_order', order(number, 'NEW1', 1000, 2000))
    await run()
    const at = (days: number, hour: number): Date => {
      const date = new Date(Date.now() + days * 86_400_000)
      date.setHours(hour, 30)
      return date
    }
    // The first time that a ledger is seen nothing is due.
    await compareNightly(red, at(0, 4))
    strictEqual((await get<Report>('basware/alignment')).done, undefined)
    basware.sandbox.tune({ edits: 'published' })
    const record = { externalCode: 'x3_PO2_2000_1', orderExternalCode: 'x3_PO2', quantity: 7 }
    basware.sandbox.act('edit', { collection: 'matchingOrderLines', record })
    await compareNightly(red, at(0, 5))
    await compareNightly(red, at(1, 2))
    strictEqual((await get<Report>('basware/alignment')).done, undefined)
    await compareNightly(red, at(1, 3))
    const report = await get<Report>('basware/alignment?limit=1000')
    deepStrictEqual([report.done, report.problems], [true, []])
    deepStrictEqual(
      report.rows.filter(({ place }) => place === 'matchingOrderLines').map(({ kind, code }) => [kind, code]),
      [['differs', 'x3_PO2']],
    )
    ok(!report.rows.some(({ place, code }) => place === 'vendors' && code.startsWith('NEW')))
    strictEqual((await alerts()).length, 1)
  })
})
