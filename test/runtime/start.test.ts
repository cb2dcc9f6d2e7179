import { match, ok, strictEqual } from 'node:assert'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { waitFor } from '../support/wait.ts'

const START = resolve('demo/start.ts')

describe('npm start', () => {
  const home = mkdtempSync(join(tmpdir(), 'tieout-start-'))
  let running: ChildProcess | undefined
  after(async () => {
    if (running?.exitCode === null) await stop(running)
    rmSync(home, { recursive: true, force: true })
  })

  /** Starts the demo in a folder of its own and waits for the address, user and password it prints. */
  async function start(...flags: string[]): Promise<{
    url: string
    text: string
    call(method: string, path: string, body?: unknown): Promise<unknown>
  }> {
    const child = spawn(process.execPath, [START, '--port', '0', ...flags], {
      cwd: home,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running = child
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk))
    await waitFor(() => /Password\s+\S+/.test(text) || child.exitCode !== null, { timeout: 60_000 })
    const found = (what: string): string => new RegExp(`${what}\\s+(\\S+)`).exec(text)?.[1] ?? ''
    const [url, user, password] = [found('Editor'), found('User'), found('Password')]
    ok(url && user && password, text)
    const login = await fetch(`${url}/auth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_id: 'node-red-admin',
        grant_type: 'password',
        scope: '*',
        username: user,
        password,
      }),
    })
    const { access_token: token } = (await login.json()) as { access_token: string }
    return {
      url,
      text,
      async call(method, path, body) {
        const reply = await fetch(url + path, {
          method,
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            'node-red-api-version': 'v2',
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
        ok(reply.ok, `${path}: ${reply.status}`)
        return reply.json()
      },
    }
  }

  async function stop(child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }

  it('runs the flow behind a login, says what moved, and keeps at the second start what was edited', async function () {
    this.timeout(120_000)
    const first = await start()
    match(first.text, /gl_entry\s+52\s+52\s+0\s+0\s+ties/)
    strictEqual((await fetch(`${first.url}/flows`)).status, 401)
    const { flows, rev } = (await first.call('GET', '/flows')) as {
      flows: { type: string; name?: string }[]
      rev: string
    }
    const poll = flows.find(({ type }) => type === 'x3-poll')
    ok(poll)
    poll.name = 'Read X3, as I call it'
    await first.call('POST', '/flows', { flows, rev })
    await stop(running as ChildProcess)

    const second = await start()
    const again = (await second.call('GET', '/flows')) as { flows: { name?: string }[] }
    ok(again.flows.some(({ name }) => name === 'Read X3, as I call it'))
    match(second.text, /gl_entry\s+0\s+0\s+0\s+0\s+nothing new/, 'what was moved already is not moved again')
    await stop(running as ChildProcess)

    const third = await start('--flow', 'x3-to-powerbi')
    const both = (await third.call('GET', '/flows')) as { flows: { type: string; name?: string }[] }
    ok(
      both.flows.some(({ name }) => name === 'Read X3, as I call it'),
      'the first flow stays',
    )
    match(third.text, /gl_entry\s+52\s+52\s+0\s+0\s+ties/, 'another flow has its own position')
    await stop(running as ChildProcess)
  })
})
