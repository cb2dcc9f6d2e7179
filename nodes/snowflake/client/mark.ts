/** The mark: what the target says of itself, up to where everything is in and by which ledger. Analysts may read it. */
import { MARK_COLUMNS, MARK_COMMENT, MARK_KEY, MARK_TABLE, markValues, toMark } from '../../../sync/stored.ts'
import type { Mark, WriteContext } from '../../../sync/target.ts'
import type { Connection } from './connection.ts'
import { plainTable, quote, quoteTable, sqlType, type TableName } from './sql.ts'
import { createTable, isMissing, type WantedTable } from './tables.ts'

const name = (column: string): string => quote(column.toUpperCase())

export const markTable = (table: TableName): TableName => ({ ...table, table: MARK_TABLE.toUpperCase() })

export const wantedMarkTable = (table: TableName): WantedTable => ({
  name: markTable(table),
  comment: MARK_COMMENT,
  columns: MARK_COLUMNS,
  key: MARK_KEY,
  unique: true,
})

/** Marks of a table; none when there is no mark table, or the table itself is missing or empty. */
export async function readMarks(
  connection: Connection,
  table: TableName,
  context: WriteContext,
): Promise<readonly Mark[]> {
  const columns = MARK_COLUMNS.filter((column) => column.name !== 'at')
  try {
    if (!(await markedTables(connection, table, context)).has(plainTable(table))) return []
    const rows = await connection.run(
      {
        sql: `SELECT ${columns.map((column) => `CAST(m.${name(column.name)} AS VARCHAR) AS ${quote(column.name)}`).join(', ')} FROM ${quoteTable(markTable(table))} AS m WHERE m.${name('table_name')} = :1 AND EXISTS (SELECT 1 FROM ${quoteTable(table)})`,
        binds: [plainTable(table)],
        what: `Mark of ${plainTable(table)}`,
      },
      context,
    )
    return rows.map(toMark)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Tables that have a mark. Those who ask at the same time, before an empty warehouse is filled, share one answer. */
async function markedTables(
  connection: Connection,
  table: TableName,
  context: WriteContext,
): Promise<ReadonlySet<string>> {
  const inTurn = plainTable(markTable(table))
  const asked = connection.marked.get(inTurn)
  // a run that was stopped stops only its own question
  if (asked) return asked.catch((error) => (isMissing(error) ? Promise.reject(error) : ask()))
  const asking = ask()
  connection.marked.set(inTurn, asking)
  try {
    return await asking
  } finally {
    if (connection.marked.get(inTurn) === asking) connection.marked.delete(inTurn)
  }

  async function ask(): Promise<ReadonlySet<string>> {
    const sql = `SELECT DISTINCT ${name('table_name')} AS "table_name" FROM ${quoteTable(markTable(table))}`
    const rows = await connection.run({ sql, what: `Marks in ${inTurn}` }, context)
    return new Set(rows.map((row) => String(row.table_name)))
  }
}

/** The statement that writes one mark; its binds are the columns in order. */
export function markMerge(table: TableName): string {
  const value = ({ name: column, type }: (typeof MARK_COLUMNS)[number], i: number): string => {
    const bind = `:${i + 1}`
    if (column === 'floor') return `NULLIF(${bind}, '')`
    return type === 'string' ? bind : `CAST(${bind} AS ${sqlType(type)})`
  }
  return [
    `MERGE INTO ${quoteTable(markTable(table))} AS t`,
    `USING (SELECT ${MARK_COLUMNS.map((column, i) => `${value(column, i)} AS ${name(column.name)}`).join(', ')}) AS s`,
    `ON ${MARK_KEY.map((column) => `t.${name(column)} = s.${name(column)}`).join(' AND ')}`,
    `WHEN MATCHED THEN UPDATE SET ${MARK_COLUMNS.filter((column) => !MARK_KEY.includes(column.name))
      .map((column) => `t.${name(column.name)} = s.${name(column.name)}`)
      .join(', ')}`,
    `WHEN NOT MATCHED THEN INSERT (${MARK_COLUMNS.map((column) => name(column.name)).join(', ')}) VALUES (${MARK_COLUMNS.map((column) => `s.${name(column.name)}`).join(', ')})`,
  ].join('\n')
}

/** Writes the mark in one statement, after those before it; creates the table of marks when it is not there. */
export function writeMark(connection: Connection, table: TableName, mark: Mark, context: WriteContext): Promise<void> {
  const inTurn = plainTable(markTable(table))
  const what = `Mark of ${plainTable(table)}`
  const values = markValues(plainTable(table), mark)
  const merge = () =>
    connection.run(
      { sql: markMerge(table), binds: MARK_COLUMNS.map((column) => values[column.name] ?? ''), what },
      context,
    )
  const write = async (): Promise<void> => {
    try {
      await merge()
    } catch (error) {
      if (!isMissing(error)) throw error
      await connection.run({ sql: createTable(wantedMarkTable(table)), what: `CREATE TABLE ${inTurn}` }, context)
      await merge()
    }
    // an answer that is under way may not have it
    connection.marked.delete(inTurn)
  }
  return connection.marks.run(inTurn, write, context.signal)
}
