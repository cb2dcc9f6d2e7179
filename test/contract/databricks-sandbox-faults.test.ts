import assert from 'node:assert/strict'
import { DATABRICKS_SITES } from '../../sandbox/databricks/server.ts'
import { createFaults, type FaultKind } from '../../sandbox/faults.ts'
import { type DriverFixture, describeFailure, type Failure, startDriver } from '../support/databricks-driver.ts'
import { waitFor } from '../support/wait.ts'

const site = 'execute:insert'

describe('Databricks sandbox: sessions, tokens and faults', () => {
  let db: DriverFixture
  before(async () => {
    db = await startDriver()
    await db.sql('CREATE TABLE marks (kind STRING)')
  })
  beforeEach(() => {
    db.sandbox.tune({ latencyMs: 0, directMs: 1000, pendingEvery: 0, tokenSeconds: 3600 })
    db.sandbox.setFaults(createFaults('calm', 1, DATABRICKS_SITES, { slowMs: 60, timeoutMs: 40 }))
  })
  after(() => db.close())

  const marked = async (kind: string) =>
    Number((await db.sandbox.query(`SELECT count(*) FROM main.finance.marks WHERE kind = '${kind}'`)).rows[0]?.[0])

  describe('tokens', () => {
    it('gives tokens to the right client only', async () => {
      const refused = await db.grant('wrong')
      assert.equal(refused.status, 401)
      assert.equal(JSON.parse(refused.body.toString()).error, 'invalid_client')
      const { access_token, expires_in } = JSON.parse((await db.grant()).body.toString())
      assert.equal(expires_in, 3600)
      const client = await db.connect(async () => access_token)
      const session = await client.openSession({ initialCatalog: 'main' })
      const operation = await session.executeStatement('SELECT 1 AS one')
      assert.deepEqual(await operation.fetchAll(), [{ one: 1 }])
    })

    it('refuses an unknown, a missing and an expired token', async () => {
      const refusal = async (token: string) => (await db.http(db.sandbox.path, { method: 'POST', token })).status
      assert.equal(await refusal('unknown'), 403)
      assert.equal(await refusal(''), 401)
      db.sandbox.tune({ tokenSeconds: 0 })
      const { access_token } = JSON.parse((await db.grant()).body.toString())
      assert.equal(await refusal(access_token), 403)
    })

    it('asks for a new token after a token was ended early', async () => {
      const granted: string[] = []
      const client = await db.connect(async () => {
        granted.push(JSON.parse((await db.grant()).body.toString()).access_token)
        return granted.at(-1) ?? ''
      })
      const session = await client.openSession({ initialCatalog: 'main' })
      db.sandbox.faults().force('execute:select', 'token-expired')
      const failure = await session.executeStatement('SELECT 1').catch(describeFailure)
      assert.equal((failure as Failure).status, 403)
      assert.equal(
        (await db.http('/api/2.0/fs/directories/Volumes/main/finance/staging', { token: granted.at(-1) ?? '' })).status,
        403,
      )
    })
  })

  describe('sessions and operations', () => {
    it('refuses a session on another catalog, and a warehouse there is not', async () => {
      await assert.rejects(db.client.openSession({ initialCatalog: 'absent' }), (error) =>
        /Catalog 'absent'/.test(describeFailure(error).message),
      )
      const reply = await db.http('/sql/1.0/warehouses/absent', { method: 'POST' })
      assert.equal(reply.status, 404)
      assert.match(String(reply.headers['x-thriftserver-error-message']), /absent does not exist/)
    })

    it('refuses settings that a warehouse does not take', async () => {
      await db.client.openSession({ configuration: { STATEMENT_TIMEOUT: '30' } })
      await assert.rejects(db.client.openSession({ configuration: { 'spark.sql.shuffle.partitions': '1' } }), (error) =>
        /CONFIG_NOT_AVAILABLE/.test(describeFailure(error).message),
      )
    })

    it('answers as running and is polled, for rows and for failures', async () => {
      db.sandbox.tune({ pendingEvery: 1 })
      const before = db.sandbox.stats()
      assert.deepEqual(await db.sql('SELECT 7 AS seven'), [{ seven: 7 }])
      assert.equal((await db.fails('SELECT absent FROM marks')).sqlState, '42703')
      const after = db.sandbox.stats()
      for (const kind of ['status-poll', 'fetch', 'close-operation']) {
        assert.ok((after[kind] ?? 0) > (before[kind] ?? 0), kind)
      }
    })

    it('cancels a running statement, which then has changed nothing', async () => {
      db.sandbox.tune({ latencyMs: 60_000, directMs: 0 })
      const operation = await db.session.executeStatement(`INSERT INTO marks VALUES ('cancelled')`)
      await operation.cancel()
      await assert.rejects(operation.finished(), /cancel/i)
      await waitFor(() => db.sandbox.log().at(-1)?.error)
      assert.equal(await marked('cancelled'), 0)
    })

    it('logs statements with what they touched', async () => {
      await db.sql(`INSERT INTO marks VALUES ('logged'), ('logged')`)
      const { kind, text, rows } = db.sandbox.log().at(-1) ?? {}
      assert.deepEqual([kind, text, rows], ['insert', `INSERT INTO marks VALUES ('logged'), ('logged')`, 2])
    })
  })

  describe('faults', () => {
    const refusals: [FaultKind, number][] = [
      ['unauthorized', 401],
      ['token-expired', 403],
      ['throttled', 429],
      ['server-error', 500],
      ['unavailable', 503],
    ]
    for (const [kind, status] of refusals) {
      it(`${kind}: HTTP ${status}, and nothing was done`, async () => {
        db.sandbox.faults().force(site, kind)
        const failure = await db.fails(`INSERT INTO marks VALUES ('${kind}')`)
        assert.equal(failure.status, status)
        assert.equal(await marked(kind), 0)
        assert.deepEqual(db.sandbox.faults().met(), { [`${site}/${kind}`]: 1 })
        await db.sql(`INSERT INTO marks VALUES ('${kind}')`)
        assert.equal(await marked(kind), 1)
      })
    }

    const lost: [FaultKind, number, RegExp][] = [
      ['reset-before', 0, /socket hang up|ECONNRESET/],
      ['reset-after', 1, /socket hang up|ECONNRESET/],
      ['cut-body', 1, /Premature close/],
    ]
    for (const [kind, rows, message] of lost) {
      it(`${kind}: the connection is lost, and the statement was done ${rows} times`, async () => {
        db.sandbox.faults().force(site, kind)
        assert.match((await db.fails(`INSERT INTO marks VALUES ('${kind}')`)).message, message)
        await waitFor(async () => (await marked(kind)) === rows)
      })
    }

    it('timeout: no answer, and the statement was done every second time', async () => {
      db.sandbox.faults().force(site, 'timeout', 2)
      for (const rows of [0, 1]) {
        assert.match((await db.fails(`INSERT INTO marks VALUES ('timeout')`)).message, /socket hang up/)
        await waitFor(async () => (await marked('timeout')) === rows)
      }
    })

    it('broken-body: an HTML page with status 200', async () => {
      db.sandbox.faults().force('files-get', 'broken-body')
      const page = await db.http('/api/2.0/fs/files/Volumes/main/finance/staging/absent')
      assert.equal(page.status, 200)
      assert.match(page.body.toString(), /^<html>/)
    })

    it('slow: the answer, later', async () => {
      db.sandbox.faults().force('execute:select', 'slow')
      const started = performance.now()
      assert.deepEqual(await db.sql('SELECT 1 AS one'), [{ one: 1 }])
      assert.ok(performance.now() - started >= 55)
    })

    it('concurrent-append: a conflict that left nothing behind', async () => {
      db.sandbox.faults().force(site, 'concurrent-append')
      const failure = await db.fails(`INSERT INTO marks VALUES ('conflict')`)
      assert.equal(failure.sqlState, '2D521')
      assert.match(failure.message, /\[DELTA_CONCURRENT_APPEND/)
      assert.equal(await marked('conflict'), 0)
    })

    it('session-lost: the handle is invalid from now on', async () => {
      const session = await db.client.openSession({ initialCatalog: 'main' })
      db.sandbox.faults().force('execute:select', 'session-lost')
      for (const _ of [1, 2]) {
        await assert.rejects(session.executeStatement('SELECT 1'), (error) =>
          /Invalid SessionHandle/.test(describeFailure(error).message),
        )
      }
      assert.deepEqual(await db.sql('SELECT 1 AS one'), [{ one: 1 }])
    })

    it('cold start: sessions open, statements fail in two ways until the warehouse is up', async () => {
      db.sandbox.coldStart(4)
      const session = await db.client.openSession({ initialCatalog: 'main' })
      const failures: Failure[] = []
      for (let attempt = 0; attempt < 4; attempt += 1) {
        failures.push(
          await session.executeStatement('SELECT 1').then(() => assert.fail('did not fail'), describeFailure),
        )
      }
      assert.equal(failures.filter(({ status }) => status === 503).length, 2)
      assert.equal(failures.filter(({ message }) => /has not been initialized/.test(message)).length, 2)
      await (await session.executeStatement('SELECT 1')).close()
    })

    it('faults on tokens and files', async () => {
      const faults = db.sandbox.faults()
      faults.force('token', 'unavailable')
      faults.force('files-put', 'throttled')
      assert.equal((await db.grant()).status, 503)
      const put = () => db.http('/api/2.0/fs/files/Volumes/main/finance/staging/f.json', { method: 'PUT', body: '{}' })
      const throttled = await put()
      assert.deepEqual([throttled.status, throttled.headers['retry-after']], [429, '1'])
      assert.equal((await put()).status, 204)
    })

    it('every planned fault of the statement sites can be met, and calm returns after stop', async () => {
      db.sandbox.setFaults(
        createFaults('hostile', 3, { 'execute:select': { kinds: ['throttled', 'slow'], times: 2 } }, { slowMs: 1 }),
      )
      const plan = db.sandbox.faults()
      await waitFor(async () => {
        await db.sql('SELECT 1').catch(() => undefined)
        return plan.pending().length === 0
      })
      assert.deepEqual(plan.met(), { 'execute:select/throttled': 2, 'execute:select/slow': 2 })
      plan.force('execute:select', 'throttled')
      plan.stop()
      assert.deepEqual(await db.sql('SELECT 1 AS one'), [{ one: 1 }])
    })
  })
})
