/** Node-RED as the demo's user runs it: behind its login, spoken to over its admin API. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { hashSync } from '@node-rs/bcrypt'
import { ask, type Child, freePort, startNode, until } from './process.ts'

/**
 * As the image starts Node-RED: Node's own limit grows with the machine, and garbage up to it. What is on its way fits many
 * times into a gigabyte.
 */
export const HEAP: readonly string[] = ['--max-old-space-size=1024', '--max-semi-space-size=8']

export interface Editor {
  readonly url: string
  readonly user: string
  readonly password: string
  readonly child: Child
  /** Calls the admin API as the user; throws with status and text on a refusal. */
  call(method: string, path: string, body?: unknown): Promise<unknown>
  stop(): Promise<void>
}

export interface EditorOptions {
  readonly dir: string
  /** Another one is taken where somebody else listens on this one by the time Node-RED does. */
  readonly port: number
  readonly env?: NodeJS.ProcessEnv
}

/** Starts Node-RED with this package's settings in a user directory; keeps the password of an earlier start. */
export async function startEditor(options: EditorOptions): Promise<Editor> {
  for (let port = options.port, tries = 1; ; port = await freePort(), tries++) {
    try {
      return await startOn(port, options)
    } catch (error) {
      if (tries === 3 || !(error instanceof Error) || !/port in use/.test(error.message)) throw error
    }
  }
}

async function startOn(port: number, options: EditorOptions): Promise<Editor> {
  mkdirSync(options.dir, { recursive: true })
  const { user, password } = login(join(options.dir, 'demo-login.json'))
  const url = `http://127.0.0.1:${port}`
  const red = join(dirname(createRequire(import.meta.url).resolve('node-red/package.json')), 'red.js')
  const child = startNode(
    [...HEAP, red, '--settings', join(import.meta.dirname, '..', 'settings.js'), '--userDir', options.dir],
    {
      ...process.env,
      ...options.env,
      PORT: String(port),
      TIEOUT_ADMIN_USER: user,
      TIEOUT_ADMIN_PASSWORD_HASH: hashSync(password, 8),
    },
  )
  const token = await until('Node-RED', async () => {
    if (child.process.exitCode !== null) throw new Error(`Node-RED did not start:\n${child.output()}`)
    return /Started flows/.test(child.output()) ? logIn(url, user, password) : undefined
  }).catch(async (error: unknown) => {
    await child.stop()
    throw error
  })
  return {
    url,
    user,
    password,
    child,
    async call(method, path, body) {
      const reply = await ask(url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'node-red-api-version': 'v2' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await reply.text()
      if (!reply.ok) throw new Error(`${method} ${path}: HTTP ${reply.status} ${text.slice(0, 500)}`)
      return text === '' || !reply.headers.get('content-type')?.includes('json') ? text : JSON.parse(text)
    },
    stop: () => child.stop(),
  }
}

async function logIn(url: string, user: string, password: string): Promise<string | undefined> {
  const reply = await fetch(`${url}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: 'node-red-admin', grant_type: 'password', scope: '*', username: user, password }),
  }).catch(() => undefined)
  if (!reply?.ok) return undefined
  return ((await reply.json()) as { access_token: string }).access_token
}

/** The user and the password made at the first start, readable by the owner alone. */
function login(file: string): { user: string; password: string } {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    const made = { user: 'admin', password: randomBytes(12).toString('base64url') }
    writeFileSync(file, JSON.stringify(made), { mode: 0o600 })
    return made
  }
}
