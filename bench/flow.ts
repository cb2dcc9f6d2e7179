/** The shipped flow in an embedded Node-RED, in a process of its own: first load into an empty warehouse, the ledger on disk. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sourceName } from '../demo/ends/end.ts'
import { endsOf } from '../demo/ends/index.ts'
import { environmentOf, type FlowNode, readTemplate } from '../demo/job.ts'
import { until } from '../demo/process.ts'
import type { DataRecord, Schema } from '../sync/contract/message.ts'
import type { RunSummary } from '../sync/contract/summary.ts'
import { serve } from './child.ts'
import { type Cost, measure, peakRssMb } from './measure.ts'
import { filledIn, inWords, type NodeRed, startNodeRed } from './node-red.ts'
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

const commands = {
  async run({ flow, addresses, accounts, record = false }: FlowOrder): Promise<FlowResult> {
    const statements = record && flow.endsWith('-databricks') ? recordDatabricks() : []
    const userDir = mkdtempSync(join(tmpdir(), 'tieout-bench-'))
    const RED = await startNodeRed(userDir)
    try {
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
      const named = nodes.find((node) => node.type.endsWith('-connection') && node.source) as FlowNode
      return {
        ...cost,
        peakRssMb: peakRssMb(),
        records: sum('read'),
        rows: sum('rows'),
        batches: seen.batches,
        schemas: [...seen.schemas.values()],
        source: sourceName(nodes, named.type, ends.source.settings ?? {}),
        statements,
      }
    } finally {
      await RED.stop()
      rmSync(userDir, { recursive: true, force: true })
    }
  },
}

export type FlowCommands = typeof commands

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

serve(commands)
