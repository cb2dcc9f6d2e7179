/** The sandbox as the demo uses it: a process of its own, steered by its control address. */
import { join } from 'node:path'
import type { Cell } from './compare.ts'
import type { Address } from './ends/end.ts'
import { ask, type Child, startNode, until } from './process.ts'

/** What the sandbox prints when it is ready. */
interface Told {
  readonly control: { readonly url: string; readonly token: string }
  readonly addresses: Readonly<Record<string, Address>>
}

export interface SandboxState {
  /** By server. */
  readonly requests: Readonly<Record<string, number>>
  readonly statements: number
  readonly faults: { readonly met: Readonly<Record<string, number>>; readonly pending: readonly string[] }
}

export interface Sandbox {
  /** The address that steers it. */
  readonly control: { readonly url: string; readonly token: string }
  /** By server. */
  readonly addresses: Readonly<Record<string, Address>>
  readonly child: Child
  state(): Promise<SandboxState>
  /** The next business day of changes. */
  day(): Promise<void>
  /** Moves the clock past every stamp, gives rights back, stops faults. */
  finish(): Promise<void>
  /** What people do in a system, and what they see of it. */
  act(server: string, act: string, what?: object): Promise<unknown>
  /** Rows of a target's table, straight from where they are stored. */
  rows(server: string, sql: string): AsyncIterable<Cell[]>
  stop(): Promise<void>
}

/** Starts the sandbox with the given arguments of `sandbox/main.ts`; it ends with its parent. */
export async function startSandbox(args: readonly string[]): Promise<Sandbox> {
  const child = startNode([join(import.meta.dirname, '..', 'sandbox', 'main.ts'), ...args], process.env)
  const told = await until('the sandbox', async () => {
    if (child.process.exitCode !== null) throw new Error(`the sandbox did not start:\n${child.output()}`)
    const line = child
      .output()
      .split('\n')
      .find((text) => text.startsWith('{') && text.endsWith('}'))
    return line === undefined ? undefined : (JSON.parse(line) as Told)
  })
  const { url, token } = told.control
  const control = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const reply = await ask(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!reply.ok) throw new Error(`sandbox ${path}: HTTP ${reply.status} ${(await reply.text()).slice(0, 500)}`)
    return reply
  }
  return {
    control: told.control,
    addresses: told.addresses,
    child,
    state: async () => (await control('GET', '/state')).json() as Promise<SandboxState>,
    day: async () => void (await control('POST', '/day')),
    finish: async () => void (await control('POST', '/close')),
    act: async (server, act, what = {}) => (await control('POST', '/act', { server, act, ...what })).json(),
    async *rows(server, sql) {
      const reply = await control('POST', '/query', { server, sql })
      let rest = ''
      if (!reply.body) return
      for await (const chunk of reply.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (line !== '') yield JSON.parse(line) as Cell[]
      }
    },
    stop: () => child.stop(),
  }
}
