/** The base of every node: the only code that listens to a node's `input` and `close`. */
import type { Node, NodeAPI, NodeDef } from 'node-red'
import type { z } from 'zod'
import type { Engine } from '../../sync/contract/engine.ts'
import { type ConfigSpec, type Fields, readConfig, registration } from './config.ts'
import { asSyncError, forDone } from './errors.ts'
import { type Life, lifeOf } from './life.ts'
import type { Log } from './log.ts'
import { type LedgerHandle, ledgerHandle, type Member, placeOf } from './members.ts'
import { type Status, statusOf } from './status.ts'
import { environment, secretsOf, type Values } from './variables.ts'
import { type Place, placeText } from './wires.ts'

/** A message as it comes in; nothing of it is trusted. */
export type Message = Record<string, unknown>

/** What a handler gets. */
export interface NodeContext<C> {
  readonly RED: NodeAPI
  /** Id of the live node (inside a subflow: of this instance). */
  readonly id: string
  /** The node's name, or its type. */
  readonly name: string
  readonly place: Place
  readonly config: C
  /** Values of the node's own password fields, or of the variables that the flow names for them. */
  readonly credentials: Readonly<Record<string, string>>
  /** Aborted when the node is closed (redeploy, stop). */
  readonly signal: AbortSignal
  readonly status: Status
  readonly log: Log
  /** Sends a message from one output, counted from 0. */
  send(output: number, message: Message): void
  /** The ledger's handle; a `config` error when none is chosen. */
  ledger(): LedgerHandle
  /** The engine of the node's ledger, opened on first use. */
  engine(): Promise<Engine>
  /** Calls again and again, never overlapping, until the node is closed; an error is logged and shown. */
  every(ms: number, work: () => Promise<void>): void
  /** Calls at close, after the handlers have drained. */
  atClose(work: () => void | Promise<void>): void
}

export interface NodeSpec<S extends Fields> extends ConfigSpec<S> {
  readonly type: string
  /** Names of the node's own password fields. */
  readonly credentials?: readonly string[]
  /** What its dialog finds in `RED.settings`; each name begins with the type in camel case. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** How it is seen by the other nodes of its ledger (field `ledger`). Absent: it does not register. */
  readonly member?: (context: NodeContext<z.output<S>>) => Member
  /** Called once after the node is made; may be async. An error turns the node red and is logged. */
  readonly start?: (context: NodeContext<z.output<S>>) => void | Promise<void>
  /**
   * Called for each message. Resolve when it is dealt with; throw to fail it (a catch node gets `code` and `cause`).
   * A message waits for `start` to end first.
   */
  readonly input?: (message: Message, context: NodeContext<z.output<S>>) => void | Promise<void>
}

interface Stored extends NodeDef {
  ledger?: unknown
}

/** Time that handlers get to end at close; what closes after them (connections, the ledger) has the rest of Node-RED's own limit. */
export const drainMs = (RED: NodeAPI): number =>
  Math.max(500, Number((RED.settings as { nodeCloseTimeout?: unknown }).nodeCloseTimeout ?? 15000) - 3000)

/**
 * Registers a node type. The handlers may throw and reject as they like: nothing escapes into Node-RED, `done` is called
 * exactly once for each message, the signal is aborted at close, and closing waits for the handlers that still run.
 *
 * @example
 * export default function (RED: NodeAPI): void {
 *   defineNode(RED, {
 *     type: 'row-count',
 *     version: 1,
 *     config: z.object({ limit: field.number(10, 1, 1000) }),
 *     async input(message, { config, send, status }) {
 *       const rows = z.array(z.unknown()).parse(message.payload)
 *       if (rows.length > config.limit) throw syncError('data', 'row-count.limit', `${rows.length} rows, at most ${config.limit}`)
 *       status.done(counted(rows.length, 'row'))
 *       send(0, { ...message, payload: rows.length })
 *     },
 *   })
 * }
 */
export function defineNode<S extends Fields>(RED: NodeAPI, spec: NodeSpec<S>): void {
  RED.nodes.registerType(
    spec.type,
    function (this: Node<Record<string, string>>, stored: Stored) {
      RED.nodes.createNode(this, stored)
      attach(RED, this, stored, spec)
    },
    registration(spec, spec.credentials, spec.settings),
  )
}

/** Wires one live node to its spec. */
function attach<S extends Fields>(RED: NodeAPI, node: LiveNode, stored: Stored, spec: NodeSpec<S>): void {
  const status = statusOf(node)
  const log = logOf(node)
  const life = lifeOf(node)
  const failed = (error: unknown): void => {
    status.failed(error)
    if (error instanceof Error && error.stack && asSyncError(error) !== error) log.debug(error.stack)
  }
  const say = (error: unknown): void => {
    failed(error)
    log.error(asSyncError(error).message)
  }
  let context: NodeContext<z.output<S>>
  try {
    context = contextOf(RED, node, stored, spec, { status, log, life, say })
  } catch (error) {
    say(error)
    node.on('input', (_message, _send, done) => done(forDone(error)))
    node.on('close', () => status.end())
    return
  }

  let started: Promise<void> = Promise.resolve()
  void life.run(() => {
    if (spec.member) register(context, spec.member(context))
    started = Promise.resolve(spec.start?.(context))
    return started
  }, say)

  const { input } = spec
  if (input)
    node.on('input', (message, _send, done) => {
      const work = async (): Promise<void> => {
        await started.catch(() => {})
        await input(message, context)
      }
      const refuse = (error: unknown): void => {
        failed(error)
        done(forDone(error))
      }
      void life.run(work, refuse, () => done())
    })

  node.on('close', (_removed: boolean, done: () => void) => {
    void life
      .end(drainMs(RED))
      .then(() => status.end())
      .finally(done)
  })
}

type LiveNode = Node<Record<string, string>>

const logOf = (node: Node): Log => ({
  debug: (text) => node.debug(text),
  info: (text) => node.log(text),
  warn: (text) => node.warn(text),
  error: (text) => node.error(text),
})

/** What the handlers get; throws where a field is wrong. */
function contextOf<S extends Fields>(
  RED: NodeAPI,
  node: LiveNode,
  stored: Stored,
  spec: NodeSpec<S>,
  own: { readonly status: Status; readonly log: Log; readonly life: Life; readonly say: (error: unknown) => void },
): NodeContext<z.output<S>> {
  const { status, log, life, say } = own
  const values = stored as unknown as Values
  const lookup = environment(RED, node)
  return {
    RED,
    id: node.id,
    name: node.name || spec.type,
    place: placeOf(node),
    config: readConfig(spec, values, lookup),
    credentials: secretsOf(spec.credentials ?? [], values, node.credentials ?? {}, lookup),
    signal: life.signal,
    status,
    log,
    send: (output, message) => {
      const outputs: (Message | null)[] = Array.from({ length: output }, () => null)
      node.send([...outputs, message])
    },
    ledger: () => ledgerHandle(RED, stored.ledger),
    engine: () => ledgerHandle(RED, stored.ledger).engine.get(),
    every: (ms, work) => life.every(ms, work, say),
    atClose: (work) => life.atClose(work),
  }
}

/** The other nodes of its ledger see it until it is closed. */
function register({ ledger, place: at, atClose }: NodeContext<unknown>, member: Member): void {
  const { members, engine } = ledger()
  const place = placeText(at)
  members.set(place, member)
  const release = engine.use()
  atClose(() => {
    if (members.get(place) === member) members.delete(place)
    release()
  })
}
