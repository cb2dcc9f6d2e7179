/** Requests of no editor, from without and from users with few rights: Node-RED 5.0.7 ends at each of them. */
import { match, ok, strictEqual } from 'node:assert'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashSync } from '@node-rs/bcrypt'
import { type Red, startRed } from '../support/node-red.ts'
import { waitFor } from '../support/wait.ts'

describe('requests of no editor', function () {
  this.timeout(120_000)
  let red: Red
  let viewer: string
  before(async () => {
    const userDir = mkdtempSync(join(tmpdir(), 'tieout-red-'))
    const password = hashSync('viewer-password', 4)
    writeFileSync(join(userDir, 'users.json'), JSON.stringify([{ username: 'viewer', password, role: 'viewer' }]))
    red = await startRed({ userDir })
    viewer = await red.login('viewer', 'viewer-password')
  })
  after(() => red?.end())
  afterEach(async () => {
    // Node-RED closes its flows before it ends: it must still let people in, and not be on its way out.
    ok(await red.login())
    ok(!red.output().includes('Uncaught Exception'), red.output())
    strictEqual(red.child.exitCode, null)
  })

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const asked = request(red.url + path, { headers: { host: '127.0.0.1', ...headers } }).end()
    const [reply] = await once(asked, 'response')
    const text: string = (await reply.setEncoding('utf8').toArray()).join('')
    return { status: reply.statusCode as number, text }
  }

  describe('over HTTP', () => {
    for (const query of [
      'lng[]=1',
      'lng[a]=1',
      'lng=de&lng=fr',
      'lng=constructor',
      'lng=toString',
      'lng=constructor-a',
    ])
      it(`refuses ${query}, without a login and with one`, async () => {
        strictEqual((await get(`/locales/editor?${query}`)).status, 400)
        strictEqual((await get(`/nodes/messages?${query}`, { authorization: `Bearer ${viewer}` })).status, 400)
      })

    it('serves texts in the languages that there are', async () => {
      for (const lng of ['de', 'en-US', 'zh-CN', 'zh-Hant-TW', '*'])
        strictEqual((await get(`/locales/editor?lng=${lng}`)).status, 200, lng)
    })

    for (const path of ['/nodes', '/plugins'])
      it(`gives ${path} to a browser of a language that is none`, async () => {
        const headers = { authorization: `Bearer ${viewer}`, accept: 'text/html', 'accept-language': 'constructor' }
        strictEqual((await get(path, headers)).status, 200)
      })

    it('takes a token behind "bearer" in any case, as RFC 6750 has it', async () => {
      for (const scheme of ['Bearer', 'bearer', 'BEARER'])
        strictEqual((await get('/settings', { authorization: `${scheme} ${viewer}` })).status, 200, scheme)
    })

    it('answers addresses that are none without a stack', async () => {
      for (const path of ['//', '//[', '///auth/token', '/%', '/%ff']) {
        const { status, text } = await get(path)
        ok(status < 500, `${path}: ${status}`)
        ok(!/\n\s+at |&nbsp;at /.test(text), text)
      }
    })
  })

  describe('under a name that is not known', () => {
    const stranger = { host: 'evil.example', origin: 'http://evil.example' }

    it("leaves every address to the flows' own routes, and says of all others what to set", async () => {
      const paths = ['/tieout/hook', '/inject/hook', '/nodes/hook/a/b']
      const routes = paths.map((url, n) => ({
        ...{ id: `in${n}`, type: 'http in', z: 'tab', x: 1, y: 1, url, method: 'get', wires: [['out']] },
      }))
      await red.deploy([
        { id: 'tab', type: 'tab', label: 'hook' },
        ...routes,
        { id: 'out', type: 'http response', z: 'tab', x: 2, y: 1, statusCode: '204', headers: {}, wires: [] },
      ])
      for (const path of paths) strictEqual((await get(`${path}?a[]=1`, stranger)).status, 204, path)
      for (const path of ['/', '/flows', '/flow/x', '/context/global', '/red/red.min.js', '/locales/editor', '/none']) {
        const { status, text } = await get(path, { ...stranger, authorization: `Bearer ${viewer}` })
        strictEqual(status, 403, path)
        match(text, /TIEOUT_PUBLIC_URL=http:\/\/evil\.example/)
      }
    })
  })

  describe('on the socket', () => {
    /** Opens by hand: an address as it is written, which no client would send. */
    const open = async (address: string, headers: Record<string, string> = {}) => {
      const socket = connect(Number(new URL(red.url).port), '127.0.0.1')
      const wire = { got: '', closed: false }
      socket.setEncoding('latin1').on('data', (data: string) => {
        wire.got += data
      })
      socket.on('error', () => undefined)
      socket.on('close', () => {
        wire.closed = true
      })
      const lines = Object.entries({
        Host: '127.0.0.1',
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      }).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(`GET ${address} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
      const send = (frame: unknown): void => {
        const text = Buffer.from(JSON.stringify(frame))
        const length = text.length < 126 ? [0x80 | text.length] : [0xfe, text.length >> 8, text.length & 255]
        socket.write(Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), text]))
      }
      return { socket, wire, send }
    }

    for (const address of ['/comms?x', '/comms#x', '//x@y/comms', 'http://h/comms'])
      it(`is guarded under ${address} too`, async () => {
        const { wire, send, socket } = await open(address)
        await waitFor(() => wire.got.includes('\r\n\r\n') || wire.closed)
        if (!wire.closed) send(null)
        await waitFor(() => wire.closed || /no such|not a frame/.test(wire.got), { what: 'the end' })
        const other = await open(address, { Origin: 'http://evil.example' })
        await waitFor(() => other.wire.closed)
        match(other.wire.got, /^HTTP\/1\.1 403 [\s\S]*TIEOUT_PUBLIC_URL=http:\/\/evil\.example/)
        socket.destroy()
      })

    for (const frame of [
      { subscribe: '{1}' },
      { subscribe: 'a{2,1}' },
      { subscribe: '+'.repeat(60) },
      { topic: 'multiplayer/connect' },
      { topic: 'multiplayer/connect', data: { session: { toString: 1 } } },
      { topic: 'multiplayer/location', data: null },
    ])
      it(`ends at ${JSON.stringify(frame)} of a viewer`, async () => {
        const { wire, send, socket } = await open('/comms')
        await waitFor(() => wire.got.includes('\r\n\r\n'))
        send({ auth: viewer })
        await waitFor(() => wire.got.includes('{"auth":"ok"}'))
        send(frame)
        await waitFor(() => wire.closed || wire.got.includes('not a frame'), { what: 'the end' })
        socket.destroy()
      })

    it("takes the editor's own subscriptions", async () => {
      const { wire, send, socket } = await open('/comms')
      await waitFor(() => wire.got.includes('\r\n\r\n'))
      send({ auth: viewer })
      for (const subscribe of ['notification/#', 'status/#', 'event-log/#', 'debug', 'a/+/b', 'library.x/#'])
        send({ subscribe })
      await waitFor(() => wire.got.includes('notification/runtime-state') || wire.got.includes('{"auth":"ok"}'))
      send({ subscribe: '{' })
      await waitFor(() => wire.got.includes('not a frame'))
      strictEqual(wire.got.split('not a frame').length, 2, 'the last alone is none')
      socket.destroy()
    })
  })
})
