import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'mocha'
import type { Statement } from '../../nodes/snowflake/client/send.ts'
import { batchPath, putFile, stagePath } from '../../nodes/snowflake/client/stage.ts'
import { createCertificates } from '../../sandbox/tls.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import { startSnowflakeFixture } from '../support/snowflake.ts'
import { faultySnowflake, is, written } from '../support/snowflake-faults.ts'
import { writeContext } from '../support/warehouse.ts'

describe('snowflake connections, against the sandbox with the vendor driver', () => {
  const here = faultySnowflake()
  const { writeOne, auth } = here

  it('signs in with a key pair, an access token and OAuth client credentials, and holds no secret in an error', async function () {
    this.timeout(120_000)
    here.f = await startSnowflakeFixture()
    const { user, token, clientId, clientSecret, tokenUrl: oauthUrl } = here.f.sandbox
    assert.deepEqual((await writeOne({ auth: { kind: 'token', user, token } })).rows, written)
    const oauth = { kind: 'oauth', user: '', clientId, clientSecret, oauthUrl } as const
    assert.deepEqual((await writeOne({ auth: oauth })).rows, written)
    await assert.rejects(
      writeOne({ auth: { ...oauth, clientSecret: 'wrong' } }),
      is('auth', 'snowflake.token', /secret/),
    )
    await assert.rejects(writeOne({ auth: auth({ passphrase: 'wrong' }) }), is('auth', 'snowflake.key', /passphrase/))
    await assert.rejects(
      writeOne({ auth: auth({ user: 'NOBODY' }) }),
      (error: SyncError) => error.cause.class === 'auth',
    )
    for (const how of ['expired', 'revoked'] as const) {
      here.f.sandbox.endToken(how)
      await assert.rejects(
        writeOne({ auth: { kind: 'token', user, token } }),
        (error: SyncError) => error.cause.class === 'auth' && /make a new one/.test(error.message),
      )
    }
    here.f.sandbox.rotateKey()
    await assert.rejects(writeOne(), is('auth', 'snowflake.390144', /RSA_PUBLIC_KEY/))
  })

  it('names a wrong host, a stopped server, and stops at once when it is told to', async function () {
    this.timeout(120_000)
    here.f = await startSnowflakeFixture()
    const once = { attempts: 1 }
    await assert.rejects(
      writeOne({ ...once, host: 'no-account.invalid' }),
      is('transient', 'snowflake.dns', /host name/),
    )
    await assert.rejects(writeOne({ ...once, port: 1 }), is('transient', 'snowflake.connect', /firewall/))
    here.f.sandbox.tune({ latencyMs: 30_000 })
    const stop = new AbortController()
    const running = here.f.connect().run({ sql: 'SELECT 1 AS "one"', what: 'a question' }, writeContext(stop.signal))
    const begun = performance.now()
    setImmediate(() => stop.abort())
    await assert.rejects(running, { name: 'AbortError' })
    assert.ok(performance.now() - begun < 10_000)
  })

  it('closes within two seconds though the server is gone', async () => {
    here.f = await startSnowflakeFixture()
    const connection = here.f.connect()
    await connection.run({ sql: 'SELECT 1 AS "one"', what: 'a question' }, writeContext())
    await here.f.sandbox.close()
    const begun = performance.now()
    await connection.close()
    assert.ok(performance.now() - begun < 5000)
    here.f = await startSnowflakeFixture()
  })

  it('goes through a proxy, and trusts a CA of its own that it was given', async () => {
    here.f = await startSnowflakeFixture()
    const { caPem: ca, key, cert } = await createCertificates()
    const front = createSecureServer({ key, cert }, (incoming, outgoing) => {
      const { method, headers, url: path } = incoming
      const sent = request({ host: '127.0.0.1', port: here.f.sandbox.port, method, headers, path }, (reply) => {
        outgoing.writeHead(reply.statusCode ?? 500, reply.headers)
        reply.pipe(outgoing)
      })
      incoming.pipe(sent)
    })
    const tunnels: string[] = []
    const places: string[] = []
    const proxy = createServer().on('connect', (asked, socket, head) => {
      tunnels.push(String(asked.headers['proxy-authorization'] ?? ''))
      places.push(asked.url ?? '')
      const upstream = connect(Number(asked.url?.split(':')[1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        upstream.write(head)
        upstream.pipe(socket).pipe(upstream)
      })
      for (const end of [upstream, socket]) end.on('error', () => [upstream, socket].map((other) => other.destroy()))
    })
    front.listen(0, '127.0.0.1')
    proxy.listen(0, '127.0.0.1')
    await Promise.all([once(front, 'listening'), once(proxy, 'listening')])
    try {
      const { port } = front.address() as AddressInfo
      const secure = { host: 'localhost', port, protocol: 'https' } as const
      const ask = (own: object, asked: Statement = { sql: 'SELECT 1 AS "one"', what: 'a question' }) =>
        here.f.connect({ ...secure, attempts: 1, ...own }).run(asked, writeContext())
      await assert.rejects(ask({}), is('config', 'snowflake.tls', /CA/))
      assert.deepEqual(await ask({ ca }), [{ one: '1' }])
      assert.equal(tunnels.length, 0)
      const address = `http://me:pass@127.0.0.1:${(proxy.address() as AddressInfo).port}`
      assert.deepEqual(await ask({ ca, proxy: address }), [{ one: '1' }])
      const upload = {
        sql: putFile(batchPath(stagePath('~'), 'proxied', 'rows')),
        file: Buffer.from('{}'),
        what: 'an upload',
      }
      await ask({ ca, proxy: address }, upload)
      // the storage of the stage is another host than the account
      assert.deepEqual([...new Set(places)], [`localhost:${port}`, `127.0.0.1:${here.f.sandbox.port}`])
      assert.deepEqual([...new Set(tunnels)], [`Basic ${Buffer.from('me:pass').toString('base64')}`])
    } finally {
      for (const server of [front, proxy]) {
        server.closeAllConnections()
        server.close()
      }
    }
  })

  it('fetches parts of a result where Snowflake says, over redirects too, without what belongs to the account', async () => {
    here.f = await startSnowflakeFixture({ inlineRows: 1 })
    const asked: string[] = []
    const storage = createServer((incoming, outgoing) => {
      const { authorization = '', cookie = '' } = incoming.headers
      asked.push(`${incoming.url} ${authorization}${cookie}`)
      // the storage itself may send on
      if (incoming.url?.startsWith('/first')) return outgoing.writeHead(302, { location: incoming.url.slice(6) }).end()
      request(
        { host: '127.0.0.1', port: here.f.sandbox.port, path: incoming.url, headers: incoming.headers },
        (reply) => {
          outgoing.writeHead(reply.statusCode ?? 500, reply.headers)
          reply.pipe(outgoing)
        },
      ).end()
    })
    const account = createServer((incoming, outgoing) => {
      const { method, headers, url: path } = incoming
      const passed = { ...headers, 'accept-encoding': 'identity' }
      const sent = request({ host: '127.0.0.1', port: here.f.sandbox.port, method, headers: passed, path }, (reply) => {
        void text(reply).then((body) => {
          const { port } = storage.address() as AddressInfo
          const { 'content-length': _length, ...rest } = reply.headers
          outgoing.writeHead(reply.statusCode ?? 500, rest)
          outgoing.end(body.replaceAll(/http:\/\/[^"/]+(\/chunks\/)/g, `http://127.0.0.1:${port}/first$1`))
        })
      })
      incoming.pipe(sent)
    })
    storage.listen(0, '127.0.0.1')
    account.listen(0, '127.0.0.1')
    await Promise.all([once(storage, 'listening'), once(account, 'listening')])
    try {
      const connection = here.f.connect({ port: (account.address() as AddressInfo).port, attempts: 1 })
      const sql = 'SELECT SEQ8() AS N FROM TABLE(GENERATOR(ROWCOUNT => 3)) ORDER BY 1'
      const rows = await connection.run({ sql, what: 'a question' }, writeContext())
      assert.deepEqual(rows, [{ N: '0' }, { N: '1' }, { N: '2' }])
      assert.ok(asked.length >= 2, asked.join())
      assert.deepEqual(
        asked.filter((one) => !/^(\/first)?\/chunks\/[\w-]+\/0 $/.test(one)),
        [],
      )
    } finally {
      for (const server of [storage, account]) {
        server.closeAllConnections()
        server.close()
      }
    }
  })
})
