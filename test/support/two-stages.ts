/** A ledger with its engine before a hub of two stages, with a clock of its own. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ledger } from '../../ledger/ledger.ts'
import { openLedger } from '../../ledger/open.ts'
import type { Engine, PollOptions } from '../../sync/contract/engine.ts'
import type { BatchMessage, DataRecord, Schema } from '../../sync/contract/message.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import type { Target } from '../../sync/contract/target.ts'
import { createEngine } from '../../sync/create.ts'
import { supplier, supplierSchema } from './fakes.ts'
import { sums } from './rig.ts'
import { createHub, type Hub, order, orderSchema } from './two-stages-hub.ts'
import { overTheWire } from './util.ts'

/** One process: a ledger, its engine and the deployed sink. */
export interface Stages {
  readonly hub: Hub
  readonly ledger: Ledger
  readonly engine: Engine
  target(entity: string): Target
  /** What the flow makes of a message of the poller. */
  flow: (message: BatchMessage) => BatchMessage
  /** What the run said that it waits for. */
  readonly told: string[]
  run(options?: Partial<PollOptions>): Promise<RunSummary>
  replay(ids?: readonly string[]): Promise<RunSummary>
  /** A message of the flow's own. */
  push(entity: string, rows: readonly Partial<DataRecord>[]): Promise<void>
  /** Keys that are held, with the code and the vendor's text. */
  held(): Promise<Record<string, string>>
  /** What is open of the sync, as words of kind, number and entity. */
  open(): Promise<string[]>
  close(): Promise<void>
}

export interface World {
  readonly hub: Hub
  readonly file: string
  /** Time passes, for ledger, engine and source. */
  pass(minutes: number): void
  /** The ledger's file as it is now, and back again. */
  copy(): void
  restore(): void
  start(options?: {
    readonly needs?: readonly string[]
    readonly follows?: boolean
    readonly file?: string
  }): Promise<Stages>
  /** What a kill would leave now, as a file of its own. */
  remains(): string
  remove(): Promise<void>
}

const poller = { id: 'poll-1', name: 'erp-poll' }
export const sender = { id: 'send-1', name: 'hub-send' }

