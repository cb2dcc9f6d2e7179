/** Who can a message reach? A walk over a flow as it is stored: wires, links, junctions, subflows. Pure. */

/** A node as Node-RED stores it (`RED.nodes.eachNode`), as far as the walk needs it. */
export interface FlowNode {
  readonly id: string
  readonly type: string
  readonly z?: string
  readonly name?: string
  /** Disabled. */
  readonly d?: boolean
  readonly disabled?: boolean
  readonly wires?: readonly (readonly string[])[]
  /** link in, link out, link call. */
  readonly links?: readonly string[]
  /** link out: `link` or `return`. */
  readonly mode?: string
  /** Subflow definition: what its input feeds, and what feeds its outputs. */
  readonly in?: readonly { readonly wires?: readonly { readonly id: string }[] }[]
  readonly out?: readonly { readonly wires?: readonly { readonly id: string; readonly port?: number }[] }[]
}

/** Place of a node: the subflow instances it stands in, then its own id as stored. `['n1']`, `['instance', 'n1']`. */
export type Place = readonly string[]
/** A place as text. */
export const placeText = (place: Place): string => place.join('/')

export interface Reached {
  readonly place: Place
  readonly node: FlowNode
}

/**
 * Walks from the outputs of a node and returns every node that a message from there can arrive at, each once, nearest first.
 * @param from place of the node to start at, and which of its outputs (default: the first)
 * @param ports which outputs of a node are followed: a number of outputs from the first, 0 to stop there. Default: all.
 */
export function reach(
  nodes: Iterable<FlowNode>,
  from: { readonly place: Place; readonly ports?: readonly number[] | 'all' },
  ports: (node: FlowNode) => readonly number[] | 'all' = () => 'all',
): Reached[] {
  const all = new Map<string, FlowNode>()
  const linkedFrom = new Map<string, string[]>()
  for (const node of nodes) all.set(node.id, node)
  // A link may be written on either end: Node-RED joins both.
  for (const node of all.values())
    if (node.type === 'link in')
      for (const out of node.links ?? []) linkedFrom.set(out, [...(linkedFrom.get(out) ?? []), node.id])

  const seen = new Map<string, Reached>()
  const queue: Reached[] = []
  const off = (node: FlowNode): boolean => node.d === true || all.get(node.z ?? '')?.disabled === true

  const arrive = (stack: Place, id: string): void => {
    const node = all.get(id)
    if (!node || off(node)) return
    const place = [...stack, id]
    const key = placeText(place)
    if (seen.has(key)) return
    const reached = { place, node }
    seen.set(key, reached)
    queue.push(reached)
  }
  /** Leaves a node by one output: its wires, and where it is wired to an output of the subflow it stands in, those of the instance. */
  const leave = (stack: Place, id: string, port: number): void => {
    for (const next of all.get(id)?.wires?.[port] ?? []) arrive(stack, next)
    const instance = stack.at(-1)
    const definition = instance === undefined ? undefined : definitionOf(all, instance)
    if (instance === undefined || !definition) return
    definition.out?.forEach((out, index) => {
      if (out.wires?.some((wire) => wire.id === id && (wire.port ?? 0) === port))
        leave(stack.slice(0, -1), instance, index)
    })
  }
  /** Enters a subflow instance by its input. */
  const enter = (stack: Place, instance: string, definition: FlowNode): void => {
    const inside = [...stack, instance]
    if (inside.length > 20) return
    for (const input of definition.in ?? []) for (const wire of input.wires ?? []) arrive(inside, wire.id)
    definition.out?.forEach((out, index) => {
      if (out.wires?.some((wire) => wire.id === definition.id)) leave(stack, instance, index)
    })
  }
  /** Links cross tabs, never the wall of a subflow: both ends stand in the same instance. */
  const follow = (stack: Place, ids: Iterable<string>): void => {
    for (const id of ids) arrive(stack, id)
  }
  const onward = ({ place, node }: Reached, which: readonly number[] | 'all'): void => {
    const stack = place.slice(0, -1)
    const definition = definitionOf(all, node.id)
    if (definition) {
      enter(stack, node.id, definition)
      return
    }
    if (node.type === 'link out') {
      if (node.mode !== 'return') follow(stack, new Set([...(node.links ?? []), ...(linkedFrom.get(node.id) ?? [])]))
      return
    }
    if (node.type === 'link call') follow(stack, node.links ?? [])
    const outputs = which === 'all' ? outputsOf(all, stack, node) : which
    for (const port of outputs) leave(stack, node.id, port)
  }

  const start = all.get(from.place.at(-1) ?? '')
  if (start) onward({ place: from.place, node: start }, from.ports ?? [0])
  for (let next = queue.shift(); next; next = queue.shift()) onward(next, ports(next.node))
  return [...seen.values()]
}

function definitionOf(all: ReadonlyMap<string, FlowNode>, instance: string): FlowNode | undefined {
  const type = all.get(instance)?.type ?? ''
  return type.startsWith('subflow:') ? all.get(type.slice(8)) : undefined
}

/** Outputs of a node: its wires, and those that only an output of the surrounding subflow names. */
function outputsOf(all: ReadonlyMap<string, FlowNode>, stack: Place, node: FlowNode): number[] {
  const ports = new Set((node.wires ?? []).keys())
  const definition = definitionOf(all, stack.at(-1) ?? '')
  for (const out of definition?.out ?? [])
    for (const wire of out.wires ?? []) if (wire.id === node.id) ports.add(wire.port ?? 0)
  return [...ports]
}
