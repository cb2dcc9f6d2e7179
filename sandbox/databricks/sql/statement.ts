import {
  accept,
  bracketed,
  choice,
  end,
  expect,
  fail,
  isNext,
  list,
  literal,
  peek,
  quote,
  take,
  text,
} from '../../sql/reader.ts'
import { catalogNotFound, SqlError, type TableName } from '../errors.ts'
import {
  type Cursor,
  cursor,
  engineName,
  type FileSource,
  identifier,
  nameParts,
  optionList,
  type Scope,
  schemaName,
  tableName,
  use,
} from './cursor.ts'
import { type Definition, parseDefinition } from './ddl.ts'
import { expression } from './expression.ts'
import { alias, files, parseQuery, parseWith, source } from './query.ts'

/** What a MERGE does with a row; conditions and values are in the engine's SQL. `all` stands for `*`. */
export interface MergeClause {
  on: 'MATCHED' | 'NOT MATCHED' | 'NOT MATCHED BY SOURCE'
  condition: string | undefined
  act: 'DELETE' | 'UPDATE' | 'INSERT'
  set: 'all' | { column: string; value: string }[]
}

export interface Merge {
  kind: 'merge'
  table: TableName
  alias: string
  source: string
  sourceAlias: string
  condition: string
  clauses: MergeClause[]
}

export interface Copy {
  kind: 'copy'
  table: TableName
  /** The SELECT over the files in the engine's SQL. */
  select: string
  source: FileSource
  files: string[] | undefined
  pattern: string | undefined
  copyOptions: Record<string, string>
}

export type Statement =
  | Definition
  | Merge
  | Copy
  | { kind: 'query'; sql: string }
  | { kind: 'show'; schema: string; sql: string }
  | { kind: 'describe'; table: TableName; detail: boolean }
  | { kind: 'insert'; table: TableName; columns: string[] | undefined; byName: boolean; query: string }
  | { kind: 'update' | 'delete' | 'truncate'; table: TableName; sql: string }
  | { kind: 'use'; catalog?: string; schema?: string }
  | { kind: 'set'; name: string; value: string }

/** The kinds of statement that requests are counted and faults are played by. */
export type StatementKind = 'merge' | 'copy' | 'insert' | 'change' | 'ddl' | 'select'

const KINDS: Readonly<Record<string, StatementKind>> = {
  MERGE: 'merge',
  COPY: 'copy',
  INSERT: 'insert',
  UPDATE: 'change',
  DELETE: 'change',
  TRUNCATE: 'change',
  CREATE: 'ddl',
  DROP: 'ddl',
  ALTER: 'ddl',
  COMMENT: 'ddl',
}

/** The kind by the leading words alone, so that text that cannot be parsed has one too. */
export function statementKind(sql: string): StatementKind {
  const word = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? ''
  if (word === 'WITH' && /\)\s*MERGE\s/i.test(sql)) return 'merge'
  return KINDS[word] ?? 'select'
}

/** Reads one statement. Anything outside the grammar is a PARSE_SYNTAX_ERROR. */
export function parseStatement(sql: string, scope: Scope): Statement {
  const c = cursor(sql, scope, parseQuery)
  const statement = dispatch(c)
  end(c)
  return statement
}

function dispatch(c: Cursor): Statement {
  switch (peek(c).kind === 'word' ? peek(c).value : '') {
    case 'SELECT':
    case 'VALUES':
      return { kind: 'query', sql: parseQuery(c) }
    case 'WITH':
      return withStatement(c)
    case 'MERGE':
      return merge(c, '')
    case 'COPY':
      return copy(c)
    case 'INSERT':
      return insert(c)
    case 'UPDATE':
    case 'DELETE':
    case 'TRUNCATE':
      return change(c)
    case 'CREATE':
    case 'DROP':
    case 'ALTER':
    case 'COMMENT':
      return parseDefinition(c)
    case 'SHOW':
      return show(c)
    case 'DESCRIBE':
    case 'DESC':
      return describe(c)
    case 'USE':
      return useSession(c)
    case 'SET':
      return set(c)
  }
  if (isNext(c, '(')) return { kind: 'query', sql: parseQuery(c) }
  return fail(c)
}

function withStatement(c: Cursor): Statement {
  const start = c.at
  const ctes = parseWith(c)
  if (isNext(c, 'MERGE')) return merge(c, ctes)
  // A query: read again as a whole, since its WITH belongs to it.
  c.at = start
  c.scope.files.length = 0
  c.scope.uses.length = 0
  return { kind: 'query', sql: parseQuery(c) }
}

