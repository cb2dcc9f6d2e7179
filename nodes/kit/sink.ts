/** Nodes that write: each message is one batch, delivered by the engine. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { PostTarget } from '../../sync/contract/posting.ts'
import type { OutcomeCounts } from '../../sync/contract/summary.ts'
import type { Target } from '../../sync/contract/target.ts'
import { type ConfigSpec, type Fields, field } from './config.ts'
import type { ConnectionSpec } from './connection.ts'
import { heldMessage } from './held.ts'
import type { Log } from './log.ts'
import { type Batch, checkLedger, failingItsRun, parseBatch } from './message.ts'
import { defineNode, type Message, type NodeContext } from './node.ts'
import { attendSink, followResults, resumeAppends } from './posting.ts'
import { count } from './status.ts'
import { showPlace } from './summary.ts'
import { useConnection } from './use.ts'

/** Fields that every sink has. */
export const sinkFields = {
  /** Ids of the config nodes. */
  ledger: field.optional(),
  connection: field.optional(),
}
type Common = z.output<z.ZodObject<typeof sinkFields>>

export interface SinkContext {
  /** Node id: stable over redeploys. */
  readonly id: string
  readonly name: string
  readonly log: Log
  readonly signal: AbortSignal
}

export interface SinkSpec<S extends Fields, CS extends Fields, K extends Fields, Client> extends ConfigSpec<S> {
  readonly type: string
  /** The connection's spec: the same object that its config node is defined with. */
  readonly connection: ConnectionSpec<CS, K, Client>
  /** Where an entity is written; made once per entity and kept while the node lives. Two nodes that write one address share its queue in the engine. */
  readonly target: (
    config: z.output<S> & Common,
    client: Client,
    entity: string,
    context: SinkContext,
  ) => Target | PostTarget | Promise<Target | PostTarget>
  /** Its targets post: only a source that answers may be wired to it. */
  readonly posts?: true
  /** Its targets have two stages: what they accepted is followed as long as the node is deployed. */
  readonly follows?: true
  /** Called with each batch that comes, whatever becomes of it: for the preview of a dialog. */
  readonly seen?: (batch: Batch, context: SinkContext) => void
  /** Whether records of an entity are for this sink; absent: all. */
  readonly accepts?: (config: z.output<S> & Common, entity: string) => boolean
  /** Rows and bytes of a batch that suit it, where they differ from the engine's: taken where all sinks of an entity say so. */
  readonly limits?: BatchLimits
  /** Whether deletions are taken from messages of no run; absent: never. */
  readonly mayDelete?: (config: z.output<S> & Common) => boolean
  /** A mode in which the node is no sink: what it does with any message. Undefined: it is one. */
  readonly instead?: (
    config: z.output<S> & Common,
    client: () => Promise<Client>,
    context: NodeContext<z.output<S>>,
  ) => ((message: Message) => Promise<void>) | undefined
}

export interface BatchLimits {
  readonly batchRows: number
  readonly batchBytes: number
}

/**
 * Registers a sink. Output 1 passes the batch on after it was delivered, with the counts in `msg.result`, so that a second
 * sink can follow; output 2 shows each held record, after the ledger has it.
 *
 * @example
 * defineSink(RED, {
 *   type: 'databricks-write',
 *   version: 1,
 *   config: z.object({ table: field.text() }),
 *   connection: databricksConnection, // the ConnectionSpec
 *   target: (config, client, entity) => createTarget(client, config.table.replace('{entity}', entity)),
 * })
 */
export function defineSink<S extends Fields, CS extends Fields, K extends Fields, Client>(
  RED: NodeAPI,
  spec: SinkSpec<S, CS, K, Client>,
): void {
  const config = z.object({ ...sinkFields, ...spec.config.shape }) as unknown as S
  const state = new WeakMap<object, (entity: string) => Promise<Target | PostTarget>>()
  const others = new WeakMap<object, { readonly handle: ((message: Message) => Promise<void>) | undefined }>()

  /** The handler of a mode in which the node is no sink, made once. */
  const insteadOf = (context: NodeContext<z.output<S>>): ((message: Message) => Promise<void>) | undefined => {
    const known = others.get(context)
    if (known || !spec.instead) return known?.handle
    const own = context.config as z.output<S> & Common
    let client: (() => Promise<Client>) | undefined
    const open = (): Promise<Client> => {
      client ??= useConnection<Client>(context, own.connection, spec.connection.type)
      return client()
    }
    const handle = spec.instead(own, open, context)
    others.set(context, { handle })
    return handle
  }

  const targetsOf = (context: NodeContext<z.output<S>>): ((entity: string) => Promise<Target | PostTarget>) => {
    const known = state.get(context)
    if (known) return known
    const own = context.config as z.output<S> & Common
    const client = useConnection<Client>(context, own.connection, spec.connection.type)
    const targets = new Map<string, Promise<Target | PostTarget>>()
    const { id, name, log, signal } = context
    const find = (entity: string): Promise<Target | PostTarget> => {
      const made = targets.get(entity) ?? client().then((c) => spec.target(own, c, entity, { id, name, log, signal }))
      targets.set(entity, made)
      made.catch(() => targets.delete(entity))
      return made
    }
    state.set(context, find)
    return find
  }

  defineNode<S>(RED, {
    type: spec.type,
    version: spec.version,
    config,
    ...(spec.migrations && { migrations: spec.migrations }),
    ...(spec.literal && { literal: spec.literal }),
    member: (context) => ({
      kind: insteadOf(context) ? 'other' : 'sink',
      ref: { id: context.id, name: context.name },
      ...(spec.limits && { limits: spec.limits }),
      ...(spec.posts && { posts: true }),
      accepts: (entity) => spec.accepts?.(context.config as z.output<S> & Common, entity) ?? true,
      target: (entity) => targetsOf(context)(entity),
    }),
    start: async (context) => {
      if (insteadOf(context)) return
      const target = targetsOf(context)
      if (spec.posts) await attendSink(context, target)
      if (spec.follows) await followResults(context, target)
      if (!spec.posts) {
        const own = context.config as z.output<S> & Common
        void resumeAppends(context, async (entity) =>
          (spec.accepts?.(own, entity) ?? true) ? target(entity) : undefined,
        )
      }
    },
    input: (message, context) =>
      insteadOf(context)?.(message) ??
      failingItsRun(message, context, async (engine) => {
        const batch = parseBatch(message)
        checkLedger(batch, engine.ledger.id)
        spec.seen?.(batch, context)
        context.status.working(batch.schema.entity)
        const { entity } = batch.schema
        const target = await targetsOf(context)(entity)
        const result = await engine.deliver({
          ref: { id: context.id, name: context.name },
          target,
          message: batch,
          progress: (progress) => context.status.progress(progress),
          mayDelete: spec.mayDelete?.(context.config as z.output<S> & Common) ?? false,
          held: (record, cause) => context.send(1, heldMessage(batch, record, cause)),
          signal: context.signal,
        })
        const sync = batch.sync?.name ?? `push:${context.name}`
        const { address } = target
        await showPlace(context.status, resultText(entity, result), { ledger: engine.ledger, sync, entity, address })
        context.send(0, { ...message, result })
      }),
  })
}

/** `gl_entry: 400 delivered`, `gl_entry: 12 delivered, 388 unchanged`. What is held or in doubt is told as open. */
function resultText(entity: string, result: OutcomeCounts): string {
  const rest = (['unchanged', 'superseded'] as const).filter((k) => result[k] > 0)
  return [`${entity}: ${count(result.delivered)} delivered`, ...rest.map((k) => `${count(result[k])} ${k}`)].join(', ')
}
