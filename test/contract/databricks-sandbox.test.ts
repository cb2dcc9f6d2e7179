import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { DBSQLParameter, DBSQLParameterType } from '@databricks/sql'
import { type DriverFixture, startDriver } from '../support/databricks-driver.ts'

const COLUMNS = `source STRING NOT NULL COMMENT 'Where it\\'s from', entry STRING NOT NULL, line INT NOT NULL,
  amount DECIMAL(28,13), booked DATE, seen TIMESTAMP, read_no BIGINT`
const SHAPE =
  'array<struct<source:string,entry:string,line:string,amount:string,booked:string,seen:string,read_no:string>>'
const CASTS = `r.source, r.entry, CAST(r.line AS INT) AS line, CAST(r.amount AS DECIMAL(28,13)) AS amount,
  CAST(r.booked AS DATE) AS booked, CAST(r.seen AS TIMESTAMP) AS seen, CAST(r.read_no AS BIGINT) AS read_no`
const KEYS = 't.source = s.source AND t.entry = s.entry AND t.line = s.line'

function row(entry: string, line: number, amount: string | null, read = 1) {
  return {
    source: 'x3',
    entry,
    line: String(line),
    amount,
    booked: '2026-01-31',
    seen: '2026-01-31T10:00:00.123456Z',
    read_no: String(read),
  }
}

