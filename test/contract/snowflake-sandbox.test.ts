import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { newName, type SnowflakeFixture, startSnowflakeDriver } from '../support/snowflake-driver.ts'

const COLUMNS = `SOURCE VARCHAR NOT NULL COMMENT 'Where it''s from', ENTRY VARCHAR(20) NOT NULL, LINE NUMBER(38,0) NOT NULL,
  AMOUNT NUMBER(28,8), BOOKED DATE, SEEN TIMESTAMP_NTZ, READ_NO NUMBER(38,0)`

function row(entry: string, line: number, amount: string | null, read = 1) {
  return {
    source: 'x3',
    entry,
    line: String(line),
    amount,
    booked: '2026-01-31',
    seen: '2026-01-31T10:00:00.123Z',
    read: String(read),
  }
}

const SOURCE = `SELECT f.value:source::VARCHAR AS source, f.value:entry::VARCHAR AS entry, f.value:line::NUMBER AS line,
  f.value:amount::NUMBER(28,8) AS amount, f.value:booked::DATE AS booked, f.value:seen::TIMESTAMP_NTZ AS seen, f.value:read::NUMBER AS read_no
  FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f`

describe('Snowflake sandbox, spoken to by the vendor driver', () => {
  let db: SnowflakeFixture
  before(async () => {
    db = await startSnowflakeDriver()
  })
  after(() => db.close())

  async function newTable(columns = COLUMNS, tail = ''): Promise<string> {
    const table = newName('T')
    await db.sql(`CREATE TABLE IF NOT EXISTS FINANCE.PUBLIC.${table} (${columns}) ${tail}`)
    return table
  }

  function merge(
    table: string,
    rows: object[],
    matched = 'WHEN MATCHED AND s.read_no > t.read_no THEN UPDATE SET t.amount = s.amount, t.read_no = s.read_no',
  ) {
    return db.sql(
      `MERGE INTO ${table} AS t USING (${SOURCE}) AS s ON t.source = s.source AND t.entry = s.entry AND t.line = s.line ${matched}
       WHEN NOT MATCHED THEN INSERT (source, entry, line, amount, booked, seen, read_no) VALUES (s.source, s.entry, s.line, s.amount, s.booked, s.seen, s.read_no)`,
      { binds: [JSON.stringify(rows)] },
    )
  }

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

  describe('values', () => {
    it('gives back every type as it was sent, decimals digit by digit', async () => {
      const [found = {}] = await db.sql(
        `SELECT ?::VARCHAR AS T, ?::NUMBER(38,0)::VARCHAR AS N, ?::NUMBER(28,13)::VARCHAR AS D, ?::DATE AS DAY, ?::TIMESTAMP_NTZ AS TS, ? AS E, ?::BOOLEAN AS F, PARSE_JSON(?) AS V, TO_BINARY('AB01') AS X`,
        {
          binds: [
            `it's "q" \\ é\n`,
            '9007199254740993',
            '12345678901234.5678901234567',
            '2026-01-31',
            '2026-01-31T10:00:00.123456Z',
            null,
            true,
            '{"a":[1,{"b":"x"}]}',
          ],
        },
      )
      assert.deepEqual(
        {
          ...found,
          DAY: (found.DAY as Date).toISOString(),
          TS: (found.TS as Date).toISOString(),
          X: (found.X as Buffer).toString('hex'),
        },
        {
          T: `it's "q" \\ é\n`,
          N: '9007199254740993',
          D: '12345678901234.5678901234567',
          DAY: '2026-01-31T00:00:00.000Z',
          TS: '2026-01-31T10:00:00.123Z',
          E: null,
          F: true,
          V: { a: [1, { b: 'x' }] },
          X: 'ab01',
        },
      )
    })

    it('rounds what it stores half away from zero, as it does for whoever does not look', async () => {
      const table = await newTable('A NUMBER(10,2), B NUMBER(10,2), C NUMBER')
      await db.sql(`INSERT INTO ${table} SELECT '1.005', -2.345, '7.5'`)
      assert.deepEqual((await db.sandbox.query(`SELECT A, B, C FROM ${table}`)).rows, [['1.01', '-2.35', 8]])
    })

    it('reads paths into VARIANT: keys keep their case, a JSON null is no SQL NULL, casts unwrap', async () => {
      const [found] = await db.sql(
        `SELECT v:a.B[1]::NUMBER AS N, v:"a"."B"[0]::VARCHAR AS T, v:a.b IS NULL AS MISSING, v:n IS NULL AS JSONNULL, IS_NULL_VALUE(v:n) AS ISNULLVALUE, v:n::VARCHAR AS UNWRAPPED, TYPEOF(v:a) AS KIND FROM (SELECT PARSE_JSON('{"a":{"B":["x",7]},"n":null}') AS v)`,
      )
      assert.deepEqual(found, {
        N: 7,
        T: 'x',
        MISSING: true,
        JSONNULL: false,
        ISNULLVALUE: true,
        UNWRAPPED: null,
        KIND: 'OBJECT',
      })
      assert.deepEqual(await db.sql(`SELECT OBJECT_CONSTRUCT('a', 1, 'b', NULL) AS O, ARRAY_CONSTRUCT(1, 'x') AS A`), [
        { O: { a: 1 }, A: [1, 'x'] },
      ])
      assert.deepEqual(
        await db.sql(
          `SELECT f.index AS I, f.value:k::VARCHAR AS K, l.value::NUMBER AS L FROM (SELECT PARSE_JSON('[{"k":"a","l":[1,2]},{"k":"b","l":[3]}]') AS v) t, LATERAL FLATTEN(INPUT => t.v) f, LATERAL FLATTEN(INPUT => f.value:l) l ORDER BY L`,
        ),
        [
          { I: 0, K: 'a', L: 1 },
          { I: 0, K: 'a', L: 2 },
          { I: 1, K: 'b', L: 3 },
        ],
      )
      assert.deepEqual(
        await db.sql(`SELECT key AS K, value::NUMBER AS V FROM TABLE(FLATTEN(PARSE_JSON('{"a":1,"B":2}'))) ORDER BY V`),
        [
          { K: 'a', V: 1 },
          { K: 'B', V: 2 },
        ],
      )
    })

    it('tries casts without failing', async () => {
      assert.deepEqual(
        await db.sql(
          `SELECT TRY_CAST('x' AS NUMBER(10,2)) AS A, TRY_TO_NUMBER('1.25', 10, 2)::VARCHAR AS B, TRY_TO_DATE('2026-13-01') AS C, TRY_PARSE_JSON('{') AS D, TRY_CAST('123456' AS NUMBER(5,2)) AS E`,
        ),
        [{ A: null, B: '1.25', C: null, D: null, E: null }],
      )
    })

    it('takes window functions, QUALIFY, CTEs, MINUS, NOT EXISTS and exact sums', async () => {
      const table = await newTable()
      await merge(table, [row('E1', 1, '0.10'), row('E1', 2, '0.20'), row('E2', 1, '99999999999999999999.00000001')])
      assert.deepEqual(
        (
          await db.sandbox.query(
            `WITH a AS (SELECT entry, SUM(amount) AS total FROM ${table} GROUP BY entry) SELECT entry, total FROM a ORDER BY 1 DESC NULLS LAST`,
          )
        ).rows,
        [
          ['E2', '99999999999999999999.00000001'],
          ['E1', '0.30000000'],
        ],
      )
      assert.deepEqual(
        await db.sql(
          `SELECT entry FROM ${table} QUALIFY ROW_NUMBER() OVER (PARTITION BY entry ORDER BY line DESC) = 1 MINUS SELECT 'E2' ORDER BY 1`,
        ),
        [{ ENTRY: 'E1' }],
      )
      assert.deepEqual(
        await db.sql(
          `SELECT COUNT(*) AS N FROM ${table} t WHERE NOT EXISTS (SELECT 1 FROM ${table} s WHERE s.entry = t.entry AND s.line > t.line)`,
        ),
        [{ N: 2 }],
      )
    })

    it('sends large results in chunks', async () => {
      const rows = await db.sql(
        'SELECT SEQ8() AS N, UUID_STRING() AS U FROM TABLE(GENERATOR(ROWCOUNT => 25000)) ORDER BY 1',
      )
      assert.equal(rows.length, 25_000)
      assert.equal(rows[24_999]?.N, 24_999)
      assert.ok((db.sandbox.stats().chunk ?? 0) >= 3)
    })
  })

  describe('binds', () => {
    it('takes rows as bound columns, and functions only in FROM VALUES', async () => {
      const table = await newTable('A VARCHAR, B NUMBER(10,2), V VARIANT')
      const binds = Array.from({ length: 500 }, (_, index) => [
        `a${index}`,
        String(index / 4),
        index % 2 ? null : `{"i":${index}}`,
      ])
      assert.deepEqual(
        await db.sql(`INSERT INTO ${table} SELECT column1, column2, PARSE_JSON(column3) FROM VALUES (?, ?, ?)`, {
          binds,
        }),
        [{ 'number of rows inserted': 500 }],
      )
      assert.deepEqual((await db.sandbox.query(`SELECT SUM(B), COUNT(V), MAX(V:i::NUMBER) FROM ${table}`)).rows, [
        ['31187.50', 250, 498],
      ])
      const refused = await db.fails(`INSERT INTO ${table} (A, V) VALUES (?, PARSE_JSON(?))`, { binds: ['a', '{}'] })
      assert.match(refused.message, /Invalid expression .* in VALUES clause/)
    })

    it('refuses bound rows in a MERGE', async () => {
      const table = await newTable('A VARCHAR')
      const refused = await db.fails(
        `MERGE INTO ${table} t USING (SELECT column1 AS A FROM VALUES (?)) s ON t.A = s.A WHEN NOT MATCHED THEN INSERT (A) VALUES (s.A)`,
        { binds: [['a'], ['b']] },
      )
      assert.match(refused.message, /Array bind currently not supported/)
    })

    it('reads what the driver sends through a stage when the rows are many', async () => {
      const table = await newTable('A VARCHAR, B VARCHAR')
      db.sandbox.tune({ bindThreshold: 100 })
      const client = await db.connect()
      db.sandbox.tune({ bindThreshold: 65_280 })
      const binds = Array.from({ length: 200 }, (_, index) => [
        `a"${index},\n`,
        index % 3 === 0 ? null : index % 3 === 1 ? '' : 'é',
      ])
      await client.sql(`INSERT INTO ${table} VALUES (?, ?)`, { binds })
      assert.ok((db.sandbox.stats()['storage-put'] ?? 0) > 0)
      assert.deepEqual(
        (await db.sandbox.query(`SELECT COUNT(*), COUNT(B), COUNT_IF(B = ''), MAX(A) FROM ${table}`)).rows,
        [[200, 133, 67, 'a"99,\n']],
      )
      assert.ok(db.sandbox.statements().some((text) => text.includes('SYSTEM$BIND')))
    })
  })

  describe('MERGE', () => {
    it('inserts, updates and deletes in one statement, and counts each', async () => {
      const table = await newTable()
      assert.deepEqual(await merge(table, [row('E1', 1, '1'), row('E1', 2, '2')]), [
        { 'number of rows inserted': 2, 'number of rows updated': 0 },
      ])
      assert.deepEqual(await merge(table, [row('E1', 1, '5', 2), row('E1', 2, '9', 1), row('E2', 1, '3', 2)]), [
        { 'number of rows inserted': 1, 'number of rows updated': 1 },
      ])
      const deleted = await db.sql(
        `MERGE INTO ${table} t USING (SELECT 'E1' AS e) s ON t.entry = s.e WHEN MATCHED AND t.line = 2 THEN DELETE WHEN MATCHED THEN UPDATE SET amount = 7`,
      )
      assert.deepEqual(deleted, [{ 'number of rows updated': 1, 'number of rows deleted': 1 }])
      assert.deepEqual((await db.sandbox.query(`SELECT entry, line, amount FROM ${table} ORDER BY 1, 2`)).rows, [
        ['E1', 1, '7.00000000'],
        ['E2', 1, '3.00000000'],
      ])
    })

    it('refuses two rows for one, inserts two new ones of one key, and never matches NULL', async () => {
      const table = await newTable()
      await merge(table, [row('E1', 1, '1')])
      const twice = merge(table, [row('E1', 1, '2', 2), row('E1', 1, '3', 3)])
      await assert.rejects(twice, {
        code: '100090',
        sqlState: '42P18',
        message: /Duplicate row detected during DML action/,
      })
      await merge(table, [row('E9', 1, '2'), row('E9', 1, '2')])
      assert.deepEqual((await db.sandbox.query(`SELECT COUNT(*) FROM ${table} WHERE entry = 'E9'`)).rows, [[2]])
      const nullable = await newTable('K VARCHAR')
      for (const _ of [1, 2])
        await db.sql(
          `MERGE INTO ${nullable} t USING (SELECT NULL::VARCHAR AS K) s ON t.K = s.K WHEN NOT MATCHED THEN INSERT (K) VALUES (s.K)`,
        )
      assert.deepEqual((await db.sandbox.query(`SELECT COUNT(*) FROM ${nullable}`)).rows, [[2]])
      await db.sql(
        `MERGE INTO ${nullable} t USING (SELECT NULL::VARCHAR AS K) s ON EQUAL_NULL(t.K, s.K) WHEN MATCHED THEN DELETE`,
      )
      assert.deepEqual((await db.sandbox.query(`SELECT COUNT(*) FROM ${nullable}`)).rows, [[0]])
    })

    it('says how many rows it touched to the driver', async () => {
      const table = await newTable()
      assert.equal(
        await db.updated(
          `INSERT INTO ${table} (SOURCE, ENTRY, LINE) SELECT 'x', 'e', SEQ8() FROM TABLE(GENERATOR(ROWCOUNT => 12))`,
        ),
        12,
      )
      assert.equal(await db.updated(`UPDATE ${table} t SET t.AMOUNT = 1 WHERE LINE < 5`), 5)
      assert.equal(await db.updated(`DELETE FROM ${table} WHERE LINE = 3`), 1)
    })

    it('puts rows that do not fit into the error table of a table that logs errors, and succeeds with fewer', async () => {
      const table = await newTable('K VARCHAR(3) NOT NULL, N NUMBER(5,2)', 'ERROR_LOGGING = TRUE')
      const rows = JSON.stringify([
        { k: 'a', n: '1.5' },
        { k: 'toolong', n: '2' },
        { k: 'b', n: 'x' },
        { k: null, n: '3' },
        { k: 'c', n: '99999' },
      ])
      const merged = await db.sql(
        `MERGE INTO ${table} t USING (SELECT value:k::VARCHAR AS K, value:n::VARCHAR AS N FROM TABLE(FLATTEN(PARSE_JSON(?)))) s ON t.K = s.K WHEN MATCHED THEN UPDATE SET N = s.N WHEN NOT MATCHED THEN INSERT (K, N) VALUES (s.K, s.N)`,
        { binds: [rows] },
      )
      assert.deepEqual(merged, [{ 'number of rows inserted': 1, 'number of rows updated': 0 }])
      const errors = await db.sql(
        `SELECT ERROR_CODE, ERROR_METADATA:column_name::VARCHAR AS C, ERROR_DATA:K::VARCHAR AS K FROM ERROR_TABLE(${table}) WHERE QUERY_ID = LAST_QUERY_ID() ORDER BY 1, 3`,
      )
      assert.deepEqual(
        errors.map((one) => [one.ERROR_CODE, one.C, one.K]),
        [
          [100038, 'N', 'b'],
          [100038, 'N', 'c'],
          [100072, 'K', null],
          [100078, 'K', 'toolong'],
        ],
      )
      await db.sql(`INSERT INTO ${table} SELECT 'zzzz', 1`)
      assert.equal((await db.sql(`SELECT * FROM ERROR_TABLE(${table})`)).length, 5)
      assert.match(
        (
          await db.fails(
            `COPY INTO ${table} FROM @~/x FILE_FORMAT = (TYPE = JSON) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE`,
          )
        ).message,
        /ERROR_LOGGING/,
      )
    })
  })

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
