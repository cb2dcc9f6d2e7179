/** A ledger and its engine between a hub that hands invoices over and an ERP that they are posted to, with a clock of its own. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installationFile } from '../../ledger/installation.ts'
import type { HeldRecord, Ledger } from '../../ledger/ledger.ts'
import { openLedger } from '../../ledger/open.ts'
import type { Engine, SinkRef } from '../../sync/contract/engine.ts'
import type { BatchMessage, Row, Schema } from '../../sync/contract/message.ts'
import type { PostRules, PostTarget } from '../../sync/contract/posting.ts'
import type { OutcomeCounts, RunSummary } from '../../sync/contract/summary.ts'
import { createEngine } from '../../sync/create.ts'
import { createErp, createHub, type Erp, type Hub } from './posting-erp.ts'
import { overTheWire } from './util.ts'

const poller = { id: 'poll-1', name: 'hub-poll' }
const poster = { id: 'post-1', name: 'erp-post' }
export const anna = { by: 'anna', reason: 'looked there' }

/** Where a target of the suite posts, and what its tests do there. */
export interface PostingBench {
  /** Of the records: the second key column is the document's id, the last one its revision. */
  readonly schema: Schema
  /** A record as it is posted. */
  row(id: string, revision: number, amount: string): Row
  target(rules?: Partial<PostRules>): PostTarget
  /** How the next post ends, in order; then `posted`. `lost`: it is committed, and no reply comes. `late`: neither, until `commitLate`. `never`: neither, for ever. */
  next(fate: 'posted' | 'lost' | 'late' | 'never'): void
  commitLate(): Promise<void>
  /** Numbers of the vouchers that stand there under a record's key. */
  standing(key: string): Promise<readonly string[]>
  /** Posts that reached it. */
  posts(): number
  /** The look-up is answered, and finds nothing of what was posted so far. */
  blind(on: boolean): Promise<void>
  /** An accountant makes a draft final, or deletes it. */
  finalise(number: string): Promise<void>
  remove(number: string): Promise<void>
  /** Somebody else posts a record under the reference of its key. Gives back the number. */
  another(key: string, row: Row): Promise<string>
}

export interface World {
  readonly bench: PostingBench
  readonly place: { readonly sync: string; readonly entity: string }
  readonly hub: Hub
  /** Runs once, when the next post is about to be sent. */
  beforePost(work: () => void | Promise<void>): void
  /** Minutes pass. */
  pass(minutes: number): void
  /** The ledger's file as it is now, and back again; `lost`: it is gone with all that is beside it. */
  copy(): void
  restore(what: 'copy' | 'lost'): void
  /** What a kill would leave now, as a file of its own. */
  remains(): string
  node(options?: { readonly rules?: Partial<PostRules>; readonly file?: string }): Promise<Node>
  remove(): Promise<void>
}

/** One process: a ledger, its engine and the deployed nodes. */
export interface Node {
  readonly ledger: Ledger
  readonly engine: Engine
  readonly target: PostTarget
  readonly sink: SinkRef
  /** What the flow does with a message of the poller; undefined: it goes to the sink. */
  flow: ((message: BatchMessage) => Promise<void>) | undefined
  run(): Promise<RunSummary>
  replay(ids?: readonly string[]): Promise<RunSummary>
  /** Test posting, and start on this ledger. */
  start(): Promise<void>
  /** What is held, by its key, as a code. */
  held(): Promise<Record<string, string>>
  heldOf(key: string): Promise<HeldRecord>
  alerts(): Promise<string[]>
  stop(): Promise<void>
}

