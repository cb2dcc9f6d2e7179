import assert from 'node:assert/strict'
import { DBSQLParameter, DBSQLParameterType } from '@databricks/sql'
import { startDriver } from '../support/databricks-driver.ts'
import { COLUMNS, driverTables } from '../support/databricks-tables.ts'

describe('Databricks sandbox, spoken to by the vendor driver', () => {
  const own = driverTables()
  const { newTable } = own

  describe('tables', () => {
    it('describes what was created: types, comments, keys and clustering', async () => {
      const table = await newTable(
        `${COLUMNS}, CONSTRAINT k PRIMARY KEY (source, entry, line)`,
        `CLUSTER BY (entry) COMMENT 'Lines' TBLPROPERTIES ('a.b' = 'c')`,
      )
      const [, , name] = table.split('.')
      const columns = await own.db.sql(
        `SELECT column_name, full_data_type, is_nullable, comment FROM main.information_schema.columns WHERE table_schema = 'finance' AND table_name = '${name}' ORDER BY ordinal_position`,
      )
      assert.deepEqual(columns[0], {
        column_name: 'source',
        full_data_type: 'string',
        is_nullable: 'NO',
        comment: "Where it's from",
      })
      assert.equal(columns[3]?.full_data_type, 'decimal(28,13)')
      const described = await own.db.sql(`DESCRIBE TABLE ${table}`)
      assert.deepEqual(described.at(-1), { col_name: 'entry', data_type: 'string', comment: null })
      assert.ok((await own.db.sql('SHOW TABLES IN main.finance')).some((found) => found.tableName === name))
      assert.deepEqual(await own.db.sql('SELECT current_user() AS who, current_schema() AS here'), [
        { who: own.db.sandbox.clientId, here: 'finance' },
      ])
    })

    it('gains columns, and tells when one is there already', async () => {
      const table = await newTable()
      await own.db.sql(`ALTER TABLE ${table} ADD COLUMNS (tax DECIMAL(10,2) COMMENT 'VAT', note STRING)`)
      const described = await own.db.sql(`DESCRIBE TABLE ${table}`)
      assert.deepEqual(described.at(-2), { col_name: 'tax', data_type: 'decimal(10,2)', comment: 'VAT' })
      assert.equal((await own.db.fails(`ALTER TABLE ${table} ADD COLUMNS (NOTE STRING)`)).sqlState, '42710')
    })

    it('compares by the collation of a column, which a table or schema may say for all of its columns', async () => {
      const upsert = (table: string, key: string) =>
        own.db.sql(`MERGE INTO ${table} AS t USING (SELECT '${key}' AS k, 1 AS v) AS s ON t.k = s.k
          WHEN MATCHED THEN UPDATE SET v = t.v + s.v WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v)`)
      const merged = async (table: string) => {
        for (const key of ['abc', 'ABC', 'Äbc', 'abc']) await upsert(table, key)
        const rows = await own.db.sql(`SELECT k, v FROM ${table} ORDER BY v DESC, k`)
        return rows.map(({ k, v }) => `${k} ${v}`)
      }
      const typesOf = async (table: string) => {
        const rows = await own.db.sql(
          `SELECT full_data_type, data_type FROM information_schema.columns WHERE table_name = '${table.split('.')[2]}' ORDER BY ordinal_position`,
        )
        return rows.map((found) => `${found.full_data_type}/${found.data_type}`)
      }
      const binary = ['abc 2', 'ABC 1', 'Äbc 1']
      assert.deepEqual(await merged(await newTable('k STRING, v INT')), binary)
      assert.deepEqual(await merged(await newTable('k STRING COLLATE utf8_binary, v INT')), binary)
      assert.deepEqual(await merged(await newTable('k STRING COLLATE UTF8_LCASE, v INT')), ['abc 3', 'Äbc 1'])
      assert.deepEqual(await merged(await newTable('k STRING COLLATE UNICODE_CI_AI, v INT')), ['abc 4'])
      const table = await newTable('k STRING, v INT', 'DEFAULT COLLATION UTF8_LCASE')
      assert.deepEqual(await merged(table), ['abc 3', 'Äbc 1'])
      await own.db.sql(`ALTER TABLE ${table} ADD COLUMNS (late STRING, plain STRING COLLATE UTF8_BINARY COMMENT 'x')`)
      const lcase = 'string collate UTF8_LCASE/STRING'
      assert.deepEqual(await typesOf(table), [lcase, 'int/INT', lcase, 'string/STRING'])
      await own.db.sql(`ALTER TABLE ${table} ALTER COLUMN k TYPE STRING COLLATE UTF8_BINARY`)
      assert.deepEqual(await merged(table), ['abc 5', 'Äbc 2', 'ABC 1'])
      await own.db.sql('CREATE SCHEMA main.loose DEFAULT COLLATION UTF8_LCASE')
      await own.db.sql('CREATE TABLE main.loose.t_loose (k STRING, v INT)')
      assert.deepEqual(await merged('main.loose.t_loose'), ['abc 3', 'Äbc 1'])
      assert.equal((await own.db.fails('CREATE TABLE main.finance.t_x (k STRING COLLATE KLINGON)')).sqlState, '42704')
    })

    it('has a default collation for the whole catalog, or a runtime that does not know the word', async () => {
      const [loose, old] = [await startDriver({ collation: 'UTF8_LCASE' }), await startDriver({ collations: false })]
      try {
        await loose.sql('CREATE SCHEMA main.later')
        for (const schema of ['finance', 'later']) {
          await loose.sql(`CREATE TABLE main.${schema}.t (k STRING, b STRING COLLATE UTF8_BINARY)`)
          await loose.sql(`INSERT INTO main.${schema}.t VALUES ('abc', 'abc')`)
          const found = await loose.sql(`SELECT k = 'ABC' AS same, b = 'ABC' AS bytes FROM main.${schema}.t`)
          assert.deepEqual(found, [{ same: true, bytes: false }])
        }
        const failure = await old.fails('CREATE TABLE main.finance.t (k STRING COLLATE UTF8_BINARY)')
        assert.match(failure.message, /^\[PARSE_SYNTAX_ERROR\] Syntax error at or near 'COLLATE'/)
      } finally {
        await loose.close()
        await old.close()
      }
    })

    it('answers every mistake with its class and SQLSTATE', async () => {
      const table = await newTable()
      const mistakes: [sql: string, state: string, text: RegExp][] = [
        ['SELEC 1', '42601', /^\[PARSE_SYNTAX_ERROR\] Syntax error at or near 'SELEC'/],
        [`OPTIMIZE ${table}`, '42601', /PARSE_SYNTAX_ERROR/],
        ['SELECT * FROM main.finance.absent', '42P01', /^\[TABLE_OR_VIEW_NOT_FOUND\].*`absent`.*SQLSTATE: 42P01$/],
        ['SELECT * FROM main.absent.absent', '42704', /SCHEMA_NOT_FOUND/],
        ['SELECT * FROM absent.finance.absent', '42704', /NO_SUCH_CATALOG_EXCEPTION/],
        [`SELECT absent FROM ${table}`, '42703', /^\[UNRESOLVED_COLUMN.*`absent`/],
        [
          `INSERT INTO ${table} (source, entry, line) VALUES ('a', 'b', NULL)`,
          '23502',
          /DELTA_NOT_NULL_CONSTRAINT_VIOLATED.*line/,
        ],
        [`SELECT CAST('1,5' AS DECIMAL(28,13))`, '22018', /CAST_INVALID_INPUT.*'1,5'.*DECIMAL\(28,13\)/],
        [`SELECT CAST('1.5' AS INT)`, '22018', /CAST_INVALID_INPUT/],
        [`SELECT CAST('2026-02-30' AS DATE)`, '22018', /CAST_INVALID_INPUT.*DATE/],
        [`SELECT CAST('123456' AS DECIMAL(5,2))`, '22003', /NUMERIC_VALUE_OUT_OF_RANGE.*Decimal\(5, 2\)/],
        ['SELECT made_up(1)', '42883', /UNRESOLVED_ROUTINE/],
        ['SELECT :absent', '42P02', /UNBOUND_SQL_PARAMETER/],
        [`CREATE TABLE main.finance.spaced (\`a b\` INT)`, '42K05', /DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES/],
        [
          `SELECT * FROM read_files('/Volumes/main/finance/staging/absent.json', format => 'json')`,
          '42K03',
          /PATH_NOT_FOUND/,
        ],
      ]
      for (const [sql, state, text] of mistakes) {
        const failure = await own.db.fails(sql)
        assert.equal(failure.sqlState, state, sql)
        assert.match(failure.message, text)
      }
    })

    it('refuses what the principal may not do, and lets it again afterwards', async () => {
      const table = await newTable()
      own.db.sandbox.deny('MODIFY', table)
      own.db.sandbox.deny('CREATE TABLE', 'main.finance')
      const refused = await own.db.fails(`DELETE FROM ${table}`)
      assert.equal(refused.sqlState, '42501')
      assert.match(refused.message, /\[INSUFFICIENT_PERMISSIONS\].*MODIFY on Table/)
      assert.equal((await own.db.fails('CREATE TABLE main.finance.refused (a INT)')).sqlState, '42501')
      assert.deepEqual(await own.db.sql(`SELECT * FROM ${table}`), [])
      own.db.sandbox.allow()
      assert.deepEqual(await own.db.sql(`DELETE FROM ${table}`), [{ num_affected_rows: 0n }])
    })
  })

  describe('parameters and values', () => {
    it('gives back every type as it was sent, decimals digit by digit', async () => {
      const decimal = new DBSQLParameter({ type: DBSQLParameterType.DECIMAL, value: '12345678901234.5678901234567' })
      const [found] = await own.db.sql('SELECT :a AS a, :b AS b, :c AS c, :d AS d, :e AS e, :f AS f', {
        namedParameters: { a: `it's "q" \\ é\n`, b: 7, c: 9007199254740993n, d: decimal, e: null, f: true },
      })
      assert.deepEqual(found, {
        a: `it's "q" \\ é\n`,
        b: 7,
        c: 9007199254740993n,
        d: '12345678901234.5678901234567',
        e: null,
        f: true,
      })
    })

    it('keeps the digits of a negative decimal as text; as a decimal the driver itself loses them', async () => {
      const value = '-12345678901234.5678901234567'
      const [found] = await own.db.sql(
        `SELECT CAST(a AS STRING) AS text, a FROM (SELECT CAST(:a AS DECIMAL(28,13)) AS a)`,
        {
          namedParameters: { a: value },
        },
      )
      assert.equal(found?.text, value)
      assert.notEqual(found?.a, value)
      assert.deepEqual((await own.db.sandbox.query(`SELECT CAST('${value}' AS DECIMAL(28,13)) AS a`)).rows, [[value]])
    })

    it('takes 256 parameters and refuses 257, and refuses more than 1 MB of values', async () => {
      const markers = (count: number) => ({
        sql: `SELECT ${Array(count).fill('?').join(' + ')} AS n`,
        options: { ordinalParameters: Array(count).fill(1) },
      })
      const enough = markers(256)
      assert.deepEqual(await own.db.sql(enough.sql, enough.options), [{ n: 256 }])
      const many = markers(257)
      const failure = await own.db.fails(many.sql, many.options)
      assert.equal(failure.status, 400)
      assert.match(failure.message, /257 parameters were given but the limit is 256/)
      assert.equal((await own.db.fails('SELECT :a', { namedParameters: { a: 'x'.repeat(1_100_000) } })).status, 400)
    })

    it('leaves rows out by semi and anti joins, before and behind other joins', async () => {
      const table = (name: string, ...values: number[]) =>
        `(SELECT * FROM VALUES ${values.map((value) => `(${value})`).join(', ')} AS v(n)) AS ${name}`
      const [a, b, c] = [table('a', 1, 2, 3, 4), table('b', 2, 3), table('c', 3, 4)]
      const numbers = async (from: string) => {
        const rows = await own.db.sql(`SELECT * FROM ${from} ORDER BY 1`)
        return rows.map((found) => Object.values(found))
      }
      const on = (name: string) => `ON a.n = ${name}.n`
      assert.deepEqual(await numbers(`${a} LEFT ANTI JOIN ${b} ${on('b')}`), [[1], [4]])
      assert.deepEqual(await numbers(`${a} LEFT SEMI JOIN ${b} ${on('b')} LEFT ANTI JOIN ${c} ${on('c')}`), [[2]])
      assert.deepEqual(await numbers(`${a} LEFT ANTI JOIN ${b} ${on('b')} AND (b.n > 2 OR a.n > 3) WHERE a.n < 4`), [
        [1],
        [2],
      ])
      assert.deepEqual(await numbers(`${a} LEFT ANTI JOIN ${b} ${on('b')} JOIN ${c} ${on('c')}`), [[4]])
      assert.equal(
        (await own.db.fails(`SELECT * FROM ${a} LEFT ANTI JOIN ${b} ${on('b')} FULL JOIN ${c} ${on('c')}`)).sqlState,
        '42601',
      )
    })

    it('sorts NULL first, as Databricks does', async () => {
      assert.deepEqual(await own.db.sql('SELECT a FROM VALUES (2), (NULL), (1) AS v(a) ORDER BY a'), [
        { a: null },
        { a: 1 },
        { a: 2 },
      ])
    })

    it('sends many rows in several fetches', async () => {
      const table = await newTable('n BIGINT')
      const rows = JSON.stringify(Array.from({ length: 1000 }, (_, n) => ({ n: String(n) })))
      await own.db.sql(
        `INSERT INTO ${table} SELECT CAST(r.n AS BIGINT) FROM (SELECT explode(from_json(:rows, 'array<struct<n:string>>')) AS r)`,
        { namedParameters: { rows } },
      )
      const operation = await own.db.session.executeStatement(`SELECT n FROM ${table} ORDER BY n`, { maxRows: 300 })
      const chunks = []
      do chunks.push((await operation.fetchChunk({ maxRows: 300 })).length)
      while (await operation.hasMoreRows())
      await operation.close()
      assert.deepEqual(chunks.filter(Boolean), [300, 300, 300, 100])
    })
  })
})
