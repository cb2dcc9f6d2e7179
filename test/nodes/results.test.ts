import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { defineConnection, type defineNode, defineSink, defineSource } from '../../nodes/kit/kit.ts'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { supplier } from '../support/fakes.ts'
import { type FlowEntry, helper, inbox, load, type Seen, statuses, unload, watchRejections } from '../support/helper.ts'
import { noConnection } from '../support/no-connection.ts'
import { createHub, type Hub, order } from '../support/two-stages-hub.ts'
import { waitFor } from '../support/wait.ts'

type RED = Parameters<typeof defineNode>[0]

describe('a sink of two stages in a flow, and the routes over its results', () => {
  let dir: string
  let hub: Hub
  const types = [
    syncLedger,
    (RED: RED) => defineConnection(RED, noConnection),
    (RED: RED) =>
      defineSource(RED, {
        type: 'erp-poll',
        version: 1,
        config: z.object({}),
        connection: noConnection,
        entities: () => ['supplier', 'purchase_order'],
        source: () => hub.source,
      }),
    (RED: RED) =>
      defineSink(RED, {
        type: 'hub-send',
        version: 1,
        config: z.object({}),
        connection: noConnection,
        follows: true,
        target: (_config, _client, entity) => hub.target(entity),
      }),
  ]
  const flow: FlowEntry[] = [
    { id: 'L', type: 'sync-ledger', name: 'Books' },
    { id: 'C', type: 'test-connection' },
    { id: 's', type: 'erp-poll', syncName: 'orders', ledger: 'L', connection: 'C', wires: [['w'], ['sum']] },
    { id: 'w', type: 'hub-send', name: 'hub', ledger: 'L', connection: 'C', wires: [[], []] },
    { id: 'sum', type: 'helper' },
  ]
  let summaries: Seen[]
  const deploy = async (): Promise<void> => {
    await load(
      types,
      flow.map((one) => (one.id === 'L' ? { ...one, file: join(dir, 'ledger.db') } : one)),
      { L: { key: 'k' } },
    )
    summaries = inbox('sum')
  }
  watchRejections()
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tieout-results-'))
    hub = createHub()
    hub.source.put('supplier', supplier('S1', 'Acme'))
    hub.source.put('purchase_order', order('O1', '10.10'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const get = async (path: string) => (await helper.request().get(`/tieout/${path}`)).body as Record<string, unknown>[]
  const post = async (path: string, body: object) =>
    (await helper.request().post(`/tieout/${path}`).send(body)).body as Record<string, unknown>
  const run = async (): Promise<RunSummary> => {
    const at = summaries.length
    await post('run', { sync: 'orders' })
    await waitFor(() => summaries.length > at)
    return summaries[at]?.payload as RunSummary
  }

  it('what is open is listed with age and number, and gone once somebody looked again', async () => {
    hub.slow = true
    hub.patience = 0.06
    await deploy()
    const summary = await run()
    match(summary.says ?? '', /purchase_order: 1 accepted, result pending, EUR 10.10/)
    const [supplierOpen, orderOpen] = await get('results')
    deepStrictEqual(
      [supplierOpen?.entity, orderOpen?.key, orderOpen?.requests, orderOpen?.minutes, orderOpen?.state],
      ['supplier', 'erp|O1', ['q2'], 0, 'pending'],
    )
    strictEqual((await get('ledgers'))[0]?.results, 2)
    deepStrictEqual(await post('results/look', {}), { open: 2 })
    hub.process()
    deepStrictEqual(await post('results/look', { sync: 'orders' }), { open: 0 })
    deepStrictEqual(await get('results'), [])
  })

  it('a run that waits says in its status how far it is', async () => {
    hub.slow = true
    await deploy()
    const told = statuses('s')
    const ended = run()
    await waitFor(() => told.some((text) => /: 0 of 1 processed, 1 open/.test(text)))
    hub.slow = false
    strictEqual((await ended).verdict, 'ties')
  })

  it('is followed by the next deploy without a run', async () => {
    hub.slow = true
    hub.patience = 0.06
    await deploy()
    await run()
    await unload()
    hub.slow = false
    await deploy()
    await waitFor(async () => (await get('results')).length === 0)
    deepStrictEqual(hub.has('purchase_order'), { 'erp|O1': '10.10' })
  })

  it('a warning stays until a person says, with a reason, that it is seen', async () => {
    hub.fate = (entity) => (entity === 'purchase_order' ? { kind: 'warning', text: 'no such tax code' } : undefined)
    await deploy()
    match((await run()).says ?? '', /1 processed with a warning, EUR 10.10 \(erp\|O1: no such tax code\)/)
    const [open] = await get('results')
    deepStrictEqual([open?.state, open?.text], ['warned', 'no such tax code'])
    const one = { address: open?.address, keys: ['erp|O1'] }
    match(String((await post('results/seen', one)).error), /reason/)
    deepStrictEqual(await post('results/seen', { ...one, reason: 'the code is made now' }), { seen: 1 })
    match(String((await post('results/seen', { ...one, reason: 'once more' })).error), /no warning of erp\|O1 any more/)
    const [decision] = await get('decisions')
    deepStrictEqual([decision?.kind, decision?.about, decision?.reason], ['warning', 'erp|O1', 'the code is made now'])
  })
})
