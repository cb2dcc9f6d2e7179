import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startDriver } from '../support/databricks-driver.ts'
import { CASTS, driverTables, KEYS, row } from '../support/databricks-tables.ts'

describe('Databricks sandbox, written to by the vendor driver', () => {
  const own = driverTables()
  const { newTable, merge, put } = own

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
      const stored = await own.db.sql(
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
      assert.deepEqual(await own.db.sql(`SELECT entry, amount FROM ${table}`), [
        { entry: 'A', amount: '1.0000000000000' },
      ])
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
      assert.deepEqual(await own.db.sql(`SELECT count(*) AS n FROM ${table}`), [{ n: 0n }])
    })

    it('replaces the lines of a document in one statement, from a staged file and the table itself', async () => {
      const table = await newTable()
      await merge(table, [row('A', 1, '1'), row('A', 2, '2'), row('B', 1, '3')])
      await put('doc.json.gz', [row('A', 1, '10', 2), row('A', 1, '11', 3), row('A', 3, '30', 2)])
      const counts = await own.db.sql(`
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
      const stored = await own.db.sql(
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
        const failure = await own.db.fails(self(source))
        assert.match(failure.message, /Table does not support reads: main\.finance\.t_/, source)
      }
      const other = await newTable()
      const joined = `SELECT o.* FROM ${table} AS o LEFT ANTI JOIN ${table} AS x ON x.line > o.line
      WHERE NOT EXISTS (SELECT 1 FROM ${other} AS y WHERE y.line = o.line)`
      assert.equal((await own.db.sql(self(joined)))[0]?.num_updated_rows, 1n)
    })
  })

  describe('files and COPY INTO', () => {
    const copy = (table: string, file: string) =>
      own.db.sql(`COPY INTO ${table} FROM (SELECT ${CASTS} FROM '/Volumes/main/finance/staging' AS r) FILEFORMAT = JSON FILES = ('${file}')
              FORMAT_OPTIONS ('mode' = 'FAILFAST', 'ignoreMissingFiles' = 'false')`)

    it('keeps files in volumes and tells what is wrong with a path', async () => {
      assert.equal((await put('dir/a.json', [{ a: 1 }], false, 'false')).status, 204)
      assert.equal((await put('dir/a.json', [{ a: 2 }], false, 'false')).status, 409)
      assert.equal((await put('dir/a.json', [{ a: 2 }], false)).status, 204)
      const url = '/api/2.0/fs/files/Volumes/main/finance/staging/dir/a.json'
      assert.equal((await own.db.http(url)).body.toString(), '{"a":2}')
      assert.deepEqual(await own.db.sql('SELECT a FROM json.`/Volumes/main/finance/staging/dir/a.json`'), [{ a: 2n }])
      assert.equal((await own.db.http(url, { method: 'DELETE' })).status, 204)
      assert.equal((await own.db.http(url)).status, 404)
      assert.equal((await own.db.http('/api/2.0/fs/files/Volumes/main/finance/absent/a.json')).status, 404)
      assert.equal(
        (await own.db.http('/api/2.0/fs/files/Volumes/main/finance/staging/..%2Fa', { method: 'PUT' })).status,
        400,
      )
      own.db.sandbox.deny('WRITE VOLUME', 'main.finance')
      assert.equal((await put('dir/b.json', [{}])).status, 403)
      own.db.sandbox.allow()
    })

    it('loads a file once per table, even if it changed, and loads it into another table', async () => {
      const [one, two] = [await newTable(), await newTable()]
      await put('batch-1.json.gz', [row('A', 1, '1.5'), row('A', 2, '2.5')])
      const loaded = { num_affected_rows: 2n, num_inserted_rows: 2n, num_skipped_corrupt_files: 0n }
      assert.deepEqual(await copy(one, 'batch-1.json.gz'), [loaded])
      await put('batch-1.json.gz', [row('B', 1, '1')])
      assert.equal((await copy(one, 'batch-1.json.gz'))[0]?.num_inserted_rows, 0n)
      assert.equal((await copy(two, 'batch-1.json.gz'))[0]?.num_inserted_rows, 1n)
      assert.deepEqual(await own.db.sql(`SELECT sum(amount) AS total FROM ${one}`), [{ total: '4.0000000000000' }])
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
      const failure = await own.db.fails(
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
