import {
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
  type Json,
} from '@duckdb/node-api'
import type { AcceptedPost, Dataset, Table, Value } from './api.ts'
import { dataType, STORED } from './values.ts'

/** The rows of one POST, a list of values by column of the table. */
export interface NewRows {
  readonly post: Omit<AcceptedPost, 'number'>
  readonly columns: ReadonlyMap<string, readonly DuckDBValue[]>
}

/** Columns to read; with `sums` rows that are alike in them once, and behind the columns how many they are and these sums over them. */
export interface Asked {
  readonly columns: readonly string[]
  /** SQL of sums. */
  readonly sums?: readonly string[] | undefined
}

/** What is kept: datasets, every accepted row, and which rows a table holds now. */
export interface Store {
  datasets(): Promise<Dataset[]>
  posts(): Promise<AcceptedPost[]>
  save(dataset: Dataset): Promise<void>
  remove(dataset: string): Promise<void>
  /** Brings a table's columns to what the dataset says now. */
  define(dataset: string, table: Table): Promise<void>
  append(rows: NewRows): Promise<void>
  /** Takes all rows out of a table, or all but the newest. */
  clear(dataset: string, table: string, at: number, keep?: number): Promise<void>
  count(dataset: string, table: string): Promise<number>
  /** What a table holds now and what is visible at a time: part by part the values of each column, in the order asked for. */
  read(dataset: string, table: string, asked: Asked, visibleAt: number): AsyncGenerator<DuckDBValue[][]>
  query(sql: string): AsyncGenerator<Value[][]>
  close(): Promise<void>
}

const CHUNK = 2048
const OWN = [
  ['__post', 'BIGINT'],
  ['__row', 'INTEGER'],
  ['__visible', 'BIGINT'],
  ['__gone', 'BIGINT'],
] as const

const TABLES = [
  'CREATE TABLE IF NOT EXISTS datasets (id VARCHAR, workspace VARCHAR, name VARCHAR, created_at BIGINT, deleted BOOLEAN, definition VARCHAR)',
  'CREATE TABLE IF NOT EXISTS posts (number BIGINT, posted_at BIGINT, dataset VARCHAR, table_name VARCHAR, row_count INTEGER, bytes BIGINT, visible_at BIGINT)',
]

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
const logOf = (dataset: string, table: string): string => `${quoted(dataset)}.${quoted(`${table} (log)`)}`
const storedType = (spelling: string): string => STORED[dataType(spelling) ?? 'String']

/** Opens the store: in `file`, or in memory. */
export async function openStore(file: string | undefined): Promise<Store> {
  const instance = await DuckDBInstance.create(file ?? ':memory:')
  const writer = await instance.connect()
  // In memory there is nothing to write back; a checkpoint would only stall a request.
  if (!file) await writer.run(`SET GLOBAL checkpoint_threshold = '64GB'`)
  for (const sql of TABLES) await writer.run(sql)
  let posts = Number((await scalar(writer, 'SELECT coalesce(max(number), 0) FROM posts')) ?? 0)
  let last: Promise<unknown> = Promise.resolve()
  const layouts = createLayouts(writer)

  /** One change after the other: all of it is there afterwards, or nothing. */
  function change<T>(action: () => Promise<T>): Promise<T> {
    const done = last.then(async () => {
      await writer.run('BEGIN TRANSACTION')
      try {
        const result = await action()
        await writer.run('COMMIT')
        return result
      } catch (error) {
        await writer.run('ROLLBACK').catch(() => undefined)
        throw error
      }
    })
    last = done.catch(() => undefined)
    return done
  }

  async function* stream<T>(sql: string, read: (result: StreamResult) => AsyncIterable<T>): AsyncGenerator<T> {
    const connection = await instance.connect()
    try {
      yield* read(await connection.stream(sql))
    } finally {
      connection.closeSync()
    }
  }

  return {
    async datasets() {
      const reader = await writer.runAndReadAll('SELECT definition FROM datasets WHERE NOT deleted ORDER BY created_at')
      return reader.getRowsJson().map(([definition]) => JSON.parse(String(definition)) as Dataset)
    },

    async posts() {
      await last
      const reader = await writer.runAndReadAll('SELECT * FROM posts ORDER BY number')
      return reader.getRowsJson().map(([number, at, dataset, table, rows, bytes, visibleAt]) => ({
        ...{ number: Number(number), at: Number(at), dataset: String(dataset), table: String(table) },
        ...{ rows: Number(rows), bytes: Number(bytes), visibleAt: Number(visibleAt) },
      }))
    },

    save: (dataset) =>
      change(async () => {
        const { id, workspace, name, createdAt } = dataset
        const cells = [
          literal(id),
          literal(workspace),
          literal(name),
          createdAt,
          'false',
          literal(JSON.stringify(dataset)),
        ]
        await writer.run(`DELETE FROM datasets WHERE id = ${literal(id)}`)
        await writer.run(`INSERT INTO datasets VALUES (${cells.join(', ')})`)
      }),

    remove: (id) =>
      change(async () => void (await writer.run(`UPDATE datasets SET deleted = true WHERE id = ${literal(id)}`))),

    define: (dataset, table) => change(() => defineTable(writer, layouts, dataset, table)),

    append: (rows) =>
      change(async () => {
        await appendRows(writer, await layouts.of(rows.post.dataset, rows.post.table), posts + 1, rows)
        posts += 1
      }),

    clear: (dataset, table, at, keep) =>
      change(async () => {
        const log = logOf(dataset, table)
        const kept =
          keep === undefined
            ? ''
            : ` AND rowid NOT IN (SELECT rowid FROM ${log} WHERE __gone IS NULL ORDER BY __post DESC, __row DESC LIMIT ${keep})`
        await writer.run(`UPDATE ${log} SET __gone = ${at} WHERE __gone IS NULL${kept}`)
      }),

    count: async (dataset, table) =>
      Number(await scalar(writer, `SELECT count(*) FROM ${logOf(dataset, table)} WHERE __gone IS NULL`)),

    read: (dataset, table, { columns, sums }, visibleAt) => {
      const names = columns.map(quoted)
      const found = `FROM ${logOf(dataset, table)} WHERE __gone IS NULL AND __visible <= ${Math.floor(visibleAt)}`
      const sql = sums
        ? `SELECT ${[...names, 'count(*)', ...sums].join(', ')} ${found} GROUP BY ALL HAVING count(*) > 0 ORDER BY min(rowid)`
        : `SELECT ${names.join(', ') || '__row'} ${found}`
      return stream(sql, columnsOf)
    },

    async *query(sql) {
      for await (const rows of stream(sql, (result) => result.yieldRowsJson())) yield rows.map((row) => row.map(cell))
    },

    async close() {
      await last
      writer.closeSync()
      instance.closeSync()
    },
  }
}

