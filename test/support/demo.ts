/** The demo as a person starts it: `npm start` in a folder of its own, and the admin API that it prints the login of. */
import { ok } from 'node:assert'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { waitFor } from './wait.ts'

export interface FlowNode {
  id: string
  type: string
  name?: string
  [property: string]: unknown
}

export interface Demo {
  readonly child: ChildProcess
  readonly home: string
  readonly url: string
  readonly user: { readonly name: string; readonly password: string }
  /** What it printed so far. */
  text(): string
  call(method: string, path: string, body?: unknown): Promise<unknown>
  /** Adds nodes to what is deployed, and waits until they can be asked. */
  add(nodes: readonly FlowNode[]): Promise<void>
  /** The summary of a sync's next run, which an inject node begins. */
  run(nodes: readonly FlowNode[], sync: string, order?: object): Promise<RunSummary>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
}

export interface DemoStart {
  readonly home: string
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What it must have printed. */
  readonly until?: RegExp
}

export const demoHome = (): string => mkdtempSync(join(tmpdir(), 'tieout-start-'))
export const removeHome = (home: string): void => rmSync(home, { recursive: true, force: true })

export const template = (name: string): FlowNode[] => JSON.parse(readFileSync(`flows/${name}.json`, 'utf8'))

/** Starts it, and waits until its first run is over. */
export async function startDemo({
  home,
  flags = ['--port', '0'],
  env = {},
  until = /Ctrl\+C/,
}: DemoStart): Promise<Demo> {
  const child = spawn(process.execPath, [resolve('demo/start.ts'), ...flags], {
    cwd: home,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk))
  await waitFor(() => until.test(text) || child.exitCode !== null, { timeout: 90_000, what: 'the demo' })
  const found = (what: string): string => new RegExp(`${what}\\s+(\\S+)`).exec(text)?.[1] ?? ''
  const [url, name, password] = [found('Editor'), found('User'), found('Password')]
  ok(url && name && password, text)
  const login = await fetch(`${url}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: 'node-red-admin', grant_type: 'password', scope: '*', username: name, password }),
  })
  const { access_token: token } = (await login.json()) as { access_token: string }
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'node-red-api-version': 'v2',
  }
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const reply = await fetch(url + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const answer = await reply.text()
    ok(reply.ok, `${path}: ${reply.status} ${answer}`)
    return reply.headers.get('content-type')?.includes('json') ? JSON.parse(answer) : answer
  }
  const newest = async (ledger: string, sync: string): Promise<RunSummary | undefined> =>
    ((await call('GET', `/tieout/runs?ledger=${ledger}&sync=${encodeURIComponent(sync)}&limit=1`)) as RunSummary[])[0]
  return {
    child,
    home,
    url,
    user: { name, password },
    text: () => text,
    call,
    async add(nodes) {
      const { flows, rev } = (await call('GET', '/flows')) as { flows: FlowNode[]; rev: string }
      const there = new Set(flows.map(({ id }) => id))
      await call('POST', '/flows', { flows: [...flows, ...nodes.filter(({ id }) => !there.has(id))], rev })
    },
    async run(nodes, sync, order) {
      const poll = nodes.find(({ syncName }) => syncName === sync)
      const inject = nodes.find(
        ({ type, wires }) => type === 'inject' && (wires as string[][]).flat().includes(poll?.id ?? ''),
      )
      ok(poll && inject, `nothing begins ${sync}`)
      const ledger = poll.ledger as string
      // Flows start some time after they were taken.
      let before: string | undefined
      await waitFor(
        () =>
          newest(ledger, sync).then(
            (run) => {
              before = run?.run
              return true
            },
            () => false,
          ),
        { what: 'the ledger' },
      )
      const props = order ? { __user_inject_props__: [{ p: 'tieout', v: JSON.stringify(order), vt: 'json' }] } : {}
      await waitFor(() =>
        call('POST', `/inject/${inject.id}`, props).then(
          () => true,
          () => false,
        ),
      )
      let summary: RunSummary | undefined
      await waitFor(
        async () => {
          summary = await newest(ledger, sync)
          return summary !== undefined && summary.run !== before
        },
        { timeout: 120_000, what: `the end of a run of ${sync}` },
      )
      return summary as RunSummary
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
