import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, it } from 'mocha'
import { DATABRICKS_SITES } from '../../sandbox/databricks/server.ts'
import { createFaults, type FaultKind, type FaultPlan } from '../../sandbox/faults.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import { type DatabricksFixture, startDatabricksFixture } from '../support/databricks.ts'
import { batchOf, entry, journal, writeContext } from '../support/warehouse.ts'

const two = [
  [1, '4000', '10.50'],
  [2, '7000', '-10.50'],
] as const

/** A plan that plays only what is forced, quickly. */
function plan(
  f: DatabricksFixture,
  forced: [site: string, kind: FaultKind, times?: number][],
  retryAfterSeconds = 0,
): FaultPlan {
  const faults = createFaults('calm', 1, DATABRICKS_SITES, { timeoutMs: 2500, slowMs: 20, retryAfterSeconds })
  for (const [site, kind, times] of forced) faults.force(site, kind, times)
  f.sandbox.setFaults(faults)
  return faults
}

const is = (cls: string, code: string, says: RegExp) => (error: SyncError) => {
  assert.equal(error.cause.class, cls, error.message)
  assert.equal(error.code, code, error.message)
  assert.match(error.message, says)
  assert.doesNotMatch(JSON.stringify([error.message, error.cause]), /sandbox-secret|dapi/)
  return true
}

