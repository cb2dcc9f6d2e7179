/** DuckDB as a further SQL warehouse, in this process: what a client has to say of itself, and no more. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { type ErrorClass, isSyncError, syncError } from '../../../sync/contract/errors.ts'
import type { Column, ColumnType } from '../../../sync/contract/message.ts'
import type { FoundColumn, SqlDialect, Statement, TableName, WantedTable } from '../../../vendor/warehouse/dialect.ts'
import type { StoredRow } from '../../../vendor/warehouse/technical-columns.ts'

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const plain = ({ catalog, schema, table }: TableName): string => `${catalog}.${schema}.${table}`
export const quoteTable = ({ catalog, schema, table }: TableName): string =>
  [catalog, schema, table].map(quote).join('.')

const TYPES: Readonly<Record<string, string>> = {
  integer: 'BIGINT',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
}
export const sqlType = (type: ColumnType): string =>
  type.startsWith('decimal') ? type.toUpperCase() : (TYPES[type] ?? 'VARCHAR')
export const cast = (text: string, type: ColumnType): string =>
  sqlType(type) === 'VARCHAR' ? text : `CAST(${text} AS ${sqlType(type)})`

function holds({ type: found }: FoundColumn, type: ColumnType): boolean {
  const wanted = /^decimal\((\d+),(\d+)\)$/.exec(type)
  if (!wanted || found.kind !== 'DECIMAL') return found.kind === 'VARCHAR' || found.kind === sqlType(type)
  const scale = Number(wanted[2])
  return found.scale >= scale && found.precision - found.scale >= Number(wanted[1]) - scale
}

const definition = ({ name, type }: Column): string => `${quote(name)} ${sqlType(type)}`
const createTable = ({ name, columns, key }: WantedTable): string =>
  `CREATE TABLE IF NOT EXISTS ${quoteTable(name)} (${columns.map((column) => `${definition(column)}${key.includes(column.name) ? ' NOT NULL' : ''}`).join(', ')})`
const addColumn = (name: TableName, column: Column): string =>
  `ALTER TABLE ${quoteTable(name)} ADD COLUMN IF NOT EXISTS ${definition(column)}`

/** What DuckDB says, as an error of ours. */
function failure(error: unknown, what: string): unknown {
  if (isSyncError(error)) return error
  const text = String((error as Error).message)
  const [code, cls] = ((
    [
      [/^Catalog Error: Table .* does not exist/, 'missing', 'config'],
      [/^Binder Error:.* column/is, 'column', 'config'],
      [/^(Conversion|Constraint|Out of Range) Error/, 'value', 'data'],
      [/^TransactionContext Error/, 'conflict', 'transient'],
    ] as const satisfies readonly (readonly [RegExp, string, ErrorClass])[]
  )
    .find(([said]) => said.test(text))
    ?.slice(1) as [string, ErrorClass] | undefined) ?? ['sql', 'config']
  return syncError(cls, `further.${code}`, `${what}: ${text}`)
}

/** A database, and who may not write into which of its tables. */
export interface Further {
  readonly dialect: SqlDialect
  readonly refused: Set<string>
  rows(sql: string): Promise<(string | null)[][]>
  close(): void
}

export async function openFurther(): Promise<Further> {
  const instance = await DuckDBInstance.create(':memory:')
  const idle: DuckDBConnection[] = []
  const refused = new Set<string>()
  let sent = 0

  async function send(
    connection: DuckDBConnection,
    { sql, values = [], what }: Statement,
  ): Promise<readonly StoredRow[]> {
    sent += 1
    try {
      for (const table of refused)
        if (sql.startsWith(`MERGE INTO ${table} `))
          throw syncError('config', 'further.right', `MODIFY on ${table} is missing`)
      const reader = await connection.runAndReadAll(
        sql,
        values.map(([, value]) => value),
      )
      return reader.getRowObjects() as readonly StoredRow[]
    } catch (error) {
      throw failure(error, what)
    }
  }
  async function inSession<T>(task: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = idle.pop() ?? (await instance.connect())
    try {
      return await task(connection)
    } finally {
      idle.push(connection)
    }
  }
  const run: SqlDialect['run'] = (statement) => inSession((connection) => send(connection, statement))

  const dialect: SqlDialect = {
    vendor: 'DuckDB',
    code: 'further',
    address: 'further://memory',
    anyCase: true,
    manyAtOnce: true,
    cheapMisses: true,
    transaction: { begin: 'BEGIN TRANSACTION', commit: 'COMMIT', rollback: 'ROLLBACK', isLost: () => false },
    quote,
    plain,
    newName: (name) => name,
    alias: quote,
    textType: 'VARCHAR',
    decimalType: 'DECIMAL',
    parameter: (_name, place) => `$${place}`,
    qualifiedSet: false,
    cast,
    fromHex: (text) => `TRY_CAST('0x' || ${text} AS BIGINT)`,
    statements: () => sent,
    run,
    session: (_what, _tags, task, context) =>
      inSession((connection) =>
        task({ context, run: (statement) => send(connection, statement), discard: () => undefined }),
      ),
    columns: async (names, context) => {
      const sql = `SELECT table_catalog, table_schema, table_name, column_name, data_type FROM information_schema.columns WHERE table_name IN (${names.map((_, i) => `$${i + 1}`).join(', ')}) ORDER BY ordinal_position`
      const values = names.map(({ table }, i) => [`t${i}`, table] as const)
      const rows = await run({ sql, values, what: `Columns of ${names.map(plain).join(', ')}`, kind: 'read' }, context)
      const found = Map.groupBy(rows, (row) => `${row.table_catalog}.${row.table_schema}.${row.table_name}`)
      return names.map((name) => found.get(plain(name))?.map(foundColumn))
    },
    async create(wanted, context) {
      await run({ sql: createTable(wanted), what: `CREATE TABLE ${plain(wanted.name)}`, kind: 'write' }, context)
      return true
    },
    async addColumns(name, columns, context) {
      for (const column of columns)
        await run({ sql: addColumn(name, column), what: `ALTER TABLE ${plain(name)}`, kind: 'write' }, context)
    },
    addColumnsText: (name, columns) => columns.map((column) => addColumn(name, column)).join('; '),
    holds,
    sqlType,
    widen: (table, { name }, type) => `ALTER TABLE ${plain(table)} ALTER ${quote(name)} TYPE ${type}`,
    collated: async ({ name }) =>
      syncError('config', 'further.collation', `${plain(name)} has a key with a collation.`),
    isMissing: (error) => isSyncError(error) && error.code === 'further.missing',
    lacksColumn: (error) => isSyncError(error) && error.code === 'further.column',
  }
  return {
    dialect,
    refused,
    async rows(sql) {
      const found = await inSession((connection) => connection.runAndReadAll(sql))
      return found.getRows() as (string | null)[][]
    },
    close: () => {
      for (const connection of idle) connection.closeSync()
      instance.closeSync()
    },
  }
}

function foundColumn({ column_name, data_type }: StoredRow): FoundColumn {
  const declared = String(data_type)
  const [, kind = '', precision = '38', scale = '0'] = /^(\w+)(?:\((\d+),(\d+)\))?/.exec(declared) ?? []
  const type = {
    kind,
    precision: Number(precision),
    scale: Number(scale),
    length: Number.MAX_SAFE_INTEGER,
    collation: '',
  }
  return { name: String(column_name), declared, type, nullable: true, comment: '' }
}
