/** The mark: what the target says of itself, up to where everything is in and by which ledger. */
import { isSyncError } from '../../../sync/errors.ts'
import { MARK_COLUMNS, MARK_COMMENT, MARK_KEY, MARK_TABLE, markValues, toMark } from '../../../sync/stored.ts'
import type { Mark, WriteContext } from '../../../sync/target.ts'
import type { Connection } from './connection.ts'
import { plainTable, quote, quoteTable, type TableName } from './sql.ts'
import { createTable, type WantedTable } from './tables.ts'

export const markTable = (table: TableName): TableName => ({ ...table, table: MARK_TABLE })

export const wantedMarkTable = (table: TableName): WantedTable => ({
  name: markTable(table),
  comment: MARK_COMMENT,
  columns: MARK_COLUMNS,
  key: MARK_KEY,
  unique: true,
  cluster: MARK_KEY.slice(0, 2),
})

/** Marks of a table; none when there is no mark table, or the table itself is missing or empty. */
export async function readMarks(
  connection: Connection,
  table: TableName,
  context: WriteContext,
): Promise<readonly Mark[]> {
  try {
    const rows = await connection.run(
      {
        sql: `SELECT m.\`sync\` AS \`sync\`, m.\`entity\` AS \`entity\`, m.\`source_address\` AS \`source_address\`, m.\`ledger\` AS \`ledger\`, m.\`run\` AS \`run\`, CAST(m.\`read\` AS STRING) AS \`read\`, m.\`floor\` AS \`floor\` FROM ${quoteTable(markTable(table))} AS m WHERE m.\`table_name\` = :table AND EXISTS (SELECT 1 FROM ${quoteTable(table)} AS t)`,
        parameters: { table: plainTable(table) },
        what: `Mark of ${plainTable(table)}`,
        kind: 'read',
      },
      context,
    )
    return rows.map(toMark)
  } catch (error) {
    if (isSyncError(error) && error.code === 'databricks.42P01') return []
    throw error
  }
}

/** The statement that writes one mark. */
export function markMerge(table: TableName): string {
  const values: Readonly<Record<string, string>> = {
    read: 'CAST(:read AS BIGINT)',
    floor: "NULLIF(:floor, '')",
    at: 'CAST(:at AS TIMESTAMP)',
  }
  const names = MARK_COLUMNS.map(({ name }) => name)
  return [
    `MERGE INTO ${quoteTable(markTable(table))} AS t`,
    `USING (SELECT ${names.map((name) => `${values[name] ?? `:${name}`} AS ${quote(name)}`).join(', ')}) AS s`,
    `ON ${MARK_KEY.map((name) => `t.${quote(name)} = s.${quote(name)}`).join(' AND ')}`,
    `WHEN MATCHED THEN UPDATE SET ${names
      .filter((name) => !MARK_KEY.includes(name))
      .map((name) => `t.${quote(name)} = s.${quote(name)}`)
      .join(', ')}`,
    `WHEN NOT MATCHED THEN INSERT (${names.map(quote).join(', ')}) VALUES (${names.map((name) => `s.${quote(name)}`).join(', ')})`,
  ].join('\n')
}

/** Writes the mark in one statement, after those before it; creates the table of marks when it is not there. */
export function writeMark(connection: Connection, table: TableName, mark: Mark, context: WriteContext): Promise<void> {
  const inTurn = plainTable(markTable(table))
  return connection.marks.run(inTurn, () => mergeMark(connection, table, mark, context), context.signal)
}

async function mergeMark(connection: Connection, table: TableName, mark: Mark, context: WriteContext): Promise<void> {
  const what = `Mark of ${plainTable(table)}`
  const write = () =>
    connection.run(
      {
        sql: markMerge(table),
        parameters: markValues(plainTable(table), mark),
        what,
        kind: 'write',
      },
      context,
    )
  try {
    await write()
  } catch (error) {
    if (!isSyncError(error) || error.code !== 'databricks.42P01') throw error
    await connection.run(
      {
        sql: createTable(wantedMarkTable(table), 'string'),
        what: `CREATE TABLE ${plainTable(markTable(table))}`,
        kind: 'write',
      },
      context,
    )
    await write()
  }
}