export function world(bench: PostingBench): World {
  const folder = mkdtempSync(join(tmpdir(), 'tieout-posting-'))
  const file = join(folder, 'ledger.db')
  const copied = join(folder, 'copy.db')
  const hub = createHub(bench)
  const hooks: (() => void | Promise<void>)[] = []
  const place = { sync: 's', entity: bench.schema.entity }
  const nodes: Node[] = []
  let time = Date.parse('2026-03-01T08:00:00Z')
  const now = (): number => time
  return {
    bench,
    place,
    hub,
    beforePost: (work) => void hooks.push(work),
    pass(minutes) {
      time += minutes * 60_000
    },
    copy: () => copyFileSync(file, copied),
    restore(what) {
      for (const each of [file, `${file}-wal`, ...(what === 'lost' ? [installationFile(file)] : [])])
        if (existsSync(each)) rmSync(each)
      if (what === 'copy') copyFileSync(copied, file)
    },
    remains() {
      const left = join(folder, 'left.db')
      for (const name of [(path: string) => path, (path: string) => `${path}-wal`, installationFile])
        if (existsSync(name(file))) copyFileSync(name(file), name(left))
      return left
    },
    async node(options = {}) {
      const node = await startNode({ bench, place, hooks, hub, now, file, ...options })
      nodes.push(node)
      return node
    },
    async remove() {
      for (const node of nodes) await node.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A world whose ERP is in memory. */
export interface ErpWorld extends World {
  readonly erp: Erp
  /** Keys of the vouchers there with their numbers. */
  numbers(): string[]
}

/** To be called in a `describe`: a world in which each of its tests finds itself alone. */
export function eachInItsWorld(): ErpWorld {
  const own = {} as ErpWorld
  beforeEach(() => {
    const erp = createErp()
    const numbers = () => erp.vouchers.map(({ key, number }) => `${key} ${number}`)
    Object.assign(own, world(erp), { erp, numbers })
  })
  afterEach(() => own.remove())
  return own
}

interface Start extends Pick<World, 'bench' | 'place'> {
  readonly hooks: (() => void | Promise<void>)[]
  readonly hub: Hub
  readonly now: () => number
  readonly file: string
  readonly rules?: Partial<PostRules>
}

async function startNode({ bench, place, hooks, hub, now, file, rules }: Start): Promise<Node> {
  const ledger = await openLedger({ file, key: 'test', now })
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const retry = { attempts: 2, firstDelayMs: 1, maxDelayMs: 2 }
  const engine = createEngine({ ledger, log: quiet, now, retry })
  const inner = bench.target(rules)
  const target: PostTarget = {
    ...inner,
    async post(...given) {
      await hooks.shift()?.()
      return inner.post(...given)
    },
  }
  const { signal } = new AbortController()
  const progress = () => undefined
  engine.attendSource({ sync: 's', open: async () => hub.source() })
  engine.attendSink({ ref: poster, target: async () => target })
  const deliver = (message: BatchMessage): Promise<OutcomeCounts | undefined> =>
    engine.deliver({ ref: poster, target, message: overTheWire(message), progress, signal }).catch(() => undefined)
  let isOpen = true
  const held = () => ledger.held({ states: ['open'] })
  const node: Node = {
    ledger,
    engine,
    target,
    sink: poster,
    flow: undefined,
    run: () =>
      engine.poll({
        name: 's',
        ref: poller,
        source: hub.source(),
        entities: [place.entity],
        sinks: () => [poster],
        mustReport: 'every',
        mayFilter: false,
        receiptSeconds: 60,
        send: (message) => void (node.flow ? node.flow(overTheWire(message)) : deliver(message)),
        progress,
        signal,
      }),
    replay: (ids) =>
      engine.replay({
        name: 'r',
        ref: { id: 'replay-1', name: 'replay' },
        filter: ids ? { ids } : {},
        sinks: () => [poster],
        receiptSeconds: 60,
        send: (_to, message) => void deliver(message),
        progress,
        signal,
      }),
    async start() {
      await engine.posting.test(place, anna)
      await engine.posting.start(place, anna)
    },
    held: async () => Object.fromEntries((await held()).map(({ key, cause }) => [key, cause.code])),
    async heldOf(key) {
      const found = (await held()).find((one) => one.key === key)
      if (!found) throw new Error(`${key} is not held`)
      return found
    },
    alerts: async () => (await ledger.alerts({ open: true })).map(({ kind }) => kind).sort(),
    async stop() {
      if (!isOpen) return
      isOpen = false
      await engine.close()
    },
  }
  return node
}
