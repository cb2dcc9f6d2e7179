import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { newName, type SnowflakeFixture, startSnowflakeDriver } from '../support/snowflake-driver.ts'
import { sessionTables } from '../support/snowflake-sessions.ts'

describe('Snowflake sandbox: transactions', () => {
  let db: SnowflakeFixture
  before(async () => {
    db = await startSnowflakeDriver()
  })
  after(() => db.close())

  const { newTable, count } = sessionTables(() => db)

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
})
