/** Requests that would end Node-RED, or get in where they must not: after each the process lives and serves a good login. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashSync } from '@node-rs/bcrypt'
import { type Red, startRed } from '../support/node-red.ts'
import { waitFor } from '../support/wait.ts'

const hashes = Object.fromEntries(
  ['anna-password', 'another-password', 'vera-password'].map((password) => [password, hashSync(password, 4)]),
)
const usersOf = (role: string, password = 'anna-password') =>
  JSON.stringify([
    { username: 'anna', password: hashes[password], role },
    { username: 'vera', password: hashes['vera-password'], role: 'viewer' },
  ])

describe('login and socket under attack', function () {
  this.timeout(120_000)
  let red: Red
  let users: string
  before(async () => {
    const userDir = mkdtempSync(join(tmpdir(), 'tieout-red-'))
    users = join(userDir, 'users.json')
    writeFileSync(users, usersOf('operator'))
    writeFileSync(join(userDir, '.sessions.json'), JSON.stringify({ old: { user: 'anna', scope: '*' } }))
    red = await startRed({ userDir, env: { TIEOUT_PUBLIC_URL: 'https://tieout.example.com, http://books:8080' } })
  })
  after(() => red?.end())
  afterEach(async () => {
    strictEqual(red.child.exitCode, null, red.output())
    strictEqual((await red.call('GET', '/settings', undefined, await red.login())).status, 200)
  })

  const post = (path: string, body: string, type: string, headers: object = {}): Promise<Response> =>
    fetch(red.url + path, { method: 'POST', body, headers: { 'content-type': type, ...headers } })
  const login = (fields: object) => post('/auth/token', JSON.stringify(fields), 'application/json')
  /** fetch sets Host and Origin itself; this does not. */
  const raw = async (path: string, headers: Record<string, string>, method = 'GET') => {
    const asked = request(red.url + path, { method, headers }).end()
    const [reply] = await once(asked, 'response')
    const text: string = (await reply.setEncoding('utf8').toArray()).join('')
    return { status: reply.statusCode as number, text }
  }
  const rights = async (token: string) => (await red.call('POST', '/tieout/run', { sync: 'none' }, token)).status

  it('refuses names and passwords that are none', async () => {
    const good = { client_id: 'node-red-editor', grant_type: 'password', scope: '' }
    const names: unknown[] = ['constructor', '__proto__', 'toString', 'hasOwnProperty', '', ['anna'], { a: 1 }, null, 7]
    const passwords: unknown[] = [{ a: 1 }, ['x'], null, 7, true, '', 'x'.repeat(2000)]
    for (const username of names)
      for (const path of ['/auth/token', '/AUTH/token', '/auth/token/'])
        ok(
          [400, 403, 429].includes(
            (await post(path, JSON.stringify({ ...good, username, password: 'x' }), 'application/json')).status,
          ),
        )
    for (const password of passwords)
      ok([400, 403, 429].includes((await login({ ...good, username: 'vera', password })).status))
    for (const body of [
      'username=constructor&password=x&grant_type=password',
      'username=vera&password[a]=1&grant_type=password',
      'username[]=vera&password=x',
      '',
      'null',
      '[]',
      '{',
      'x'.repeat(100_000),
    ])
      for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain'])
        ok([400, 403, 429].includes((await post('/auth/token', body, type)).status), `${type} ${body.slice(0, 60)}`)
    for (const token of ['constructor', '__proto__', ' ', 'a b'])
      ok([400, 401].includes((await red.call('GET', '/flows', undefined, token)).status))
    ok([400, 401].includes((await post('/auth/revoke', '{"token":{"a":1}}', 'application/json')).status))
  })

  it('lets nobody guess: after ten wrong passwords none is tried for a while, and others still log in', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 12; i++) statuses.push((await login({ username: 'mallory', password: `guess ${i}` })).status)
    deepStrictEqual(statuses, [...Array(10).fill(403), 429, 429])
    ok(await red.login('vera', 'vera-password'))
    match(red.output(), /"mallory" was refused: wrong name or password, from (::ffff:)?127\.0\.0\.1/)
    match(red.output(), /"vera" logged in, from/)
  })

  it('gives a session the rights that its user has now, and ends it with a new password or without the user', async () => {
    writeFileSync(users, usersOf('viewer'))
    const token = await red.login('anna', 'anna-password')
    strictEqual(await rights(token), 401)
    writeFileSync(users, usersOf('controller'))
    strictEqual(await rights(token), 422, 'she may run syncs now, and there is none')
    writeFileSync(users, usersOf('operator', 'another-password'))
    strictEqual((await red.call('GET', '/settings', undefined, token)).status, 401)
    const again = await red.login('anna', 'another-password')
    strictEqual(await rights(again), 422)
    writeFileSync(users, '[{')
    strictEqual((await red.call('GET', '/settings', undefined, again)).status, 401, 'a slip in the file lets nobody in')
    writeFileSync(users, '[]')
    strictEqual((await red.call('GET', '/settings', undefined, again)).status, 401)
    writeFileSync(users, usersOf('operator'))
  })

  it('keeps sessions over a restart, by their hash, for nobody else to read; a revoked one is gone', async () => {
    const token = await red.login('vera', 'vera-password')
    const file = join(red.userDir, 'tieout-sessions.json')
    ok(!readFileSync(file, 'utf8').includes(token))
    strictEqual(statSync(file).mode & 0o777, 0o600)
    ok(!existsSync(join(red.userDir, '.sessions.json')), 'tokens in clear are gone')
    await red.stop()
    red = await startRed({
      userDir: red.userDir,
      env: { TIEOUT_PUBLIC_URL: 'https://tieout.example.com, http://books:8080' },
    })
    strictEqual((await red.call('GET', '/settings', undefined, token)).status, 200)
    const body = JSON.stringify({ token })
    strictEqual(
      (await post('/auth/revoke', body, 'application/json', { authorization: `Bearer ${token}` })).status,
      200,
    )
    strictEqual((await red.call('GET', '/settings', undefined, token)).status, 401)
  })

  it('takes no token in the address', async () => {
    const token = await red.login()
    strictEqual((await raw(`/flows?access_token=${token}`, { host: '127.0.0.1' })).status, 400)
  })

  describe('host and origin', () => {
    for (const host of [
      '127.0.0.1:1880',
      'localhost',
      'LOCALHOST.:1',
      '[::1]:1880',
      '10.1.2.3',
      'tieout.example.com',
      'books:8080',
    ])
      it(`serves ${host}`, async () => strictEqual((await raw('/auth/login', { host })).status, 200))
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example:1880',
      'tieout.example.com.evil',
      'a b',
    ])
      it(`refuses ${host}`, async () => {
        const { status, text } = await raw('/', { host })
        ok([400, 403].includes(status))
        if (status === 403 && !host.includes(' ')) match(text, new RegExp(`TIEOUT_PUBLIC_URL=http://${host}`))
      })
    it('takes requests of its own pages only', async () => {
      const host = '127.0.0.1:1880'
      for (const origin of [`http://${host}`, 'https://tieout.example.com', 'http://books:8080'])
        strictEqual((await raw('/auth/login', { host, origin })).status, 200, origin)
      for (const origin of [
        'http://evil.example',
        'null',
        'http://127.0.0.1:9999',
        'file://',
        'https://tieout.example.com.evil',
      ]) {
        const { status, text } = await raw('/auth/token', { host, origin }, 'POST')
        strictEqual(status, 403, origin)
        match(text, /TIEOUT_PUBLIC_URL/)
      }
    })
    it('leaves the routes of the flows alone, and hides the admin API from any other host', async () => {
      await red.deploy([
        { id: 'tab', type: 'tab', label: 'hook' },
        { id: 'in', type: 'http in', z: 'tab', x: 1, y: 1, url: '/hook', method: 'get', wires: [['out']] },
        { id: 'out', type: 'http response', z: 'tab', x: 2, y: 1, statusCode: '204', headers: {}, wires: [] },
      ])
      strictEqual((await raw('/hook', { host: 'evil.example', origin: 'http://evil.example' })).status, 204)
      const authorization = `Bearer ${await red.login()}`
      for (const path of ['/flows', '/tieout/runs', '/context/global', '/red/red.min.js', '/diagnostics', '/Flows'])
        ok([403, 404].includes((await raw(path, { host: 'evil.example', authorization })).status), path)
    })
  })

  describe('the socket', () => {
    interface Wire {
      readonly readyState: number
      send(data: unknown): void
      on(event: 'message' | 'close' | 'error', act: (data: unknown) => void): void
    }
    const Ws = createRequire(import.meta.url)('ws') as new (url: string, options?: object) => Wire
    const open = async (headers?: Record<string, string>) => {
      const socket = new Ws(`${red.url.replace('http', 'ws')}/comms`, { headers })
      const seen: string[] = []
      const ended = { done: false }
      const end = (): void => {
        ended.done = true
      }
      socket.on('message', (data) => void seen.push(String(data)))
      socket.on('close', end)
      socket.on('error', end)
      await waitFor(() => socket.readyState === 1 || ended.done)
      return { socket, seen, ended }
    }
    const frames: unknown[] = [
      'null',
      '5',
      '"x"',
      '[]',
      '{}',
      '{"auth":null}',
      '{"auth":5}',
      '{"auth":{"a":1}}',
      '{"auth":""}',
      '{"subscribe":["x"]}',
      '{"topic":{}}',
      '{"auth":"x","topic":7}',
      '{"auth":["__proto__"]}',
      'no json',
      '',
      '{"__proto__":{"auth":"x"}}',
      Buffer.from('{"subscribe":"x"}'),
      `{"auth":"${'x'.repeat(100_000)}"}`,
    ]

    it('closes at every frame that is none of the editor, before a login and after', async () => {
      const token = await red.login()
      for (const frame of frames)
        for (const first of [undefined, JSON.stringify({ auth: token })]) {
          const { socket, seen, ended } = await open()
          if (first) {
            socket.send(first)
            await waitFor(() => seen.includes('{"auth":"ok"}'))
          }
          socket.send(frame)
          await waitFor(() => ended.done, { what: `the end after ${String(frame).slice(0, 40)}` })
        }
    })

    it('opens for no page of another site', async () => {
      for (const headers of [{ origin: 'http://evil.example' }, { host: 'evil.example' }])
        strictEqual((await open(headers)).ended.done, true)
      strictEqual((await open({ origin: 'https://tieout.example.com' })).ended.done, false)
    })

    it('carries debug output to whoever may act, and none to whoever may only look; ends with the session', async () => {
      await red.deploy([
        { id: 'tab', type: 'tab', label: 'debug' },
        {
          id: 'press',
          type: 'inject',
          z: 'tab',
          x: 1,
          y: 1,
          props: [{ p: 'payload' }],
          payload: 'EUR 4711',
          payloadType: 'str',
          wires: [['d']],
        },
        {
          id: 'd',
          type: 'debug',
          z: 'tab',
          x: 2,
          y: 1,
          active: true,
          tosidebar: true,
          complete: 'payload',
          targetType: 'msg',
          tostatus: true,
          statusVal: 'payload',
          statusType: 'auto',
          wires: [],
        },
      ])
      const sockets: Awaited<ReturnType<typeof open>>[] = []
      for (const [name, password] of [
        ['anna', 'anna-password'],
        ['vera', 'vera-password'],
      ] as const) {
        const one = await open()
        one.socket.send(JSON.stringify({ auth: await red.login(name, password) }))
        await waitFor(() => one.seen.includes('{"auth":"ok"}'))
        sockets.push(one)
      }
      const [operator, viewer] = sockets
      await red.inject('press')
      await waitFor(() => operator?.seen.some((text) => text.includes('"topic":"debug"') && text.includes('EUR 4711')))
      await waitFor(() => viewer?.seen.some((text) => text.includes('status/d')), { what: "the node's status" })
      ok(!viewer?.seen.some((text) => text.includes('"topic":"debug')), viewer?.seen.join('\n'))
      writeFileSync(users, JSON.stringify([{ username: 'anna', password: hashes['anna-password'], role: 'operator' }]))
      await red.inject('press')
      await waitFor(() => viewer?.ended.done, { what: 'the end of a socket whose user is gone' })
      writeFileSync(users, usersOf('operator'))
    })
  })
})