/** Columns of each log as they lie in the file, which need not be the order of the definition. */
interface Layouts {
  of(dataset: string, table: string): Promise<string[]>
  forget(log: string): void
}

function createLayouts(writer: DuckDBConnection): Layouts {
  const layouts = new Map<string, string[]>()
  return {
    async of(dataset, table) {
      const log = `${table} (log)`
      const known = layouts.get(logOf(dataset, table))
      if (known) return known
      const reader = await writer.runAndReadAll(
        `SELECT column_name FROM duckdb_columns() WHERE schema_name = ${literal(dataset)} AND table_name = ${literal(log)} ORDER BY column_index`,
      )
      const names = reader.getRowsJson().map(([name]) => String(name))
      layouts.set(logOf(dataset, table), names)
      return names
    },
    forget: (log) => void layouts.delete(log),
  }
}

async function defineTable(writer: DuckDBConnection, layouts: Layouts, dataset: string, table: Table): Promise<void> {
  const log = logOf(dataset, table.name)
  await writer.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(dataset)}`)
  await writer.run(`CREATE TABLE IF NOT EXISTS ${log} (${OWN.map((column) => column.join(' ')).join(', ')})`)
  layouts.forget(log)
  const there = new Set(await layouts.of(dataset, table.name))
  layouts.forget(log)
  const wanted = new Map(table.columns.map((column) => [column.name, column]))
  await writer.run(`DROP VIEW IF EXISTS ${quoted(dataset)}.${quoted(table.name)}`)
  for (const name of there) {
    if (!wanted.has(name) && !OWN.some(([own]) => own === name)) {
      await writer.run(`ALTER TABLE ${log} DROP COLUMN ${quoted(name)}`)
    }
  }
  for (const { name, dataType: spelling } of table.columns) {
    if (!there.has(name)) await writer.run(`ALTER TABLE ${log} ADD COLUMN ${quoted(name)} ${storedType(spelling)}`)
  }
  const names = table.columns.map(({ name }) => quoted(name)).join(', ')
  await writer.run(
    `CREATE VIEW ${quoted(dataset)}.${quoted(table.name)} AS SELECT ${names} FROM ${log} WHERE __gone IS NULL`,
  )
}

async function appendRows(
  writer: DuckDBConnection,
  layout: readonly string[],
  number: number,
  { post, columns }: NewRows,
): Promise<void> {
  const { at, dataset, table, rows, bytes, visibleAt } = post
  const names = layout.slice(OWN.length)
  const appender = await writer.createAppender(`${table} (log)`, dataset)
  const types: DuckDBType[] = Array.from({ length: appender.columnCount }, (_, index) => appender.columnType(index))
  for (let from = 0; from < rows; from += CHUNK) {
    const length = Math.min(CHUNK, rows - from)
    const chunk = DuckDBDataChunk.create(types, length)
    chunk.setColumns([
      Array<bigint>(length).fill(BigInt(number)),
      Array.from({ length }, (_, index) => from + index),
      Array<bigint>(length).fill(BigInt(visibleAt)),
      Array<null>(length).fill(null),
      ...names.map((name) => columns.get(name)?.slice(from, from + length) ?? Array<null>(length).fill(null)),
    ])
    appender.appendDataChunk(chunk)
  }
  appender.flushSync()
  appender.closeSync()
  const cells = [number, at, literal(dataset), literal(table), rows, bytes, visibleAt]
  await writer.run(`INSERT INTO posts VALUES (${cells.join(', ')})`)
}

type StreamResult = Awaited<ReturnType<DuckDBConnection['stream']>>

/** Values column by column: read row by row they cost several times as much. */
async function* columnsOf(result: StreamResult): AsyncGenerator<DuckDBValue[][]> {
  for await (const chunk of result) yield chunk.getColumns()
}

async function scalar(connection: DuckDBConnection, sql: string): Promise<Json | undefined> {
  return (await connection.runAndReadAll(sql)).getRowsJson()[0]?.[0]
}

function cell(value: Json): Value {
  return value === null || typeof value !== 'object' ? value : JSON.stringify(value)
}
