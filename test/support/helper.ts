/** node-red-node-test-helper with awaitable start and stop, and what the tests of the nodes ask of it. */

import { deepStrictEqual } from 'node:assert'
import type { EventEmitter } from 'node:events'
import type { Node, NodeAPI, NodeMessage } from 'node-red'
import helper from 'node-red-node-test-helper'
import { waitFor } from './wait.ts'

type Initializer = (RED: NodeAPI) => void
export type FlowEntry = { id: string; type: string; [property: string]: unknown }
export type Seen = NodeMessage & Record<string, unknown>

/** Loads node types and flows; credentials by node id. */
export async function load(
  types: readonly Initializer[],
  flow: readonly FlowEntry[],
  credentials: Record<string, Record<string, string>> = {},
): Promise<void> {
  await helper.startServer()
  const laid = [
    { id: 'tab', type: 'tab' },
    ...flow.map((entry) => (onCanvas(entry) ? { x: 0, y: 0, z: 'tab', ...entry } : entry)),
  ]
  await helper.load([...types] as never, structuredClone(laid) as never, credentials as never)
}

/** Whatever has wires, and the helper's own types: the others are config nodes. */
const onCanvas = ({ type, wires }: FlowEntry): boolean =>
  wires !== undefined || ['helper', 'catch', 'complete'].includes(type)

/** Stops flows and server; to be called after each test. */
export async function unload(): Promise<void> {
  await helper.unload()
  await helper.stopServer()
}

export const node = (id: string): Node => helper.getNode(id) as unknown as Node

/** Messages that a `helper` node gets, from now on. */
export function inbox(id: string): Seen[] {
  const seen: Seen[] = []
  node(id).on('input', (message) => {
    seen.push(message as Seen)
  })
  return seen
}

/** Status texts and fills of a node, from now on, as `fill shape text`. */
export function statuses(id: string): string[] {
  const seen: string[] = []
  ;(node(id) as unknown as EventEmitter).on(
    'call:status',
    (call: { args: [{ fill?: string; shape?: string; text?: string }] }) => {
      const { fill = '', shape = '', text = '' } = call.args[0] ?? {}
      seen.push([fill, shape, text].filter(Boolean).join(' '))
    },
  )
  return seen
}

/** The first message of an inbox. */
export async function first(seen: readonly Seen[]): Promise<Seen> {
  await waitFor(() => seen.length > 0)
  return seen[0] as Seen
}

/** No test of a suite leaves a rejected promise behind: in a real Node-RED it would end the process. */
export function watchRejections(): void {
  const rejections: unknown[] = []
  const onRejection = (reason: unknown): void => void rejections.push(reason)
  before(() => process.on('unhandledRejection', onRejection))
  after(() => process.off('unhandledRejection', onRejection))
  beforeEach(() => {
    rejections.length = 0
  })
  afterEach(async () => {
    await unload()
    deepStrictEqual(rejections, [])
  })
}

export { helper }
