import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import {
  type ConnectionSpec,
  defineConnection,
  type defineNode,
  defineSink,
  defineSource,
} from '../../nodes/kit/kit.ts'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { fakeSource, supplierSchema } from '../support/fakes.ts'
import { type FlowEntry, helper, inbox, load, node, type Seen, watchRejections } from '../support/helper.ts'
import { createErp, createHub, type Erp, type Hub, recordKey } from '../support/posting-erp.ts'
import { waitFor } from '../support/wait.ts'

type RED = Parameters<typeof defineNode>[0]

const none: ConnectionSpec<z.ZodObject<Record<never, never>>, z.ZodObject<Record<never, never>>, object> = {
  type: 'test-connection',
  version: 1,
  config: z.object({}),
  open: () => ({}),
}

const A = recordKey('A')

describe('nodes that post, and their routes', () => {
  let dir: string
  let erp: Erp
  let hub: Hub
  const types = [
    syncLedger,
    (RED: RED) => defineConnection(RED, none),
    (RED: RED) =>
      defineSource(RED, {
        type: 'hub-poll',
        version: 1,
        config: z.object({}),
        connection: none,
        answers: true,
        entities: () => ['invoice'],
        source: () => hub.source(),
      }),
    (RED: RED) =>
      defineSource(RED, {
        type: 'plain-poll',
        version: 1,
        config: z.object({}),
        connection: none,
        entities: () => ['supplier'],
        source: () => fakeSource({ supplier: { schema: supplierSchema } }),
      }),
    (RED: RED) =>
      defineSink(RED, {
        type: 'erp-post',
        version: 1,
        config: z.object({}),
        connection: none,
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
      'places' | 'attempts' | 'postings' | 'inbox',
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
    match(await post('posting/test', where), /was found/)
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
      'posting: post final vouchers',
      'posting: this ledger may post',
    ])
  })

  it('what is in doubt is found without a run; what is not is settled by a person', async () => {
    await deploy()
    summaries = inbox('sum')
    await post('posting/test', where)
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
    await post('posting/test', where)
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
    match(await post('posting/settle', { held: idOf(A), as: 'sent back', reason }), /no held record/)
    match(await post('inbox/settle', { source: 'hub://tenant', key: 'hub|A', as: 'ours', reason }), /Nobody asks/)
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