function merge(c: Cursor, ctes: string): Merge {
  expect(c, 'MERGE', 'INTO')
  const table = use(c, tableName(c), 'MODIFY')
  const given = alias(c) ?? table.name
  expect(c, 'USING')
  const from = source(c)
  const sourceAlias = alias(c) ?? from.name ?? 'source'
  expect(c, 'ON')
  const condition = expression(c)
  const clauses: MergeClause[] = []
  while (accept(c, 'WHEN')) clauses.push(mergeClause(c))
  if (clauses.length === 0) fail(c)
  refuseNestedTarget(c, table)
  const query = `${ctes}SELECT * FROM ${from.sql} AS ${quote(sourceAlias)}`
  return { kind: 'merge', table, alias: given, source: query, sourceAlias, condition, clauses }
}

/**
 * Delta Lake cannot read the table that a MERGE writes to within EXISTS, IN or a scalar subquery, if the source has to be
 * materialized (delta-io/delta issue 3099; seen with Spark 4.0.1 and Delta 4.0.0). Not known for Databricks' own runtime.
 */
function refuseNestedTarget({ scope }: Cursor, table: TableName): void {
  if (!scope.nested.some(({ schema, name }) => schema === table.schema && name === table.name)) return
  const { catalog, schema, name } = table
  throw new SqlError(
    'UNSUPPORTED_FEATURE.TABLE_OPERATION',
    '0A000',
    `Table does not support reads: ${catalog}.${schema}.${name}.`,
  )
}

function mergeClause(c: Cursor): MergeClause {
  let on: MergeClause['on'] = 'MATCHED'
  if (accept(c, 'NOT', 'MATCHED')) {
    on = choice(c, ['BY SOURCE', 'BY TARGET'], '') === 'BY SOURCE' ? 'NOT MATCHED BY SOURCE' : 'NOT MATCHED'
  } else expect(c, 'MATCHED')
  const condition = accept(c, 'AND') ? expression(c) : undefined
  expect(c, 'THEN')
  if (on === 'NOT MATCHED') {
    expect(c, 'INSERT')
    if (accept(c, '*')) return { on, condition, act: 'INSERT', set: 'all' }
    const columns = bracketed(c, columnPath)
    expect(c, 'VALUES')
    const values = bracketed(c, expression)
    if (values.length !== columns.length) fail(c)
    return {
      on,
      condition,
      act: 'INSERT',
      set: columns.map((column, index) => ({ column, value: values[index] ?? '' })),
    }
  }
  if (accept(c, 'DELETE')) return { on, condition, act: 'DELETE', set: [] }
  expect(c, 'UPDATE', 'SET')
  if (on === 'MATCHED' && accept(c, '*')) return { on, condition, act: 'UPDATE', set: 'all' }
  return { on, condition, act: 'UPDATE', set: list(c, assignment) }
}

/** `t.column` or `column`: the engine takes no qualifier here. */
function columnPath(c: Cursor): string {
  let column = identifier(c)
  while (accept(c, '.')) column = identifier(c)
  return column
}

function assignment(c: Cursor): { column: string; value: string } {
  const column = columnPath(c)
  expect(c, '=')
  return { column, value: expression(c) }
}

function copy(c: Cursor): Copy {
  expect(c, 'COPY', 'INTO')
  const table = use(c, tableName(c), 'MODIFY')
  expect(c, 'FROM')
  const options: Record<string, string> = {}
  c.scope.copyFormat = options
  let select: string
  if (accept(c, '(')) {
    select = parseQuery(c)
    expect(c, ')')
  } else select = `SELECT * FROM ${files(c, text(c), options)}`
  delete c.scope.copyFormat
  const from = c.scope.files.find((file) => file.options === options)
  expect(c, 'FILEFORMAT', '=')
  options.format = take(c).value.toLowerCase()
  const found: { files?: string[]; pattern?: string; copyOptions: Record<string, string> } = { copyOptions: {} }
  while (peek(c).kind !== 'end') {
    if (accept(c, 'FILES', '=')) found.files = bracketed(c, text)
    else if (accept(c, 'PATTERN', '=')) found.pattern = text(c)
    else if (accept(c, 'FORMAT_OPTIONS')) Object.assign(options, optionList(c))
    else if (accept(c, 'COPY_OPTIONS')) found.copyOptions = optionList(c)
    else fail(c)
  }
  if (!from || c.scope.files.length !== 1) return fail(c)
  return {
    kind: 'copy',
    table,
    select,
    source: from,
    files: found.files,
    pattern: found.pattern,
    copyOptions: found.copyOptions,
  }
}

