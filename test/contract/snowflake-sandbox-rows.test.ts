import assert from 'node:assert/strict'
import { type SnowflakeFixture, startSnowflakeDriver } from '../support/snowflake-driver.ts'
import { driverTables, row } from '../support/snowflake-tables.ts'

describe('Snowflake sandbox, spoken to by the vendor driver: rows', () => {
  let db: SnowflakeFixture
  before(async () => {
    db = await startSnowflakeDriver()
  })
  after(() => db.close())

  const { newTable, merge } = driverTables(() => db)

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
})
