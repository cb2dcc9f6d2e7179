import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { defineConnection, type defineNode, defineSink, defineSource, type SourceContext } from '../../nodes/kit/kit.ts'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type FakeTarget, fakeTarget } from '../support/fake-target.ts'
import { type FakeSource, fakeSource, supplier, supplierSchema } from '../support/fakes.ts'
import { type FlowEntry, helper, inbox, load, node, type Seen, watchRejections } from '../support/helper.ts'
import { noConnection } from '../support/no-connection.ts'
import { waitFor } from '../support/wait.ts'

type RED = Parameters<typeof defineNode>[0]

describe('starting and stopping a sync by its routes', () => {
  let dir: string
  let source: FakeSource
  let targets: Record<string, FakeTarget>
  const types = [
    syncLedger,
    (RED: RED) => defineConnection(RED, noConnection),
    (RED: RED) =>
      defineSource(RED, {
        type: 'test-source',
        version: 1,
        config: z.object({}),
        connection: noConnection,
        entities: () => ['supplier', 'customer'],
        source: async (_config, _client, context) => {
          await before(context)
          return source
        },
      }),
    (RED: RED) =>
      defineSink(RED, {
        type: 'test-sink',
        version: 1,
        config: z.object({}),
        connection: noConnection,
        target: (_config, _client, entity) => targets[entity] as FakeTarget,
      }),
  ]
  const flow: FlowEntry[] = [
    { id: 'L', type: 'sync-ledger', name: 'Books', file: '' },
    { id: 'C', type: 'test-connection' },
    { id: 's', type: 'test-source', syncName: 'books', ledger: 'L', connection: 'C', wires: [['w'], ['sum']] },
    { id: 'w', type: 'test-sink', name: 'warehouse', ledger: 'L', connection: 'C', wires: [[], []] },
    { id: 'sum', type: 'helper' },
  ]
  let summaries: Seen[]
  /** Before a run begins. */
  let before: (context: SourceContext) => Promise<void>
  watchRejections()
  beforeEach(async () => {
    before = async () => undefined
    dir = mkdtempSync(join(tmpdir(), 'tieout-syncs-'))
    source = fakeSource({
      supplier: { schema: supplierSchema },
      customer: { schema: { ...supplierSchema, entity: 'customer' } },
    })
    targets = {
      supplier: fakeTarget({ address: 'fake://host/supplier' }),
      customer: fakeTarget({ address: 'fake://host/customer' }),
    }
    source.put('supplier', supplier('A', 'A'))
    source.put('customer', supplier('B', 'B'))
    await load(
      types,
      flow.map((one) => (one.id === 'L' ? { ...one, file: join(dir, 'ledger.db') } : one)),
      { L: { key: 'k' } },
    )
    summaries = inbox('sum')
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const post = (path: string, body: object) => helper.request().post(`/tieout/${path}`).send(body)
  const syncs = async () =>
    (await helper.request().get('/tieout/syncs')).body as {
      sync: string
      running: boolean
      questions: object[]
      outdated: { told: string }[]
    }[]
  const alerts = async () => (await helper.request().get('/tieout/alerts?open=true')).body as { kind: string }[]
  const summary = async (at = 0): Promise<RunSummary> => {
    await waitFor(() => summaries.length > at)
    return summaries[at]?.payload as RunSummary
  }
  const read = ({ entities }: RunSummary) => entities.map(({ entity, read: n }) => `${entity} ${n}`)

  it('what goes on is told with what it waits for and since when, until it is stopped', async () => {
    const gate = Promise.withResolvers<void>()
    before = async ({ waiting, signal }) => {
      waiting('the host cannot be reached; trying again, 5 s left')
      signal.addEventListener('abort', () => gate.reject(signal.reason))
      await gate.promise
    }
    const live = async () => (await helper.request().get('/tieout/running')).body as Record<string, unknown>[]
    deepStrictEqual(await live(), [])
    await post('run', { sync: 'books' })
    await waitFor(async () => (await live()).some(({ waits }) => (waits as []).length > 0))
    const run = (await live())[0] ?? {}
    strictEqual(run.sync, 'books')
    strictEqual(run.mayStop, true)
    const [wait] = run.waits as { what: string; since: string }[]
    strictEqual(wait?.what, 'the host cannot be reached; trying again, 5 s left')
    match(wait?.since ?? '', /^\d{4}-\d\d-\d\dT/)
    deepStrictEqual((await post('stop', { sync: 'books' })).body, { stopping: true })
    await waitFor(async () => (await live()).length === 0)
  })

  it('a start that failed stands in the list of runs, with its error', async () => {
    before = async () => {
      throw syncError('config', 'test.start', 'No login is set.', { hint: 'Set one.' })
    }
    await post('run', { sync: 'books' })
    const runs = async () => (await helper.request().get('/tieout/runs')).body as RunSummary[]
    await waitFor(async () => (await runs()).length > 0)
    const [failed] = await runs()
    strictEqual(failed?.state, 'failed')
    strictEqual(failed?.verdict, 'failed')
    deepStrictEqual(
      failed?.errors.map(({ code, message, hint }) => [code, message, hint]),
      [['test.start', 'No login is set.', 'Set one.']],
    )
    before = async () => undefined
    await post('run', { sync: 'books' })
    strictEqual((await summary()).state, 'done')
    strictEqual((await runs()).length, 2)
  })

  it('lists what can be run, and runs what changed, some entities, everything, or a sweep', async () => {
    deepStrictEqual(await syncs(), [
      {
        sync: 'books',
        node: 'test-source',
        running: false,
        entities: ['supplier', 'customer'],
        questions: [],
        outdated: [],
      },
    ])
    deepStrictEqual((await post('run', { sync: 'books' })).body, { started: true })
    deepStrictEqual(read(await summary()), ['supplier 1', 'customer 1'])
    await post('run', { sync: 'books', kind: 'full', entities: ['customer'] })
    deepStrictEqual(read(await summary(1)), ['customer 1'])
    await post('run', { sync: 'books', kind: 'sweep', entities: ['supplier'] })
    strictEqual((await summary(2)).entities[0]?.sweep?.swept, 1)
  })

  it('rows that were read without a field are told until they are read again: those that lack it alone, or from a day', async () => {
    const long = '2020-01-01T00:00:00Z'
    source.put('supplier', supplier('A', 'A'), long)
    await post('run', { sync: 'books' })
    await summary()
    const columns = [...supplierSchema.columns, { name: 'tax_id', type: 'string' as const }]
    const wider = fakeSource({
      supplier: { schema: { ...supplierSchema, columns } },
      customer: { schema: { ...supplierSchema, entity: 'customer' } },
    })
    wider.put('supplier', { ...supplier('A', 'A'), tax_id: 'DE1' }, long)
    wider.put('customer', supplier('B', 'B'), long)
    source = wider
    await post('run', { sync: 'books' })
    const told = 'supplier: 1 row at warehouse was read without tax_id.'
    deepStrictEqual((await summary(1)).notices, [told])
    const outdated = async () => (await syncs())[0]?.outdated.map((one) => one.told)
    deepStrictEqual(await outdated(), [told])
    strictEqual((await post('run', { sync: 'books', kind: 'again', from: '3 May' })).status, 400)
    const received: Seen[] = []
    node('s').on('input', (message) => void received.push(message as Seen))
    await post('run', { sync: 'books', kind: 'again', entities: ['supplier'] })
    const again = await summary(2)
    deepStrictEqual([read(again), again.notices], [['supplier 1'], []])
    deepStrictEqual(received[0]?.tieout, { entities: ['supplier'] }, 'by key, not everything')
    strictEqual(targets.supplier?.stored.get('erp|A')?.record.tax_id, 'DE1')
    await waitFor(async () => (await outdated())?.length === 0)
    await post('run', { sync: 'books', kind: 'again', from: '2026-01-31' })
    await summary(3)
    const { from, to = '' } = (received[1]?.tieout ?? {}) as Record<string, string>
    deepStrictEqual([from, to > '2026-02'], ['2026-01-31', true])
  })

  it('passes nothing of the body on: what is no word of these is refused', async () => {
    const refused = [
      { sync: 'books', kind: 'keys', entity: 'supplier', keys: ['erp|A'] },
      { sync: 'books', tieout: { identity: 'anew' } },
      { sync: 'books', sweep: { confirm: 'supplier' } },
      { sync: 'books', payload: [{ _read: 9e15 }] },
      { sync: { name: 'books' } },
    ]
    for (const body of refused) strictEqual((await post('run', body)).status, 400, JSON.stringify(body))
    const unknown = await post('run', { sync: 'books', entities: ['supplier', 'payroll'] })
    strictEqual(unknown.status, 422)
    match(unknown.body.error, /payroll is none of the entities of books/)
    match((await post('run', { sync: 'other' })).body.error, /No sync "other" is deployed/)
    strictEqual(summaries.length, 0)
    const received: Seen[] = []
    node('s').on('input', (message) => void received.push(message as Seen))
    await post('run', { sync: 'books', kind: 'full' })
    await summary()
    deepStrictEqual(received[0]?.tieout, { full: true })
    deepStrictEqual(Object.keys(received[0] ?? {}).sort(), ['_msgid', 'tieout'])
  })

  it('allows what was pushed under the source name of a sync, with a reason, once and from then on', async () => {
    const allow = (sync: string, reason?: string) => post('pushed/allow', { sync, ...(reason && { reason }) })
    const push = (code: string) =>
      node('w').receive({
        payload: [{ source: 'erp', code, name: 'by hand', _row: 0 }],
        schema: supplierSchema,
      } as never)
    await post('run', { sync: 'books' })
    await summary()
    strictEqual((await allow('books', 'opening balances')).status, 422, 'nothing is pushed')
    push('P')
    await waitFor(async () => (await alerts()).some(({ kind }) => kind === 'pushed'))
    strictEqual((await allow('books')).status, 400, 'not without a reason')
    strictEqual((await allow('others', 'opening balances')).status, 422)
    strictEqual((await alerts()).length, 1)
    deepStrictEqual((await allow('books', 'opening balances')).body, { allowed: 1 })
    deepStrictEqual(await alerts(), [])
    const decisions = (await helper.request().get('/tieout/decisions')).body as Record<string, string>[]
    deepStrictEqual(
      decisions.map(({ kind, sync, reason }) => [kind, sync, reason]),
      [['pushed', 'books', 'opening balances']],
    )
    await post('run', { sync: 'books' })
    const { verdict, entities } = await summary(1)
    deepStrictEqual([verdict, entities[0]?.allowed], ['nothing new', ['1 pushed, allowed']])
  })

  it('stops a run, and refuses a second start while it goes on', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    source.clock = async () => {
      await held
      return '2026-03-01T08:00:00Z'
    }
    await post('run', { sync: 'books' })
    await waitFor(async () => (await syncs())[0]?.running === true)
    const second = await post('run', { sync: 'books' })
    strictEqual(second.status, 422)
    match(second.body.error, /books is running/)
    deepStrictEqual((await post('stop', { sync: 'books' })).body, { stopping: true })
    release()
    strictEqual((await summary()).state, 'stopped')
    deepStrictEqual((await post('stop', { sync: 'books' })).body, { stopping: false })
  })

  it('shows the question of a changed identity, and takes the answer', async () => {
    await post('run', { sync: 'books' })
    await summary()
    Object.defineProperty(source, 'address', { value: 'fake-erp://moved/BOOKS' })
    await post('run', { sync: 'books' })
    await waitFor(async () => (await syncs())[0]?.questions.length === 1)
    const reason = 'the server was renamed'
    strictEqual((await post('decide', { sync: 'books', identity: 'whatever', reason })).status, 400)
    strictEqual((await post('decide', { sync: 'books', identity: 'keep' })).status, 400, 'not without a reason')
    deepStrictEqual((await post('decide', { sync: 'books', identity: 'keep', reason })).body, { started: true })
    strictEqual((await summary(1)).state, 'done')
    const [decision] = (await helper.request().get('/tieout/decisions')).body as Record<string, string>[]
    deepStrictEqual([decision?.kind, decision?.about, decision?.reason], ['identity', 'keep', reason])
    deepStrictEqual((await syncs())[0]?.questions, [])
  })

  it('takes "take over" as an answer, with its reason', async () => {
    const reason = 'the old machine is gone'
    const answer = { sync: 'books', identity: 'take over', reason }
    deepStrictEqual((await post('decide', answer)).body, { started: true })
    strictEqual((await summary()).state, 'done')
    const [decision] = (await helper.request().get('/tieout/decisions')).body as Record<string, string>[]
    deepStrictEqual([decision?.kind, decision?.about, decision?.reason], ['identity', 'take over', reason])
  })
})
