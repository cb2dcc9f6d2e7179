/** The shipped flow in an embedded Node-RED, in a process of its own: first load into an empty warehouse, the ledger on disk. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ends, endsOf } from '../demo/ends/index.ts'
import { environmentOf, type FlowNode, readTemplate } from '../demo/job.ts'
import { until } from '../demo/process.ts'
import type { DataRecord, Schema } from '../sync/contract/message.ts'
import type { RunSummary } from '../sync/contract/summary.ts'
import { serve } from './child.ts'
import { type Cost, measure, peakRssMb } from './measure.ts'
import { type Recorded, recordDatabricks } from './recorded.ts'
import type { Accounts, Addresses } from './sandbox.ts'

export interface FlowOrder {
  readonly flow: string
  readonly addresses: Addresses
  readonly accounts: Accounts
  /** To be repeated by the floor. */
  readonly record?: boolean
}

export interface FlowResult extends Cost {
  readonly peakRssMb: number
  readonly records: number
  readonly rows: number
  /** Records of each batch as the source sent it, and the schema as the sink got it, by entity. */
  readonly batches: Record<string, number[]>
  readonly schemas: Schema[]
  readonly source: string
  readonly statements: readonly Recorded[]
}

/** What the bench uses of Node-RED; its own types know only what a node sees. */
interface NodeRed {
  init(server: undefined, settings: object): void
  start(): Promise<void>
  stop(): Promise<void>
  readonly hooks: {
    add(id: 'onSend.bench', work: (events: SendEvent[]) => void): void
    add(id: 'onComplete.bench', work: (event: CompleteEvent) => void): void
  }
  readonly events: { once(name: 'flows:started', heard: () => void): void }
  readonly nodes: { getNode(id: string): { receive(message: object): void } | null }
  readonly runtime: { readonly flows: { setFlows(options: object): Promise<unknown> } }
}

interface SendEvent {
  readonly source: { readonly id: string; readonly node: { readonly type: string }; readonly port: number }
  readonly msg: { readonly payload?: unknown; readonly schema?: Schema; readonly topic?: string }
}

interface CompleteEvent {
  readonly node: { readonly id: string }
  readonly error?: unknown
}

const commands = {
  async run({ flow, addresses, accounts, record = false }: FlowOrder): Promise<FlowResult> {
    const statements = record && flow.endsWith('-databricks') ? recordDatabricks() : []
    const RED = createRequire(import.meta.url)('node-red') as NodeRed
    const userDir = mkdtempSync(join(tmpdir(), 'tieout-bench-'))
    try {
      RED.init(undefined, settings(userDir))
      // Node types come after the start itself.
      const ready = new Promise<void>((resolve) => RED.events.once('flows:started', resolve))
      await RED.start()
      await ready
      const ends = endsOf(flow)
      Object.assign(process.env, environmentOf(ends, addresses))
      const nodes = filledIn(readTemplate(flow), accounts, ends)
      await RED.runtime.flows.setFlows({ flows: { flows: nodes }, deploymentType: 'full' })
      const poll = nodes.find((node) => /-(?:poll|query)$/.test(node.type)) as FlowNode
      const seen = watch(RED, poll.id)
      const inject = nodes.find((node) => node.type === 'inject' && leadsTo(node, poll.id)) as FlowNode
      // Flows start some time after they were taken.
      const button = await until('the flow', async () => RED.nodes.getNode(inject.id) ?? undefined)
      const end = measure()
      button.receive({})
      const summary = await seen.ended
      const cost = end()
      if (summary.state !== 'done' || !summary.ties) throw new Error(`the run did not end well: ${inWords(summary)}`)
      const sum = (of: 'read' | 'rows'): number => summary.entities.reduce((all, entity) => all + entity[of], 0)
      const source = String(nodes.find((node) => node.type.endsWith('-connection') && node.source)?.source)
      return {
        ...cost,
        peakRssMb: peakRssMb(),
        records: sum('read'),
        rows: sum('rows'),
        batches: seen.batches,
        schemas: [...seen.schemas.values()],
        source,
        statements,
      }
    } finally {
      await RED.stop()
      rmSync(userDir, { recursive: true, force: true })
    }
  },
}

export type FlowCommands = typeof commands

const settings = (userDir: string): object => ({
  userDir,
  flowFile: 'flows.json',
  httpAdminRoot: '/',
  httpNodeRoot: false,
  disableEditor: true,
  credentialSecret: 'bench',
  nodesDir: [join(import.meta.dirname, '..')],
  nodesExcludes: ['nrlint', '90-exec.js'],
  logging: { console: { level: 'error', metrics: false, audit: false } },
  telemetry: { enabled: false, updateNotification: false },
})

/** The template as the demo fills it in: its code table, and what its nodes need for local servers. No timer starts a run. */
function filledIn(flows: readonly FlowNode[], accounts: Accounts, { source, target }: Ends): FlowNode[] {
  return flows.map((node) => {
    if (node.type === 'inject') return { ...node, once: false, repeat: '', crontab: '' }
    if (node.type === 'gl-mapping') return { ...node, tables: [{ name: 'account', rows: accounts }] }
    return target.fill(source.fill(node))
  })
}

const leadsTo = (node: FlowNode, id: string): boolean => (node.wires as string[][]).flat().includes(id)

/** What passes between the nodes: a few messages for each batch. */
function watch(RED: NodeRed, poll: string) {
  const batches: Record<string, number[]> = {}
  const schemas = new Map<string, Schema>()
  const ended = new Promise<RunSummary>((resolve, reject) => {
    // A run that could not begin has no summary.
    RED.hooks.add('onComplete.bench', ({ node, error }) => {
      if (node.id === poll && error !== undefined) reject(error)
    })
    RED.hooks.add('onSend.bench', (events) => {
      for (const { source, msg } of events) {
        if (source.id === poll && source.port === 1) resolve(msg.payload as RunSummary)
        else if (source.port !== 0 || msg.schema === undefined) continue
        else if (source.id === poll) {
          batches[msg.schema.entity] ??= []
          batches[msg.schema.entity]?.push((msg.payload as DataRecord[]).length)
        } else schemas.set(msg.schema.entity, msg.schema)
      }
    })
  })
  return { batches, schemas, ended }
}

const inWords = (summary: RunSummary): string =>
  [
    summary.state,
    ...summary.errors.map(({ message }) => message),
    ...summary.entities.flatMap((e) => e.problem ?? []),
  ].join('; ')

serve(commands)
