import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type SnowflakeFixture, startSnowflakeDriver } from '../support/snowflake-driver.ts'
import { sessionTables } from '../support/snowflake-sessions.ts'

describe('Snowflake sandbox: logins and sessions', () => {
  let db: SnowflakeFixture
  before(async () => {
    db = await startSnowflakeDriver()
  })
  after(() => db.close())

  const { newTable, count } = sessionTables(() => db)

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
