/** Nodes between source and sink that change records: map-gl. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Making } from '../../ledger/ledger.ts'
import type { Engine } from '../../sync/contract/engine.ts'
import type { ErrorCause } from '../../sync/contract/errors.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import { type ConfigSpec, type Fields, field } from './config.ts'
import type { ConnectionSpec } from './connection.ts'
import { heldMessage } from './held.ts'
import type { Log } from './log.ts'
import { reachable, sinksFor } from './members.ts'
import { type Batch, checkLedger, failingItsRun, parseBatch } from './message.ts'
import { defineNode, type NodeContext } from './node.ts'
import { count } from './status.ts'
import { showPlace } from './summary.ts'
import { useConnection } from './use.ts'

/** A record that may not go on, and why. */
export interface Refused {
  /** As it came in, before the mapping. */
  readonly record: DataRecord
  readonly cause: ErrorCause & { readonly message: string }
}

export interface Transformed {
  /** Records that go on, with `_row` as it was; an empty list is sent as nothing. */
  readonly payload: DataRecord[]
  readonly schema: Schema
  readonly held: readonly Refused[]
  /** Columns that it may have changed, of any table; absent: any. */
  readonly touched?: readonly string[]
}

export interface TransformSpec<S extends Fields, CS extends Fields, K extends Fields, Mapping> extends ConfigSpec<S> {
  readonly type: string
  /** The config node that holds the mapping, and the field that names it. */
  readonly uses: { readonly field: string; readonly spec: ConnectionSpec<CS, K, Mapping> }
  /** Maps one batch. Throws to fail the whole batch. */
  readonly transform: (
    config: z.output<S>,
    mapping: Mapping,
    batch: Batch,
    context: {
      readonly id: string
      readonly log: Log
      readonly signal: AbortSignal
      /** Of the batch: for what people added to the mapping there. */
      readonly ledger: Engine['ledger']
    },
  ) => Transformed | Promise<Transformed>
  /** What it does to an entity, to be compared later; the same object as long as nothing changed. */
  readonly made: (
    config: z.output<S>,
    mapping: Mapping,
    entity: string,
    ledger: Engine['ledger'],
  ) => Promise<Pick<Making, 'rules' | 'codes'>>
}

/**
 * Registers a transform: output 1 carries the mapped batch, output 2 shows each held record. What is held is recorded in the
 * ledger first, in the name of every sink that output 1 can reach, so that the batch settles. A message with records to hold
 * but without `msg.sync` has no ledger that counts it: it fails instead.
 *
 * @example
 * defineTransform(RED, {
 *   type: 'map-gl',
 *   version: 1,
 *   config: z.object({}),
 *   uses: { field: 'mapping', spec: glMapping },
 *   transform: (_config, mapping, batch) => mapping.apply(batch.payload, batch.schema),
 * })
 */
export function defineTransform<S extends Fields, CS extends Fields, K extends Fields, Mapping>(
  RED: NodeAPI,
  spec: TransformSpec<S, CS, K, Mapping>,
): void {
  const config = z.object({
    ledger: field.optional(),
    [spec.uses.field]: field.optional(),
    ...spec.config.shape,
  }) as unknown as S
  const state = new WeakMap<object, () => Promise<Mapping>>()
  const mappingOf = (context: NodeContext<z.output<S>>): (() => Promise<Mapping>) => {
    const id = (context.config as Record<string, unknown>)[spec.uses.field]
    const mapping = state.get(context) ?? useConnection<Mapping>(context, id, spec.uses.spec.type, spec.uses.field)
    state.set(context, mapping)
    return mapping
  }
  const noted = new WeakMap<object, Map<string, { readonly made: object; readonly version: Promise<string> }>>()
  /** The version of what the node does to an entity now. */
  const note = async (
    context: NodeContext<z.output<S>>,
    mapping: () => Promise<Mapping>,
    entity: string,
    ledger: Engine['ledger'],
  ): Promise<string> => {
    const { config, id: by } = context
    const made = await spec.made(config, await mapping(), entity, ledger)
    const own = noted.get(context) ?? new Map()
    noted.set(context, own)
    const last = own.get(entity)
    if (last?.made === made) return last.version
    const version = ledger.noteMaking({ kind: 'mapping', by, entity, columns: [], ...made })
    own.set(entity, { made, version })
    return version
  }
  defineNode<S>(RED, {
    type: spec.type,
    version: spec.version,
    config,
    ...(spec.migrations && { migrations: spec.migrations }),
    ...(spec.literal && { literal: spec.literal }),
    member: (context) => ({ kind: 'transform', ref: { id: context.id, name: context.name } }),
    async start(context) {
      const mapping = mappingOf(context)
      const { ledger } = await context.engine()
      // What its rules or codes lack is told with the first batch.
      for (const entity of await ledger.entitiesMade('mapping', context.id))
        await note(context, mapping, entity, ledger).catch(() => undefined)
    },
    input: (message, context) =>
      failingItsRun(message, context, async (engine) => {
        const batch = parseBatch(message)
        checkLedger(batch, engine.ledger.id)
        const mapping = mappingOf(context)
        context.status.working(batch.schema.entity)
        const { payload, schema, held, touched } = await spec.transform(context.config, await mapping(), batch, {
          id: context.id,
          log: context.log,
          signal: context.signal,
          ledger: engine.ledger,
        })
        if (held.length > 0) {
          if (!batch.sync) throw unheld(held)
          const members = reachable(RED, context.ledger(), { place: context.place, ports: [0] })
          await engine.hold({
            ref: { id: context.id, name: context.name },
            sinks: sinksFor(members, schema.entity),
            message: batch,
            stage: 'map',
            records: held,
          })
          for (const { record, cause } of held) context.send(1, heldMessage(batch, record, cause))
        }
        engine.declare({
          ref: { id: context.id, name: context.name },
          message: batch,
          mapped: { payload, schema },
          touched,
          version: await note(context, mapping, schema.entity, engine.ledger),
        })
        if (payload.length > 0 || batch.payload.length === 0) context.send(0, { ...message, payload, schema })
        const done = `${schema.entity}: ${count(payload.length)} mapped`
        const place = { ledger: engine.ledger, sync: batch.sync?.name ?? '', entity: schema.entity, address: null }
        await showPlace(context.status, done, place)
      }),
  })
}

function unheld(held: readonly Refused[]): Error {
  const first = held[0]?.cause
  return syncError('data', first?.code ?? 'tieout.map', first?.message ?? 'Records could not be mapped', {
    hint: 'A message without msg.sync cannot be held: correct it and send it again.',
  })
}
