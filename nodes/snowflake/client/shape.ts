/** Brings a table into shape: created, extended, checked, never narrowed; what was made is read back. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { Column } from '../../../sync/contract/message.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { planColumns } from '../../../vendor/warehouse/technical-columns.ts'
import { checkCollations } from './collation.ts'
import type { Connection, ResultRow } from './connection.ts'
import { holds, plainTable, quote, sqlType } from './sql.ts'
import { addColumns, createTable, describe, type FindColumn, findColumn, type WantedTable } from './tables.ts'

/** What was done to bring a table into shape, and what it is now. */
export interface Shaped {
  readonly created: boolean
  readonly notices: readonly string[]
  readonly find: FindColumn
}

/** Creates the table when it is missing, adds missing columns, and refuses a column that could not hold every value, naming both types. */
export type ShapeTable = (table: WantedTable, context: WriteContext) => Promise<Shaped>

/**
 * Tables come one after another, and where one was missing the next is too: it is created without being looked for first. What
 * was made is read back.
 */
export function createShaper(connection: Connection): ShapeTable {
  return async (table, context) => {
    const name = plainTable(table.name)
    const place = plainTable({ ...table.name, table: '' })
    const { bare } = connection
    const run = (sql: string, what: string) => connection.run({ sql, what }, context)
    const create = () => run(createTable(table), `CREATE TABLE ${name}`)
    // the role may not create: that is no matter where the table is there
    let created = bare.has(place) && isNew(await create().catch(() => []))
    let columns = await describe(connection, table.name, context)
    if (columns !== undefined && !created) bare.delete(place)
    if (columns === undefined) {
      bare.add(place)
      await create()
      created = true
      columns = await describe(connection, table.name, context)
    }
    const notices = created ? [`Created ${name}.`] : []
    const check = () => checkCollations(connection, table, columns ?? [], context)
    const missing = missingColumns(table, findColumn(columns ?? []))
    let collated = await check()
    if (missing.length > 0) {
      await run(addColumns(table.name, missing), `ALTER TABLE ${name} ADD COLUMN`)
      columns = await describe(connection, table.name, context)
      missingColumns(table, findColumn(columns ?? []))
      collated = await check()
      notices.push(`Added to ${name}: ${missing.map((column) => column.name).join(', ')}.`)
    }
    return { created, notices: [...notices, ...collated], find: findColumn(columns ?? []) }
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
