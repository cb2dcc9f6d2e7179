import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, it } from 'mocha'
import type { AuthOptions } from '../../nodes/snowflake/client/auth.ts'
import type { Statement } from '../../nodes/snowflake/client/send.ts'
import { batchPath, copyFile, putFile, stagePath } from '../../nodes/snowflake/client/stage.ts'
import { createFaults, type FaultKind, type FaultPlan } from '../../sandbox/faults.ts'
import { SNOWFLAKE_SITES } from '../../sandbox/snowflake/server.ts'
import { createCertificates } from '../../sandbox/tls.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import { type SnowflakeFixture, startSnowflakeFixture } from '../support/snowflake.ts'
import { batchOf, entry, journal, two, writeContext } from '../support/warehouse.ts'

/** A plan that plays only what is forced, quickly. */
function plan(f: SnowflakeFixture, forced: [site: string, kind: FaultKind, times?: number][]): FaultPlan {
  const faults = createFaults('calm', 1, SNOWFLAKE_SITES, { timeoutMs: 2500, slowMs: 20, retryAfterSeconds: 0 })
  for (const [site, kind, times] of forced) faults.force(site, kind, times)
  f.sandbox.setFaults(faults)
  return faults
}

const is = (cls: string, code: string, says: RegExp) => (error: SyncError) => {
  assert.equal(error.cause?.class, cls, error.message)
  assert.equal(error.code, code, error.message)
  assert.match(error.message, says)
  assert.doesNotMatch(JSON.stringify([error.message, error.cause]), /PRIVATE KEY|sandbox-secret|ETMsjLN/)
  return true
}

