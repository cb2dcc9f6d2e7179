/** The mark: what the target says of itself, up to where everything is in and by which ledger. Analysts may read it. */
import type { Column } from '../../sync/contract/message.ts'
import type { Mark, WriteContext } from '../../sync/contract/target.ts'
import type { DialectText, SqlDialect, TableName } from './dialect.ts'
import { markColumns } from './mark-column.ts'
import { type MarkWriter, writeMarksTogether } from './mark-writer.ts'
import { markTable, quoteTable, wantedMarks } from './tables.ts'
import { MARK_COLUMNS, MARK_KEY, markValues, toMark } from './technical-columns.ts'

/** A mark and where it belongs. */
export interface MarkToWrite {
  readonly table: TableName
  readonly mark: Mark
  readonly context: WriteContext
  readonly replaced?: readonly Mark[] | undefined
}

/** The marks of one connection: it has one writer, since two would conflict in their one table. */
export interface Marks {
  /** None when there is no mark table, or the table itself is missing or empty. */
  read(table: TableName, context: WriteContext): Promise<readonly Mark[]>
  /** Creates the table of marks when it is not there. */
  readonly write: MarkWriter<MarkToWrite>
}

export function createMarks(dialect: SqlDialect): Marks {
  const { run, plain, isMissing } = dialect
  const withColumns = markColumns<TableName>({
    nameOf: plain,
    isLacking: dialect.lacksColumn,
    add: (table, column, context) => dialect.addColumns(table, [column], context),
    statement: (table, column) => dialect.addColumnsText(table, [column]),
  })
  const placeOf = ({ table }: Pick<MarkToWrite, 'table'>): string => plain(markTable(dialect, table))
  const marked = dialect.cheapMisses ? undefined : createMarkedTables(dialect)

  return {
    async read(table, context) {
      try {
        if (marked && !(await marked.ask(table, context)).has(plain(table))) return []
        const rows = await withColumns(markTable(dialect, table), context, (columns) =>
          run(
            {
              sql: markQuery(dialect, table, columns),
              values: [['table', plain(table)]],
              what: `Mark of ${plain(table)}`,
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
    },

    write: writeMarksTogether<MarkToWrite>(placeOf, async (marks) => {
      const [{ table, context }] = marks
      const what = `Mark of ${marks.map(({ table: of }) => plain(of)).join(', ')}`
      const write = () =>
        withColumns(markTable(dialect, table), context, (columns) => {
          const sql = markMerge(dialect, table, marks.length, columns)
          return run({ sql, values: mergeValues(dialect, marks, columns), what, kind: 'write' }, context)
        })
      try {
        await write()
      } catch (error) {
        if (!isMissing(error)) throw error
        await dialect.create(wantedMarks(dialect, table), context)
        await write()
      }
      for (const mark of marks) await removeReplaced(dialect, mark)
      // an answer that is under way may not have it
      marked?.forget(table)
    }),
  }
}

/** A column of the table of marks as it stands in a statement. */
const at = ({ quote, newName }: DialectText, column: string): string => quote(newName(column))
const exactly = (dialect: DialectText, alias: string, column: string): string => {
  const expression = `${alias}${at(dialect, column)}`
  return dialect.exact?.(expression) ?? expression
}

function markQuery(dialect: DialectText, table: TableName, columns: readonly Column[]): string {
  const { quote, textType, parameter } = dialect
  const told = ({ name, type }: Column): readonly string[] => {
    if (name === 'table_name' || name === 'at') return []
    const value = `m.${at(dialect, name)}`
    return [`${type === 'string' ? value : `CAST(${value} AS ${textType})`} AS ${quote(name)}`]
  }
  return `SELECT ${columns.flatMap(told).join(', ')} FROM ${quoteTable(dialect, markTable(dialect, table))} AS m WHERE ${exactly(dialect, 'm.', 'table_name')} = ${parameter('table', 1)} AND EXISTS (SELECT 1 FROM ${quoteTable(dialect, table)} AS t)`
}

/** The statement that writes so many marks; its parameters are the columns in order, mark by mark. */
export function markMerge(
  dialect: DialectText,
  table: TableName,
  count: number,
  columns: readonly Column[] = MARK_COLUMNS,
): string {
  const value = ({ name, type }: Column, mark: number, place: number): string => {
    const parameter = dialect.parameter(`${name}${mark}`, place)
    return name === 'floor' || name === 'source' ? `NULLIF(${parameter}, '')` : dialect.cast(parameter, type)
  }
  const row = (_: unknown, mark: number): string =>
    `SELECT ${columns.map((column, i) => `${value(column, mark, mark * columns.length + i + 1)} AS ${at(dialect, column.name)}`).join(', ')}`
  const names = columns.map(({ name }) => at(dialect, name))
  const rest = columns.filter(({ name }) => !MARK_KEY.includes(name)).map(({ name }) => at(dialect, name))
  return [
    `MERGE INTO ${quoteTable(dialect, markTable(dialect, table))} AS t`,
    `USING (${Array.from({ length: count }, row).join(' UNION ALL ')}) AS s`,
    `ON ${MARK_KEY.map((name) => `${exactly(dialect, 't.', name)} = s.${at(dialect, name)}`).join(' AND ')}`,
    `WHEN MATCHED THEN UPDATE SET ${rest.map((name) => `${dialect.qualifiedSet ? 't.' : ''}${name} = s.${name}`).join(', ')}`,
    `WHEN NOT MATCHED THEN INSERT (${names.join(', ')}) VALUES (${names.map((name) => `s.${name}`).join(', ')})`,
  ].join('\n')
}

const mergeValues = ({ plain }: SqlDialect, marks: readonly MarkToWrite[], columns: readonly Column[]) =>
  marks.flatMap(({ table, mark }, i) => {
    const values = markValues(plain(table), mark)
    return columns.map(({ name }) => [`${name}${i}`, values[name] ?? ''] as const)
  })

/** Marks that the one that was written takes the place of. */
async function removeReplaced(dialect: SqlDialect, { table, replaced = [], context }: MarkToWrite): Promise<void> {
  const key = MARK_KEY.map((name, i) => `${exactly(dialect, '', name)} = ${dialect.parameter(name, i + 1)}`)
  const sql = `DELETE FROM ${quoteTable(dialect, markTable(dialect, table))} WHERE ${key.join(' AND ')}`
  for (const mark of replaced) {
    const all = markValues(dialect.plain(table), mark)
    const values = MARK_KEY.map((name) => [name, all[name] ?? ''] as const)
    const what = `Mark of ${dialect.plain(table)} of ${mark.sourceAddress}`
    await dialect.run({ sql, values, what, kind: 'write' }, context)
  }
}

/** Tables that have a mark. Those who ask at the same time, before an empty warehouse is filled, share one answer. */
function createMarkedTables(dialect: SqlDialect) {
  const underWay = new Map<string, Promise<ReadonlySet<string>>>()
  const placeOf = (table: TableName): string => dialect.plain(markTable(dialect, table))

  async function question(table: TableName, context: WriteContext): Promise<ReadonlySet<string>> {
    const sql = `SELECT DISTINCT ${exactly(dialect, 'm.', 'table_name')} AS ${dialect.quote('table_name')} FROM ${quoteTable(dialect, markTable(dialect, table))} AS m`
    const rows = await dialect.run({ sql, what: `Marks in ${placeOf(table)}`, kind: 'read' }, context)
    return new Set(rows.map((row) => String(row.table_name)))
  }

  return {
    async ask(table: TableName, context: WriteContext): Promise<ReadonlySet<string>> {
      const place = placeOf(table)
      const asked = underWay.get(place)
      // a run that was stopped stops only its own question
      if (asked)
        return asked.catch((error) => (dialect.isMissing(error) ? Promise.reject(error) : question(table, context)))
      const asking = question(table, context)
      underWay.set(place, asking)
      try {
        return await asking
      } finally {
        if (underWay.get(place) === asking) underWay.delete(place)
      }
    },
    forget: (table: TableName) => underWay.delete(placeOf(table)),
  }
}
