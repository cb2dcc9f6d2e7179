/** A source, a sink and the nodes of operations around them in a flow, with an ERP and a warehouse in memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { defineConnection, type defineNode, defineSink, defineSource } from '../../nodes/kit/kit.ts'
import deadLetter from '../../nodes/operations/dead-letter.ts'
import replay from '../../nodes/operations/replay.ts'
import syncAlert from '../../nodes/operations/sync-alert.ts'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type FakeTarget, fakeTarget } from './fake-target.ts'
import { type FakeSource, fakeSource, supplier, supplierSchema } from './fakes.ts'
import { type FlowEntry, first, helper, inbox, node, watchRejections } from './helper.ts'
import { noConnection } from './no-connection.ts'

type RED = Parameters<typeof defineNode>[0]

const functionNode = createRequire(import.meta.url)('@node-red/nodes/core/function/10-function.js') as (
  RED: RED,
) => void

/** The ERP and the warehouse of the test that runs. */
export const world: { source: FakeSource; target: FakeTarget } = { source: fakeSource({}), target: fakeTarget() }
export const types = [
  syncLedger,
  deadLetter,
  replay,
  syncAlert,
  functionNode,
  (RED: RED) => defineConnection(RED, noConnection),
  (RED: RED) =>
    defineSource(RED, {
      type: 'test-source',
      version: 1,
      config: z.object({}),
      connection: noConnection,
      entities: () => ['supplier'],
      source: () => world.source,
    }),
  (RED: RED) =>
    defineSink(RED, {
      type: 'test-sink',
      version: 1,
      config: z.object({}),
      connection: noConnection,
      target: () => world.target,
    }),
]
export const secrets = { L: { key: 'a secret for held records' } }
export const mended = { tieout: { reason: 'the cause is mended' } } as never

/** To be called in a `describe`: each test has a ledger, an ERP and a warehouse of its own. */
export function operationsFlow() {
  let dir: string
  watchRejections()
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tieout-ops-'))
    world.source = fakeSource({ supplier: { schema: supplierSchema } })
    world.target = fakeTarget({ address: 'fake://host/books.supplier' })
    for (const code of ['A', 'B', 'C']) world.source.put('supplier', supplier(code, `Supplier ${code}`))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  /** source -> function -> sink, a catch node before dead-letter, replay before function and sink. */
  const flow = (
    code: string,
    more: readonly FlowEntry[] = [],
    caught = { scope: ['f', 'w'], to: 'd' },
  ): FlowEntry[] => [
    { id: 'L', type: 'sync-ledger', name: 'Books', file: join(dir, 'ledger.db') },
    { id: 'C', type: 'test-connection' },
    { id: 's', type: 'test-source', syncName: 'books', ledger: 'L', connection: 'C', wires: [['f'], ['sum']] },
    { id: 'f', type: 'function', name: 'check', func: code, outputs: 1, timeout: 0, libs: [], wires: [['w']] },
    { id: 'w', type: 'test-sink', name: 'warehouse', ledger: 'L', connection: 'C', wires: [['after'], ['shown']] },
    { id: 'c', type: 'catch', scope: caught.scope, wires: [[caught.to]] },
    { id: 'd', type: 'dead-letter', ledger: 'L', wires: [['dead']] },
    { id: 'r', type: 'replay', ledger: 'L', wires: [['f'], ['w'], ['rsum']] },
    ...['sum', 'after', 'shown', 'dead', 'rsum', 'alerts'].map((id) => ({ id, type: 'helper' })),
    ...more,
  ]
  const run = async (message: Record<string, unknown> = {}): Promise<RunSummary> => {
    const sum = inbox('sum')
    node('s').receive(message)
    return (await first(sum)).payload as RunSummary
  }
  const held = async (): Promise<
    { id: string; key: string; record: Record<string, unknown>; cause: { message: string } }[]
  > => (await helper.request().get('/tieout/held')).body
  return { flow, run, held }
}
