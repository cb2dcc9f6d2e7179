/** Taps in the template for tests: what leaves the flow somewhere goes to a collector, in order. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FlowNode } from '../../demo/job.ts'
import type { ErrorCause } from '../../sync/contract/errors.ts'

/** An error as a catch node gives it. */
export interface Caught {
  readonly message: string
  readonly code?: string
  readonly cause?: ErrorCause
  readonly source: { readonly id: string; readonly type: string; readonly name?: string }
}

/** What left the flow somewhere, in order. */
export interface Seen {
  readonly kind: 'caught' | 'summary' | 'replayed' | 'alert' | 'dead' | 'held' | 'unmapped'
  readonly message: {
    readonly topic?: string
    readonly payload?: unknown
    readonly error?: Caught
    [name: string]: unknown
  }
}

/** The template for a job, and taps where a user would look: each sends what it gets to the collector. */
export function filledIn(
  template: readonly FlowNode[],
  job: {
    readonly name: string
    readonly entities: readonly string[]
    readonly collector: string
    /** Type of the sink whose held records are looked at, and what its connection needs of the job. */
    readonly sink: string
    readonly fill: (node: FlowNode, job: string) => void
  },
): FlowNode[] {
  const flow = template.map((node) => ({ ...node }))
  const tab = flow[0]?.id as string
  const post = {
    id: 'tap-post',
    type: 'http request',
    z: tab,
    x: 1100,
    y: 900,
    method: 'POST',
    ret: 'txt',
    paytoqs: 'ignore',
    url: job.collector,
    wires: [[]],
  }
  const tap = (kind: Seen['kind'], type: string, output: number): FlowNode => {
    const id = `tap-${kind}`
    const from = flow.find((node) => node.type === type)
    const wires = (from?.wires ?? []) as string[][]
    while (wires.length <= output) wires.push([])
    if (from) from.wires = wires.map((ids, n) => (n === output ? [...ids, id] : ids))
    const func = `const n = (flow.get('${job.name}') || 0) + 1; flow.set('${job.name}', n)
const { req, res, ...message } = msg
return { payload: { n, kind: '${kind}', message }, headers: { 'content-type': 'application/json' } }`
    return {
      id,
      type: 'function',
      z: tab,
      x: 900,
      y: 900,
      name: `tap ${kind}`,
      func,
      outputs: 1,
      wires: [['tap-post']],
    }
  }
  for (const node of flow) {
    if (node.type === 'x3-poll')
      Object.assign(node, { syncName: job.name, entities: job.entities.map((entity) => ({ entity, filter: '' })) })
    if (node.type === 'x3-connection') node.folder = job.name
    if (node.type === 'sync-ledger') node.file = `${job.name}.db`
    if (node.type === 'sync-alert') Object.assign(node, { syncs: job.name, everySeconds: 1 })
    if (node.type === 'replay') node.syncName = job.name
    job.fill(node, job.name)
  }
  return [
    ...flow,
    tap('summary', 'x3-poll', 1),
    tap('replayed', 'replay', 2),
    tap('caught', 'catch', 0),
    tap('dead', 'dead-letter', 0),
    tap('unmapped', 'map-gl', 1),
    tap('held', job.sink, 1),
    tap('alert', 'sync-alert', 0),
    post,
  ] as FlowNode[]
}

/** Takes what the taps send, in the order in which it left the flow. */
export async function startCollector(): Promise<{
  url: string
  listeners: Map<string, (seen: Seen) => void>
  close(): Promise<void>
}> {
  const listeners = new Map<string, (seen: Seen) => void>()
  const waiting = new Map<string, Map<number, Seen>>()
  const next = new Map<string, number>()
  const take = (name: string, { n, ...seen }: Seen & { n: number }): void => {
    const some = waiting.get(name) ?? new Map<number, Seen>()
    waiting.set(name, some)
    // A Node-RED started anew counts from 1 again.
    if (n === 1) next.set(name, 1)
    some.set(n, seen)
    for (let at = next.get(name) ?? 1; some.has(at); at++) {
      listeners.get(name)?.(some.get(at) as Seen)
      some.delete(at)
      next.set(name, at + 1)
    }
  }
  const server = createServer((request: IncomingMessage, response) => {
    let text = ''
    request
      .setEncoding('utf8')
      .on('data', (chunk: string) => {
        text += chunk
      })
      .on('end', () => {
        take((request.url ?? '').slice(1), JSON.parse(text))
        response.end()
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    listeners,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
