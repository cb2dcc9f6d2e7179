/** The mark: what the target says of itself, up to where everything is in and by which ledger. Analysts may read it. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { Column } from '../../../sync/contract/message.ts'
import type { Mark, WriteContext } from '../../../sync/contract/target.ts'
import { markColumns, type WithMarkColumns } from '../../../vendor/warehouse/mark-column.ts'
import { type MarkWriter, writeMarksTogether } from '../../../vendor/warehouse/mark-writer.ts'
import {
  MARK_COLUMNS,
  MARK_COMMENT,
  MARK_KEY,
  MARK_TABLE,
  markValues,
  toMark,
} from '../../../vendor/warehouse/technical-columns.ts'
import type { Connection } from './connection.ts'
import { cast, plainTable, quote, quoteTable, type TableName } from './sql.ts'
import { addColumns, createTable, isMissing, type WantedTable } from './tables.ts'

const name = (column: string): string => quote(column.toUpperCase())
/** A text column as the ledger compares it: the table may have been made where a collation is the default. */
const exact = (alias: string, column: string): string => `COLLATE(${alias}.${name(column)}, '')`

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
  try {
    if (!(await markedTables(connection, table, context)).has(plainTable(table))) return []
    const rows = await columnsOf(connection.run)(markTable(table), context, (columns) =>
      connection.run(
        {
          sql: `SELECT ${columns
            .filter((column) => column.name !== 'at')
            .map((column) => `CAST(m.${name(column.name)} AS VARCHAR) AS ${quote(column.name)}`)
            .join(
              ', ',
            )} FROM ${quoteTable(markTable(table))} AS m WHERE ${exact('m', 'table_name')} = :1 AND EXISTS (SELECT 1 FROM ${quoteTable(table)})`,
          binds: [plainTable(table)],
          what: `Mark of ${plainTable(table)}`,
        },
        context,
      ),
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
    const sql = `SELECT DISTINCT ${exact('m', 'table_name')} AS "table_name" FROM ${quoteTable(markTable(table))} AS m`
    const rows = await connection.run({ sql, what: `Marks in ${inTurn}` }, context)
    return new Set(rows.map((row) => String(row.table_name)))
  }
}

/** A mark and where it belongs. */
export interface MarkToWrite {
  readonly table: TableName
  readonly mark: Mark
  readonly context: WriteContext
  readonly replaced?: readonly Mark[] | undefined
}

/** For each connection. */
const known = new WeakMap<Connection['run'], WithMarkColumns<TableName>>()

function columnsOf(run: Connection['run']): WithMarkColumns<TableName> {
  const statement = (table: TableName, column: Column): string => addColumns(table, [column])
  const made =
    known.get(run) ??
    markColumns({
      nameOf: plainTable,
      isLacking: (error) => isSyncError(error) && error.code === 'snowflake.000904',
      add: (table, column, context) =>
        run({ sql: statement(table, column), what: `ALTER TABLE ${plainTable(table)} ADD COLUMN` }, context),
      statement,
    })
  known.set(run, made)
  return made
}

/** The statement that writes so many marks; its binds are the columns in order, mark by mark. */
export function markMerge(table: TableName, count: number, columns: readonly Column[] = MARK_COLUMNS): string {
  const value = ({ name: column, type }: Column, place: number): string => {
    const bind = `:${place + 1}`
    if (column === 'floor' || column === 'source') return `NULLIF(${bind}, '')`
    return cast(bind, type)
  }
  const row = (_: unknown, mark: number): string =>
    `SELECT ${columns.map((column, i) => `${value(column, mark * columns.length + i)} AS ${name(column.name)}`).join(', ')}`
  return [
    `MERGE INTO ${quoteTable(markTable(table))} AS t`,
    `USING (${Array.from({ length: count }, row).join(' UNION ALL ')}) AS s`,
    `ON ${MARK_KEY.map((column) => `${exact('t', column)} = s.${name(column)}`).join(' AND ')}`,
    `WHEN MATCHED THEN UPDATE SET ${columns
      .filter((column) => !MARK_KEY.includes(column.name))
      .map((column) => `t.${name(column.name)} = s.${name(column.name)}`)
      .join(', ')}`,
    `WHEN NOT MATCHED THEN INSERT (${columns.map((column) => name(column.name)).join(', ')}) VALUES (${columns.map((column) => `s.${name(column.name)}`).join(', ')})`,
  ].join('\n')
}

/** Marks that the one that was written takes the place of. */
async function removeReplaced(run: Connection['run'], { table, replaced = [], context }: MarkToWrite): Promise<void> {
  const key = MARK_KEY.map((column, i) => `${exact('t', column)} = :${i + 1}`).join(' AND ')
  const sql = `DELETE FROM ${quoteTable(markTable(table))} AS t WHERE ${key}`
  for (const mark of replaced) {
    const values = markValues(plainTable(table), mark)
    const binds = MARK_KEY.map((column) => values[column] ?? '')
    await run({ sql, binds, what: `Mark of ${plainTable(table)} of ${mark.sourceAddress}` }, context)
  }
}

/** Writes marks, creating the table of marks when it is not there. */
export function createMarkWriter({ run, marked }: Pick<Connection, 'run' | 'marked'>): MarkWriter<MarkToWrite> {
  const placeOf = ({ table }: MarkToWrite): string => plainTable(markTable(table))
  return writeMarksTogether(placeOf, async (marks) => {
    const [first] = marks
    const { table, context } = first
    const bindsOf = (columns: readonly Column[]) =>
      marks.flatMap(({ table: of, mark }) => {
        const values = markValues(plainTable(of), mark)
        return columns.map((column) => values[column.name] ?? '')
      })
    const what = `Mark of ${marks.map(({ table: of }) => plainTable(of)).join(', ')}`
    const merge = () =>
      columnsOf(run)(markTable(table), context, (columns) =>
        run({ sql: markMerge(table, marks.length, columns), binds: bindsOf(columns), what }, context),
      )
    try {
      await merge()
    } catch (error) {
      if (!isMissing(error)) throw error
      await run({ sql: createTable(wantedMarkTable(table)), what: `CREATE TABLE ${placeOf(first)}` }, context)
      await merge()
    }
    for (const mark of marks) await removeReplaced(run, mark)
    // an answer that is under way may not have it
    marked.delete(placeOf(first))
  })
}
