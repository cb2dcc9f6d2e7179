/** A real Node-RED in a process of its own: the built package, this project's settings, a user directory that is thrown away. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashSync } from '@node-rs/bcrypt'
import { waitFor } from './wait.ts'

const ROOT = join(import.meta.dirname, '..', '..')
export const USER = { name: 'admin', password: 'a-test-password' }

export interface RedOptions {
  readonly userDir?: string
  readonly settings?: string
  /** Where it listens; without one where nobody else does. */
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
}

export interface Red {
  readonly url: string
  readonly userDir: string
  readonly child: ChildProcess
  /** What it wrote so far. */
  output(): string
  /** Calls the admin API with the token; `null` for a call without one. */
  call(
    method: string,
    path: string,
    body?: unknown,
    token?: string | null,
  ): Promise<{ readonly status: number; readonly body: unknown }>
  /** A token of a user. */
  login(name?: string, password?: string): Promise<string>
  /** Deploys flows and waits until they run. Credentials go as `credentials` on the nodes. */
  deploy(flows: readonly object[], type?: 'full' | 'flows' | 'nodes'): Promise<void>
  /** Presses an inject node. */
  inject(id: string): Promise<void>
  /** Everything published on a comms topic from now on, such as `status/#` or `debug`. */
  listen(topic: string): Promise<{ readonly topic: string; readonly data: unknown }[]>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
  /** Stops and removes the user directory. */
  end(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

/** The process alone: for starts that are expected to fail. */
export function spawnRed({
  userDir,
  settings = join(ROOT, 'settings.js'),
  env = {},
}: RedOptions & { readonly userDir: string }): { child: ChildProcess; output: () => string } {
  const args = [join(ROOT, 'node_modules', 'node-red', 'red.js'), '--settings', settings, '--userDir', userDir]
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  return { child, output: () => text }
}

/** The same over restarts: another hash is another password, and ends the sessions. */
const HASH = hashSync(USER.password, 4)
export const adminEnv = (): Record<string, string> => ({
  TIEOUT_ADMIN_USER: USER.name,
  TIEOUT_ADMIN_PASSWORD_HASH: HASH,
})

/** Source names, which templates leave to variables. */
const SOURCES = { X3_SOURCE: 'x3', INTACCT_SOURCE: 'intacct' }

/** Starts and waits until the flows run. */
export async function startRed(options: RedOptions = {}): Promise<Red> {
  const userDir = options.userDir ?? mkdtempSync(join(tmpdir(), 'tieout-red-'))
  const port = options.port ?? (await freePort())
  const url = `http://127.0.0.1:${port}`
  const { child, output } = spawnRed({
    ...options,
    userDir,
    env: { ...adminEnv(), ...SOURCES, ...options.env, PORT: String(port) },
  })
  const started = (): number => output().split(/Started (?:modified )?(?:flows|nodes)/).length - 1
  await waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(`Node-RED ended:\n${output()}`)
      return started() > 0
    },
    { what: 'Node-RED' },
  ).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  let token: string | undefined
  const red: Red = {
    url,
    userDir,
    child,
    output,
    async login(name = USER.name, password = USER.password) {
      const reply = await fetch(`${url}/auth/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          client_id: 'node-red-admin',
          grant_type: 'password',
          scope: '',
          username: name,
          password,
        }),
      })
      if (!reply.ok) throw new Error(`login of ${name}: HTTP ${reply.status}`)
      return ((await reply.json()) as { access_token: string }).access_token
    },
    async call(method, path, body, as) {
      if (as === undefined) token ??= await red.login()
      const bearer = as === undefined ? token : as
      const reply = await fetch(url + path, {
        method,
        headers: {
          accept: 'application/json',
          'content-type': 'application/json',
          'node-red-api-version': 'v2',
          ...(bearer && { authorization: `Bearer ${bearer}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await reply.text()
      return {
        status: reply.status,
        body: reply.headers.get('content-type')?.includes('json') && text ? JSON.parse(text) : text,
      }
    },
    async deploy(flows, type = 'full') {
      token ??= await red.login()
      const before = started()
      const reply = await fetch(`${url}/flows`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'node-red-api-version': 'v2',
          'node-red-deployment-type': type,
          authorization: `Bearer ${token}`,
        },
        body: JSON.stringify({ flows }),
      })
      if (!reply.ok) throw new Error(`deploy: HTTP ${reply.status} ${await reply.text()}`)
      await waitFor(() => started() > before, { what: 'the flows' })
    },
    async inject(id) {
      const { status, body } = await red.call('POST', `/inject/${id}`)
      if (status !== 200) throw new Error(`inject ${id}: HTTP ${status} ${JSON.stringify(body)}`)
    },
    async listen(topic) {
      token ??= await red.login()
      const seen: { topic: string; data: unknown }[] = []
      const socket = new WebSocket(`${url.replace('http', 'ws')}/comms`)
      await once(socket, 'open')
      const accepted = new Promise<void>((resolve) => {
        socket.addEventListener('message', ({ data }) => {
          const messages: unknown = JSON.parse(String(data))
          for (const message of Array.isArray(messages) ? messages : [messages]) {
            if (message.auth === 'ok') resolve()
            else if (typeof message.topic === 'string') seen.push({ topic: message.topic, data: message.data })
          }
        })
      })
      socket.send(JSON.stringify({ auth: token }))
      await accepted
      socket.send(JSON.stringify({ subscribe: topic }))
      return seen
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
    async end() {
      await red.stop()
      rmSync(userDir, { recursive: true, force: true })
    },
  }
  return red
}
