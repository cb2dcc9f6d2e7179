/** Tables of journal lines in the sandbox of Databricks, made, merged into and loaded by the vendor's driver. */
import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type DriverFixture, startDriver } from './databricks-driver.ts'

export const COLUMNS = `source STRING NOT NULL COMMENT 'Where it\\'s from', entry STRING NOT NULL, line INT NOT NULL,
  amount DECIMAL(28,13), booked DATE, seen TIMESTAMP, read_no BIGINT`
const SHAPE =
  'array<struct<source:string,entry:string,line:string,amount:string,booked:string,seen:string,read_no:string>>'
export const CASTS = `r.source, r.entry, CAST(r.line AS INT) AS line, CAST(r.amount AS DECIMAL(28,13)) AS amount,
  CAST(r.booked AS DATE) AS booked, CAST(r.seen AS TIMESTAMP) AS seen, CAST(r.read_no AS BIGINT) AS read_no`
export const KEYS = 't.source = s.source AND t.entry = s.entry AND t.line = s.line'

export function row(entry: string, line: number, amount: string | null, read = 1) {
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

/** To be called in a `describe`. */
export function driverTables() {
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
  return {
    get db() {
      return db
    },
    newTable,
    merge,
    put,
  }
}
