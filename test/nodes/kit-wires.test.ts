import { deepStrictEqual } from 'node:assert'
import { createRequire } from 'node:module'
import { type FakeEngine, fakeEngine } from '../support/fake-engine.ts'
import { type FlowEntry, helper, inbox, load, node, watchRejections } from '../support/helper.ts'
import { batch, kitTypes, secrets } from '../support/kit-nodes.ts'
import { waitFor } from '../support/wait.ts'

const links = createRequire(import.meta.url)('@node-red/nodes/core/common/60-link.js') as ReturnType<
  typeof kitTypes
>[number]

const changes = createRequire(import.meta.url)('@node-red/nodes/core/function/15-change.js') as typeof links

const canvas = { x: 0, y: 0 }
const sink = (id: string, more: object = {}): FlowEntry => ({
  id,
  type: 'test-sink',
  name: id.toUpperCase(),
  ledger: 'L',
  connection: 'C',
  wires: [[], []],
  ...more,
})
const source = (id: string, more: object = {}): FlowEntry => ({
  id,
  type: 'test-source',
  syncName: id,
  ledger: 'L',
  connection: 'C',
  entities: ['supplier'],
  wires: [[], []],
  ...more,
})
const configs: FlowEntry[] = [
  { id: 'L', type: 'sync-ledger' },
  { id: 'C', type: 'test-connection', host: 'h' },
]

describe('node kit: who must answer', () => {
  const stage: { engine: FakeEngine; log: string[] } = { engine: fakeEngine(), log: [] }
  const types = [...kitTypes(stage), links, changes]
  watchRejections()
  beforeEach(() => {
    stage.engine = fakeEngine()
  })
  const reached = async (): Promise<string[]> => {
    await waitFor(() => stage.engine.polls.length > 0)
    return (stage.engine.polls[0]?.sinks('supplier') ?? []).map(({ id, name }) => `${name} ${id}`).sort()
  }

  it('who could change something on the way to a sink: nodes of others that lead there, by type and name', async () => {
    const change = (id: string, ...to: string[]): FlowEntry => ({
      id,
      type: 'change',
      name: id === 'plain' ? '' : id,
      rules: [],
      wires: [to],
      z: 'tab',
      ...canvas,
    })
    await load(
      types,
      [
        ...configs,
        source('s', { wires: [['double', 'aside'], []] }),
        change('double', 'out'),
        { id: 'out', type: 'link out', links: ['in'], mode: 'link', wires: [], z: 'tab', ...canvas },
        { id: 'in', type: 'link in', links: ['out'], wires: [['plain']], z: 'tab', ...canvas },
        change('plain', 'one'),
        sink('one', { wires: [['two'], []] }),
        sink('two'),
        change('aside', 'nowhere'),
        change('nowhere'),
        sink('direct'),
      ],
      secrets,
    )
    node('s').receive({})
    await reached()
    const [poll] = stage.engine.polls
    const foreign = (id: string) => poll?.foreign?.({ id, name: id })
    deepStrictEqual(foreign('one'), ['change "double"', 'change'])
    deepStrictEqual(foreign('two'), ['change "double"', 'change'])
    deepStrictEqual(foreign('direct'), undefined, 'no wire leads there')
  })

  it('sinks behind links on another tab and inside two instances of one subflow, each under its own id', async () => {
    await load(
      types,
      [
        { id: 'tab2', type: 'tab' },
        ...configs,
        source('s', { wires: [['out', 'one'], []] }),
        { id: 'out', type: 'link out', links: ['in'], mode: 'link', wires: [], z: 'tab', ...canvas },
        { id: 'in', type: 'link in', links: ['out'], wires: [['far']], z: 'tab2', ...canvas },
        sink('far', { z: 'tab2' }),
        {
          id: 'SF',
          type: 'subflow',
          name: 'write',
          in: [{ wires: [{ id: 'inside' }] }],
          out: [{ wires: [{ id: 'inside', port: 0 }] }],
        },
        sink('inside', { z: 'SF', ...canvas }),
        { id: 'one', type: 'subflow:SF', wires: [['two']] },
        { id: 'two', type: 'subflow:SF', wires: [['last']] },
        sink('last'),
      ],
      secrets,
    )
    node('s').receive({})
    deepStrictEqual(await reached(), ['FAR far', 'INSIDE one-inside', 'INSIDE two-inside', 'LAST last'])
    // The ids are those under which the sinks answer.
    node('s').send(batch(['a']) as never)
    await waitFor(() => stage.engine.delivered.length === 4)
    deepStrictEqual(stage.engine.delivered.map(({ ref }) => ref.id).sort(), ['far', 'last', 'one-inside', 'two-inside'])
  })

  it('a source inside a subflow reaches what its instance is wired to', async () => {
    await load(
      types,
      [
        ...configs,
        {
          id: 'SF',
          type: 'subflow',
          name: 'read',
          in: [{ wires: [{ id: 's' }] }],
          out: [{ wires: [{ id: 's', port: 0 }] }],
        },
        source('s', { z: 'SF', ...canvas }),
        { id: 'i', type: 'subflow:SF', wires: [['w']] },
        sink('w'),
      ],
      secrets,
    )
    node('i').receive({})
    deepStrictEqual(await reached(), ['W w'])
  })

  it('a source or a replay that a message can only start passes nothing on', async () => {
    await load(
      types,
      [
        ...configs,
        source('s', { wires: [['w'], []] }),
        sink('w', { wires: [['next'], []] }),
        source('next', { wires: [['far'], []] }),
        sink('far'),
      ],
      secrets,
    )
    node('s').receive({})
    deepStrictEqual(await reached(), ['W w'])
  })

  it('a sink that was redeployed with other wires is found as it is now', async () => {
    const flow = (wired: string): FlowEntry[] => [
      ...configs,
      source('s', { wires: [[wired], []] }),
      sink('a'),
      sink('b'),
      { id: 'h', type: 'helper' },
    ]
    await load(types, flow('a'), secrets)
    const laid = (wired: string): object[] => [
      { id: 'tab', type: 'tab' },
      ...flow(wired).map((n) => (n.wires || n.type === 'helper' ? { ...canvas, z: 'tab', ...n } : n)),
    ]
    await helper.setFlows(laid('b') as never, 'nodes', secrets as never)
    inbox('h')
    node('s').receive({})
    deepStrictEqual(await reached(), ['B b'])
  })
})
