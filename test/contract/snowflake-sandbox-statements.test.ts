import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createFaults, type FaultKind } from '../../sandbox/faults.ts'
import { SNOWFLAKE_SITES } from '../../sandbox/snowflake/server.ts'
import { newName, type SnowflakeFixture, type Statement, startSnowflakeDriver } from '../support/snowflake-driver.ts'
import { sessionTables } from '../support/snowflake-sessions.ts'
import { waitFor } from '../support/wait.ts'

describe('Snowflake sandbox: statements and faults', () => {
  let db: SnowflakeFixture
  before(async () => {
    db = await startSnowflakeDriver()
  })
  after(() => db.close())

  const { newTable, count } = sessionTables(() => db)

  describe('statements', () => {
    it('that take long are answered as running, and polled by the driver', async () => {
      db.sandbox.tune({ directMs: 20 })
      const polls = db.sandbox.stats()['result-poll'] ?? 0
      assert.deepEqual(await db.sql('SELECT SYSTEM$WAIT(1)'), [{ 'SYSTEM$WAIT(1)': 'waited 1 seconds' }])
      assert.ok((db.sandbox.stats()['result-poll'] ?? 0) > polls)
      db.sandbox.tune({ pendingEvery: 1 })
      const table = await newTable()
      assert.equal(await db.updated(`INSERT INTO ${table} VALUES (1)`), 1)
      assert.equal((await db.fails(`INSERT INTO ${table} VALUES ('x')`)).code, '100038')
    })

    it('are asked for later when they were sent to run by themselves', async () => {
      const table = await newTable()
      await db.sql(`INSERT INTO ${table} SELECT SEQ8() FROM TABLE(GENERATOR(ROWCOUNT => 7))`, { asyncExec: true })
      await waitFor(async () => (await count(table)) === 7)
      const { queryId } = await db.submit('SELECT SYSTEM$WAIT(1)')
      assert.equal(await db.connection.getQueryStatus(queryId), 'RUNNING')
      assert.deepEqual(await db.results(queryId), [{ 'SYSTEM$WAIT(1)': 'waited 1 seconds' }])
      assert.equal(await db.connection.getQueryStatus(queryId), 'SUCCESS')
    })

    it('stop when they are cancelled, or run into their timeout', async () => {
      let running: Statement | undefined
      const failing = db.fails('SELECT SYSTEM$WAIT(60)', {
        started: (statement) => {
          running = statement
        },
      })
      await waitFor(
        () =>
          (db.sandbox.stats()['execute:select'] ?? 0) > 0 && db.sandbox.statements().includes('SELECT SYSTEM$WAIT(60)'),
      )
      running?.cancel(() => undefined)
      const failure = await failing
      assert.deepEqual([failure.code, failure.sqlState], ['000604', '57014'])
      await db.sql('ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 1')
      assert.equal((await db.fails('SELECT SYSTEM$WAIT(60)')).code, '000630')
      await db.sql('ALTER SESSION UNSET STATEMENT_TIMEOUT_IN_SECONDS')
    })

    it('run once for each request id of a session, however often they are sent', async () => {
      const table = await newTable()
      const requestId = randomUUID()
      for (const _ of [1, 2]) assert.equal(await db.updated(`INSERT INTO ${table} VALUES (1)`, { requestId }), 1)
      assert.equal(await count(table), 1)
      const failing = randomUUID()
      assert.equal((await db.fails('SELECT * FROM LATER', { requestId: failing })).code, '002003')
      await db.sql('CREATE TABLE LATER (A NUMBER)')
      assert.deepEqual(await db.sql('SELECT * FROM LATER', { requestId: failing }), [])
      const other = await db.connect()
      await other.sql(`INSERT INTO ${table} VALUES (1)`, { requestId })
      assert.equal(await count(table), 2)
    })
  })

  describe('faults', () => {
    const play = (site: string, kind: FaultKind, times = 1) => {
      const faults = createFaults('calm', 1, SNOWFLAKE_SITES, { slowMs: 50, timeoutMs: 50, retryAfterSeconds: 0 })
      faults.force(site, kind, times)
      db.sandbox.setFaults(faults)
      return faults
    }

    it('that the driver gets over by itself leave each row in once', async function () {
      this.timeout(120_000)
      for (const kind of [
        'throttled',
        'server-error',
        'unavailable',
        'timeout',
        'reset-before',
        'reset-after',
        'cut-body',
        'slow',
        'token-expired',
      ] as const) {
        const table = await newTable()
        const faults = play('execute:insert', kind)
        assert.equal(await db.updated(`INSERT INTO ${table} VALUES (1)`), 1, kind)
        assert.equal(await count(table), 1, kind)
        assert.deepEqual(faults.met(), { [`execute:insert/${kind}`]: 1 })
      }
    })

    it('that it does not get over reach the caller, with what they are', async () => {
      const table = await newTable()
      play('execute:insert', 'lock-timeout')
      assert.equal((await db.fails(`INSERT INTO ${table} VALUES (1)`)).code, '000625')
      play('execute:insert', 'session-lost')
      const client = await db.connect()
      assert.equal((await client.fails(`INSERT INTO ${table} VALUES (1)`)).code, '407002')
      assert.equal(await count(table), 0)
      play('execute:insert', 'broken-body')
      const broken = await db
        .fails(`INSERT INTO ${table} VALUES (1)`)
        .catch((error: Error) => ({ message: error.message }))
      assert.ok(broken.message)
      play('login', 'unavailable')
      assert.deepEqual(await (await db.connect()).sql('SELECT 1 AS N'), [{ N: 1 }])
    })

    it('refuse an upload until new credentials are asked for', async () => {
      const path = newName('P')
      play('storage-put', 'token-expired')
      await assert.rejects(db.put(`@~/${path}`, 'a.json', '{}'), /403|forbidden|denied/i)
      await db.put(`@~/${path}`, 'a.json', '{}')
      assert.equal((await db.sql(`LIST @~/${path}`)).length, 1)
    })
  })
})
