import { deepStrictEqual } from 'node:assert'
import { type FlowNode, placeText, reach } from '../../../nodes/kit/wires.ts'

const walk = (nodes: FlowNode[], from: string, ports?: (node: FlowNode) => readonly number[] | 'all'): string[] =>
  reach(nodes, { place: from.split('/') }, ports).map(({ place }) => placeText(place))

describe('wires', () => {
  const sink = (id: string, more: Partial<FlowNode> = {}): FlowNode => ({
    id,
    type: 'sink',
    z: 't',
    wires: [],
    ...more,
  })

  it('follows wires through nodes that are not ours, only from the first output of the start', () => {
    const nodes: FlowNode[] = [
      { id: 's', type: 'source', z: 't', wires: [['sw'], ['x']] },
      { id: 'sw', type: 'switch', z: 't', wires: [['a'], ['b']] },
      sink('a'),
      sink('b'),
      sink('x'),
    ]
    deepStrictEqual(walk(nodes, 's'), ['sw', 'a', 'b'])
  })

  it('ends in a loop and names each node once', () => {
    const nodes: FlowNode[] = [
      { id: 's', type: 'source', z: 't', wires: [['a', 'b']] },
      { id: 'a', type: 'function', z: 't', wires: [['b']] },
      { id: 'b', type: 'function', z: 't', wires: [['a', 'w']] },
      sink('w'),
    ]
    deepStrictEqual(walk(nodes, 's'), ['a', 'b', 'w'])
  })

  it('leaves out disabled nodes and disabled tabs', () => {
    const nodes: FlowNode[] = [
      { id: 'u', type: 'tab', disabled: true },
      { id: 's', type: 'source', z: 't', wires: [['a', 'o']] },
      sink('a', { d: true, wires: [['b']] }),
      sink('b'),
      { id: 'o', type: 'link out', z: 't', links: ['i'], mode: 'link' },
      { id: 'i', type: 'link in', z: 'u', links: ['o'], wires: [['c']] },
      sink('c', { z: 'u' }),
    ]
    deepStrictEqual(walk(nodes, 's'), ['o'])
  })

  it('crosses links over tabs, also where only the link in names them, but not a returning link out', () => {
    const nodes: FlowNode[] = [
      { id: 's', type: 'source', z: 't', wires: [['o', 'r']] },
      { id: 'o', type: 'link out', z: 't', links: [], mode: 'link' },
      { id: 'i', type: 'link in', z: 'u', links: ['o'], wires: [['w']] },
      sink('w', { z: 'u' }),
      { id: 'r', type: 'link out', z: 't', links: ['j'], mode: 'return' },
      { id: 'j', type: 'link in', z: 'u', links: [], wires: [['v']] },
      sink('v', { z: 'u' }),
    ]
    deepStrictEqual(walk(nodes, 's'), ['o', 'r', 'i', 'w'])
  })

  it('goes through a link call to its target and on from its own output', () => {
    const nodes: FlowNode[] = [
      { id: 's', type: 'source', z: 't', wires: [['c']] },
      { id: 'c', type: 'link call', z: 't', links: ['i'], wires: [['after']] },
      { id: 'i', type: 'link in', z: 'u', wires: [['w']] },
      sink('w', { z: 'u' }),
      sink('after'),
    ]
    deepStrictEqual(walk(nodes, 's'), ['c', 'i', 'after', 'w'])
  })

  describe('subflows', () => {
    const subflow: FlowNode[] = [
      {
        id: 'SF',
        type: 'subflow',
        in: [{ wires: [{ id: 'm' }] }],
        out: [{ wires: [{ id: 'm', port: 0 }] }, { wires: [{ id: 'SF', port: 0 }] }],
      },
      { id: 'm', type: 'map', z: 'SF', wires: [['k']] },
      sink('k', { z: 'SF' }),
    ]
    it('enters an instance, finds the sinks inside under its place, and comes out where the instance is wired', () => {
      const nodes: FlowNode[] = [
        ...subflow,
        { id: 's', type: 'source', z: 't', wires: [['p', 'q']] },
        { id: 'p', type: 'subflow:SF', z: 't', wires: [['a'], ['b']] },
        { id: 'q', type: 'subflow:SF', z: 't', wires: [[], []] },
        sink('a'),
        sink('b'),
      ]
      deepStrictEqual(walk(nodes, 's').sort(), ['a', 'b', 'p', 'p/k', 'p/m', 'q', 'q/k', 'q/m'])
    })

    it('starts inside an instance, and comes out of nested ones', () => {
      const nodes: FlowNode[] = [
        { id: 'IN', type: 'subflow', in: [], out: [{ wires: [{ id: 's', port: 0 }] }] },
        { id: 's', type: 'source', z: 'IN', wires: [[]] },
        { id: 'OUT', type: 'subflow', in: [], out: [{ wires: [{ id: 'i', port: 0 }] }] },
        { id: 'i', type: 'subflow:IN', z: 'OUT', wires: [[]] },
        { id: 'o1', type: 'subflow:OUT', z: 't', wires: [['a']] },
        { id: 'o2', type: 'subflow:OUT', z: 't', wires: [['b']] },
        sink('a'),
        sink('b'),
      ]
      deepStrictEqual(walk(nodes, 'o2/i/s'), ['b'])
    })
  })

  it('follows only the outputs that carry batches', () => {
    const nodes: FlowNode[] = [
      { id: 's', type: 'source', z: 't', wires: [['m']] },
      { id: 'm', type: 'map', z: 't', wires: [['w'], ['shown']] },
      sink('w', { wires: [['next'], ['held']] }),
      sink('next'),
      sink('shown'),
      sink('held'),
    ]
    deepStrictEqual(
      walk(nodes, 's', (node) => (node.type === 'map' || node.type === 'sink' ? [0] : 'all')),
      ['m', 'w', 'next'],
    )
  })
})
