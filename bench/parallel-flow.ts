/** Many syncs in one embedded Node-RED: the reading and writing nodes of the shipped flow, so many times, each with connections of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endsOf } from '../demo/ends/index.ts'
import { environmentOf, type FlowNode, readTemplate } from '../demo/job.ts'
import { freePort, until } from '../demo/process.ts'
import type { RunSummary } from '../sync/contract/summary.ts'
import { serve } from './child.ts'
import { type Cost, measure } from './measure.ts'
import { filledIn, inWords, type NodeRed, startNodeRed } from './node-red.ts'
import type { Accounts, Addresses } from './sandbox.ts'

export interface ParallelOrder {
  readonly addresses: Addresses
  readonly accounts: Accounts
  readonly syncs: number
  /** So many more whose warehouse answers nothing. */
  readonly down: number
}

export interface ParallelResult extends Cost {
  /** MB with all sessions open, and nothing to do. */
  readonly idleMb: number
  readonly peakMb: number
  readonly rows: number
  /** Seconds from the start of a small sync, when all others were going, to its first batch. */
  readonly firstBatch: number
}

const FLOW = 'x3-to-databricks'
/** Entity with few records: all sessions are opened with it, and it is all that the small sync reads. */
const SMALL = 'gl_account'
const KINDS = ['tab', 'x3-poll', 'map-gl', 'databricks-write', 'x3-connection', 'databricks-connection']
/** Of each sync its own; the others are shared. */
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
      if (node.type === 'x3-poll') Object.assign(copy, { syncName: sync, sweep: 'never' })
      if (node.type === 'databricks-write') copy.pattern = `{catalog}.{schema}.${sync}_{entity}`
      if (node.type === 'databricks-connection' && isDown(sync)) Object.assign(copy, { host: '127.0.0.1', port: dead })
      return copy
    }),
  )
  return [...nodes.filter(({ type }) => ['sync-ledger', 'gl-mapping'].includes(type)), ...copies]
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
        RED.nodes.getNode(id)?.receive({ tieout: order })
      }),
    firstBatch: (sync: string) => new Promise<void>((resolve) => sent.set(nameOf(pollId, sync), resolve)),
  }
}

function rssMb(): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Math.ceil(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024)
}

const good = (summary: RunSummary): RunSummary => {
  if (summary.state !== 'done' || !summary.ties)
    throw new Error(`${summary.sync} did not end well: ${inWords(summary)}`)
  return summary
}

const commands = {
  async run({ addresses, accounts, syncs, down }: ParallelOrder): Promise<ParallelResult> {
    const userDir = mkdtempSync(join(tmpdir(), 'tieout-bench-'))
    const RED = await startNodeRed(userDir)
    try {
      const ends = endsOf(FLOW)
      Object.assign(process.env, environmentOf(ends, addresses))
      const nodes = filledIn(readTemplate(FLOW), accounts, ends)
      const poll = nodes.find(({ type }) => type === 'x3-poll') as FlowNode
      const up = Array.from({ length: syncs }, (_, i) => `up${i}`)
      const dead = Array.from({ length: down }, (_, i) => `down${i}`)
      const flows = many(nodes, [...up, ...dead, 'small'], (sync) => sync.startsWith('down'), await freePort())
      await RED.runtime.flows.setFlows({ flows: { flows }, deploymentType: 'full' })
      await until('the flow', async () => RED.nodes.getNode(nameOf(poll.id, 'small')) ?? undefined)
      const { run, firstBatch } = starter(RED, poll.id)
      // Opens every session.
      for (const sync of [...up, 'small']) good(await run(sync, { entities: [SMALL], full: true }))
      global.gc?.()
      const idleMb = rssMb()
      let peakMb = idleMb
      const watch = setInterval(() => {
        peakMb = Math.max(peakMb, rssMb())
      }, 20)
      const end = measure()
      for (const sync of dead) run(sync).catch(() => undefined)
      const running = up.map((sync) => run(sync, { full: true }))
      const whole = Promise.all(running)
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 5000)), whole])
      const began = performance.now()
      const small = run('small', { entities: [SMALL], full: true })
      await firstBatch('small')
      const seconds = (performance.now() - began) / 1000
      good(await small)
      const summaries = (await whole).map(good)
      const cost = end()
      clearInterval(watch)
      const rows = summaries.flatMap(({ entities }) => entities).reduce((sum, entity) => sum + entity.rows, 0)
      return { ...cost, idleMb, peakMb, rows, firstBatch: seconds }
    } finally {
      await RED.stop()
      rmSync(userDir, { recursive: true, force: true })
    }
  },
}

export type ParallelCommands = typeof commands

serve(commands)
