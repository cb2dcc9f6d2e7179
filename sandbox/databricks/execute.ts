import type { DuckDBInstance, DuckDBResultReader } from '@duckdb/node-api'
import { run, type Work } from '../sql/engine.ts'
import { literal, quote } from '../sql/reader.ts'
import { beginChange, type Change, type Commits } from './commits.ts'
import { type CopiesUnderWay, runCopy } from './copy.ts'
import { runDefinition } from './define.ts'
import { catalogNotFound, fromEngine, SqlError, schemaNotFound, type TableName, tableNotFound } from './errors.ts'
import { resolveFiles } from './files-sql.ts'
import { runMerge } from './merge.ts'
import type { Rights } from './rights.ts'
import { engineName, LAKE, OWN, type Parameter, type Scope } from './sql/cursor.ts'
import { parseStatement, type Statement } from './sql/statement.ts'
import { atomically, columnsOf, hasSchema, hasTable } from './store.ts'
import type { Volumes } from './volumes.ts'

/** Rows by column. Types are the engine's; decimals, bigints and times are text, so that no digit is lost. */
export interface Rows {
  names: string[]
  types: string[]
  columns: unknown[][]
}

export interface Outcome {
  rows: Rows
  /** Rows that a DML statement touched. */
  modified?: number
}

/** What one session sees; USE changes it. */
export interface Session {
  catalog: string
  schema: string
  user: string
}

/** The warehouse behind all sessions. */
export interface Warehouse {
  catalog: string
  instance: DuckDBInstance
  /** Whether the runtime knows collations. */
  collations: boolean
  volumes: Volumes
  rights: Rights
  copies: CopiesUnderWay
  commits: Commits
  /** Definitions run one after the other: concurrent ones would conflict in the engine, not in Databricks. */
  definitions: { last: Promise<unknown> }
}

export interface Request {
  sql: string
  session: Session
  parameters?: ReadonlyMap<string, Parameter>
  signal?: AbortSignal
}

/** Session settings that a SQL warehouse takes; anything else is refused. */
const SETTINGS = new Set([
  'ansi_mode',
  'legacy_time_parser_policy',
  'max_file_partition_bytes',
  'statement_timeout',
  'timezone',
  'use_cached_result',
  'query_tags',
  // how the Python connector wants its results
  'spark.thriftserver.arrowbasedrowset.timestampasstring',
])

function newScope(warehouse: Warehouse, session: Session, parameters: ReadonlyMap<string, Parameter>): Scope {
  const { catalog, collations } = warehouse
  const { user } = session
  return {
    catalog,
    session,
    user,
    collations,
    parameters,
    bound: new Map(),
    uses: [],
    files: [],
    ctes: new Map(),
    reads: [],
    nested: [],
  }
}

/** Rows of a query, a chunk at a time, for readers that want more rows than fit into memory. */
export async function* streamRows(warehouse: Warehouse, { sql, session }: Request): AsyncGenerator<Rows> {
  const scope = newScope(warehouse, session, new Map())
  const statement = parseStatement(sql, scope)
  if (statement.kind !== 'query') throw new SqlError('PARSE_SYNTAX_ERROR', '42601', 'Only a query can be streamed.')
  const connection = await warehouse.instance.connect()
  try {
    await checkTables({ connection, bound: scope.bound }, scope)
    const result = await connection.stream(statement.sql)
    const names = result.columnNames()
    const types = result.columnTypes().map(String)
    for await (const rows of result.yieldRowsJson()) {
      yield { names, types, columns: names.map((_, index) => rows.map((row) => row[index])) }
    }
  } catch (error) {
    throw fromEngine(error)
  } finally {
    connection.closeSync()
  }
}

/** Runs one statement of Databricks' SQL. Every failure is a SqlError; what failed has left nothing behind. */
export async function execute(warehouse: Warehouse, request: Request): Promise<Outcome> {
  const { sql, session, parameters = new Map<string, Parameter>(), signal } = request
  const scope = newScope(warehouse, session, parameters)
  const statement = parseStatement(sql, scope)
  const change = beginChange(warehouse.commits)
  for (const { table, privilege } of scope.uses) warehouse.rights.check(privilege, table)
  const connection = await warehouse.instance.connect()
  const stop = () => connection.interrupt()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const work: Work = { connection, bound: scope.bound, signal }
    await checkTables(work, scope)
    return await perform(warehouse, work, statement, scope, change)
  } catch (error) {
    throw fromEngine(error)
  } finally {
    signal?.removeEventListener('abort', stop)
    connection.closeSync()
  }
}

async function checkTables(work: Work, scope: Scope): Promise<void> {
  for (const { table, privilege } of scope.uses) {
    const isRead = privilege === 'SELECT' || privilege === 'MODIFY'
    if (isRead && !(await hasTable(work, table))) {
      if (!(await hasSchema(work, table.schema))) throw schemaNotFound(table.catalog, table.schema)
      throw tableNotFound(table)
    }
  }
}

