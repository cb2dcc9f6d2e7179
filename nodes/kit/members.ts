/** How the nodes of one ledger know each other: each registers with its sync-ledger config node, under its place in the flows. */
import type { Node, NodeAPI } from 'node-red'
import type { Engine, SinkRef, Wait } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import type { PostTarget } from '../../sync/contract/posting.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import type { Target } from '../../sync/contract/target.ts'
import type { OpenContext } from './open-context.ts'
import type { Shared } from './shared.ts'
import { type FlowNode, type Place, placeText, type Reached, reach } from './wires.ts'

/** A node of ours, as the others of its ledger see it. */
export interface Member {
  readonly kind: 'source' | 'sink' | 'transform' | 'other'
  readonly ref: SinkRef
  /** Sinks: whether records of the entity are theirs. */
  readonly accepts?: (entity: string) => boolean
  /** Sinks: where an entity is written, for its mark. */
  readonly target?: (entity: string) => Promise<Target | PostTarget>
  /** Sinks: they post, and have no mark. */
  readonly posts?: boolean
  /** Sources: they can be asked whether a record still waits there, and told what became of it. */
  readonly answers?: boolean
  /** Sources that answer: a document of their inbox as a record, for lists that people read; undefined: it cannot be told. */
  readonly recordOf?: (document: unknown) => DataRecord | undefined
  /** Sinks: rows and bytes of a batch that suit them, where they differ from the engine's. */
  readonly limits?: { readonly batchRows: number; readonly batchBytes: number }
  /** Sources: the name of their sync, and a run of its own that reads keys again, after the one that is going on. */
  readonly syncName?: string
  /** Sources: the entities that they read, and whether a run is going on. */
  readonly entities?: () => readonly string[]
  readonly running?: () => boolean
  /** Sources: since when one goes on, and what is waited for; undefined: none does. */
  readonly going?: () => { readonly since: string; readonly wait?: Wait } | undefined
  /** Sources: ids of the mapping nodes that their records can come by; undefined: nobody knows. */
  readonly mappings?: () => ReadonlySet<string> | undefined
  /** Sources: whether amounts may be changed in the flow. */
  readonly mayChange?: () => boolean
  readonly readAgain?: (entity: string, keys: readonly string[], signal: AbortSignal) => Promise<RunSummary>
}

/** What a sync-ledger config node offers (its `tieout` property). */
export interface LedgerHandle {
  readonly kind: 'ledger'
  /** The engine; opens the ledger on first use. */
  readonly engine: Shared<Engine>
  /** By the text of the place. */
  readonly members: Map<string, Member>
}

/** What a connection config node offers (its `tieout` property). */
export interface ConnectionHandle<Client> {
  readonly kind: 'connection'
  readonly type: string
  readonly client: Shared<Client>
  /** Its typed values; throws where one is wrong. */
  readonly values: () => { readonly config: unknown; readonly credentials: unknown; readonly context: OpenContext }
}

interface Live extends Node {
  tieout?: LedgerHandle | ConnectionHandle<unknown>
  _path?: string
}

/** Makes a config node's handle findable. A property, not a registry: nothing outlives the node. */
export function offer(node: Node, handle: LedgerHandle | ConnectionHandle<never>): void {
  Object.defineProperty(node, 'tieout', { value: handle, enumerable: false })
}

const missing = (what: string, field: string): Error =>
  syncError('config', 'tieout.config', `Field ${field}: no ${what} is chosen, or it is disabled`, {
    field,
    hint: `Open the node and choose a ${what}.`,
  })

/** The ledger that a node's field `ledger` names. */
export function ledgerHandle(RED: NodeAPI, id: unknown): LedgerHandle {
  const handle = (typeof id === 'string' ? (RED.nodes.getNode(id) as Live | null) : null)?.tieout
  if (handle?.kind !== 'ledger') throw missing('sync-ledger', 'ledger')
  return handle
}

/** The connection (or other config node made with `defineConnection`) that a field names. */
export function connectionHandle<Client>(
  RED: NodeAPI,
  id: unknown,
  type: string,
  field = 'connection',
): ConnectionHandle<Client> {
  const handle = (typeof id === 'string' ? (RED.nodes.getNode(id) as Live | null) : null)?.tieout
  if (handle?.kind !== 'connection' || handle.type !== type) throw missing(type, field)
  return handle as ConnectionHandle<Client>
}

/** What deployed connections of a type are set to; those with a wrong field are left out. */
export const connectionsOf = (RED: NodeAPI, type: string): Connected[] =>
  allConnections(RED).filter((one) => one.type === type)

type Connected = ReturnType<ConnectionHandle<unknown>['values']>

/** The same of every connection there is, whatever its type. */
export function allConnections(RED: NodeAPI): (Connected & { readonly type: string })[] {
  const found: (Connected & { readonly type: string })[] = []
  RED.nodes.eachNode(({ id }) => {
    const handle = (RED.nodes.getNode(id) as Live | null)?.tieout
    if (handle?.kind !== 'connection') return
    try {
      found.push({ type: handle.type, ...handle.values() })
    } catch {
      // Not set up yet.
    }
  })
  return found
}

/** Place of a live node: Node-RED's path without the tab. */
export function placeOf(node: Node): Place {
  const path = (node as Live)._path
  return path ? path.split('/').slice(1) : [node.id]
}

