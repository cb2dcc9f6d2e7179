/** Tables in the target: created with comments and informational keys, extended, checked, never narrowed; stored names read back. */
import { isSyncError, syncError } from '../../../sync/errors.ts'
import type { Column } from '../../../sync/message.ts'
import { planColumns } from '../../../sync/stored.ts'
import type { WriteContext } from '../../../sync/target.ts'
import type { Connection, ResultRow } from './connection.ts'
import {
  type FoundType,
  foundType,
  holds,
  literal,
  plainTable,
  quote,
  quoteTable,
  sqlType,
  type TableName,
} from './sql.ts'

/** A table as it should be. */
export interface WantedTable {
  readonly name: TableName
  readonly comment: string
  readonly columns: readonly Column[]
  /** Not null; the informational primary key where `unique`. */
  readonly key: readonly string[]
  readonly unique: boolean
}

/** A column as the table has it. */
export interface StoredColumn {
  /** Exactly, to be quoted. */
  readonly name: string
  /** As the table declares it: `NUMBER(18,2)`. */
  readonly declared: string
  readonly type: FoundType
  readonly nullable: boolean
}

/** Finds a column of a table by the name that it has here; undefined where there is none. */
export type FindColumn = (name: string) => StoredColumn | undefined

/** What was done to bring a table into shape, and what it is now. */
export interface Shaped {
  readonly created: boolean
  readonly notices: readonly string[]
  readonly find: FindColumn
}

/** How Tieout names the columns that it makes: found by SQL without quotes. */
const newName = (name: string): string => name.toUpperCase()

export function createTable(table: WantedTable): string {
  const columns = table.columns.map(
    (column) => `${definition(column, table.key.includes(column.name) ? ' NOT NULL' : '')}`,
  )
  const primary = table.unique ? [`PRIMARY KEY (${table.key.map((name) => quote(newName(name))).join(', ')})`] : []
  return `CREATE TABLE IF NOT EXISTS ${quoteTable(table.name)} (${[...columns, ...primary].join(', ')}) COMMENT = ${literal(table.comment)}`
}

const definition = ({ name, type, description }: Column, more = ''): string =>
  `${quote(newName(name))} ${sqlType(type)}${more}${description ? ` COMMENT ${literal(description)}` : ''}`

export const addColumns = (name: TableName, columns: readonly Column[]): string =>
  `ALTER TABLE ${quoteTable(name)} ADD COLUMN ${columns.map((column) => `IF NOT EXISTS ${definition(column)}`).join(', ')}`

/** Columns of a table; undefined where there is none, or the role may not see it. Needs no running warehouse. */
export async function describe(
  connection: Connection,
  name: TableName,
  context: WriteContext,
): Promise<readonly StoredColumn[] | undefined> {
  try {
    const rows = await connection.run(
      { sql: `DESCRIBE TABLE ${quoteTable(name)}`, what: `Columns of ${plainTable(name)}` },
      context,
    )
    return rows.map((row) => ({
      name: String(row.name),
      declared: String(row.type),
      type: foundType(String(row.type)),
      nullable: String(row['null?']).toUpperCase() !== 'N',
    }))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Missing and forbidden are one answer (002003). */
export const isMissing = (error: unknown): boolean => isSyncError(error) && error.code === 'snowflake.002003'

/** Upper case first, as SQL without quotes means it; then exactly; then alone in another case. */
export function findColumn(columns: readonly StoredColumn[]): FindColumn {
  const exact = new Map(columns.map((column) => [column.name, column]))
  return (name) => {
    const alike = exact.get(newName(name)) ?? exact.get(name)
    if (alike) return alike
    const others = columns.filter((column) => column.name.toLowerCase() === name.toLowerCase())
    return others.length === 1 ? others[0] : undefined
  }
}

/** A table just made, without asking: only the collation of its texts is not known, which a database may have as a default. */
const asCreated = (table: WantedTable): readonly StoredColumn[] =>
  table.columns.map(({ name, type }) => ({
    name: newName(name),
    declared: sqlType(type),
    type: { ...foundType(sqlType(type)), collated: true },
    nullable: !table.key.includes(name),
  }))

/** Creates the table when it is missing, adds missing columns, and refuses a column that could not hold every value, naming both types. */
export type ShapeTable = (table: WantedTable, context: WriteContext) => Promise<Shaped>

/** Tables come one after another, and where one was missing the next is too: it is created without being looked for first. */
export function createShaper(connection: Connection): ShapeTable {
  return async (table, context) => {
    const name = plainTable(table.name)
    const place = plainTable({ ...table.name, table: '' })
    const { bare } = connection
    const run = (sql: string, what: string) => connection.run({ sql, what }, context)
    const create = () => run(createTable(table), `CREATE TABLE ${name}`)
    const created: Shaped = { created: true, notices: [`Created ${name}.`], find: findColumn(asCreated(table)) }
    // the role may not create: that is no matter where the table is there
    if (bare.has(place) && isNew(await create().catch(() => []))) return created
    const columns = await describe(connection, table.name, context)
    if (columns !== undefined) bare.delete(place)
    else {
      bare.add(place)
      await create()
      return created
    }
    const missing = missingColumns(table, findColumn(columns))
    if (missing.length === 0) return { created: false, notices: [], find: findColumn(columns) }
    await run(addColumns(table.name, missing), `ALTER TABLE ${name} ADD COLUMN`)
    const find = findColumn((await describe(connection, table.name, context)) ?? [])
    missingColumns(table, find)
    return { created: false, notices: [`Added to ${name}: ${missing.map((column) => column.name).join(', ')}.`], find }
  }
}

/** What CREATE TABLE IF NOT EXISTS answers when it made the table; else that it "already exists". */
const isNew = ([row]: readonly ResultRow[]): boolean => /successfully created/i.test(String(row?.status))

function missingColumns(table: WantedTable, find: FindColumn): readonly Column[] {
  const { missing, narrow } = planColumns(table.columns, find, ({ type }, column) => holds(type, column.type))
  if (!narrow) return missing
  const { column, found } = narrow
  const name = plainTable(table.name)
  const type = sqlType(column.type)
  throw syncError(
    'config',
    'snowflake.narrow',
    `Column ${found.name} of ${name} is ${found.declared}, which cannot hold every ${column.type} (${type}) that is sent.`,
    {
      field: column.name,
      hint: `Widen it in Snowflake (ALTER TABLE ${name} ALTER COLUMN ${quote(found.name)} SET DATA TYPE ${type}, or add it anew as ${type}), or round or retype it in the mapping. It is never narrowed or rounded by itself.`,
    },
  )
}

/** Whether the table has no row. */
export async function isEmpty(connection: Connection, name: TableName, context: WriteContext): Promise<boolean> {
  const rows = await connection.run(
    { sql: `SELECT 1 AS "found" FROM ${quoteTable(name)} LIMIT 1`, what: `First row of ${plainTable(name)}` },
    context,
  )
  return rows.length === 0
}
