import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { newName, type SnowflakeFixture, startSnowflakeDriver } from '../support/snowflake-driver.ts'

describe('Snowflake sandbox: parameters of account, user and session', () => {
  let db: SnowflakeFixture
  before(async () => {
    db = await startSnowflakeDriver({
      parameters: {
        account: { DATE_INPUT_FORMAT: 'DD/MM/YYYY', ROWS_PER_RESULTSET: '3', DEFAULT_DDL_COLLATION: 'en-ci' },
        user: { ROWS_PER_RESULTSET: '2' },
      },
    })
  })
  after(() => db.close())

  const one = async (client: { sql: SnowflakeFixture['sql'] }, expression: string) =>
    (await client.sql(`SELECT CAST(${expression} AS VARCHAR) AS V`))[0]?.V

  async function newTable(columns: string, tail = ''): Promise<string> {
    const table = newName('T')
    await db.sql(`CREATE TABLE ${table} (${columns}) ${tail}`)
    return table
  }

  it('the session has the last word, the user the one before, the account the first', async () => {
    const client = await db.connect()
    const shown = async (name: string) => {
      const [row] = await client.sql(`SHOW PARAMETERS LIKE '${name}' IN SESSION`)
      return [row?.value, row?.level]
    }
    assert.deepEqual(await shown('ROWS_PER_RESULTSET'), ['2', 'USER'])
    assert.deepEqual(await shown('DATE_INPUT_FORMAT'), ['DD/MM/YYYY', 'ACCOUNT'])
    assert.deepEqual(await shown('TIMEZONE'), ['America/Los_Angeles', ''])
    await client.sql('ALTER SESSION SET ROWS_PER_RESULTSET = 0')
    assert.deepEqual(await shown('ROWS_PER_RESULTSET'), ['0', 'SESSION'])
    await client.sql('ALTER SESSION UNSET ROWS_PER_RESULTSET')
    assert.deepEqual(await shown('ROWS_PER_RESULTSET'), ['2', 'USER'])
    await client.sql(`ALTER USER ${db.sandbox.user} SET TIMEZONE = 'Europe/Zurich'`)
    assert.deepEqual(await shown('TIMEZONE'), ['America/Los_Angeles', 'SESSION'], 'a session keeps what it began with')
    const later = await db.connect()
    assert.deepEqual((await later.sql("SHOW PARAMETERS LIKE 'TIMEZONE'"))[0]?.value, 'Europe/Zurich')
    db.sandbox.setParameters('user', { TIMEZONE: 'America/Los_Angeles' })
    assert.equal((await client.fails("ALTER ACCOUNT SET TIMEZONE = 'UTC'")).code, '003001')
    assert.equal((await client.fails("ALTER SESSION SET TIMEZONE = 'Nowhere'")).code, '001008')
    assert.equal((await client.fails("ALTER SESSION SET DEFAULT_DDL_COLLATION = ''")).code, '001008')
  })

  it('cuts results off at ROWS_PER_RESULTSET', async () => {
    assert.equal((await db.sql('SELECT * FROM VALUES (1), (2), (3), (4)')).length, 2)
    assert.equal((await db.sql('SHOW PARAMETERS')).length, 2)
  })

  it('reads dates by DATE_INPUT_FORMAT, unless the statement names a format', async () => {
    const client = await db.connect()
    assert.equal(await one(client, "TO_DATE('04/03/2026')"), '2026-03-04')
    assert.equal(await one(client, "CAST('4/3/2026' AS DATE)"), '2026-03-04')
    assert.equal((await client.fails("SELECT '2026-03-04'::DATE")).code, '100096')
    assert.equal(await one(client, "TRY_TO_DATE('2026-03-04')"), null)
    assert.equal(await one(client, "TRY_TO_DATE('2026-03-04', 'YYYY-MM-DD')"), '2026-03-04')
    assert.equal((await client.fails("SELECT TO_DATE('2026-02-30', 'YYYY-MM-DD')")).code, '100096')
    const table = await newTable('D DATE')
    await client.sql(`INSERT INTO ${table} SELECT * FROM VALUES ('05/03/2026')`)
    await client.sql("ALTER SESSION SET DATE_INPUT_FORMAT = 'YYYY-DD-MM' DATE_OUTPUT_FORMAT = 'DD.MM.YYYY'")
    await client.sql(`INSERT INTO ${table} SELECT * FROM VALUES ('2026-06-03')`)
    assert.deepEqual(
      (await client.sql(`SELECT CAST(D AS VARCHAR) AS V FROM ${table} ORDER BY D`)).map(({ V }) => V),
      ['05.03.2026', '06.03.2026'],
    )
    assert.equal(await one(client, "TO_VARCHAR(TO_DATE('2026-03-04', 'YYYY-MM-DD'), 'YYYY/MM/DD')"), '2026/03/04')
    await client.sql("ALTER SESSION SET DATE_INPUT_FORMAT = 'AUTO' DATE_OUTPUT_FORMAT = 'YYYY-MM-DD'")
    assert.equal(await one(client, "TO_DATE('2026-03-04')"), '2026-03-04')
    assert.equal(await one(client, "TO_DATE('03/04/2026')"), '2026-03-04', 'AUTO takes slashes for the American way')
    assert.equal(await one(client, "TO_DATE('04-MAR-2026')"), '2026-03-04')
  })

  it('reads moments of time by TIMESTAMP_INPUT_FORMAT and in the zone of the session', async () => {
    const client = await db.connect()
    for (const setting of [
      "TIMESTAMP_INPUT_FORMAT = 'DD/MM/YYYY HH24:MI:SS'",
      "TIMEZONE = 'Europe/Zurich'",
      "TIMESTAMP_TYPE_MAPPING = 'TIMESTAMP_LTZ'",
    ])
      await client.sql(`ALTER SESSION SET ${setting}`)
    assert.equal(await one(client, "CAST('04/03/2026 22:30:00' AS TIMESTAMP_NTZ)"), '2026-03-04 22:30:00.000')
    const format = `'YYYY-MM-DD"T"HH24:MI:SS.FF9"Z"'`
    for (const [digits, shown] of [
      ['5', '500'],
      ['123456', '123'],
      ['123456789', '123'],
    ])
      assert.equal(
        await one(client, `TO_TIMESTAMP_NTZ('2026-03-04T22:30:00.${digits}Z', ${format})`),
        `2026-03-04 22:30:00.${shown}`,
      )
    assert.equal((await client.fails(`SELECT TO_TIMESTAMP_NTZ('2026-03-04 22:30:00', ${format})`)).sqlState, '22007')
    assert.equal(await one(client, "CAST('04/03/2026 22:30:00' AS TIMESTAMP)"), '2026-03-04 21:30:00.000 +0000')
    assert.equal(await one(client, "TO_TIMESTAMP('04/03/2026 22:30:00')"), '2026-03-04 21:30:00.000 +0000')
  })

  it('loads files by the format of the file, else by the session', async () => {
    const client = await db.connect()
    const table = await newTable('D DATE, S TIMESTAMP_NTZ')
    const path = newName('P')
    await client.put(`@~/${path}`, 'a.json.gz', gzipSync('{"D":"2026-03-04","S":"2026-03-04T22:30:00.5Z"}'))
    const copy = (more: string) =>
      `COPY INTO ${table} FROM @~/${path}/ FILE_FORMAT = (TYPE = JSON${more}) MATCH_BY_COLUMN_NAME = CASE_SENSITIVE`
    assert.match(String((await client.fails(copy(''))).sqlState), /^22/)
    const formats = ` DATE_FORMAT = 'YYYY-MM-DD' TIMESTAMP_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FF9"Z"'`
    assert.equal((await client.sql(copy(formats)))[0]?.rows_loaded, 1)
    assert.deepEqual((await db.sandbox.query(`SELECT D, S FROM ${table}`)).rows, [
      ['2026-03-04', '2026-03-04 22:30:00.5'],
    ])
  })

  it('rolls back what was not committed where AUTOCOMMIT is off', async () => {
    const table = await newTable('A NUMBER')
    const client = await db.connect()
    await client.sql('ALTER SESSION SET AUTOCOMMIT = FALSE')
    await client.sql(`INSERT INTO ${table} VALUES (1)`)
    await client.sql('COMMIT')
    await client.sql(`INSERT INTO ${table} VALUES (2)`)
    await client.close()
    assert.deepEqual((await db.sandbox.query(`SELECT A FROM ${table}`)).rows, [[1]])
  })

  it('refuses one statement where several are announced, unless it says that it is one', async () => {
    const client = await db.connect()
    await client.sql('ALTER SESSION SET MULTI_STATEMENT_COUNT = 2')
    assert.equal((await client.fails('SELECT 1')).code, '000008')
    await client.sql('ALTER SESSION SET MULTI_STATEMENT_COUNT = 1', { parameters: { MULTI_STATEMENT_COUNT: 1 } })
    await client.sql('SELECT 1')
  })

  it('takes nothing more in a transaction after an error where TRANSACTION_ABORT_ON_ERROR is on', async () => {
    const table = await newTable('A NUMBER(3,0)')
    const client = await db.connect()
    await client.sql('ALTER SESSION SET TRANSACTION_ABORT_ON_ERROR = TRUE')
    await client.sql('BEGIN')
    await client.sql(`INSERT INTO ${table} VALUES (1)`)
    await client.fails(`INSERT INTO ${table} VALUES (12345)`)
    assert.equal((await client.fails(`INSERT INTO ${table} VALUES (2)`)).sqlState, '25000')
    await client.sql('ROLLBACK')
    await client.sql(`INSERT INTO ${table} VALUES (3)`)
    assert.deepEqual((await db.sandbox.query(`SELECT A FROM ${table}`)).rows, [[3]])
  })

  it('compares texts by the collation of the column, of its table, schema, database or account', async () => {
    const shows = async (table: string) =>
      (
        await db.sandbox.query(
          `SELECT collation_name FROM information_schema.columns WHERE table_name = '${table}' ORDER BY ordinal_position`,
        )
      ).rows.flat()
    const table = await newTable("A VARCHAR, B VARCHAR COLLATE '', C VARCHAR COLLATE 'de-ai', N NUMBER")
    assert.deepEqual(await shows(table), ['en-ci', null, 'de-ai', null])
    await db.sql(`INSERT INTO ${table} SELECT * FROM VALUES ('abc', 'abc', 'e', 1), ('ABC', 'ABC', 'é', 2)`)
    const count = async (sql: string) => (await db.sandbox.query(sql)).rows[0]?.[0]
    assert.equal(await count(`SELECT COUNT(*) FROM ${table} WHERE A = 'Abc'`), 2)
    assert.equal(await count(`SELECT COUNT(*) FROM ${table} WHERE B = 'abc'`), 1)
    assert.equal(await count(`SELECT COUNT(*) FROM ${table} WHERE C = 'e'`), 2)
    assert.equal(await count(`SELECT COUNT(*) FROM (SELECT A FROM ${table} GROUP BY A)`), 1)
    assert.equal(await count(`SELECT COUNT(*) FROM ${table} x JOIN ${table} y ON x.A = y.B`), 4)
    assert.equal(await count(`SELECT COUNT(*) FROM ${table} WHERE COLLATE(A, '') = 'abc'`), 1)
    assert.equal(await count(`SELECT COUNT(*) FROM ${table} WHERE B COLLATE 'upper' = 'aBC'`), 2)
    await db.sql(`ALTER TABLE ${table} ADD COLUMN D VARCHAR, E VARCHAR COLLATE ''`)
    assert.deepEqual((await shows(table)).slice(4), ['en-ci', null])
    const own = await newTable('A VARCHAR', "DEFAULT_DDL_COLLATION = 'fr-ci'")
    await db.sql("ALTER SCHEMA FINANCE.PUBLIC SET DEFAULT_DDL_COLLATION = 'sv-ci'")
    const ofSchema = await newTable('A VARCHAR')
    const clone = newName('T')
    await db.sql(`CREATE TABLE ${clone} CLONE ${table}`)
    assert.deepEqual([await shows(own), await shows(ofSchema)], [['fr-ci'], ['sv-ci']])
    assert.deepEqual(await shows(clone), await shows(table))
    assert.equal((await db.fails(`CREATE TABLE ${newName('T')} (A VARCHAR COLLATE 'no such')`)).code, '002140')
  })

  it('merges by the collation of the target', async () => {
    const table = await newTable("K VARCHAR COLLATE 'en-ci', V NUMBER")
    await db.sql(`INSERT INTO ${table} VALUES ('abc', 1)`)
    const merge = (key: string) =>
      db.sql(
        `MERGE INTO ${table} AS t USING (SELECT '${key}' AS K, 2 AS V) AS s ON t.K = s.K WHEN MATCHED THEN UPDATE SET t.V = s.V WHEN NOT MATCHED THEN INSERT (K, V) VALUES (s.K, s.V)`,
      )
    await merge('ABC')
    await merge('other')
    assert.deepEqual((await db.sandbox.query(`SELECT K, V FROM ${table} ORDER BY K`)).rows, [
      ['abc', 2],
      ['other', 2],
    ])
  })
})