describe('Databricks sandbox, spoken to by the vendor driver', () => {
  let db: DriverFixture
  before(async () => {
    db = await startDriver()
  })
  after(() => db.close())

  async function newTable(columns = COLUMNS, tail = ''): Promise<string> {
    const table = `main.finance.t_${randomUUID().replaceAll('-', '')}`
    await db.sql(`CREATE TABLE IF NOT EXISTS ${table} (${columns}) USING DELTA ${tail}`)
    return table
  }

  function merge(table: string, rows: object[], matched = 'WHEN MATCHED AND s.read_no > t.read_no THEN UPDATE SET *') {
    return db.sql(
      `MERGE INTO ${table} AS t USING (SELECT ${CASTS} FROM (SELECT explode(from_json(:rows, '${SHAPE}', map('mode', 'FAILFAST'))) AS r)) AS s
       ON ${KEYS} ${matched} WHEN NOT MATCHED THEN INSERT *`,
      { namedParameters: { rows: JSON.stringify(rows) } },
    )
  }

  async function put(name: string, lines: object[], packed = true, overwrite = 'true') {
    const text = lines.map((line) => JSON.stringify(line)).join('\n')
    const body = packed ? gzipSync(text) : Buffer.from(text)
    return await db.http(`/api/2.0/fs/files/Volumes/main/finance/staging/${name}?overwrite=${overwrite}`, {
      method: 'PUT',
      body,
    })
  }

  describe('tables', () => {
    it('describes what was created: types, comments, keys and clustering', async () => {
      const table = await newTable(
        `${COLUMNS}, CONSTRAINT k PRIMARY KEY (source, entry, line)`,
        `CLUSTER BY (entry) COMMENT 'Lines' TBLPROPERTIES ('a.b' = 'c')`,
      )
      const [, , name] = table.split('.')
      const columns = await db.sql(
        `SELECT column_name, full_data_type, is_nullable, comment FROM main.information_schema.columns WHERE table_schema = 'finance' AND table_name = '${name}' ORDER BY ordinal_position`,
      )
      assert.deepEqual(columns[0], {
        column_name: 'source',
        full_data_type: 'string',
        is_nullable: 'NO',
        comment: "Where it's from",
      })
      assert.equal(columns[3]?.full_data_type, 'decimal(28,13)')
      const described = await db.sql(`DESCRIBE TABLE ${table}`)
      assert.deepEqual(described.at(-1), { col_name: 'entry', data_type: 'string', comment: null })
      assert.ok((await db.sql('SHOW TABLES IN main.finance')).some((found) => found.tableName === name))
      assert.deepEqual(await db.sql('SELECT current_user() AS who, current_schema() AS here'), [
        { who: db.sandbox.clientId, here: 'finance' },
      ])
    })

    it('gains columns, and tells when one is there already', async () => {
      const table = await newTable()
      await db.sql(`ALTER TABLE ${table} ADD COLUMNS (tax DECIMAL(10,2) COMMENT 'VAT', note STRING)`)
      const described = await db.sql(`DESCRIBE TABLE ${table}`)
      assert.deepEqual(described.at(-2), { col_name: 'tax', data_type: 'decimal(10,2)', comment: 'VAT' })
      assert.equal((await db.fails(`ALTER TABLE ${table} ADD COLUMNS (NOTE STRING)`)).sqlState, '42710')
    })

    it('compares by the collation of a column, which a table or schema may say for all of its columns', async () => {
      const upsert = (table: string, key: string) =>
        db.sql(`MERGE INTO ${table} AS t USING (SELECT '${key}' AS k, 1 AS v) AS s ON t.k = s.k
          WHEN MATCHED THEN UPDATE SET v = t.v + s.v WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v)`)
      const merged = async (table: string) => {
        for (const key of ['abc', 'ABC', 'Äbc', 'abc']) await upsert(table, key)
        const rows = await db.sql(`SELECT k, v FROM ${table} ORDER BY v DESC, k`)
        return rows.map(({ k, v }) => `${k} ${v}`)
      }
      const typesOf = async (table: string) => {
        const rows = await db.sql(
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
      await db.sql(`ALTER TABLE ${table} ADD COLUMNS (late STRING, plain STRING COLLATE UTF8_BINARY COMMENT 'x')`)
      const lcase = 'string collate UTF8_LCASE/STRING'
      assert.deepEqual(await typesOf(table), [lcase, 'int/INT', lcase, 'string/STRING'])
      await db.sql(`ALTER TABLE ${table} ALTER COLUMN k TYPE STRING COLLATE UTF8_BINARY`)
      assert.deepEqual(await merged(table), ['abc 5', 'Äbc 2', 'ABC 1'])
      await db.sql('CREATE SCHEMA main.loose DEFAULT COLLATION UTF8_LCASE')
      await db.sql('CREATE TABLE main.loose.t_loose (k STRING, v INT)')
      assert.deepEqual(await merged('main.loose.t_loose'), ['abc 3', 'Äbc 1'])
      assert.equal((await db.fails('CREATE TABLE main.finance.t_x (k STRING COLLATE KLINGON)')).sqlState, '42704')
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
        const failure = await db.fails(sql)
        assert.equal(failure.sqlState, state, sql)
        assert.match(failure.message, text)
      }
    })

    it('refuses what the principal may not do, and lets it again afterwards', async () => {
      const table = await newTable()
      db.sandbox.deny('MODIFY', table)
      db.sandbox.deny('CREATE TABLE', 'main.finance')
      const refused = await db.fails(`DELETE FROM ${table}`)
      assert.equal(refused.sqlState, '42501')
      assert.match(refused.message, /\[INSUFFICIENT_PERMISSIONS\].*MODIFY on Table/)
      assert.equal((await db.fails('CREATE TABLE main.finance.refused (a INT)')).sqlState, '42501')
      assert.deepEqual(await db.sql(`SELECT * FROM ${table}`), [])
      db.sandbox.allow()
      assert.deepEqual(await db.sql(`DELETE FROM ${table}`), [{ num_affected_rows: 0n }])
    })
  })

  describe('parameters and values', () => {
    it('gives back every type as it was sent, decimals digit by digit', async () => {
      const decimal = new DBSQLParameter({ type: DBSQLParameterType.DECIMAL, value: '12345678901234.5678901234567' })
      const [found] = await db.sql('SELECT :a AS a, :b AS b, :c AS c, :d AS d, :e AS e, :f AS f', {
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
      const [found] = await db.sql(
        `SELECT CAST(a AS STRING) AS text, a FROM (SELECT CAST(:a AS DECIMAL(28,13)) AS a)`,
        {
          namedParameters: { a: value },
        },
      )
      assert.equal(found?.text, value)
      assert.notEqual(found?.a, value)
      assert.deepEqual((await db.sandbox.query(`SELECT CAST('${value}' AS DECIMAL(28,13)) AS a`)).rows, [[value]])
    })

    it('takes 256 parameters and refuses 257, and refuses more than 1 MB of values', async () => {
      const markers = (count: number) => ({
        sql: `SELECT ${Array(count).fill('?').join(' + ')} AS n`,
        options: { ordinalParameters: Array(count).fill(1) },
      })
      const enough = markers(256)
      assert.deepEqual(await db.sql(enough.sql, enough.options), [{ n: 256 }])
      const many = markers(257)
      const failure = await db.fails(many.sql, many.options)
      assert.equal(failure.status, 400)
      assert.match(failure.message, /257 parameters were given but the limit is 256/)
      assert.equal((await db.fails('SELECT :a', { namedParameters: { a: 'x'.repeat(1_100_000) } })).status, 400)
    })

    it('leaves rows out by semi and anti joins, before and behind other joins', async () => {
      const table = (name: string, ...values: number[]) =>
        `(SELECT * FROM VALUES ${values.map((value) => `(${value})`).join(', ')} AS v(n)) AS ${name}`
      const [a, b, c] = [table('a', 1, 2, 3, 4), table('b', 2, 3), table('c', 3, 4)]
      const numbers = async (from: string) => {
        const rows = await db.sql(`SELECT * FROM ${from} ORDER BY 1`)
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
        (await db.fails(`SELECT * FROM ${a} LEFT ANTI JOIN ${b} ${on('b')} FULL JOIN ${c} ${on('c')}`)).sqlState,
        '42601',
      )
    })

    it('sorts NULL first, as Databricks does', async () => {
      assert.deepEqual(await db.sql('SELECT a FROM VALUES (2), (NULL), (1) AS v(a) ORDER BY a'), [
        { a: null },
        { a: 1 },
        { a: 2 },
      ])
    })

    it('sends many rows in several fetches', async () => {
      const table = await newTable('n BIGINT')
      const rows = JSON.stringify(Array.from({ length: 1000 }, (_, n) => ({ n: String(n) })))
      await db.sql(
        `INSERT INTO ${table} SELECT CAST(r.n AS BIGINT) FROM (SELECT explode(from_json(:rows, 'array<struct<n:string>>')) AS r)`,
        { namedParameters: { rows } },
      )
      const operation = await db.session.executeStatement(`SELECT n FROM ${table} ORDER BY n`, { maxRows: 300 })
      const chunks = []
      do chunks.push((await operation.fetchChunk({ maxRows: 300 })).length)
      while (await operation.hasMoreRows())
      await operation.close()
      assert.deepEqual(chunks.filter(Boolean), [300, 300, 300, 100])
    })
  })

  describe('MERGE', () => {
    it('inserts, updates what is newer, and counts both', async () => {
      const table = await newTable()
      const first = await merge(table, [row('A', 1, '0.10'), row('A', 2, '-123456789012345.1234567890123')])
      assert.deepEqual(first, [
        { num_affected_rows: 2n, num_updated_rows: 0n, num_deleted_rows: 0n, num_inserted_rows: 2n },
      ])
      const second = await merge(table, [row('A', 1, '0.20', 2), row('A', 2, '9', 1), row('A', 3, null)])
      assert.deepEqual(second, [
        { num_affected_rows: 2n, num_updated_rows: 1n, num_deleted_rows: 0n, num_inserted_rows: 1n },
      ])
      const stored = await db.sql(
        `SELECT line, CAST(amount AS STRING) AS amount, CAST(seen AS STRING) AS seen FROM ${table} ORDER BY line`,
      )
      assert.deepEqual(stored, [
        { line: 1, amount: '0.2000000000000', seen: '2026-01-31 10:00:00.123456' },
        { line: 2, amount: '-123456789012345.1234567890123', seen: '2026-01-31 10:00:00.123456' },
        { line: 3, amount: null, seen: '2026-01-31 10:00:00.123456' },
      ])
    })

    it('refuses two source rows for one target row and changes nothing', async () => {
      const table = await newTable()
      await merge(table, [row('A', 1, '1')])
      const failure = await merge(table, [row('B', 1, '5'), row('A', 1, '2', 2), row('A', 1, '3', 3)]).catch(
        (error) => error,
      )
      assert.match(failure.message, /^\[DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE\]/)
      assert.equal(failure.response.sqlState, '21506')
      assert.deepEqual(await db.sql(`SELECT entry, amount FROM ${table}`), [{ entry: 'A', amount: '1.0000000000000' }])
      // Only rows that a WHEN MATCHED applies to are ambiguous.
      assert.equal((await merge(table, [row('A', 1, '2', 1), row('A', 1, '3', 3)]))[0]?.num_updated_rows, 1n)
    })

    it('writes nothing when one value of the batch does not fit', async () => {
      const table = await newTable()
      await assert.rejects(
        merge(table, [row('A', 1, '1'), row('A', 2, '12345678901234567.5')]),
        /NUMERIC_VALUE_OUT_OF_RANGE/,
      )
      await assert.rejects(merge(table, [row('A', 1, '1'), row('A', 2, 'n/a')]), /CAST_INVALID_INPUT.*'n\/a'/)
      assert.deepEqual(await db.sql(`SELECT count(*) AS n FROM ${table}`), [{ n: 0n }])
    })

    it('replaces the lines of a document in one statement, from a staged file and the table itself', async () => {
      const table = await newTable()
      await merge(table, [row('A', 1, '1'), row('A', 2, '2'), row('B', 1, '3')])
      await put('doc.json.gz', [row('A', 1, '10', 2), row('A', 1, '11', 3), row('A', 3, '30', 2)])
      const counts = await db.sql(`
        WITH staged AS (
          SELECT ${CASTS} FROM read_files('/Volumes/main/finance/staging/doc.json.gz', format => 'json', mode => 'FAILFAST',
            schema => 'source STRING, entry STRING, line STRING, amount STRING, booked STRING, seen STRING, read_no STRING') AS r
          QUALIFY row_number() OVER (PARTITION BY r.source, r.entry, r.line ORDER BY r.read_no DESC) = 1
        )
        MERGE INTO ${table} AS t USING (
          SELECT *, false AS gone FROM staged
          UNION ALL
          SELECT k.source, k.entry, k.line, NULL, NULL, NULL, 2, true FROM ${table} AS k
          WHERE k.entry IN (SELECT entry FROM staged)
            AND NOT EXISTS (SELECT 1 FROM staged AS x WHERE x.entry = k.entry AND x.line = k.line)
        ) AS s ON ${KEYS}
        WHEN MATCHED AND s.gone THEN DELETE
        WHEN MATCHED THEN UPDATE SET t.amount = s.amount, read_no = s.read_no
        WHEN NOT MATCHED AND NOT s.gone THEN INSERT (source, entry, line, amount, read_no) VALUES (s.source, s.entry, s.line, s.amount, s.read_no)`)
      assert.deepEqual(counts, [
        { num_affected_rows: 3n, num_updated_rows: 1n, num_deleted_rows: 1n, num_inserted_rows: 1n },
      ])
      const stored = await db.sql(
        `SELECT entry, line, CAST(amount AS DECIMAL(10,0)) AS amount FROM ${table} ORDER BY entry, line`,
      )
      assert.deepEqual(
        stored.map((found) => `${found.entry}${found.line}=${found.amount}`),
        ['A1=11', 'A3=30', 'B1=3'],
      )
    })

    it('reads the table that a MERGE writes to in a join, and refuses it in a subquery, as Delta Lake does', async () => {
      const table = await newTable()
      await merge(table, [row('A', 1, '1')])
      const self = (source: string) => `MERGE INTO ${table} AS t USING (${source}) AS s ON ${KEYS}
      WHEN MATCHED THEN UPDATE SET amount = s.amount`
      const named = `WITH d AS (SELECT * FROM ${table}), e AS (SELECT d.* FROM d)`
      for (const source of [
        `SELECT o.* FROM ${table} AS o WHERE NOT EXISTS (SELECT 1 FROM ${table} AS x WHERE x.line > o.line)`,
        `${named} SELECT * FROM d WHERE d.line IN (SELECT line FROM e)`,
        `${named} SELECT * FROM d WHERE d.line = (SELECT max(line) FROM e)`,
      ]) {
        const failure = await db.fails(self(source))
        assert.match(failure.message, /Table does not support reads: main\.finance\.t_/, source)
      }
      const other = await newTable()
      const joined = `SELECT o.* FROM ${table} AS o LEFT ANTI JOIN ${table} AS x ON x.line > o.line
      WHERE NOT EXISTS (SELECT 1 FROM ${other} AS y WHERE y.line = o.line)`
      assert.equal((await db.sql(self(joined)))[0]?.num_updated_rows, 1n)
    })
  })

  describe('files and COPY INTO', () => {
    const copy = (table: string, file: string) =>
      db.sql(`COPY INTO ${table} FROM (SELECT ${CASTS} FROM '/Volumes/main/finance/staging' AS r) FILEFORMAT = JSON FILES = ('${file}')
              FORMAT_OPTIONS ('mode' = 'FAILFAST', 'ignoreMissingFiles' = 'false')`)

    it('keeps files in volumes and tells what is wrong with a path', async () => {
      assert.equal((await put('dir/a.json', [{ a: 1 }], false, 'false')).status, 204)
      assert.equal((await put('dir/a.json', [{ a: 2 }], false, 'false')).status, 409)
      assert.equal((await put('dir/a.json', [{ a: 2 }], false)).status, 204)
      const url = '/api/2.0/fs/files/Volumes/main/finance/staging/dir/a.json'
      assert.equal((await db.http(url)).body.toString(), '{"a":2}')
      assert.deepEqual(await db.sql('SELECT a FROM json.`/Volumes/main/finance/staging/dir/a.json`'), [{ a: 2n }])
      assert.equal((await db.http(url, { method: 'DELETE' })).status, 204)
      assert.equal((await db.http(url)).status, 404)
      assert.equal((await db.http('/api/2.0/fs/files/Volumes/main/finance/absent/a.json')).status, 404)
      assert.equal(
        (await db.http('/api/2.0/fs/files/Volumes/main/finance/staging/..%2Fa', { method: 'PUT' })).status,
        400,
      )
      db.sandbox.deny('WRITE VOLUME', 'main.finance')
      assert.equal((await put('dir/b.json', [{}])).status, 403)
      db.sandbox.allow()
    })

    it('loads a file once per table, even if it changed, and loads it into another table', async () => {
      const [one, two] = [await newTable(), await newTable()]
      await put('batch-1.json.gz', [row('A', 1, '1.5'), row('A', 2, '2.5')])
      const loaded = { num_affected_rows: 2n, num_inserted_rows: 2n, num_skipped_corrupt_files: 0n }
      assert.deepEqual(await copy(one, 'batch-1.json.gz'), [loaded])
      await put('batch-1.json.gz', [row('B', 1, '1')])
      assert.equal((await copy(one, 'batch-1.json.gz'))[0]?.num_inserted_rows, 0n)
      assert.equal((await copy(two, 'batch-1.json.gz'))[0]?.num_inserted_rows, 1n)
      assert.deepEqual(await db.sql(`SELECT sum(amount) AS total FROM ${one}`), [{ total: '4.0000000000000' }])
    })

    it('does not remember a file that failed', async () => {
      const table = await newTable()
      await put('late.json.gz', [row('A', 1, '1'), { ...row('A', 2, '2'), amount: 'x' }])
      await assert.rejects(copy(table, 'late.json.gz'), /CAST_INVALID_INPUT/)
      await put('late.json.gz', [row('A', 1, '1'), row('A', 2, '2')])
      assert.equal((await copy(table, 'late.json.gz'))[0]?.num_inserted_rows, 2n)
    })

    it('needs its target, its file, and casts for what is not text', async () => {
      const table = await newTable()
      await put('plain.json', [row('A', 1, '1')], false)
      await assert.rejects(copy('main.finance.absent', 'plain.json'), /TABLE_OR_VIEW_NOT_FOUND/)
      await assert.rejects(copy(table, 'absent.json'), /PATH_NOT_FOUND/)
      const failure = await db.fails(
        `COPY INTO ${table} FROM '/Volumes/main/finance/staging' FILEFORMAT = JSON FILES = ('plain.json')`,
      )
      assert.match(failure.message, /COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE/)
    })
  })

  it('keeps tables, files and the memory of COPY INTO in a file', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'databricks-'))
    const options = { file: path.join(folder, 'lake.db'), ca: path.join(folder, 'ca') }
    const copy = `COPY INTO kept FROM '/Volumes/main/finance/staging' FILEFORMAT = JSON`
    const first = await startDriver(options)
    await first.sql('CREATE TABLE kept (a STRING)')
    await first.http('/api/2.0/fs/files/Volumes/main/finance/staging/k.json', { method: 'PUT', body: '{"a":"1"}' })
    await first.sql(copy)
    await first.close()
    const second = await startDriver(options)
    assert.equal(second.sandbox.caPem, first.sandbox.caPem)
    assert.equal((await second.sql(copy))[0]?.num_inserted_rows, 0n)
    assert.deepEqual(await second.sql('SELECT a FROM kept'), [{ a: '1' }])
    assert.deepEqual(await second.sandbox.query('SELECT * FROM main.finance.kept'), { columns: ['a'], rows: [['1']] })
    await second.close()
    await rm(folder, { recursive: true })
  })
})
