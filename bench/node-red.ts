/** Node-RED in the process of a bench, and the shipped flow as it is filled in there. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Ends } from '../demo/ends/index.ts'
import type { FlowNode } from '../demo/job.ts'
import type { Schema } from '../sync/contract/message.ts'
import type { RunSummary } from '../sync/contract/summary.ts'
import type { Accounts } from './sandbox.ts'

/** What the bench uses of Node-RED; its own types know only what a node sees. */
export interface NodeRed {
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

export interface SendEvent {
  readonly source: { readonly id: string; readonly node: { readonly type: string }; readonly port: number }
  readonly msg: { readonly payload?: unknown; readonly schema?: Schema; readonly topic?: string }
}

export interface CompleteEvent {
  readonly node: { readonly id: string }
  readonly error?: unknown
}

/** Starts it with an empty user directory and no editor. */
export async function startNodeRed(userDir: string): Promise<NodeRed> {
  const RED = createRequire(import.meta.url)('node-red') as NodeRed
  RED.init(undefined, settings(userDir))
  // Node types come after the start itself.
  const ready = new Promise<void>((resolve) => RED.events.once('flows:started', resolve))
  await RED.start()
  await ready
  return RED
}

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
export function filledIn(flows: readonly FlowNode[], accounts: Accounts, { source, target }: Ends): FlowNode[] {
  return flows.map((node) => {
    if (node.type === 'inject') return { ...node, once: false, repeat: '', crontab: '' }
    if (node.type === 'gl-mapping') return { ...node, tables: [{ name: 'account', rows: accounts }] }
    return target.fill(source.fill(node))
  })
}

/** How a run ended. */
export const inWords = (summary: RunSummary): string =>
  [
    summary.state,
    ...summary.errors.map(({ message }) => message),
    ...summary.entities.flatMap((e) => e.problem ?? []),
  ].join('; ')