async function perform(
  warehouse: Warehouse,
  work: Work,
  statement: Statement,
  scope: Scope,
  change: Change,
): Promise<Outcome> {
  const { volumes } = warehouse
  const resolve = (sql: string) => resolveFiles(work, sql, scope, volumes)
  switch (statement.kind) {
    case 'query':
      return { rows: rowsOf(await run(work, await resolve(statement.sql))) }
    case 'show':
      if (!(await hasSchema(work, statement.schema))) throw schemaNotFound(warehouse.catalog, statement.schema)
      return { rows: rowsOf(await run(work, statement.sql)) }
    case 'describe':
      return { rows: statement.detail ? await detail(work, statement.table) : await description(work, statement.table) }
    case 'merge': {
      const counts = await runMerge(work, statement, await resolve(statement.source), change)
      const affected = counts.updated + counts.deleted + counts.inserted
      return counted({
        num_affected_rows: affected,
        num_updated_rows: counts.updated,
        num_deleted_rows: counts.deleted,
        num_inserted_rows: counts.inserted,
      })
    }
    case 'copy': {
      const inserted = await runCopy(work, statement, scope, volumes, warehouse.copies)
      return counted({ num_affected_rows: inserted, num_inserted_rows: inserted, num_skipped_corrupt_files: 0 })
    }
    case 'insert': {
      const columns = statement.columns ? ` (${statement.columns.map(quote).join(', ')})` : ''
      const byName = statement.byName ? ' BY NAME' : ''
      const sql = `INSERT INTO ${engineName(statement.table)}${columns}${byName} ${await resolve(statement.query)}`
      const write = () => run(work, sql)
      // A plain append conflicts with nothing; one that reads its own target is a change like any other.
      const { rowsChanged } = await (reads(scope, statement.table)
        ? change(work, statement.table, write, (result) => result.rowsChanged)
        : atomically(work, write))
      return counted({ num_affected_rows: rowsChanged, num_inserted_rows: rowsChanged })
    }
    case 'update':
    case 'delete':
    case 'truncate': {
      const { table, sql } = statement
      const { rowsChanged } = await change(
        work,
        table,
        () => run(work, sql),
        (result) => result.rowsChanged,
      )
      return statement.kind === 'truncate' ? nothing() : counted({ num_affected_rows: rowsChanged })
    }
    case 'use':
      return await use(work, warehouse, statement, scope)
    case 'set':
      checkSetting(statement.name)
      return {
        rows: {
          names: ['key', 'value'],
          types: ['VARCHAR', 'VARCHAR'],
          columns: [[statement.name], [statement.value]],
        },
      }
    default: {
      const turn = warehouse.definitions.last.catch(() => undefined).then(() => runDefinition(work, statement, volumes))
      warehouse.definitions.last = turn
      await turn
      return nothing()
    }
  }
}

function reads({ uses }: Scope, { schema, name }: TableName): boolean {
  return uses.some((use) => use.privilege === 'SELECT' && use.table.schema === schema && use.table.name === name)
}

async function use(
  work: Work,
  warehouse: Warehouse,
  to: { catalog?: string; schema?: string },
  scope: Scope,
): Promise<Outcome> {
  if (to.catalog !== undefined && to.catalog !== warehouse.catalog) throw catalogNotFound(to.catalog)
  if (to.schema !== undefined && !(await hasSchema(work, to.schema))) throw schemaNotFound(warehouse.catalog, to.schema)
  scope.session.schema = to.schema ?? 'default'
  return nothing()
}

export function checkSetting(name: string): void {
  if (SETTINGS.has(name.toLowerCase())) return
  throw new SqlError('CONFIG_NOT_AVAILABLE', '42K0I', `Configuration ${name} is not available.`)
}

/** What a statement without rows answers: one column, no rows. Without a column the driver would fetch for ever. */
function nothing(): Outcome {
  return { rows: { names: ['Result'], types: ['VARCHAR'], columns: [[]] } }
}

function counted(counts: Record<string, number>): Outcome {
  const names = Object.keys(counts)
  const columns = Object.values(counts).map((count) => [String(count)])
  return { rows: { names, types: names.map(() => 'BIGINT'), columns }, modified: counts.num_affected_rows ?? 0 }
}

export function rowsOf(reader: DuckDBResultReader): Rows {
  return { names: reader.columnNames(), types: reader.columnTypes().map(String), columns: reader.getColumnsJson() }
}

async function description(work: Work, table: TableName): Promise<Rows> {
  const columns = await columnsOf(work, table)
  const rows = columns.map(({ name, type, comment }): (string | null)[] => [name, type, comment])
  const clustering = await run(
    work,
    `SELECT unnest(cluster_by) FROM ${LAKE}.${OWN}.tables WHERE schema = ${literal(table.schema)} AND name = ${literal(table.name)}`,
  )
  const clustered = clustering
    .getRowsJson()
    .map(([name]) => rows.find(([column]) => column === name) ?? [String(name), '', null])
  if (clustered.length > 0)
    rows.push(['# Clustering Information', '', ''], ['# col_name', 'data_type', 'comment'], ...clustered)
  return textRows(['col_name', 'data_type', 'comment'], rows)
}

async function detail(work: Work, table: TableName): Promise<Rows> {
  const reader = await run(
    work,
    `SELECT 'delta' AS format, id, ${literal(`${table.catalog}.${table.schema}.${table.name}`)} AS name, comment AS description, created AS "createdAt", created AS "lastModified", []::VARCHAR[] AS "partitionColumns", cluster_by AS "clusteringColumns", properties FROM ${LAKE}.${OWN}.tables WHERE schema = ${literal(table.schema)} AND name = ${literal(table.name)}`,
  )
  return rowsOf(reader)
}

function textRows(names: string[], rows: readonly (readonly (string | null)[])[]): Rows {
  return {
    names,
    types: names.map(() => 'VARCHAR'),
    columns: names.map((_, index) => rows.map((row) => row[index] ?? null)),
  }
}
