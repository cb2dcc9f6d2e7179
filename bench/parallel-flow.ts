/** Many syncs in one embedded Node-RED: the reading and writing nodes of the shipped flow, so many times, each with connections of its own. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endsOf } from '../demo/ends/index.ts'
import { environmentOf, type FlowNode, readTemplate } from '../demo/job.ts'
import { freePort, until } from '../demo/process.ts'
import type { RunSummary } from '../sync/contract/summary.ts'
import { serve } from './child.ts'
import { measure, watchMemory } from './measure.ts'
import { filledIn, inWords, type NodeRed, startNodeRed } from './node-red.ts'
import { countTurns, type ParallelOrder, type ParallelResult } from './parallel-order.ts'
import type { Accounts, Addresses } from './sandbox.ts'

/** Where the systems are. */
export interface Ground {
  readonly addresses: Addresses
  readonly accounts: Accounts
}

const FLOW = 'x3-to-databricks'
/** Entity with few records: all sessions are opened with it, and it is all that the small sync reads. */
const SMALL = 'gl_account'
/** Sessions that are opened together. */
const AT_ONCE = 10
/** What a wire does not lead to is not sent: summaries are seen on their way to a debug node. */
const KINDS = ['tab', 'x3-poll', 'map-gl', 'databricks-write', 'x3-connection', 'databricks-connection', 'debug']
const nameOf = (id: string, sync: string): string => `${sync}-${id}`

/** The nodes that read and write, once for each sync. */
function many(nodes: readonly FlowNode[], syncs: readonly string[], isDown: (sync: string) => boolean, dead: number) {
  const own = nodes.filter(({ type }) => KINDS.includes(type))
  const ids = new Set(own.map(({ id }) => id))
  const copies = syncs.flatMap((sync) =>
    own.map((node) => {
      const copy = JSON.parse(JSON.stringify(node), (_name, value) =>
        typeof value === 'string' && ids.has(value) ? nameOf(value, sync) : value,
      ) as FlowNode
      if (node.wires)
        copy.wires = (node.wires as string[][]).map((to) =>
          to.filter((id) => ids.has(id)).map((id) => nameOf(id, sync)),
        )
      if (node.type === 'debug') copy.active = false
      if (node.type === 'x3-poll') Object.assign(copy, { syncName: sync, sweep: 'never' })
      if (node.type === 'databricks-write') copy.pattern = `{catalog}.{schema}.${sync}_{entity}`
      if (node.type === 'databricks-connection' && isDown(sync)) Object.assign(copy, { host: '127.0.0.1', port: dead })
      return copy
    }),
  )
  return [...nodes.filter(({ type }) => ['sync-ledger', 'gl-mapping'].includes(type)), ...copies]
}

/** The sync for which something is done. */
const current = new AsyncLocalStorage<string>()

/** Hears of each request to an address until it is ended. */
function hearRequests(url: string, asked: (sync: string) => void): () => void {
  const channel = 'undici:request:create'
  const address = new URL(url).origin
  const hear = (event: unknown): void => {
    const { origin } = (event as { request: { origin: string | URL } }).request
    const sync = current.getStore()
    if (sync !== undefined && String(origin) === address) asked(sync)
  }
  subscribe(channel, hear)
  return () => unsubscribe(channel, hear)
}

/** Runs of syncs, started by a message. */
function starter(RED: NodeRed, pollId: string) {
  const ended = new Map<string, (summary: RunSummary) => void>()
  const failed = new Map<string, (error: unknown) => void>()
  const sent = new Map<string, () => void>()
  RED.hooks.add('onComplete.bench', ({ node, error }) => {
    if (error !== undefined) failed.get(node.id)?.(error)
  })
  RED.hooks.add('onSend.bench', (events) => {
    for (const { source, msg } of events)
      if (source.port === 1) ended.get(source.id)?.(msg.payload as RunSummary)
      else if (msg.schema) sent.get(source.id)?.()
  })
  return {
    run: (sync: string, order: object = {}) =>
      new Promise<RunSummary>((resolve, reject) => {
        const id = nameOf(pollId, sync)
        ended.set(id, resolve)
        failed.set(id, reject)
        current.run(sync, () => RED.nodes.getNode(id)?.receive({ tieout: order }))
      }),
    firstBatch: (sync: string) => new Promise<void>((resolve) => sent.set(nameOf(pollId, sync), resolve)),
  }
}

const good = (summary: RunSummary): RunSummary => {
  if (summary.state !== 'done' || !summary.ties)
    throw new Error(`${summary.sync} did not end well: ${inWords(summary)}`)
  return summary
}

const commands = {
  async run({ addresses, accounts, syncs, down, budget }: ParallelOrder & Ground): Promise<ParallelResult> {
    const userDir = mkdtempSync(join(tmpdir(), 'tieout-bench-'))
    const RED = await startNodeRed(userDir)
    let endHearing = (): void => undefined
    try {
      const ends = endsOf(FLOW)
      Object.assign(process.env, environmentOf(ends, addresses), { TIEOUT_BUDGET_MB: String(budget) })
      const nodes = filledIn(readTemplate(FLOW), accounts, ends)
      const poll = nodes.find(({ type }) => type === 'x3-poll') as FlowNode
      const up = Array.from({ length: syncs }, (_, i) => `up${i}`)
      const dead = Array.from({ length: down }, (_, i) => `down${i}`)
      const flows = many(nodes, [...up, ...dead, 'small'], (sync) => sync.startsWith('down'), await freePort())
      await RED.runtime.flows.setFlows({ flows: { flows }, deploymentType: 'full' })
      await until('the flow', async () => RED.nodes.getNode(nameOf(poll.id, 'small')) ?? undefined)
      const { run, firstBatch } = starter(RED, poll.id)
      // Opens every session.
      const all = [...up, 'small']
      for (let at = 0; at < all.length; at += AT_ONCE)
        for (const opened of all.slice(at, at + AT_ONCE).map((sync) => run(sync, { entities: [SMALL], full: true })))
          good(await opened)
      const turns = countTurns()
      endHearing = hearRequests(String(addresses[ends.source.server]?.url), turns.asked)
      const memory = watchMemory()
      const end = measure()
      for (const sync of dead) run(sync).catch(() => undefined)
      const running = up.map((sync) => run(sync, { full: true }))
      const whole = Promise.all(running)
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 5000)), whole])
      const endFirst = turns.of('small')
      const small = run('small', { entities: [SMALL], full: true })
      await firstBatch('small')
      const first = endFirst()
      good(await small)
      const summaries = (await whole).map(good)
      const cost = end()
      const seen = memory()
      const rows = summaries.flatMap(({ entities }) => entities).reduce((sum, entity) => sum + entity.rows, 0)
      return { ...cost, ...seen, rows, first }
    } finally {
      endHearing()
      await RED.stop()
      rmSync(userDir, { recursive: true, force: true })
    }
  },
}

export type ParallelCommands = typeof commands

serve(commands)
