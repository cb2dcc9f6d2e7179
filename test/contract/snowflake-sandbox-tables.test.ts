import assert from 'node:assert/strict'
import { newName, type SnowflakeFixture, startSnowflakeDriver } from '../support/snowflake-driver.ts'
import { COLUMNS, driverTables, row } from '../support/snowflake-tables.ts'

describe('Snowflake sandbox, spoken to by the vendor driver: definitions and mistakes', () => {
  let db: SnowflakeFixture
  before(async () => {
    db = await startSnowflakeDriver()
  })
  after(() => db.close())

  const { newTable, merge } = driverTables(() => db)

  describe('tables', () => {
    it('describes what was created: types, comments, keys and clustering', async () => {
      const table = await newTable(`${COLUMNS}, CONSTRAINT k PRIMARY KEY (SOURCE, ENTRY, LINE)`, 'CLUSTER BY (ENTRY)')
      await db.sql(`COMMENT ON TABLE ${table} IS 'Lines'`)
      const described = await db.sql(`DESCRIBE TABLE ${table}`)
      assert.deepEqual(
        described
          .map((column) => [column.name, column.type, column['null?'], column['primary key'], column.comment])
          .slice(0, 4),
        [
          ['SOURCE', 'VARCHAR(16777216)', 'N', 'Y', "Where it's from"],
          ['ENTRY', 'VARCHAR(20)', 'N', 'Y', null],
          ['LINE', 'NUMBER(38,0)', 'N', 'Y', null],
          ['AMOUNT', 'NUMBER(28,8)', 'Y', 'N', null],
        ],
      )
      const [shown] = await db.sql(`SHOW TABLES LIKE '${table}' IN SCHEMA FINANCE.PUBLIC`)
      assert.deepEqual([shown?.comment, shown?.cluster_by, shown?.kind], ['Lines', 'LINEAR(ENTRY)', 'TABLE'])
      const columns = await db.sql(
        `SELECT COLUMN_NAME, DATA_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE, CHARACTER_MAXIMUM_LENGTH, IS_NULLABLE FROM FINANCE.INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
        { binds: [table] },
      )
      assert.deepEqual(Object.values(columns[1] ?? {}), ['ENTRY', 'TEXT', null, null, 20, 'NO'])
      assert.deepEqual(Object.values(columns[3] ?? {}), ['AMOUNT', 'NUMBER', 28, 8, null, 'YES'])
      const keys = await db.sql(`SHOW PRIMARY KEYS IN TABLE FINANCE.PUBLIC.${table}`)
      assert.deepEqual(
        keys.map((key) => key.column_name),
        ['SOURCE', 'ENTRY', 'LINE'],
      )
    })

    it('keeps names apart that differ in case, and folds those without quotes to upper case', async () => {
      const table = newName('t')
      await db.sql(
        `CREATE TABLE "${table}" (id NUMBER, "id" NUMBER, "Id" VARCHAR, "select" VARCHAR, "a ""b"" c" VARCHAR)`,
      )
      await db.sql(
        `INSERT INTO "${table}" (ID, "id", "Id", "select", "a ""b"" c") VALUES (1, 2, 'three', 'four', 'five')`,
      )
      assert.deepEqual(await db.sql(`SELECT * FROM "${table}" WHERE Id = 1 AND "id" = 2`), [
        { ID: 1, id: 2, Id: 'three', select: 'four', 'a "b" c': 'five' },
      ])
      assert.equal((await db.fails(`SELECT * FROM ${table.toUpperCase()}X`)).code, '002003')
      const refused = await db.fails(`SELECT "ID ", "iD" FROM "${table}"`)
      assert.equal(refused.code, '000904')
      const folding = await db.connect()
      await folding.sql('ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE')
      assert.deepEqual(await folding.sql('SELECT 1 AS "lower"'), [{ LOWER: 1 }])
    })

    it('gains and loses columns, and widens them, but makes none narrower', async () => {
      const table = await newTable()
      await merge(table, [row('E1', 1, '1')])
      await db.sql(
        `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS TAX NUMBER(10,2) COMMENT 'VAT', IF NOT EXISTS "note" VARCHAR(5)`,
      )
      await db.sql(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS TAX NUMBER(10,2)`)
      await db.sql(`ALTER TABLE ${table} ALTER COLUMN "note" SET DATA TYPE VARCHAR(50)`)
      await db.sql(`ALTER TABLE ${table} MODIFY COLUMN TAX NUMBER(20,2)`)
      const described = await db.sql(`DESC TABLE ${table}`)
      assert.deepEqual(
        described.slice(-2).map(({ name, type }) => [name, type]),
        [
          ['TAX', 'NUMBER(20,2)'],
          ['note', 'VARCHAR(50)'],
        ],
      )
      assert.match(
        (await db.fails(`ALTER TABLE ${table} ADD COLUMN TAX NUMBER`)).message,
        /column 'TAX' already exists/,
      )
      assert.match(
        (await db.fails(`ALTER TABLE ${table} ALTER COLUMN TAX SET DATA TYPE NUMBER(10,4)`)).message,
        /cannot change column TAX/,
      )
      assert.match(
        (await db.fails(`ALTER TABLE ${table} ADD COLUMN MUST VARCHAR NOT NULL`)).message,
        /Non-nullable column 'MUST'/,
      )
      await db.sql(`ALTER TABLE ${table} DROP COLUMN "note"`)
      assert.equal((await db.sql(`DESC TABLE ${table}`)).length, described.length - 1)
    })

    it('makes a new schema the one of the session', async () => {
      const client = await db.connect()
      const schema = newName('S')
      await client.sql(`CREATE SCHEMA IF NOT EXISTS FINANCE.${schema}`)
      assert.deepEqual(await client.sql('SELECT CURRENT_SCHEMA() AS S'), [{ S: schema }])
      await client.sql('CREATE TABLE INSIDE (A NUMBER)')
      assert.deepEqual(await db.sql(`SELECT * FROM FINANCE.${schema}.INSIDE`), [])
      await client.sql(`DROP SCHEMA ${schema}`)
      assert.equal((await db.fails(`SELECT * FROM FINANCE.${schema}.INSIDE`)).code, '002003')
    })

    it('gives a session temporary tables that hide others and end with it', async () => {
      const table = await newTable('A NUMBER')
      await db.sql(`INSERT INTO ${table} VALUES (1)`)
      const other = await db.connect()
      await other.sql(`CREATE TEMPORARY TABLE ${table} LIKE ${table}`)
      assert.deepEqual(await other.sql(`SELECT COUNT(*) AS N FROM ${table}`), [{ N: 0 }])
      assert.deepEqual(await db.sql(`SELECT COUNT(*) AS N FROM ${table}`), [{ N: 1 }])
      await other.sql(`DROP TABLE ${table}`)
      assert.deepEqual(await other.sql(`SELECT COUNT(*) AS N FROM ${table}`), [{ N: 1 }])
    })

    it('answers every mistake with its code and SQLSTATE', async () => {
      const table = await newTable()
      const mistakes: [sql: string, code: string, state: string, text: RegExp][] = [
        ['SELEC 1', '001003', '42000', /^SQL compilation error:\nsyntax error line 1 at position 0 unexpected 'SELEC'/],
        ['SELECT 1 FRM x y z', '001003', '42000', /unexpected/],
        [
          'SELECT * FROM FINANCE.PUBLIC.ABSENT',
          '002003',
          '42S02',
          /Object 'FINANCE.PUBLIC.ABSENT' does not exist or not authorized/,
        ],
        [
          'SELECT * FROM FINANCE.ABSENT.ABSENT',
          '002003',
          '02000',
          /Schema 'FINANCE.ABSENT' does not exist or not authorized/,
        ],
        ['SELECT * FROM ABSENT.PUBLIC.ABSENT', '002003', '02000', /Database 'ABSENT'/],
        [`SELECT ABSENT FROM ${table}`, '000904', '42000', /invalid identifier 'ABSENT'/],
        [`SELECT "absent" FROM ${table}`, '000904', '42000', /invalid identifier '"absent"'/],
        [`INSERT INTO ${table} (ABSENT) VALUES (1)`, '000904', '42000', /invalid identifier/],
        [`INSERT INTO ${table} (SOURCE, ENTRY) VALUES ('a')`, '002020', '21S01', /expecting 2 but got 1/],
        [
          `INSERT INTO ${table} (SOURCE, ENTRY, LINE) VALUES ('a', 'b', NULL)`,
          '100072',
          '22000',
          /NULL result in a non-nullable column/,
        ],
        [
          `INSERT INTO ${table} (SOURCE, ENTRY, LINE) VALUES ('a', '123456789012345678901', 1)`,
          '100078',
          '22000',
          /String '123456789012345678901' is too long and would be truncated/,
        ],
        [`SELECT CAST('1,5' AS NUMBER(28,8))`, '100038', '22018', /Numeric value '1,5' is not recognized/],
        [`SELECT CAST('2026-02-30' AS DATE)`, '100040', '22007', /Date '2026-02-30' is not recognized/],
        [`SELECT '2026-01-01 25:00'::TIMESTAMP_NTZ`, '100035', '22007', /Timestamp .* is not recognized/],
        [`SELECT 123456::NUMBER(5,2)`, '100132', '22003', /out of representable range/],
        [`SELECT PARSE_JSON('{"a":')`, '100069', '22P02', /Error parsing JSON/],
        ['SELECT 1 / 0', '100051', '22012', /Division by zero/],
        ['SELECT MADE_UP(1)', '002141', '42601', /Unknown function MADE_UP/],
        [
          `SELECT 1 WHERE 1 IN (${'1, '.repeat(16_384)}1)`,
          '001795',
          '42601',
          /maximum number of expressions in a list exceeded/,
        ],
        ['SELECT ?', '002049', '42601', /Bind variable/],
        [`CREATE TABLE ${table} (A NUMBER)`, '002002', '42710', /already exists/],
        ['DROP TABLE ABSENT', '002003', '02000', /Table 'FINANCE.PUBLIC.ABSENT' does not exist or not authorized/],
        ['USE WAREHOUSE ABSENT', '002043', '02000', /Object does not exist, or operation cannot be performed/],
        ['USE ROLE ABSENT', '003013', '42501', /Requested role 'ABSENT' is not assigned/],
        ['ALTER SESSION SET ABSENT = 1', '001008', '22023', /invalid parameter 'ABSENT'/],
        ['COPY INTO ABSENT FROM @~', '002003', '42S02', /ABSENT/],
        ['LIST @ABSENT', '002003', '02000', /Stage 'FINANCE.PUBLIC.ABSENT'/],
      ]
      for (const [sql, code, state, text] of mistakes) {
        const failure = await db.fails(sql)
        assert.deepEqual([failure.code, failure.sqlState], [code, state], `${sql}: ${failure.message}`)
        assert.match(failure.message, text)
      }
    })

    it('does not tell what is missing from what is hidden, but names the privilege on what is seen', async () => {
      const table = await newTable()
      db.sandbox.deny('INSERT', `FINANCE.PUBLIC.${table}`)
      db.sandbox.deny('CREATE TABLE', 'FINANCE.PUBLIC')
      const refused = await db.fails(`INSERT INTO ${table} (SOURCE) VALUES ('a')`)
      assert.deepEqual([refused.code, refused.sqlState], ['003001', '42501'])
      assert.match(refused.message, new RegExp(`Insufficient privileges to operate on table '${table}'`))
      assert.match(
        (await db.fails('CREATE TABLE REFUSED (A NUMBER)')).message,
        /Insufficient privileges to operate on schema 'PUBLIC'/,
      )
      await db.sql(`CREATE TEMPORARY TABLE ${newName('TEMP')} (A NUMBER)`)
      assert.deepEqual(await db.sql(`SELECT * FROM ${table}`), [])
      db.sandbox.deny('ALL', `FINANCE.PUBLIC.${table}`)
      assert.equal((await db.fails(`SELECT * FROM ${table}`)).code, '002003')
      db.sandbox.deny('USAGE', 'LOAD_WH')
      assert.equal((await db.fails('USE WAREHOUSE LOAD_WH')).code, '002043')
      db.sandbox.allow()
      assert.deepEqual(await db.sql(`DELETE FROM ${table}`), [{ 'number of rows deleted': 0 }])
    })
  })
})
