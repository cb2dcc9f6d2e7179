import { newName, type Row, type SnowflakeFixture } from './snowflake-driver.ts'

export const COLUMNS = `SOURCE VARCHAR NOT NULL COMMENT 'Where it''s from', ENTRY VARCHAR(20) NOT NULL, LINE NUMBER(38,0) NOT NULL,
  AMOUNT NUMBER(28,8), BOOKED DATE, SEEN TIMESTAMP_NTZ, READ_NO NUMBER(38,0)`

export function row(entry: string, line: number, amount: string | null, read = 1) {
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

/** Tables of the sandbox, and what is merged into them, by the driver that `db` gives. */
export function driverTables(db: () => SnowflakeFixture) {
  async function newTable(columns = COLUMNS, tail = ''): Promise<string> {
    const table = newName('T')
    await db().sql(`CREATE TABLE IF NOT EXISTS FINANCE.PUBLIC.${table} (${columns}) ${tail}`)
    return table
  }

  function merge(
    table: string,
    rows: object[],
    matched = 'WHEN MATCHED AND s.read_no > t.read_no THEN UPDATE SET t.amount = s.amount, t.read_no = s.read_no',
  ): Promise<Row[]> {
    return db().sql(
      `MERGE INTO ${table} AS t USING (${SOURCE}) AS s ON t.source = s.source AND t.entry = s.entry AND t.line = s.line ${matched}
       WHEN NOT MATCHED THEN INSERT (source, entry, line, amount, booked, seen, read_no) VALUES (s.source, s.entry, s.line, s.amount, s.booked, s.seen, s.read_no)`,
      { binds: [JSON.stringify(rows)] },
    )
  }

  return { newTable, merge }
}
