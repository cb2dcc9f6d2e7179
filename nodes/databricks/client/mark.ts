/** The mark: what the target says of itself, up to where everything is in and by which ledger. */
import { type MarkWriter, writeMarksTogether } from '../../../sync/mark-writer.ts'
import { MARK_COLUMNS, MARK_COMMENT, MARK_KEY, MARK_TABLE, markValues, toMark } from '../../../sync/stored.ts'
import type { Mark, WriteContext } from '../../../sync/target.ts'
import type { Connection } from './connection.ts'
import { isMissing } from './errors.ts'
import { plainTable, quote, quoteTable, type TableName } from './sql.ts'
import { create, type WantedTable } from './tables.ts'

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
    if (isMissing(error)) return []
    throw error
  }
}

/** A mark and where it belongs. */
export interface MarkToWrite {
  readonly table: TableName
  readonly mark: Mark
  readonly context: WriteContext
}

/** The statement that writes so many marks; their values are parameters, each name with the mark's place behind it. */
export function markMerge(table: TableName, count: number): string {
  const value = (name: string, i: number): string => {
    if (name === 'read') return `CAST(:read${i} AS BIGINT)`
    if (name === 'floor') return `NULLIF(:floor${i}, '')`
    return name === 'at' ? `CAST(:at${i} AS TIMESTAMP)` : `:${name}${i}`
  }
  const names = MARK_COLUMNS.map(({ name }) => name)
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

/** Writes marks, creating the table of marks when it is not there. */
export function createMarkWriter(run: Connection['run']): MarkWriter<MarkToWrite> {
  return writeMarksTogether(
    ({ table }) => plainTable(markTable(table)),
    async (marks) => {
      const [{ table, context }] = marks
      const parameters = marks.flatMap(({ table: of, mark }, i) =>
        Object.entries(markValues(plainTable(of), mark)).map(([name, value]) => [`${name}${i}`, value]),
      )
      const what = `Mark of ${marks.map(({ table: of }) => plainTable(of)).join(', ')}`
      const write = () =>
        run(
          { sql: markMerge(table, marks.length), parameters: Object.fromEntries(parameters), what, kind: 'write' },
          context,
        )
      try {
        await write()
      } catch (error) {
        if (!isMissing(error)) throw error
        await create(run, wantedMarkTable(table), 'string', context)
        await write()
      }
    },
  )
}