/** The members of a ledger that a message sent from some outputs of a node can arrive at, nearest first. */
export function reachable(RED: NodeAPI, handle: LedgerHandle, from: Outputs): Member[] {
  return walker(
    RED,
    handle,
  )(from)
    .map(({ place }) => handle.members.get(placeText(place)))
    .filter((member) => member !== undefined)
}

/** Some outputs of a node; the first unless told. */
interface Outputs {
  readonly place: Place
  readonly ports?: readonly number[] | 'all'
}

/** Walks the flows as they are deployed: what a message arrives at. */
function walker(RED: NodeAPI, handle: LedgerHandle): (from: Outputs) => Reached[] {
  const nodes: FlowNode[] = []
  RED.nodes.eachNode((node) => nodes.push(node as FlowNode))
  const kinds = new Map([...handle.members].map(([place, { kind }]) => [place.slice(place.lastIndexOf('/') + 1), kind]))
  // Output 1 of a mapping or a sink carries the batch on, the other shows what is held; a source or a replay passes nothing on.
  const ports = (node: FlowNode): readonly number[] | 'all' => {
    const kind = kinds.get(node.id)
    return kind === undefined ? 'all' : kind === 'transform' || kind === 'sink' ? [0] : []
  }
  return (from) => reach(nodes, from, ports)
}

/** Nodes that pass a message on as it is. */
const PASSING = /^(?:link |junction$|subflow:)/

/**
 * Nodes of others that a message passes on its way from some outputs to a node of ours, as people call them: `function "double"`.
 * Undefined: no wire leads there, so that nobody knows.
 */
export function foreignBefore(RED: NodeAPI, handle: LedgerHandle, from: Outputs, sink: SinkRef): string[] | undefined {
  return before(
    RED,
    handle,
    from,
    sink,
    ({ place, node }) => !handle.members.has(placeText(place)) && !PASSING.test(node.type),
  )?.map(({ node: { type, name } }) => (name ? `${type} "${name}"` : type))
}

/** Of what is reached from some outputs those that lead to a sink. */
function before(
  RED: NodeAPI,
  handle: LedgerHandle,
  from: Outputs,
  sink: SinkRef,
  wanted: (node: Reached) => boolean,
): Reached[] | undefined {
  const walk = walker(RED, handle)
  const isSink = ({ place }: Reached): boolean => handle.members.get(placeText(place))?.ref.id === sink.id
  const found = walk(from)
  if (!found.some(isSink)) return undefined
  return found.filter(wanted).filter(({ place }) => walk({ place, ports: 'all' }).some(isSink))
}

/** Ids of the mapping nodes on the way from some outputs to a sink, looked for once for each sink; undefined: no wire leads there. */
export function mappingsBefore(
  RED: NodeAPI,
  handle: LedgerHandle,
  from: Outputs,
): (sink: SinkRef) => ReadonlySet<string> | undefined {
  const known = new Map<string, ReadonlySet<string> | undefined>()
  const memberAt = ({ place }: Reached) => handle.members.get(placeText(place))
  return (sink) => {
    if (!known.has(sink.id)) {
      const found = before(RED, handle, from, sink, (node) => memberAt(node)?.kind === 'transform')
      known.set(sink.id, found && new Set(found.map((node) => memberAt(node)?.ref.id ?? '')))
    }
    return known.get(sink.id)
  }
}

/** Ids of the mapping nodes that records of a source can come by, also when they are replayed; undefined: no wire leads to a sink. */
export function mappingsBehind(RED: NodeAPI, handle: LedgerHandle, from: Outputs): ReadonlySet<string> | undefined {
  const isOf = (kind: Member['kind'], members: readonly Member[]) => members.filter((member) => member.kind === kind)
  const own = reachable(RED, handle, from)
  if (isOf('sink', own).length === 0) return undefined
  const others = [...handle.members].filter(([, { kind }]) => kind === 'other')
  const replayed = others.flatMap(([place]) => reachable(RED, handle, { place: place.split('/'), ports: 'all' }))
  return new Set(isOf('transform', [...own, ...replayed]).map(({ ref }) => ref.id))
}

/** Sinks among them that take an entity. */
export const sinksFor = (members: readonly Member[], entity: string): SinkRef[] =>
  members.filter((m) => m.kind === 'sink' && (m.accepts?.(entity) ?? true)).map((m) => m.ref)

/** The narrowest limits among the sinks; undefined where one has none of its own, so that the engine's hold. */
export function limitsFor(members: readonly Member[]): Member['limits'] {
  const limits = members.filter(({ kind }) => kind === 'sink').map((member) => member.limits)
  return limits.reduce(
    (a, b) =>
      a && b
        ? { batchRows: Math.min(a.batchRows, b.batchRows), batchBytes: Math.min(a.batchBytes, b.batchBytes) }
        : undefined,
    limits[0],
  )
}

/** Where those sinks write an entity, for the marks of a sync without memory. */
export async function targetsFor(
  members: readonly Member[],
  entity: string,
): Promise<{ ref: SinkRef; target: Target }[]> {
  const sinks = members.filter(({ kind, posts, accepts }) => kind === 'sink' && !posts && (accepts?.(entity) ?? true))
  const found = await Promise.all(sinks.map(async ({ ref, target }) => ({ ref, target: await target?.(entity) })))
  return found.flatMap(({ ref, target }) => (target && target.mode !== 'post' ? [{ ref, target }] : []))
}
