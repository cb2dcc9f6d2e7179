/** Pick lists of the dialogs, read from the live account; none needs a running warehouse. */
import type { WriteContext } from '../../../sync/contract/target.ts'
import type { Connection, ResultRow } from './connection.ts'
import { costLines } from './cost.ts'
import { quote, stored, tableName, typed } from './sql.ts'
import { describe } from './tables.ts'

export interface Choice {
  readonly value: string
  readonly label?: string
  readonly note?: string
}

export type Query = Readonly<Record<string, string>>
export type ListName = keyof typeof readers

const show = (connection: Connection, what: string, context: WriteContext) =>
  connection.run({ sql: `SHOW ${what}`, what: `List of ${what.split(' ')[0]?.toLowerCase()}` }, context)

/** Names as they are typed: in quotes where that is needed. */
const names = (rows: readonly ResultRow[], note?: (row: ResultRow) => string): readonly Choice[] =>
  rows
    .map((row) => ({ value: typed(String(row.name)), ...(note ? { note: note(row) } : {}) }))
    .filter(({ value }) => value !== 'INFORMATION_SCHEMA')
    .sort((a, b) => (a.value < b.value ? -1 : 1))

const readers = {
  async warehouses(connection: Connection, _query: Query, context: WriteContext): Promise<readonly Choice[]> {
    return names(await show(connection, 'WAREHOUSES', context), warehouseNote)
  },

  async databases(connection: Connection, _query: Query, context: WriteContext): Promise<readonly Choice[]> {
    return names(await show(connection, 'DATABASES', context))
  },

  async schemas(connection: Connection, { database = '' }: Query, context: WriteContext): Promise<readonly Choice[]> {
    return names(await show(connection, `SCHEMAS IN DATABASE ${quote(stored(database))}`, context))
  },

  /** Named stages of a schema, besides that of the user. */
  async stages(
    connection: Connection,
    { database = '', schema = '' }: Query,
    context: WriteContext,
  ): Promise<readonly Choice[]> {
    const place = `${quote(stored(database))}.${quote(stored(schema))}`
    const found = names(await show(connection, `STAGES IN SCHEMA ${place}`, context))
    return [{ value: '@~' }, ...found.map(({ value }) => ({ value: `${database}.${schema}.${value}`, label: value }))]
  },

  /** Columns of an entity's table as they are now, with their types. */
  async columns(
    connection: Connection,
    { database = '', schema = '', pattern = '', entity = '' }: Query,
    context: WriteContext,
  ): Promise<readonly Choice[]> {
    const columns = await describe(connection, tableName(pattern, { database, schema, entity }), context)
    return (columns ?? []).map(({ name, declared, nullable }) => ({
      value: name,
      note: `${declared}${nullable ? '' : ' not null'}`,
    }))
  },

  /** What a schedule costs, one sentence for each entry; with the warehouse's own size and AUTO_SUSPEND where they can be seen. */
  async cost(
    connection: Connection,
    { minutes = '', rows = '', entities = '', tables = '' }: Query,
    context: WriteContext,
  ): Promise<readonly Choice[]> {
    const wanted = stored(connection.options.warehouse)
    const seen = await show(connection, 'WAREHOUSES', context).catch(() => [])
    const warehouse = seen.find((row) => String(row.name) === wanted)
    const suspend = warehouse?.auto_suspend
    return costLines({
      everyMinutes: Number(minutes) || 0,
      rows: Number(rows) || 0,
      entities: Number(entities) || 1,
      tables: Number(tables) || 1,
      autoSuspendSeconds: warehouse ? Number(suspend ?? 0) || 0 : undefined,
      size: warehouse ? String(warehouse.size ?? '') || undefined : undefined,
    }).map((value) => ({ value }))
  },
}

const warehouseNote = (row: ResultRow): string =>
  [row.size, row.state]
    .filter((part) => part !== null && part !== undefined && part !== '')
    .map(String)
    .join(', ')
    .toLowerCase()

export const listNames = Object.keys(readers) as readonly ListName[]

export function readList(
  connection: Connection,
  name: ListName,
  query: Query,
  signal: AbortSignal,
): Promise<readonly Choice[]> {
  return readers[name](connection, query, { signal, waiting: () => undefined })
}
