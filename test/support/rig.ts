/** An engine between a fake ERP and fake tables, with a flow in between that tests may bend. */
import type { Ledger } from '../../ledger/ledger.ts'
import { openLedger } from '../../ledger/open.ts'
import type { Engine, PollOptions, SinkRef } from '../../sync/contract/engine.ts'
import type { BatchMessage, DataRecord } from '../../sync/contract/message.ts'
import type { EntitySummary, RunSummary } from '../../sync/contract/summary.ts'
import { createEngine } from '../../sync/create.ts'
import type { Budget } from '../../sync/reading/budget.ts'
import {
  entrySchema,
  type FakeEntity,
  type FakeSource,
  type FakeTarget,
  fakeSource,
  fakeTarget,
  supplierSchema,
} from './fakes.ts'
import { overTheWire } from './util.ts'

export const source1: SinkRef = { id: 'poll-1', name: 'x3-poll' }
export const warehouse: SinkRef = { id: 'write-1', name: 'databricks-write' }

export interface Rig {
  readonly ledger: Ledger
  readonly engine: Engine
  readonly source: FakeSource
  /** All messages sent, in order. */
  readonly sent: BatchMessage[]
  /** What the sink threw. */
  readonly thrown: unknown[]
  /** Table of an entity; the same for every engine that shares `targets`. */
  target(entity: string): FakeTarget
  /** What the sink node does with a message. */
  deliver(message: BatchMessage, ref?: SinkRef, target?: FakeTarget): Promise<void>
  poll(options?: Partial<PollOptions>): Promise<RunSummary>
  close(): Promise<void>
}

export interface RigOptions {
  readonly entities?: Record<string, FakeEntity>
  readonly source?: FakeSource
  readonly targets?: Map<string, FakeTarget>
  readonly file?: string
  readonly now?: () => number
  /** Shared with other rigs. */
  readonly budget?: Budget
  /** What the flow does with a message; without it the message goes to the sink. */
  readonly flow?: (message: BatchMessage, rig: Rig) => void
}

export async function rig(options: RigOptions = {}): Promise<Rig> {
  const { now, flow, budget } = options
  const entities = options.entities ?? { supplier: { schema: supplierSchema }, gl_entry: { schema: entrySchema } }
  const targets = options.targets ?? new Map<string, FakeTarget>()
  const ledger = await openLedger({ file: options.file ?? ':memory:', key: 'test', ...(now ? { now } : {}) })
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const engine = createEngine({
    ledger,
    log: quiet,
    retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 2 },
    ...(now ? { now } : {}),
    ...(budget ? { budget } : {}),
  })
  const signal = new AbortController().signal
  const made: Rig = {
    ledger,
    engine,
    source: options.source ?? fakeSource(entities),
    sent: [],
    thrown: [],
    target(entity) {
      const target = targets.get(entity) ?? fakeTarget({ address: `fakedb://host/main.finance.${entity}` })
      targets.set(entity, target)
      return target
    },
    async deliver(message, ref = warehouse, target = made.target(message.topic)) {
      try {
        await engine.deliver({ ref, target, message, progress: () => undefined, signal })
      } catch (error) {
        made.thrown.push(error)
      }
    },
    poll: (more = {}) =>
      engine.poll({
        name: 's',
        ref: source1,
        source: made.source,
        entities: Object.keys(entities),
        sinks: () => [warehouse],
        mustReport: 'every',
        mayFilter: false,
        receiptSeconds: 60,
        send(message) {
          made.sent.push(message)
          const copy = overTheWire(message)
          if (flow) flow(copy, made)
          else void made.deliver(copy)
        },
        progress: () => undefined,
        signal,
        ...more,
      }),
    close: () => engine.close(),
  }
  return made
}

/** What a mapping of ours does with a message: changes records, and says so. */
export function mapping(
  { engine }: Pick<Rig, 'engine'>,
  message: BatchMessage,
  change: (record: DataRecord) => DataRecord,
): BatchMessage {
  const mapped = { ...message, payload: message.payload.map(change) }
  engine.declare({ ref: { id: 'map-1', name: 'map-gl' }, message, mapped })
  return mapped
}

/** The summary of one entity at one sink. */
export function sums(summary: RunSummary, entity: string, sink = warehouse.name): EntitySummary {
  const found = summary.entities.find((sum) => sum.entity === entity && sum.sink === sink)
  if (!found) throw new Error(`the summary has no ${entity} at ${sink}`)
  return found
}
