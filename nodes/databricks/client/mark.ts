/** The mark: what the target says of itself, up to where everything is in and by which ledger. */
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
import { runMaking } from './collation.ts'
import type { Connection } from './connection.ts'
import { isMissing } from './errors.ts'
import { plainTable, quote, quoteTable, type TableName } from './sql.ts'
import { addColumns, create, type WantedTable } from './tables.ts'

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
    const rows = await columnsOf(connection.run)(markTable(table), context, (columns) =>
      connection.run(
        {
          sql: `SELECT ${columns.flatMap(told).join(', ')} FROM ${quoteTable(markTable(table))} AS m WHERE m.\`table_name\` = :table AND EXISTS (SELECT 1 FROM ${quoteTable(table)} AS t)`,
          parameters: { table: plainTable(table) },
          what: `Mark of ${plainTable(table)}`,
          kind: 'read',
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

/** A column of a mark as it is read. */
const told = ({ name, type }: Column): readonly string[] => {
  if (name === 'table_name' || name === 'at') return []
  const value = `m.${quote(name)}`
  return [`${type === 'string' ? value : `CAST(${value} AS STRING)`} AS ${quote(name)}`]
}

/** For each connection. */
const known = new WeakMap<Connection['run'], WithMarkColumns<TableName>>()

function columnsOf(run: Connection['run']): WithMarkColumns<TableName> {
  const statement = (table: TableName, column: Column, collate = ''): string =>
    addColumns(table, [column], 'string', collate)
  const made =
    known.get(run) ??
    markColumns({
      nameOf: plainTable,
      // in a MERGE it is another class of error than in a query
      isLacking: (error) =>
        isSyncError(error) &&
        (error.code === 'databricks.42703' || /MERGE_UNRESOLVED/.test(error.cause.vendorText ?? '')),
      add: (table, column, context) =>
        runMaking(
          run,
          { sql: (collate) => statement(table, column, collate), what: `ALTER TABLE ${plainTable(table)} ADD COLUMNS` },
          context,
        ),
      statement,
    })
  known.set(run, made)
  return made
}

/** A mark and where it belongs. */
export interface MarkToWrite {
  readonly table: TableName
  readonly mark: Mark
  readonly context: WriteContext
  readonly replaced?: readonly Mark[] | undefined
}

/** The statement that writes so many marks; their values are parameters, each name with the mark's place behind it. */
export function markMerge(table: TableName, count: number, columns: readonly Column[] = MARK_COLUMNS): string {
  const value = (name: string, i: number): string => {
    if (name === 'read') return `CAST(:read${i} AS BIGINT)`
    if (name === 'floor' || name === 'source') return `NULLIF(:${name}${i}, '')`
    return name === 'at' ? `CAST(:at${i} AS TIMESTAMP)` : `:${name}${i}`
  }
  const names = columns.map(({ name }) => name)
  const row = (_: unknown, i: number): string =>
    `SELECT ${names.map((name) => `${value(name, i)} AS ${quote(name)}`).join(', ')}`
  return [
    `MERGE INTO ${quoteTable(markTable(table))} AS t`,
    `USING (${Array.from({ length: count }, row).join(' UNION ALL ')}) AS s`,
    `ON ${MARK_KEY.map((name) => `t.${quote(name)} = s.${quote(name)}`).join(' AND ')}`,
    `WHEN MATCHED THEN UPDATE SET ${names
      .filter((name) => !MARK_KEY.includes(name))
      .map((name) => `t.${quote(name)} = s.${quote(name)}`)
      .join(', ')}`,
    `WHEN NOT MATCHED THEN INSERT (${names.map(quote).join(', ')}) VALUES (${names.map((name) => `s.${quote(name)}`).join(', ')})`,
  ].join('\n')
}

/** Marks that the one that was written takes the place of. */
async function removeReplaced(run: Connection['run'], { table, replaced = [], context }: MarkToWrite): Promise<void> {
  const key = MARK_KEY.map((name) => `${quote(name)} = :${name}`).join(' AND ')
  const sql = `DELETE FROM ${quoteTable(markTable(table))} WHERE ${key}`
  for (const mark of replaced) {
    const values = markValues(plainTable(table), mark)
    const parameters = Object.fromEntries(MARK_KEY.map((name) => [name, values[name] ?? '']))
    await run(
      { sql, parameters, what: `Mark of ${plainTable(table)} of ${mark.sourceAddress}`, kind: 'write' },
      context,
    )
  }
}

/** Writes marks, creating the table of marks when it is not there. */
export function createMarkWriter(run: Connection['run']): MarkWriter<MarkToWrite> {
  return writeMarksTogether(
    ({ table }) => plainTable(markTable(table)),
    async (marks) => {
      const [{ table, context }] = marks
      const parametersOf = (columns: readonly Column[]) =>
        marks.flatMap(({ table: of, mark }, i) => {
          const values = markValues(plainTable(of), mark)
          return columns.map(({ name }) => [`${name}${i}`, values[name] ?? ''])
        })
      const what = `Mark of ${marks.map(({ table: of }) => plainTable(of)).join(', ')}`
      const write = () =>
        columnsOf(run)(markTable(table), context, (columns) => {
          const parameters = Object.fromEntries(parametersOf(columns))
          return run({ sql: markMerge(table, marks.length, columns), parameters, what, kind: 'write' }, context)
        })
      try {
        await write()
      } catch (error) {
        if (!isMissing(error)) throw error
        await create(run, wantedMarkTable(table), 'string', context)
        await write()
      }
      for (const mark of marks) await removeReplaced(run, mark)
    },
  )
}
