import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { newName, type SnowflakeFixture, startSnowflakeDriver } from '../support/snowflake-driver.ts'
import { driverTables } from '../support/snowflake-tables.ts'

describe('Snowflake sandbox, spoken to by the vendor driver: files', () => {
  let db: SnowflakeFixture
  before(async () => {
    db = await startSnowflakeDriver()
  })
  after(() => db.close())

  const { newTable } = driverTables(() => db)

  describe('stages', () => {
    const lines = (...records: object[]) => gzipSync(records.map((record) => JSON.stringify(record)).join('\n'))
    const JSON_FORMAT = 'FILE_FORMAT = (TYPE = JSON)'

    it('keeps what was put, lists it, gives it back and takes it away', async () => {
      const stage = newName('S')
      await db.sql(`CREATE STAGE ${stage} FILE_FORMAT = (TYPE = JSON) COMMENT = 'x'`)
      await db.put(`@${stage}/run 1/part`, 'a.json.gz', lines({ a: 1 }))
      await db.put(`@${stage}/run 1/part`, 'b.json.gz', lines({ a: 2 }))
      const listed = await db.sql(`LIST '@${stage}/run 1/'`)
      assert.deepEqual(
        listed.map(({ name }) => name),
        [`${stage.toLowerCase()}/run 1/part/a.json.gz`, `${stage.toLowerCase()}/run 1/part/b.json.gz`],
      )
      assert.deepEqual(
        await db.sql(
          `SELECT $1:a::NUMBER AS A, METADATA$FILENAME AS F, METADATA$FILE_ROW_NUMBER AS R FROM '@${stage}/run 1/part' ORDER BY A`,
        ),
        [
          { A: 1, F: 'run 1/part/a.json.gz', R: 1 },
          { A: 2, F: 'run 1/part/b.json.gz', R: 1 },
        ],
      )
      assert.equal((await db.sql(`REMOVE '@${stage}/run 1/part/a'`)).length, 1)
      assert.equal((await db.sql(`LS @${stage}`)).length, 1)
      assert.ok((await db.sql('SHOW STAGES IN SCHEMA FINANCE.PUBLIC')).some(({ name }) => name === stage))
    })

    it('gives back what was put, encrypted on the way by the driver, and refuses made-up credentials', async () => {
      const path = newName('P')
      const content = lines({ a: 'é' })
      await db.put(`@~/${path}`, 'a.json.gz', content)
      const folder = await mkdtemp(join(tmpdir(), 'tieout-get-'))
      await db.sql(`GET @~/${path}/a.json.gz 'file://${folder}'`)
      assert.deepEqual(await readFile(join(folder, 'a.json.gz')), content)
      await rm(folder, { recursive: true })
      const headers = { authorization: 'Bearer made-up' }
      assert.equal((await db.http('/gcs/stages/x/a.json', { method: 'PUT', headers, body: '{}' })).status, 403)
    })

    it('loads files by name of column, by list, and each but once', async () => {
      const table = await newTable('ID NUMBER, AMOUNT NUMBER(10,2), "lower" VARCHAR, V VARIANT, SEEN TIMESTAMP_NTZ')
      const path = newName('P')
      await db.put(
        `@~/${path}`,
        'a.json.gz',
        lines(
          { id: 1, AMOUNT: '1.005', lower: 'x', v: { k: [1] }, seen: '2026-01-31T10:00:00Z', extra: 1 },
          { ID: 2, amount: null },
        ),
      )
      const copy = `COPY INTO ${table} FROM '@~/${path}/' FILES = ('a.json.gz') ${JSON_FORMAT} MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE`
      const [loaded] = await db.sql(copy)
      assert.deepEqual(
        [loaded?.file, loaded?.status, loaded?.rows_parsed, loaded?.rows_loaded, loaded?.errors_seen],
        [`${path}/a.json.gz`, 'LOADED', 2, 2, 0],
      )
      assert.deepEqual((await db.sandbox.query(`SELECT * FROM ${table} ORDER BY 1`)).rows, [
        [1, '1.01', 'x', '{"k":[1]}', '2026-01-31 10:00:00'],
        [2, null, null, null, null],
      ])
      assert.deepEqual(await db.sql(copy), [{ status: 'Copy executed with 0 files processed.' }])
      await db.sql(`${copy} FORCE = TRUE`)
      assert.deepEqual((await db.sandbox.query(`SELECT COUNT(*) FROM ${table}`)).rows, [[4]])
      await db.sql(`DELETE FROM ${table}`)
      assert.deepEqual(await db.sql(copy), [{ status: 'Copy executed with 0 files processed.' }])
      await db.sql(`TRUNCATE TABLE ${table}`)
      assert.equal((await db.sql(`${copy} PURGE = TRUE`))[0]?.rows_loaded, 2)
      assert.deepEqual(await db.sql(`LIST @~/${path}`), [])
      const missing = await db.fails(
        `COPY INTO ${table} FROM @~/${path}/ FILES = ('absent.json') ${JSON_FORMAT} MATCH_BY_COLUMN_NAME = CASE_SENSITIVE`,
      )
      assert.match(missing.message, /Remote file '.*absent.json' was not found/)
    })

    it('loads nothing, the good rows, or whole files as ON_ERROR says, and tells the first error with its line', async () => {
      const table = await newTable('ID NUMBER NOT NULL, T VARCHAR(3)')
      const path = newName('P')
      const bad = gzipSync(
        '{"ID":1,"T":"ok"}\n{"ID":"x","T":"a"}\n{"ID":3,"T":"long"}\nnot json\n{"T":"c"}\n{"ID":6,"T":"z"}',
      )
      await db.put(`@~/${path}`, 'bad.json.gz', bad)
      await db.put(`@~/${path}`, 'good.json.gz', lines({ ID: 7, T: 'g' }))
      const copy = (rest: string) =>
        `COPY INTO ${table} FROM @~/${path}/ ${JSON_FORMAT} MATCH_BY_COLUMN_NAME = CASE_SENSITIVE ${rest}`
      const aborted = await db.fails(copy(''))
      assert.equal(aborted.code, '100038')
      assert.match(
        aborted.message,
        /Numeric value 'x' is not recognized\n {2}File '.*bad\.json\.gz', line 2, character/,
      )
      assert.deepEqual((await db.sandbox.query(`SELECT COUNT(*) FROM ${table}`)).rows, [[0]])
      const skipped = await db.sql(copy('ON_ERROR = SKIP_FILE'))
      assert.deepEqual(
        skipped.map(({ status, rows_loaded }) => [status, rows_loaded]),
        [
          ['LOAD_FAILED', 0],
          ['LOADED', 1],
        ],
      )
      const [kept] = await db.sql(copy(`ON_ERROR = 'CONTINUE'`))
      assert.deepEqual(
        [kept?.status, kept?.rows_parsed, kept?.rows_loaded, kept?.errors_seen, kept?.first_error_line],
        ['PARTIALLY_LOADED', 6, 2, 4, 2],
      )
      assert.deepEqual((await db.sandbox.query(`SELECT ID FROM ${table} ORDER BY 1`)).rows, [[1], [6], [7]])
    })

    it('loads by a transformation, and merges straight from a stage', async () => {
      const table = await newTable('ID NUMBER, AMOUNT NUMBER(10,2), RAW VARIANT')
      const format = newName('F')
      const path = newName('P')
      await db.sql(`CREATE OR REPLACE FILE FORMAT ${format} TYPE = JSON`)
      await db.put(`@~/${path}`, 'a.json.gz', lines({ id: 1, m: { amount: '1.5' } }, { id: 1, m: { amount: '2.5' } }))
      await db.sql(
        `COPY INTO ${table} (ID, AMOUNT, RAW) FROM (SELECT $1:id::NUMBER, t.$1:m.amount::NUMBER(10,2), $1 FROM @~/${path}/ t) ${JSON_FORMAT} FILES = ('a.json.gz')`,
      )
      assert.deepEqual(
        (await db.sandbox.query(`SELECT ID, AMOUNT, RAW:m.amount::VARCHAR FROM ${table} ORDER BY 2`)).rows,
        [
          [1, '1.50', '1.5'],
          [1, '2.50', '2.5'],
        ],
      )
      await db.sql(`TRUNCATE TABLE ${table}`)
      const merged = await db.sql(
        `MERGE INTO ${table} t USING (SELECT $1:id::NUMBER AS id, $1:m.amount::NUMBER(10,2) AS amount FROM @~/${path}/a.json.gz (FILE_FORMAT => '${format}') QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY METADATA$FILE_ROW_NUMBER DESC) = 1) s ON t.ID = s.id WHEN NOT MATCHED THEN INSERT (ID, AMOUNT) VALUES (s.id, s.amount)`,
      )
      assert.deepEqual(merged, [{ 'number of rows inserted': 1 }])
      assert.deepEqual((await db.sandbox.query(`SELECT AMOUNT FROM ${table}`)).rows, [['2.50']])
    })
  })
})
