import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import { defineConnection, type defineNode, defineSink, defineSource } from '../../nodes/kit/kit.ts'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { fakeSource, supplierSchema } from '../support/fakes.ts'
import { type FlowEntry, helper, inbox, load, node, type Seen, watchRejections } from '../support/helper.ts'
import { noConnection } from '../support/no-connection.ts'
import { createErp, createHub, type Erp, type Hub, recordKey } from '../support/posting-erp.ts'
import { waitFor } from '../support/wait.ts'

type RED = Parameters<typeof defineNode>[0]

const A = recordKey('A')

/** What the hub's documents say. */
let documents: Record<string, DataRecord> = {}
const stored = (document: unknown): DataRecord | undefined => documents[(document as { id: string }).id]

describe('nodes that post, and their routes', () => {
  let dir: string
  let erp: Erp
  let hub: Hub
  const types = [
    syncLedger,
    (RED: RED) => defineConnection(RED, noConnection),
    (RED: RED) =>
      defineSource(RED, {
        type: 'hub-poll',
        version: 1,
        config: z.object({}),
        connection: noConnection,
        answers: true,
        entities: () => ['invoice'],
        recordOf: (_config, document) => stored(document),
        source: () => hub.source(),
      }),
    (RED: RED) =>
      defineSource(RED, {
        type: 'plain-poll',
        version: 1,
        config: z.object({}),
        connection: noConnection,
        entities: () => ['supplier'],
        source: () => fakeSource({ supplier: { schema: supplierSchema } }),
      }),
    (RED: RED) =>
      defineSink(RED, {
        type: 'erp-post',
        version: 1,
        config: z.object({}),
        connection: noConnection,
        posts: true,
        target: () => erp.target({ lookAgainSeconds: [], settleSeconds: 0, everySeconds: 0.1 }),
      }),
  ]
  const flow: FlowEntry[] = [
    { id: 'L', type: 'sync-ledger', name: 'Books', file: '' },
    { id: 'C', type: 'test-connection' },
    { id: 's', type: 'hub-poll', syncName: 'invoices', ledger: 'L', connection: 'C', wires: [['w'], ['sum']] },
    { id: 'w', type: 'erp-post', name: 'x3', ledger: 'L', connection: 'C', wires: [[], []] },
    { id: 'sum', type: 'helper' },
  ]
  const deploy = (nodes: FlowEntry[] = flow) =>
    load(
      types,
      nodes.map((one) => (one.id === 'L' ? { ...one, file: join(dir, 'ledger.db') } : one)),
      { L: { key: 'k' } },
    )
  let summaries: Seen[]
  watchRejections()
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tieout-posting-'))
    erp = createErp()
    hub = createHub(erp)
    documents = {}
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const post = async (path: string, body: object) => {
    const { body: answer } = await helper.request().post(`/tieout/${path}`).send(body)
    return `${answer.message ?? answer.error ?? ''} ${answer.hint ?? ''}`
  }
  const run = async (): Promise<RunSummary> => {
    const at = summaries.length
    await post('run', { sync: 'invoices' })
    await waitFor(() => summaries.length > at)
    return summaries[at]?.payload as RunSummary
  }
  const lists = async () =>
    (await helper.request().get('/tieout/postings')).body as Record<
      'places' | 'attempts' | 'postings' | 'inbox' | 'held' | 'decisions',
      Record<string, unknown>[]
    >
  const where = { sync: 'invoices', entity: 'invoice' }
  const reason = 'seen in X3'

  it('a person tests, starts and chooses final by routes with a reason; then invoices are posted and answered', async () => {
    await deploy()
    summaries = inbox('sum')
    hub.put('A', '10')
    deepStrictEqual((await run()).open, ['invoice: 1 held, EUR 10.00'])
    match(await post('posting/start', { ...where, reason }), /Test posting/)
    match(await post('posting/test', where), /reason/)
    match(await post('posting/test', { ...where, reason }), /was found/)
    match(await post('posting/start', where), /reason/)
    match(await post('posting/start', { ...where, reason }), /from the next run on/)
    match(await post('posting/as', { ...where, as: 'final', reason }), /final/)
    strictEqual((await run()).verdict, 'ties')
    const { places, postings, attempts, inbox: open } = await lists()
    deepStrictEqual([places[0]?.address, places[0]?.final, attempts, open], ['erp://host/GL', true, [], []])
    deepStrictEqual(
      postings.map(({ key, result }) => [key, (result as { number: string }).number]),
      [[A, 'V1']],
    )
    const decisions = (await helper.request().get('/tieout/decisions')).body as Record<string, string>[]
    deepStrictEqual(decisions.map(({ kind, about }) => `${kind}: ${about}`).sort(), [
      'posting: Test posting',
      'posting: post final vouchers',
      'posting: this ledger may post',
    ])
  })

  it('what is in doubt is found without a run; what is not is settled by a person', async () => {
    await deploy()
    summaries = inbox('sum')
    await post('posting/test', { ...where, reason })
    await post('posting/start', { ...where, reason })
    erp.fates.push('late', 'never')
    hub.put('A', '10')
    hub.put('B', '20')
    await run()
    strictEqual((await lists()).attempts.length, 2)
    await erp.commitLate()
    await waitFor(async () => (await lists()).postings.length === 1)
    await waitFor(async () => (await lists()).attempts[0]?.state === 'in-doubt')
    const [attempt] = (await helper.request().get('/tieout/in-doubt')).body as { id: string }[]
    match(await post('in-doubt/settle', { id: attempt?.id, as: 'absent', reason }), /posting\/settle/)
    match(await post('posting/settle', { attempt: attempt?.id, as: 'again', reason }), /posted once more/)
    await run()
    deepStrictEqual(
      erp.vouchers.map(({ key }) => key),
      [A, recordKey('B')],
    )
  })

  it('held records are sent back or stand there already', async () => {
    await deploy()
    summaries = inbox('sum')
    await post('posting/test', { ...where, reason })
    await post('posting/start', { ...where, reason })
    erp.fates.push({ refused: 'no such account' }, { refused: 'period closed' })
    hub.put('A', '10')
    hub.put('B', '20')
    await run()
    const held = (await helper.request().get('/tieout/held')).body as { id: string; key: string }[]
    const idOf = (key: string) => held.find((one) => one.key === key)?.id
    match(await post('posting/settle', { held: idOf(A), as: 'sent back', reason }), /is sent back/)
    match(await post('posting/settle', { held: idOf(recordKey('B')), as: 'stands', number: 'H1', reason }), /as H1/)
    deepStrictEqual(
      hub.answers.map(({ say }) => ('posted' in say ? say.posted.number : say.sentBack)),
      [reason, 'H1'],
    )
    match(await post('posting/settle', { held: idOf(A), as: 'sent back', reason }), /does not wait for an answer/)
    match(await post('inbox/settle', { source: 'hub://tenant', key: 'hub|A', as: 'ours', reason }), /Nobody asks/)
  })

  it('the lists say number, supplier, company, amount and currency, and why each waits', async () => {
    await deploy()
    summaries = inbox('sum')
    documents.A = {
      _row: 0,
      number: 'F-1',
      company: 'FR10',
      supplier: '<b>S1</b>',
      currency: 'EUR',
      gross_amount: '10.00',
    }
    await post('posting/test', { ...where, reason })
    await post('posting/start', { ...where, reason })
    erp.fates.push({ refused: 'no such account' }, 'never')
    for (const id of ['A', 'B', 'C']) hub.put(id, '10.00')
    await run()
    const { places, inbox: open, held, attempts, postings, decisions } = await lists()
    const started = places[0]?.started as { by: string; reason: string }
    deepStrictEqual([started.by, started.reason], ['anonymous', reason])
    deepStrictEqual(open.find(({ key }) => key === 'hub|A')?.says, {
      ...{ number: 'F-1', company: 'FR10', supplier: '<b>S1</b>', currency: 'EUR', gross_amount: '10.00' },
    })
    const said = { supplier: 'S1', currency: 'EUR', amount: '10.00' }
    deepStrictEqual(
      [held, attempts, postings].map((all) => all.map(({ says }) => says)),
      [[said], [said], [said]],
    )
    match(JSON.stringify(held[0]?.cause), /no such account/)
    deepStrictEqual(decisions.map(({ about, by, reason: why }) => [about, by, why]).sort(), [
      ['Test posting', 'anonymous', reason],
      ['this ledger may post', 'anonymous', reason],
    ])
    ok(!JSON.stringify(await lists()).includes('"record"'), 'no whole documents')
  })

  it('what is approved and not posted is a CSV, by period: what a spreadsheet would take for a formula is text', async () => {
    await deploy()
    summaries = inbox('sum')
    const document = (number: string, more: DataRecord): DataRecord => ({
      number,
      company: 'FR10',
      currency: 'EUR',
      ...more,
    })
    documents.A = document('=1+1', {
      _row: 0,
      supplier_name: '@S',
      voucher_date: '2026-03-05',
      net_amount: '-100.00',
      gross_amount: '-120.00',
    })
    documents.B = document('-7', {
      _row: 0,
      supplier_name: 'A, "B"\nC',
      invoice_date: '2026-02-28',
      gross_amount: '+1',
    })
    documents.C = document('F-3', {
      _row: 0,
      invoice_type: '\tS',
      supplier_name: 'Société',
      voucher_date: '2026-03-31',
      gross_amount: '5.50',
    })
    for (const id of ['A', 'B', 'C', 'D']) hub.put(id, '10.00')
    await run()
    const csv = async (query = '') =>
      (
        await helper
          .request()
          .get(`/tieout/postings/unposted${query}`)
          .expect('Content-Type', /text\/csv/)
      ).text
    const text = await csv()
    ok(text.startsWith('\uFEFFperiod,company,supplier,'), text)
    const rows = parse(text, { bom: true, columns: true }) as Record<string, string>[]
    const of = (id: string) => rows.find(({ key }) => key === recordKey(id))
    deepStrictEqual(
      [of('A'), of('B'), of('C')].map((one) => [
        one?.period,
        one?.number,
        one?.invoice_type,
        one?.supplier_name,
        one?.net_amount,
        one?.gross_amount,
      ]),
      [
        ['2026-03', "'=1+1", '', "'@S", '-100.00', '-120.00'],
        ['2026-02', "'-7", '', 'A, "B"\nC', '', "'+1"],
        ['2026-03', 'F-3', "'\tS", 'Société', '', '5.50'],
      ],
    )
    match(of('A')?.reason ?? '', /is not posted yet/)
    deepStrictEqual(
      rows.map(({ state }) => state),
      ['held', 'held', 'held', 'held'],
    )
    deepStrictEqual((await csv('?period=2026-02')).trim().split('\r\n').length, 2)
    await helper.request().get('/tieout/postings/unposted?period=March').expect(400)

    await post('posting/test', { ...where, reason })
    await post('posting/start', { ...where, reason })
    erp.fates.push('posted', 'never', { refused: '=no()' })
    await run()
    const states = async () =>
      (parse(await csv(), { bom: true, columns: true }) as Record<string, string>[])
        .map((one) => [one.key, one.state, one.draft, one.reason])
        .sort()
    const now = await states()
    deepStrictEqual(
      now.map(([key, state, draft]) => [key, state, draft]),
      [
        [recordKey('A'), 'draft', 'V1'],
        [recordKey('B'), 'in doubt', ''],
        [recordKey('C'), 'held', ''],
        [recordKey('D'), 'draft', 'V3'],
      ],
    )
    erp.change('V1', { status: 'final' })
    await post('posting/look', { sync: 'invoices' })
    strictEqual((await states()).length, 3, 'what is final is in the ledger')
  })

  it('what was handed over stands beside what became of it, by company and currency, and what differs is named', async () => {
    await deploy()
    summaries = inbox('sum')
    const of = (id: string, gross_amount: string, more: Partial<DataRecord> = {}): void => {
      documents[id] = { _row: 0, number: id, company: 'FR10', currency: 'EUR', gross_amount, ...more }
      hub.put(id, gross_amount)
    }
    of('A', '10.00')
    of('B', '20.50')
    of('C', '-7.25')
    of('D', '1.00')
    of('E', '2.00')
    of('G', '3.00', { company: 'GB10' })
    await run()
    await post('posting/test', { ...where, reason })
    await post('posting/start', { ...where, reason })
    erp.fates.push('posted', 'posted', 'posted', 'never', { refused: 'no such account' })
    await run()
    erp.change('V1', { status: 'final' })
    await post('posting/look', { sync: 'invoices' })
    const proof = async () => {
      const { text } = await helper
        .request()
        .get('/tieout/postings/proof')
        .expect('Content-Type', /text\/csv/)
      return parse(text, { bom: true, columns: true }) as Record<string, string>[]
    }
    const told = (line: Record<string, string> | undefined) =>
      Object.fromEntries(Object.entries(line ?? {}).filter(([, text]) => text !== '0' && text !== ''))
    const [fr, gb, ...others] = await proof()
    deepStrictEqual(others, [])
    deepStrictEqual(told(fr), {
      ...{ company: 'FR10', currency: 'EUR', acknowledged_records: '5', acknowledged: '26.25' },
      ...{ final_records: '1', final: '10', draft_records: '2', draft: '13.25' },
      ...{ held_records: '1', held: '2', in_doubt_records: '1', in_doubt: '1' },
    })
    deepStrictEqual(told(gb), {
      ...{ company: 'GB10', currency: 'EUR', acknowledged_records: '1', acknowledged: '3' },
      ...{ draft_records: '1', draft: '3' },
    })
    // What stands there is another amount than was handed over.
    documents.B = { ...documents.B, _row: 0, gross_amount: '20.51' }
    const [changed] = await proof()
    deepStrictEqual([changed?.difference, changed?.differ], ['0.01', recordKey('B')])
    const held = (await lists()).held.find(({ key }) => key === recordKey('E'))
    match(await post('posting/settle', { held: held?.id, as: 'sent back', reason }), /is sent back/)
    const [after] = await proof()
    deepStrictEqual([after?.sent_back_records, after?.sent_back, after?.held_records], ['1', '2', '0'])
  })

  it('turns red at deploy behind a source that cannot be asked', async () => {
    await deploy([
      ...flow.filter(({ id }) => id !== 's'),
      { id: 'p', type: 'plain-poll', syncName: 'books', ledger: 'L', connection: 'C', wires: [['w'], []] },
    ])
    // What the helper lays over a node's status keeps the calls.
    const shown = () =>
      (node('w').status as unknown as { args: [{ fill?: string; text?: string }][] }).args.map(([one]) => one)
    await waitFor(() => shown().some(({ fill, text }) => fill === 'red' && /cannot be asked/.test(text ?? '')))
  })
})