describe('snowflake faults, against the sandbox with the vendor driver', () => {
  let f: SnowflakeFixture
  afterEach(() => f.close())

  /** Prepares and writes one journal, and tells what is stored. */
  async function writeOne(own: Parameters<SnowflakeFixture['connect']>[0] = {}, mode: 'merge' | 'append' = 'merge') {
    const context = writeContext()
    const target = f.target(f.connect(own), 'gl_entry', { mode, maxBindBytes: 0 })
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    return { context, rows: await stored(mode) }
  }
  const stored = (mode: 'merge' | 'append' = 'merge') =>
    f.rows(
      mode === 'merge'
        ? `SELECT CAST(SUM(AMOUNT) AS VARCHAR), COUNT(*) FROM ${f.sandbox.database}.${f.sandbox.schema}.GL_ENTRY_LINE`
        : `SELECT 'append', COUNT(*) FROM ${f.sandbox.database}.${f.sandbox.schema}.GL_ENTRY`,
    )
  const written = [['0.00000000', '2']]
  const auth = (more: Partial<Extract<AuthOptions, { kind: 'keyPair' }>>): AuthOptions => ({
    kind: 'keyPair',
    user: f.sandbox.user,
    privateKey: f.sandbox.privateKeyPem,
    passphrase: f.sandbox.passphrase,
    ...more,
  })

  it('passes what may go wrong with each request, and stores nothing twice', async function () {
    this.timeout(120_000)
    f = await startSnowflakeFixture()
    const merge = [
      'login',
      'execute:merge',
      'execute:copy',
      'execute:transaction',
      'execute:put',
      'execute:ddl',
      'storage-put',
    ]
    const kinds: readonly FaultKind[] = [
      'unavailable',
      'reset-after',
      'session-lost',
      'token-expired',
      'lock-timeout',
      'broken-body',
      'throttled',
    ]
    // a sandbox for each kind of request, because most of the time is spent waiting in the driver
    const played = await Promise.all(
      merge.flatMap((site) =>
        kinds.filter((kind) => SNOWFLAKE_SITES[site]?.kinds.includes(kind)).map((kind) => playOne(site, kind)),
      ),
    )
    assert.ok(played.length > 25, `${played.length} faults`)
  })

  async function playOne(site: string, kind: FaultKind): Promise<void> {
    const own = await startSnowflakeFixture()
    try {
      const faults = plan(own, [[site, kind]])
      const target = own.target(own.connect({ timeoutMs: 3000 }), 'gl_entry', { maxBindBytes: 0 })
      try {
        await target.prepare(journal, writeContext())
        await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), writeContext())
        await target.write(batchOf('b', [entry('1', { read: 2, lines: two })]), writeContext())
      } catch (error) {
        assert.fail(`${site} ${kind}: ${(error as Error).message}`)
      }
      assert.deepEqual(faults.met(), { [`${site}/${kind}`]: 1 })
      const table = `${own.sandbox.database}.${own.sandbox.schema}.GL_ENTRY_LINE`
      const rows = await own.rows(`SELECT CAST(SUM(AMOUNT) AS VARCHAR), COUNT(*) FROM ${table}`)
      assert.deepEqual(rows, written, `${site} ${kind}`)
    } finally {
      await own.close()
    }
  }

  it('does not double a statement whose answer was lost after it was done: it comes again under one request id', async () => {
    f = await startSnowflakeFixture()
    plan(f, [
      ['execute:merge', 'reset-after'],
      ['execute:transaction', 'reset-after'],
    ])
    assert.deepEqual((await writeOne()).rows, written)
    const merges = f.sandbox.log().filter(({ text }) => text.startsWith('MERGE'))
    assert.equal(new Set(merges.map(({ requestId }) => requestId)).size, 2, 'one request id for each of the two MERGEs')
    await f.rows(`DROP TABLE ${f.sandbox.database}.${f.sandbox.schema}.GL_ENTRY`)
    plan(f, [['execute:copy', 'reset-after']])
    assert.deepEqual((await writeOne({}, 'append')).rows, [['append', '1']])
  })

  it('finishes an appended batch whose file is there, and does not load it twice', async () => {
    f = await startSnowflakeFixture()
    const context = writeContext()
    const target = f.target(f.connect(), 'gl_entry', { mode: 'append' })
    await target.prepare(journal, context)
    const table = `${f.sandbox.database}.${f.sandbox.schema}.GL_ENTRY`
    f.sandbox.deny('INSERT', table)
    await assert.rejects(target.write(batchOf('a', [entry('1', { read: 1 })]), context), /INSERT/)
    f.sandbox.allow()
    assert.deepEqual(await stored('append'), [['append', '0']])
    assert.equal(await target.resolve?.('a', journal, context, 1), 'delivered')
    assert.equal(await target.resolve?.('a', journal, context, 1), 'delivered')
    assert.deepEqual(await stored('append'), [['append', '1']])
  })

  it('a batch that was loaded before its process died, and whose rows somebody took away, is absent: COPY would leave it out', async () => {
    f = await startSnowflakeFixture()
    const context = writeContext()
    const connection = f.connect()
    const target = f.target(connection, 'gl_entry', { mode: 'append' })
    await target.prepare(journal, context)
    const { database, schema } = f.sandbox
    f.sandbox.deny('INSERT', `${database}.${schema}.GL_ENTRY`)
    await assert.rejects(target.write(batchOf('a', [entry('1', { read: 1 })]), context), /INSERT/)
    f.sandbox.allow()
    const sql = copyFile({ catalog: database, schema, table: 'GL_ENTRY' }, batchPath(stagePath('@~'), 'a'), false)
    await connection.run({ sql, what: 'COPY' }, context)
    assert.deepEqual(await stored('append'), [['append', '1']])
    await f.rows(`DELETE FROM ${database}.${schema}.GL_ENTRY`)
    assert.equal(await target.resolve?.('a', journal, context, 1), 'absent')
    assert.deepEqual(await stored('append'), [['append', '0']])
  })

  it('replaces dead sessions: an expired token by renewal, a dead master token and a forgotten session by a new login', async () => {
    f = await startSnowflakeFixture()
    const context = writeContext()
    const target = f.target(f.connect(), 'gl_entry')
    await target.prepare(journal, context)
    let read = 1
    for (const how of ['session', 'master', 'gone'] as const) {
      const logins = f.sandbox.stats().login ?? 0
      f.sandbox.expireSessions(how)
      await target.write(batchOf(how, [entry('1', { read: read++, lines: two })]), context)
      assert.equal((f.sandbox.stats().login ?? 0) - logins, how === 'session' ? 0 : 1, how)
      assert.deepEqual(await stored(), written)
    }
  })

  it('sends a file that went up ahead once more when the session was lost that had loaded it', async () => {
    f = await startSnowflakeFixture()
    const context = writeContext()
    const target = f.target(f.connect({ lockTimeoutSeconds: 1 }), 'gl_entry', { maxBindBytes: 0 })
    await target.prepare(journal, context)
    const staged = await target.stage?.(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    const uploads = f.sandbox.stats()['storage-put'] ?? 0
    // COPY has taken the file away when the MERGE waits, and the temporary table goes with the session.
    const lock = f.sandbox.lock(`${f.sandbox.database}.${f.sandbox.schema}.GL_ENTRY_LINE`)
    const waiting = (): void => {
      lock.release()
      f.sandbox.expireSessions('gone')
    }
    await staged?.write({ ...context, waiting })
    assert.equal((f.sandbox.stats()['storage-put'] ?? 0) - uploads, 1)
    assert.deepEqual(await stored(), written)
  })

  it('frees the locks of a transaction whose session was lost, and does not wait until Snowflake does', async () => {
    f = await startSnowflakeFixture()
    const connection = f.connect({ lockTimeoutSeconds: 20 })
    const context = writeContext()
    const target = f.target(connection, 'gl_entry')
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    const begun = performance.now()
    const update = `UPDATE ${f.sandbox.database}.${f.sandbox.schema}.GL_ENTRY SET STATUS = 'x'`
    await assert.rejects(
      connection.work(
        'a transaction',
        {},
        async ({ run }) => {
          await run({ sql: 'BEGIN TRANSACTION', what: 'begin' })
          await run({ sql: update, what: 'update' })
          f.sandbox.expireSessions('master')
          await run({ sql: update, what: 'update in a lost session' }).catch((error: unknown) => {
            throw Object.assign(new Error('given up'), { cause: error })
          })
        },
        context,
      ),
      /given up/,
    )
    await target.write(batchOf('b', [entry('1', { read: 2, lines: two, status: 'second' })]), context)
    assert.ok(performance.now() - begun < 10_000)
    const table = `${f.sandbox.database}.${f.sandbox.schema}.GL_ENTRY`
    assert.deepEqual(await f.rows(`SELECT NUMBER, STATUS FROM ${table}`), [['1', 'second']])
  })

  it("waits for another session's lock with a sign of life, and is in when it is released", async () => {
    f = await startSnowflakeFixture()
    const stop = new AbortController()
    const target = f.target(f.connect({ lockTimeoutSeconds: 1 }), 'gl_entry')
    await target.prepare(journal, writeContext())
    const lock = f.sandbox.lock(`${f.sandbox.database}.${f.sandbox.schema}.GL_ENTRY_LINE`)
    const waits: string[] = []
    const waiting = (what: string): void => {
      waits.push(what)
      lock.release()
    }
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), { signal: stop.signal, waiting })
    assert.deepEqual(await stored(), written)
    assert.ok(waits.length > 0)
  })

  it('says who may hold a lock that does not end, and leaves nothing half written', async () => {
    f = await startSnowflakeFixture()
    const target = f.target(f.connect({ lockTimeoutSeconds: 1, attempts: 2 }), 'gl_entry')
    await target.prepare(journal, writeContext())
    const lock = f.sandbox.lock(`${f.sandbox.database}.${f.sandbox.schema}.GL_ENTRY`)
    const batch = batchOf('a', [entry('1', { read: 1, lines: two })])
    await assert.rejects(
      target.write(batch, writeContext()),
      (error: SyncError) => error.cause.class === 'transient' && /lock/i.test(error.message),
    )
    assert.deepEqual(await stored(), [[null, '0']])
    lock.release()
    await target.write(batch, writeContext())
    assert.deepEqual(await stored(), written)
  })

  it('waits for a warehouse that does not run, and names one that is not there', async () => {
    f = await startSnowflakeFixture()
    f.sandbox.suspend(2)
    const { context, rows } = await writeOne()
    assert.deepEqual(rows, written)
    assert.ok(context.waits.length > 0)
    await assert.rejects(
      writeOne({ warehouse: 'NO_WH' }),
      is('config', 'snowflake.warehouse', /GRANT USAGE ON WAREHOUSE NO_WH TO ROLE/),
    )
  })

  it('signs in with a key pair, an access token and OAuth client credentials, and holds no secret in an error', async function () {
    this.timeout(120_000)
    f = await startSnowflakeFixture()
    const { user, token, clientId, clientSecret, tokenUrl: oauthUrl } = f.sandbox
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
      f.sandbox.endToken(how)
      await assert.rejects(
        writeOne({ auth: { kind: 'token', user, token } }),
        (error: SyncError) => error.cause.class === 'auth' && /make a new one/.test(error.message),
      )
    }
    f.sandbox.rotateKey()
    await assert.rejects(writeOne(), is('auth', 'snowflake.390144', /RSA_PUBLIC_KEY/))
  })

  it('names a missing right and what to grant, and holds nothing for it', async () => {
    f = await startSnowflakeFixture()
    const { database, schema } = f.sandbox
    f.sandbox.deny('CREATE TABLE', `${database}.${schema}`)
    await assert.rejects(writeOne(), is('config', 'snowflake.003001', /GRANT USAGE, CREATE TABLE ON SCHEMA/))
    f.sandbox.allow()
    await assert.rejects(writeOne({ role: 'NO_ROLE' }), is('auth', 'snowflake.390189', /GRANT ROLE/))
  })

  it('names a wrong host, a stopped server, and stops at once when it is told to', async function () {
    this.timeout(120_000)
    f = await startSnowflakeFixture()
    const once = { attempts: 1 }
    await assert.rejects(
      writeOne({ ...once, host: 'no-account.invalid' }),
      is('transient', 'snowflake.dns', /host name/),
    )
    await assert.rejects(writeOne({ ...once, port: 1 }), is('transient', 'snowflake.connect', /firewall/))
    f.sandbox.tune({ latencyMs: 30_000 })
    const stop = new AbortController()
    const running = f.connect().run({ sql: 'SELECT 1 AS "one"', what: 'a question' }, writeContext(stop.signal))
    const begun = performance.now()
    setImmediate(() => stop.abort())
    await assert.rejects(running, { name: 'AbortError' })
    assert.ok(performance.now() - begun < 10_000)
  })

  it('closes within two seconds though the server is gone', async () => {
    f = await startSnowflakeFixture()
    const connection = f.connect()
    await connection.run({ sql: 'SELECT 1 AS "one"', what: 'a question' }, writeContext())
    await f.sandbox.close()
    const begun = performance.now()
    await connection.close()
    assert.ok(performance.now() - begun < 5000)
    f = await startSnowflakeFixture()
  })

  it('goes through a proxy, and trusts a CA of its own that it was given', async () => {
    f = await startSnowflakeFixture()
    const { caPem: ca, key, cert } = await createCertificates()
    const front = createSecureServer({ key, cert }, (incoming, outgoing) => {
      const { method, headers, url: path } = incoming
      const sent = request({ host: '127.0.0.1', port: f.sandbox.port, method, headers, path }, (reply) => {
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
        f.connect({ ...secure, attempts: 1, ...own }).run(asked, writeContext())
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
      assert.deepEqual([...new Set(places)], [`localhost:${port}`, `127.0.0.1:${f.sandbox.port}`])
      assert.deepEqual([...new Set(tunnels)], [`Basic ${Buffer.from('me:pass').toString('base64')}`])
    } finally {
      for (const server of [front, proxy]) {
        server.closeAllConnections()
        server.close()
      }
    }
  })

  it('fetches parts of a result where Snowflake says, over redirects too, without what belongs to the account', async () => {
    f = await startSnowflakeFixture({ inlineRows: 1 })
    const asked: string[] = []
    const storage = createServer((incoming, outgoing) => {
      const { authorization = '', cookie = '' } = incoming.headers
      asked.push(`${incoming.url} ${authorization}${cookie}`)
      // the storage itself may send on
      if (incoming.url?.startsWith('/first')) return outgoing.writeHead(302, { location: incoming.url.slice(6) }).end()
      request({ host: '127.0.0.1', port: f.sandbox.port, path: incoming.url, headers: incoming.headers }, (reply) => {
        outgoing.writeHead(reply.statusCode ?? 500, reply.headers)
        reply.pipe(outgoing)
      }).end()
    })
    const account = createServer((incoming, outgoing) => {
      const { method, headers, url: path } = incoming
      const passed = { ...headers, 'accept-encoding': 'identity' }
      const sent = request({ host: '127.0.0.1', port: f.sandbox.port, method, headers: passed, path }, (reply) => {
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
      const connection = f.connect({ port: (account.address() as AddressInfo).port, attempts: 1 })
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

  it('finds and holds what a table with ERROR_LOGGING leaves out without a word', async () => {
    f = await startSnowflakeFixture()
    const table = `${f.sandbox.database}.${f.sandbox.schema}.GL_ENTRY`
    await f.rows(`CREATE TABLE ${table} (SOURCE VARCHAR, NUMBER VARCHAR, STATUS VARCHAR(10), ACCOUNTING_DATE DATE)`)
    await f.rows(`ALTER TABLE ${table} SET ERROR_LOGGING = TRUE`)
    const context = writeContext()
    const target = f.target(f.connect(), 'gl_entry')
    await target.prepare(journal, context)
    const batch = batchOf('a', [entry('1', { read: 1, lines: two }), entry('2', { read: 1, status: 'x'.repeat(40) })])
    await assert.rejects(target.write(batch, context), (error: SyncError) => error.cause.class === 'data')
    assert.deepEqual(await f.rows(`SELECT COUNT(*) FROM ${table}`), [['0']], 'nothing of the batch was kept')
    assert.deepEqual(
      (await target.findRejected?.(batch, context))?.map(({ index }) => index),
      [1],
    )
    await target.write({ ...batch, id: 'b', records: batch.records.slice(0, 1) }, context)
    assert.deepEqual(await f.rows(`SELECT NUMBER FROM ${table}`), [['1']])
  })
})
