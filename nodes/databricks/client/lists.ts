/** Pick lists of the dialogs, read from the live workspace. */
import { z } from 'zod'
import type { WriteContext } from '../../../sync/contract/target.ts'
import type { Connection } from './connection.ts'
import { createDialect } from './dialect.ts'
import { quote, tableName } from './sql.ts'

export interface Choice {
  readonly value: string
  readonly label?: string
  readonly note?: string
}

export type Query = Readonly<Record<string, string>>
export type ListName = keyof typeof readers

const warehouses = z.object({
  warehouses: z
    .array(
      z.object({
        id: z.string(),
        name: z.string().optional(),
        state: z.string().optional(),
        odbc_params: z.object({ path: z.string().optional() }).optional(),
      }),
    )
    .default([]),
})

const readers = {
  /** SQL warehouses by their HTTP path; needs no warehouse. */
  async warehouses(connection: Connection, _query: Query, context: WriteContext): Promise<readonly Choice[]> {
    const reply = await connection.rest(
      { method: 'GET', path: '/api/2.0/sql/warehouses', what: 'List of warehouses' },
      context,
    )
    return warehouses.parse(JSON.parse(reply.text)).warehouses.map(({ id, name, state, odbc_params: odbc }) => ({
      value: odbc?.path ?? `/sql/1.0/warehouses/${id}`,
      label: name ?? id,
      ...(state ? { note: state.toLowerCase() } : {}),
    }))
  },

  async catalogs(connection: Connection, _query: Query, context: WriteContext): Promise<readonly Choice[]> {
    const rows = await connection.run({ sql: 'SHOW CATALOGS', what: 'List of catalogs', kind: 'read' }, context)
    return names(rows, 'catalog').filter(({ value }) => value !== 'system')
  },

  async schemas(connection: Connection, { catalog = '' }: Query, context: WriteContext): Promise<readonly Choice[]> {
    const rows = await connection.run(
      { sql: `SHOW SCHEMAS IN ${quote(catalog)}`, what: `List of schemas in ${catalog}`, kind: 'read' },
      context,
    )
    return names(rows, 'databaseName').filter(({ value }) => value !== 'information_schema')
  },

  /** Volumes of a schema, as `catalog.schema.volume`. */
  async volumes(
    connection: Connection,
    { catalog = '', schema = '' }: Query,
    context: WriteContext,
  ): Promise<readonly Choice[]> {
    const rows = await connection.run(
      {
        sql: `SHOW VOLUMES IN ${quote(catalog)}.${quote(schema)}`,
        what: `List of volumes in ${catalog}.${schema}`,
        kind: 'read',
      },
      context,
    )
    return names(rows, 'volume_name').map(({ value }) => ({ value: `${catalog}.${schema}.${value}`, label: value }))
  },

  /** Columns of an entity's table as they are now, with their types. */
  async columns(
    connection: Connection,
    { catalog = '', schema = '', pattern = '', entity = '' }: Query,
    context: WriteContext,
  ): Promise<readonly Choice[]> {
    const table = tableName(pattern, { catalog, schema, entity })
    const [columns = []] = await createDialect(connection, 'string').columns([table], context)
    return columns.map(({ name, declared }) => ({ value: name, note: declared }))
  },
}

export const listNames = Object.keys(readers) as readonly ListName[]

export function readList(
  connection: Connection,
  name: ListName,
  query: Query,
  signal: AbortSignal,
): Promise<readonly Choice[]> {
  return readers[name](connection, query, { signal, waiting: () => undefined })
}

const names = (rows: readonly Readonly<Record<string, unknown>>[], column: string): readonly Choice[] =>
  rows
    .map((row) => ({ value: String(row[column] ?? Object.values(row)[0]) }))
    .sort((a, b) => (a.value < b.value ? -1 : 1))