function insert(c: Cursor): Statement {
  expect(c, 'INSERT', 'INTO')
  accept(c, 'TABLE')
  const table = use(c, tableName(c), 'MODIFY')
  const byName = accept(c, 'BY', 'NAME')
  const hasColumns = isNext(c, '(') && !isNext(c, '(', 'SELECT') && !isNext(c, '(', 'WITH')
  const columns = hasColumns ? bracketed(c, identifier) : undefined
  return { kind: 'insert', table, columns, byName, query: parseQuery(c) }
}

function change(c: Cursor): Statement {
  if (accept(c, 'TRUNCATE', 'TABLE')) {
    const table = use(c, tableName(c), 'MODIFY')
    return { kind: 'truncate', table, sql: `DELETE FROM ${engineName(table)}` }
  }
  const isUpdate = accept(c, 'UPDATE')
  if (!isUpdate) expect(c, 'DELETE', 'FROM')
  const table = use(c, tableName(c), 'MODIFY')
  const target = `${engineName(table)} AS ${quote(alias(c) ?? table.name)}`
  let sql = `DELETE FROM ${target}`
  if (isUpdate) {
    expect(c, 'SET')
    const set = list(c, assignment).map(({ column, value }) => `${quote(column)} = ${value}`)
    sql = `UPDATE ${target} SET ${set.join(', ')}`
  }
  if (accept(c, 'WHERE')) sql += ` WHERE ${expression(c)}`
  return { kind: isUpdate ? 'update' : 'delete', table, sql }
}

function show(c: Cursor): Statement {
  expect(c, 'SHOW')
  if (accept(c, 'CATALOGS')) {
    return { kind: 'query', sql: 'SELECT catalog_name AS "catalog" FROM memory.info.catalogs ORDER BY 1' }
  }
  if (accept(c, 'SCHEMAS') || accept(c, 'DATABASES')) {
    if (accept(c, 'IN') || accept(c, 'FROM')) {
      const catalog = nameParts(c).join('.')
      if (catalog !== c.scope.catalog) throw catalogNotFound(catalog)
    }
    const where = like(c, 'schema_name')
    return {
      kind: 'query',
      sql: `SELECT schema_name AS "databaseName" FROM memory.info.schemata WHERE ${where} ORDER BY 1`,
    }
  }
  const isTables = accept(c, 'TABLES')
  if (!isTables) expect(c, 'VOLUMES')
  const schema = accept(c, 'IN') || accept(c, 'FROM') ? schemaName(c) : c.scope.session.schema
  const inSchema = (column: string) =>
    `${column} = ${literal(schema)} AND ${like(c, isTables ? 'table_name' : 'volume_name')}`
  const sql = isTables
    ? `SELECT table_schema AS "database", table_name AS "tableName", false AS "isTemporary" FROM memory.info.tables WHERE ${inSchema('table_schema')} ORDER BY 2`
    : `SELECT volume_schema AS "database", volume_name FROM memory.info.volumes WHERE ${inSchema('volume_schema')} ORDER BY 2`
  return { kind: 'show', schema, sql }
}

function like(c: Cursor, column: string): string {
  if (!accept(c, 'LIKE') && peek(c).kind !== 'string') return 'true'
  return `${column} LIKE ${literal(text(c).replaceAll('*', '%').toLowerCase())}`
}

function describe(c: Cursor): Statement {
  c.at += 1
  if (accept(c, 'DETAIL')) return { kind: 'describe', table: use(c, tableName(c), 'SELECT'), detail: true }
  accept(c, 'TABLE')
  accept(c, 'EXTENDED')
  return { kind: 'describe', table: use(c, tableName(c), 'SELECT'), detail: false }
}

function useSession(c: Cursor): Statement {
  expect(c, 'USE')
  if (accept(c, 'CATALOG')) return { kind: 'use', catalog: nameParts(c)[0] ?? '' }
  if (!accept(c, 'SCHEMA')) accept(c, 'DATABASE')
  return { kind: 'use', schema: schemaName(c) }
}

function set(c: Cursor): Statement {
  expect(c, 'SET')
  let name = identifier(c)
  while (accept(c, '.')) name += `.${identifier(c)}`
  expect(c, '=')
  return { kind: 'set', name, value: take(c).value }
}