describe('databricks faults, against the sandbox with the vendor driver', () => {
  let f: DatabricksFixture
  afterEach(() => f.close())

  /** Prepares and writes one journal, and tells what is stored. */
  async function writeOne(own: Parameters<DatabricksFixture['connect']>[0] = {}, mode: 'merge' | 'append' = 'merge') {
    const context = writeContext()
    const target = f.target(f.connect(own), 'gl_entry', { mode })
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    const rows = await f.rows(
      mode === 'merge'
        ? 'SELECT CAST(sum(amount) AS STRING), CAST(count(*) AS STRING) FROM main.finance.gl_entry_line'
        : "SELECT 'append', CAST(count(*) AS STRING) FROM main.finance.gl_entry",
    )
    return { context, rows }
  }
  const written = [['0.00000000', '2']]

  it('passes every fault of every request once, and stores nothing twice', async function () {
    this.timeout(120_000)
    f = await startDatabricksFixture()
    const merge = [
      'token',
      'open-session',
      'execute:merge',
      'execute:ddl',
      'execute:select',
      'status-poll',
      'metadata',
      'fetch',
    ]
    const append = ['execute:copy', 'files-put']
    // a sandbox for each kind of request, because most of the time is spent waiting
    const cases = await Promise.all(
      [...merge, ...append].map((site) => playAll(site, merge.includes(site) ? 'merge' : 'append')),
    )
    assert.ok(cases.reduce((sum, count) => sum + count, 0) > 90)
  })

  async function playAll(site: string, mode: 'merge' | 'append'): Promise<number> {
    const own = await startDatabricksFixture()
    // answered as running, so that there is something to poll and to fetch
    if (['status-poll', 'metadata', 'fetch'].includes(site)) own.sandbox.tune({ pendingEvery: 1 })
    const kinds = DATABRICKS_SITES[site]?.kinds ?? []
    try {
      for (const kind of kinds) {
        const faults = plan(own, [[site, kind]])
        const connection = own.connect({ socketTimeoutMs: 2000 })
        const table = `${site === 'execute:ddl' ? kind.replaceAll('-', '_') : mode}_gl_entry`
        const target = own.target(connection, 'gl_entry', {
          mode,
          pattern: `{catalog}.{schema}.${table.replace('gl_entry', '{entity}')}`,
        })
        try {
          await target.prepare(journal, writeContext())
          await target.write(batchOf(kind, [entry(kind, { read: 1, lines: two })]), writeContext())
        } catch (error) {
          assert.fail(`${site} ${kind}: ${(error as Error).message}`)
        }
        await connection.close()
        assert.deepEqual(faults.met(), { [`${site}/${kind}`]: 1 })
        const query =
          mode === 'merge'
            ? `SELECT CAST(sum(amount) AS STRING), CAST(count(*) AS STRING) FROM main.finance.${table}_line WHERE number = '${kind}'`
            : `SELECT 'append', CAST(count(*) AS STRING) FROM main.finance.${table} WHERE _sync_batch = '${kind}'`
        assert.deepEqual(await own.rows(query), mode === 'merge' ? written : [['append', '1']], `${site} ${kind}`)
      }
    } finally {
      await own.close()
    }
    return kinds.length
  }

  it('waits for a starting warehouse with a sign of life, and gives up after its time', async () => {
    f = await startDatabricksFixture()
    f.sandbox.coldStart(4)
    const { context, rows } = await writeOne()
    assert.deepEqual(rows, written)
    assert.ok(
      context.waits.some((wait) => /warehouse is starting/.test(wait)),
      context.waits.join(),
    )
    f.sandbox.coldStart(30_000)
    await assert.rejects(
      writeOne({ coldStartMs: 50 }),
      (error: SyncError) => error.cause.class === 'transient' && /session is gone|not ready/.test(error.message),
    )
  })

  it('waits as long as Retry-After says, and says so', async () => {
    f = await startDatabricksFixture()
    plan(f, [['execute:merge', 'throttled']], 1)
    const begun = performance.now()
    const { context, rows } = await writeOne()
    assert.deepEqual(rows, written)
    assert.ok(performance.now() - begun >= 1000, 'a second, as the reply said')
    assert.ok(context.waits.some((wait) => /throttled/.test(wait)))
  })

  it('does not double a statement whose answer was lost after it was done', async () => {
    f = await startDatabricksFixture()
    plan(f, [['execute:merge', 'reset-after', 2]])
    assert.deepEqual((await writeOne()).rows, written)
    await f.sandbox.query('DROP TABLE main.finance.gl_entry')
    plan(f, [
      ['execute:copy', 'reset-after'],
      ['files-put', 'reset-after'],
    ])
    assert.deepEqual((await writeOne({}, 'append')).rows, [['append', '1']])
  })

  it('gives up on a conflict that does not end, with its class for the engine', async () => {
    f = await startDatabricksFixture()
    plan(f, [['execute:merge', 'concurrent-append', 20]])
    await assert.rejects(writeOne(), is('transient', 'databricks.2D521', /CONCURRENT/))
  })

  it('asks for one token for all, and for the next one before it ends', async () => {
    f = await startDatabricksFixture({ tokenSeconds: 1 })
    const connection = f.connect()
    const read = () => connection.run({ sql: 'SELECT 1 AS one', what: 'a question', kind: 'read' }, writeContext())
    await Promise.all([read(), read(), read()])
    assert.equal(f.sandbox.stats().token, 1)
    const end = performance.now() + 1600
    while (performance.now() < end) await read()
    const asked = f.sandbox.stats().token ?? 0
    assert.ok(asked >= 3 && asked <= 6, `${asked} tokens in 1.6 s of a life of 1 s, renewed at half of it`)
  })

  it('passes tokens that die one after the other, each for one new token, in statements and files', async () => {
    f = await startDatabricksFixture()
    const faults = plan(f, [['execute:select', 'token-expired', 3]])
    const connection = f.connect()
    await connection.run({ sql: 'SELECT 1 AS one', what: 'a question', kind: 'read' }, writeContext())
    assert.equal(f.sandbox.stats().token, 4)
    faults.force('files-put', 'token-expired', 3)
    const path = '/api/2.0/fs/files/Volumes/main/finance/staging/a.json'
    await connection.rest({ method: 'PUT', path, body: '{}', what: 'a file' }, writeContext())
    assert.equal(f.sandbox.stats().token, 7)
  })

  it('takes a personal access token', async () => {
    f = await startDatabricksFixture()
    assert.deepEqual((await writeOne({ auth: { kind: 'token', token: f.sandbox.token } })).rows, written)
    assert.equal(f.sandbox.stats().token ?? 0, 0)
    await assert.rejects(
      writeOne({ auth: { kind: 'token', token: 'dapi-wrong' } }),
      is('auth', 'databricks.token-refused', /access token is wrong, expired or revoked/),
    )
  })

  it('names a wrong secret, a wrong path, a wrong host, a stopped server', async () => {
    f = await startDatabricksFixture()
    const auth = { kind: 'oauth', clientId: f.sandbox.clientId, clientSecret: 'wrong' } as const
    await assert.rejects(writeOne({ auth }), is('auth', 'databricks.invalid_client', /secret is wrong/))
    await assert.rejects(
      writeOne({ path: '/sql/1.0/warehouses/none' }),
      is('config', 'databricks.http404', /HTTP path/),
    )
    await assert.rejects(
      writeOne({ host: 'no-workspace.invalid', attempts: 1 }),
      is('transient', 'databricks.dns', /host name/),
    )
    await assert.rejects(writeOne({ port: 1, attempts: 1 }), is('transient', 'databricks.connect', /firewall/))
    await assert.rejects(writeOne({ ca: '' }), is('config', 'databricks.tls', /CA/))
    assert.throws(() => f.connect({ host: 'http://x/' }), is('config', 'databricks.host', /reached by https/))
  })

  it('names a missing right and a missing schema, and what to grant or create', async () => {
    f = await startDatabricksFixture()
    f.sandbox.deny('CREATE TABLE', 'main.finance')
    await assert.rejects(writeOne(), is('config', 'databricks.42501', /GRANT CREATE TABLE ON SCHEMA main\.finance/))
    f.sandbox.allow()
    const target = f.target(f.connect(), 'gl_entry', { schema: 'nowhere' })
    await assert.rejects(target.prepare(journal, writeContext()), is('config', 'databricks.42704', /CREATE SCHEMA/))
    f.sandbox.deny('WRITE VOLUME', 'main.finance.staging')
    await assert.rejects(writeOne({}, 'append'), is('auth', 'databricks.http403', /WRITE VOLUME/))
  })

  it('stops at once when it is told to, in a statement and in a wait', async () => {
    f = await startDatabricksFixture({ latencyMs: 30_000 })
    const stop = new AbortController()
    const connection = f.connect()
    const running = connection.run(
      { sql: 'SELECT 1 AS one', what: 'a question', kind: 'read' },
      writeContext(stop.signal),
    )
    const begun = performance.now()
    setImmediate(() => stop.abort())
    await assert.rejects(running, { name: 'AbortError' })
    f.sandbox.tune({ latencyMs: 0 })
    f.sandbox.coldStart(1000)
    const wait = new AbortController()
    const context = { signal: wait.signal, waiting: () => wait.abort() }
    await assert.rejects(
      f.connect({ retryBaseMs: 5000 }).run({ sql: 'SELECT 1 AS one', what: 'a question', kind: 'read' }, context),
      { name: 'AbortError' },
    )
    assert.ok(performance.now() - begun < 15_000)
  })

  it('closes within two seconds though the server is gone', async () => {
    f = await startDatabricksFixture()
    const connection = f.connect()
    await connection.run({ sql: 'SELECT 1 AS one', what: 'a question', kind: 'read' }, writeContext())
    await f.sandbox.close()
    const begun = performance.now()
    await connection.close()
    assert.ok(performance.now() - begun < 5000)
    f = await startDatabricksFixture()
  })

  it('goes through a proxy with a CA of its own, for statements, tokens and files', async () => {
    f = await startDatabricksFixture()
    const tunnels: string[] = []
    const proxy = createServer().on('connect', (request, socket, head) => {
      tunnels.push(String(request.headers['proxy-authorization'] ?? ''))
      const upstream = connect(f.sandbox.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        upstream.write(head)
        upstream.pipe(socket).pipe(upstream)
      })
      for (const end of [upstream, socket])
        end.on('error', () => [upstream, socket].forEach((other) => void other.destroy()))
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const { port } = proxy.address() as AddressInfo
    try {
      assert.deepEqual((await writeOne({ proxy: `http://me:pass@127.0.0.1:${port}` }, 'append')).rows, [
        ['append', '1'],
      ])
      const basic = `Basic ${Buffer.from('me:pass').toString('base64')}`
      assert.ok(tunnels.length >= 2)
      assert.deepEqual([...new Set(tunnels)], [basic], 'both clients sign in at the proxy')
    } finally {
      proxy.close()
    }
  })
})
