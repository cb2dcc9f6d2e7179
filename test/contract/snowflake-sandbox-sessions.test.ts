import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { createFaults, type FaultKind } from '../../sandbox/faults.ts'
import { SNOWFLAKE_SITES } from '../../sandbox/snowflake/server.ts'
import { newName, type SnowflakeFixture, type Statement, startSnowflakeDriver } from '../support/snowflake-driver.ts'
import { waitFor } from '../support/wait.ts'

describe('Snowflake sandbox: logins and sessions', () => {
  let db: SnowflakeFixture
  before(async () => {
    db = await startSnowflakeDriver()
  })
  after(() => db.close())
  afterEach(() => {
    db.sandbox.setFaults()
    db.sandbox.allow()
    db.sandbox.tune({ directMs: 1000, pendingEvery: 0, sessionSeconds: 3600, tokenSeconds: 600 })
  })

  async function newTable(columns = 'A NUMBER'): Promise<string> {
    const table = newName('T')
    await db.sql(`CREATE TABLE ${table} (${columns})`)
    return table
  }

  const count = async (table: string) => (await db.sandbox.query(`SELECT COUNT(*) FROM ${table}`)).rows[0]?.[0]

  describe('login', () => {
    it('opens to the key pair alone, and to that of the user', async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const stranger = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
      const refused = await db.refused({ authenticator: 'SNOWFLAKE_JWT', privateKey: stranger })
      assert.equal(refused.code, '390144')
      assert.match(refused.message, /JWT token is invalid/)
      const key = {
        authenticator: 'SNOWFLAKE_JWT',
        privateKey: db.sandbox.privateKeyPem,
        privateKeyPass: db.sandbox.passphrase,
      }
      assert.equal((await db.refused({ ...key, username: 'SOMEONE' })).code, '390144')
      assert.equal((await db.refused({ ...key, account: 'OTHER' })).code, '390144')
      assert.match((await db.refused({ ...key, privateKeyPass: 'wrong' })).message, /decrypt|passphrase|bad/i)
    })

    it('takes a programmatic access token until it is revoked or expires', async () => {
      const own = await startSnowflakeDriver()
      const options = { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: own.sandbox.token }
      const client = await own.connect(options)
      assert.deepEqual(await client.sql('SELECT CURRENT_USER() AS U'), [{ U: own.sandbox.user }])
      assert.equal((await own.refused({ ...options, token: 'pat-other' })).code, '394400')
      own.sandbox.endToken('expired')
      assert.match((await own.refused(options)).message, /expired/)
      own.sandbox.endToken('revoked')
      assert.match((await own.refused(options)).message, /invalid/)
      own.sandbox.rotateKey()
      assert.equal((await own.refused()).code, '390144')
      await own.close()
    })

    it('takes OAuth client credentials, by an access token of its own server', async () => {
      const { clientId, clientSecret, tokenUrl } = db.sandbox
      const options = {
        authenticator: 'OAUTH_CLIENT_CREDENTIALS',
        oauthClientId: clientId,
        oauthClientSecret: clientSecret,
        oauthTokenRequestUrl: tokenUrl,
        oauthScope: 'session:role:LOADER',
        oauthHttpAllowed: true,
      }
      const client = await db.connect(options)
      assert.deepEqual(await client.sql('SELECT CURRENT_ROLE() AS R'), [{ R: 'LOADER' }])
      await assert.rejects(db.connect({ ...options, oauthClientSecret: 'wrong' }))
      assert.equal((await db.refused({ authenticator: 'OAUTH', token: 'made-up' })).code, '390303')
      db.sandbox.tune({ tokenSeconds: 0 })
      assert.equal((await db.refused(options)).code, '390318')
    })

    it('refuses a role that the user has not, and is silent about other things that are missing', async () => {
      const refused = await db.refused({ role: 'ABSENT' })
      assert.equal(refused.code, '390189')
      const client = await db.connect({ warehouse: 'ABSENT', schema: 'ABSENT' })
      assert.deepEqual(
        await client.sql('SELECT CURRENT_WAREHOUSE() AS W, CURRENT_SCHEMA() AS S, CURRENT_DATABASE() AS D'),
        [{ W: null, S: null, D: 'FINANCE' }],
      )
      const table = await newTable()
      assert.equal((await client.fails(`SELECT * FROM ${table}`)).code, '090105')
      const idle = await client.fails(`SELECT * FROM FINANCE.PUBLIC.${table}`)
      assert.deepEqual([idle.code, idle.sqlState], ['000606', '57P03'])
      await client.sql('USE WAREHOUSE LOAD_WH')
      assert.deepEqual(await client.sql(`SELECT * FROM FINANCE.PUBLIC.${table}`), [])
    })

    it('fails statements while the warehouse is suspended', async () => {
      const table = await newTable()
      db.sandbox.suspend(1)
      assert.equal((await db.fails(`INSERT INTO ${table} VALUES (1)`)).code, '000606')
      assert.equal(await db.updated(`INSERT INTO ${table} VALUES (1)`), 1)
    })
  })

  describe('a session', () => {
    it('is renewed by the driver when its token expires, and nothing is lost of it', async () => {
      const client = await db.connect()
      await client.sql('CREATE TEMPORARY TABLE MINE (A NUMBER)')
      await client.sql('BEGIN')
      await client.sql('INSERT INTO MINE VALUES (1)')
      const renewals = db.sandbox.stats().renew ?? 0
      db.sandbox.expireSessions()
      assert.deepEqual(await client.sql('SELECT COUNT(*) AS N FROM MINE'), [{ N: 1 }])
      await client.sql('COMMIT')
      assert.ok((db.sandbox.stats().renew ?? 0) > renewals)
    })

    it('is at its end when the master token is, or the session is gone: another connection opens anew', async () => {
      for (const how of ['master', 'gone'] as const) {
        const client = await db.connect()
        db.sandbox.expireSessions(how)
        const failure = await client.fails('SELECT 1')
        assert.deepEqual([failure.code, failure.sqlState], ['407002', '08003'])
        assert.deepEqual(await (await db.connect()).sql('SELECT 1 AS N'), [{ N: 1 }])
      }
      db = { ...db, ...(await db.connect()), close: db.close }
    })

    it('lets go of its transaction when it is closed', async () => {
      const table = await newTable()
      const client = await db.connect()
      await client.sql('BEGIN')
      await client.sql(`INSERT INTO ${table} VALUES (1)`)
      await client.sql(`DELETE FROM ${table}`)
      await client.close()
      await db.sql(`UPDATE ${table} SET A = 2`)
      assert.equal(await count(table), 0)
    })
  })

  describe('transactions', () => {
    it('keep what was before a failed statement, and undo all at ROLLBACK', async () => {
      const table = await newTable('A NUMBER(3,0)')
      await db.sql('BEGIN TRANSACTION')
      await db.sql(`INSERT INTO ${table} VALUES (1), (2)`)
      assert.equal((await db.fails(`INSERT INTO ${table} VALUES (12345)`)).code, '100132')
      await db.sql(`UPDATE ${table} SET A = A + 1`)
      assert.equal(await count(table), 0)
      await db.sql('COMMIT')
      assert.deepEqual((await db.sandbox.query(`SELECT A FROM ${table} ORDER BY A`)).rows, [[2], [3]])
      await db.sql('BEGIN')
      await db.sql(`DELETE FROM ${table}`)
      await db.sql(`TRUNCATE TABLE ${table}`)
      await db.sql('ROLLBACK')
      assert.equal(await count(table), 2)
    })

    it('end with a definition, which cannot be undone', async () => {
      const table = await newTable()
      await db.sql('BEGIN')
      await db.sql(`INSERT INTO ${table} VALUES (1)`)
      await db.sql(`CREATE TEMPORARY TABLE ${newName('TEMP')} (A NUMBER)`)
      await db.sql('ROLLBACK')
      assert.equal(await count(table), 1)
    })

    it('see what others have committed meanwhile', async () => {
      const table = await newTable()
      const other = await db.connect()
      await db.sql('BEGIN')
      assert.deepEqual(await db.sql(`SELECT COUNT(*) AS N FROM ${table}`), [{ N: 0 }])
      await other.sql(`INSERT INTO ${table} VALUES (7)`)
      assert.deepEqual(await db.sql(`SELECT COUNT(*) AS N FROM ${table}`), [{ N: 1 }])
      await db.sql(`UPDATE ${table} SET A = A + 1`)
      await db.sql('COMMIT')
      assert.deepEqual((await db.sandbox.query(`SELECT A FROM ${table}`)).rows, [[8]])
    })

    it('take back what COPY has loaded and remembered', async () => {
      const table = await newTable('V VARIANT')
      const path = newName('P')
      await db.put(`@~/${path}`, 'a.json.gz', gzipSync('{"a":1}'))
      const copy = `COPY INTO ${table} FROM @~/${path}/ FILE_FORMAT = (TYPE = JSON)`
      await db.sql('BEGIN')
      assert.equal((await db.sql(copy))[0]?.rows_loaded, 1)
      await db.sql('ROLLBACK')
      assert.equal((await db.sql(copy))[0]?.rows_loaded, 1)
      assert.equal(await count(table), 1)
    })

    it('wait for each other at a table, for as long as LOCK_TIMEOUT says', async () => {
      const table = await newTable()
      await db.sql(`INSERT INTO ${table} VALUES (1)`)
      const [first, second] = [await db.connect(), await db.connect()]
      await second.sql('ALTER SESSION SET LOCK_TIMEOUT = 1')
      await first.sql('BEGIN')
      await first.sql(`UPDATE ${table} SET A = A + 1`)
      // Rows may be added beside a change, but not changed.
      await second.sql(`INSERT INTO ${table} VALUES (10)`)
      const failure = await second.fails(`UPDATE ${table} SET A = A * 2`)
      assert.deepEqual([failure.code, failure.sqlState], ['000625', '57014'])
      await second.sql('ALTER SESSION SET LOCK_TIMEOUT = 60')
      const waiting = second.sql(`UPDATE ${table} SET A = A * 2`)
      await first.sql('COMMIT')
      await waiting
      assert.deepEqual((await db.sandbox.query(`SELECT A FROM ${table} ORDER BY A`)).rows, [[4], [20]])
    })

    it('are rolled back when they do nothing while others wait for them', async () => {
      const table = await newTable()
      await db.sql(`INSERT INTO ${table} VALUES (1)`)
      const abandoned = await db.connect()
      await abandoned.sql('BEGIN')
      await abandoned.sql(`DELETE FROM ${table}`)
      db.sandbox.tune({ idleMs: 100 })
      assert.equal(await db.updated(`UPDATE ${table} SET A = 5`), 1)
      db.sandbox.tune({ idleMs: 300_000 })
      await abandoned.sql('COMMIT')
      assert.equal(await count(table), 1)
    })

    it('of many sessions on one table come one after the other, and none is lost', async () => {
      const table = await newTable('K NUMBER, N NUMBER')
      await db.sql(`INSERT INTO ${table} VALUES (0, 0), (1, 0)`)
      const clients = await Promise.all(Array.from({ length: 5 }, () => db.connect()))
      await Promise.all(
        clients.map(async (client, index) => {
          for (let round = 0; round < 4; round += 1) {
            if (index % 2 === 0) await client.sql('BEGIN')
            await client.sql(
              `MERGE INTO ${table} t USING (SELECT column1 AS K FROM VALUES (0), (1)) s ON t.K = s.K WHEN MATCHED THEN UPDATE SET N = t.N + 1`,
            )
            await client.sql(`INSERT INTO ${table} VALUES (?, 1)`, { binds: [String(100 * index + round + 2)] })
            if (index % 2 === 0) await client.sql('COMMIT')
          }
        }),
      )
      assert.deepEqual((await db.sandbox.query(`SELECT N FROM ${table} WHERE K < 2`)).rows, [[20], [20]])
      assert.equal(await count(table), 22)
    })

    it('are seen by their user, who may abort them', async () => {
      const table = await newTable()
      const abandoned = await db.connect()
      await abandoned.sql('BEGIN')
      await abandoned.sql(`INSERT INTO ${table} VALUES (1)`)
      const [{ S: session } = {}] = await abandoned.sql('SELECT CURRENT_SESSION() AS S')
      const open = await db.sql('SHOW TRANSACTIONS')
      const found = open.find((one) => String(one.session) === session)
      assert.deepEqual([found?.state, found?.user], ['running', db.sandbox.user])
      assert.deepEqual(await db.sql(`SELECT SYSTEM$ABORT_TRANSACTION(${found?.id}) AS "done"`), [
        { done: `Transaction ID ${found?.id} aborted.` },
      ])
      await abandoned.sql('COMMIT')
      assert.equal(await count(table), 0)
    })

    it('find a lock that a crashed session holds', async () => {
      const table = await newTable()
      const lock = db.sandbox.lock(table)
      await db.sql('ALTER SESSION SET LOCK_TIMEOUT = 1')
      const failure = await db.fails(
        `MERGE INTO ${table} t USING (SELECT 1 AS A) s ON t.A = s.A WHEN NOT MATCHED THEN INSERT (A) VALUES (s.A)`,
      )
      assert.match(failure.message, /has locked table/)
      lock.release()
      await db.sql(`DELETE FROM ${table}`)
      await db.sql('ALTER SESSION UNSET LOCK_TIMEOUT')
    })
  })

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
      this.timeout(60_000)
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

describe('Snowflake sandbox: what it keeps', () => {
  it('has tables, comments, stages and the memory of loads after a restart', async () => {
    const { mkdtemp, rm } = await import('node:fs/promises')
    const { tmpdir } = await import('node:os')
    const path = await import('node:path')
    const folder = await mkdtemp(path.join(tmpdir(), 'tieout-snowflake-'))
    const file = path.join(folder, 'account.duckdb')
    const first = await startSnowflakeDriver({ file })
    await first.sql(`CREATE TABLE KEPT (V VARIANT COMMENT 'here') COMMENT = 'still'`)
    await first.put('@~/x', 'a.json.gz', gzipSync('{"a":1}'))
    await first.sql('COPY INTO KEPT FROM @~/x/ FILE_FORMAT = (TYPE = JSON)')
    await first.close()
    const second = await startSnowflakeDriver({ file })
    assert.deepEqual(await second.sql('SELECT V:a::NUMBER AS A FROM KEPT'), [{ A: 1 }])
    assert.equal((await second.sql('LIST @~/x')).length, 1)
    assert.deepEqual(await second.sql('COPY INTO KEPT FROM @~/x/ FILE_FORMAT = (TYPE = JSON)'), [
      { status: 'Copy executed with 0 files processed.' },
    ])
    assert.equal((await second.sql('DESCRIBE TABLE KEPT'))[0]?.comment, 'here')
    await second.close()
    await rm(folder, { recursive: true })
  })
})