export function world(hub = createHub()): World {
  const folder = mkdtempSync(join(tmpdir(), 'tieout-stages-'))
  const file = join(folder, 'ledger.db')
  let time = Date.parse('2026-03-01T08:00:00Z')
  const now = (): number => time
  const started: Stages[] = []
  const made: World = {
    hub,
    file,
    pass(minutes) {
      time += minutes * 60_000
      hub.source.clockIs(new Date(time).toISOString().replace('.000', ''))
    },
    copy: () => copyFileSync(file, join(folder, 'copy.db')),
    restore() {
      for (const each of [file, `${file}-wal`]) if (existsSync(each)) rmSync(each)
      copyFileSync(join(folder, 'copy.db'), file)
    },
    remains() {
      const left = join(folder, `left-${started.length}.db`)
      copyFileSync(file, left)
      if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${left}-wal`)
      return left
    },
    async start(options = {}) {
      const stages = await startStages(hub, { now, file, ...options })
      started.push(stages)
      return stages
    },
    async remove() {
      for (const one of started) await one.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return made
}

/** A world with a process in it, and a supplier and two of its orders in its source. */
export interface StagesWorld extends World {
  /** The process that was started last. */
  s: Stages
  /** The next process on the same ledger. */
  restart(options?: Parameters<World['start']>[0]): Promise<void>
  /** A run a minute later, of the last process or another one. */
  run(options?: Partial<PollOptions>, of?: Stages): Promise<RunSummary>
  /** What was sent under a key: whether it was sent again. */
  sentOf(key: string): boolean[]
}

/** To be called in a `describe`: a world in which each of its tests finds itself alone. */
export function eachInItsWorld(): StagesWorld {
  const own = {} as StagesWorld
  beforeEach(async () => {
    const made = world()
    Object.assign(own, made, { s: await made.start() })
    own.hub.source.put('supplier', supplier('S1', 'Acme'))
    own.hub.source.put('purchase_order', order('O1', '10.10'))
    own.hub.source.put('purchase_order', order('O2', '20.20'))
  })
  afterEach(() => own.remove())
  return Object.assign(own, {
    async restart(options: Parameters<World['start']>[0] = {}) {
      await own.s.close()
      own.s = await own.start(options)
    },
    run(options: Partial<PollOptions> = {}, of = own.s) {
      own.pass(1)
      return of.run(options)
    },
    sentOf: (key: string) => own.hub.sent.filter((one) => one.key === key).map(({ again }) => again),
  })
}

interface Start {
  readonly now: () => number
  readonly file: string
  readonly needs?: readonly string[]
  readonly follows?: boolean
}

async function startStages(hub: Hub, { now, file, needs = ['supplier'], follows = true }: Start): Promise<Stages> {
  const ledger = await openLedger({ file, key: 'test', now })
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const engine = createEngine({ ledger, log: quiet, now, retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 2 } })
  const { signal } = new AbortController()
  const targets = new Map<string, Target>()
  const target = (entity: string): Target => {
    const known = targets.get(entity) ?? hub.target(entity, entity === 'purchase_order' ? { needs } : {})
    targets.set(entity, known)
    return known
  }
  if (follows) engine.followResults({ ref: sender, target: async (entity) => target(entity) })
  const deliver = (message: { topic?: string; payload: DataRecord[]; schema: Schema }): Promise<unknown> =>
    engine.deliver({
      ref: sender,
      target: target(message.schema.entity),
      message,
      mayDelete: true,
      progress: () => undefined,
      signal,
    })
  const told: string[] = []
  let isOpen = true
  const stages: Stages = {
    flow: (message) => message,
    hub,
    ledger,
    engine,
    target,
    told,
    run: (more = {}) =>
      engine.poll({
        name: 's',
        ref: poller,
        source: hub.source,
        entities: ['supplier', 'purchase_order'],
        sinks: () => [sender],
        mustReport: 'every',
        mayFilter: false,
        receiptSeconds: 60,
        send(message: BatchMessage) {
          void deliver(stages.flow(overTheWire(message))).catch(() => undefined)
        },
        progress: ({ waiting }) => void (waiting && told.push(waiting)),
        signal,
        ...more,
      }),
    replay: (ids) =>
      engine.replay({
        name: 'r',
        ref: { id: 'replay-1', name: 'replay' },
        filter: ids ? { ids } : {},
        sinks: () => [sender],
        receiptSeconds: 60,
        send: (_to, message) => void deliver(overTheWire(message)).catch(() => undefined),
        progress: () => undefined,
        signal,
      }),
    push: async (entity, rows) => {
      const schema = entity === 'supplier' ? supplierSchema : orderSchema
      await deliver({ topic: entity, payload: rows.map((row, _row): DataRecord => ({ ...row, _row })), schema })
    },
    held: async () =>
      Object.fromEntries(
        (await ledger.held({ states: ['open'] })).map(({ key, cause }) => [
          key,
          `${cause.code}: ${cause.vendorText ?? cause.message}`,
        ]),
      ),
    open: async () =>
      (await ledger.openItems('s')).map(({ kind, count, entity }) => `${count} ${kind} ${entity}`).sort(),
    async close() {
      if (!isOpen) return
      isOpen = false
      await engine.close()
    },
  }
  return stages
}

type Figures = NonNullable<ReturnType<typeof sums>['results']>
/** Records by what became of them, where there are any. */
export const numbers = (one: Figures | undefined) =>
  Object.fromEntries(Object.entries(one ?? {}).flatMap(([name, { records }]) => (records > 0 ? [[name, records]] : [])))
/** What became of the orders of a run. */
export const ofOrders = (summary: Awaited<ReturnType<Stages['run']>>): Figures | undefined =>
  sums(summary, 'purchase_order', sender.name).results
