import { accept, bracketed, expect, fail, isNext, list, peek, take, text } from '../../sql/reader.ts'
import { collationName } from '../collations.ts'
import { SqlError, type TableName, unresolved } from '../errors.ts'
import { type Cursor, identifier, nameParts, optionList, schemaName, tableName, use } from './cursor.ts'
import { parseType, type SqlType } from './types.ts'

export interface ColumnDefinition {
  name: string
  type: SqlType
  nullable: boolean
  comment: string | null
  /** Where COLLATE says one; else the default of table, schema or catalog holds. */
  collation: string | undefined
}

export interface CreateTable {
  kind: 'create-table'
  table: TableName
  replace: boolean
  ifNotExists: boolean
  columns: ColumnDefinition[]
  primaryKey: string[]
  clusterBy: string[]
  properties: Record<string, string>
  comment: string | null
  /** DEFAULT COLLATION. */
  collation: string | undefined
}

export type AlterAction =
  | { action: 'add'; columns: ColumnDefinition[] }
  | { action: 'type'; column: string; type: SqlType; collation: string | undefined }
  | { action: 'comment'; column: string; comment: string }
  | { action: 'nullable'; column: string; nullable: boolean }
  | { action: 'properties'; properties: Record<string, string> }
  | { action: 'cluster'; columns: string[] }
  | { action: 'key'; columns: string[] }

export type Definition =
  | CreateTable
  | {
      kind: 'create-schema'
      schema: string
      ifNotExists: boolean
      comment: string | null
      collation: string | undefined
    }
  | { kind: 'create-volume'; volume: TableName; ifNotExists: boolean; comment: string | null }
  | { kind: 'drop'; what: 'TABLE' | 'VOLUME'; table: TableName; ifExists: boolean }
  | { kind: 'drop-schema'; schema: string; ifExists: boolean; cascade: boolean }
  | { kind: 'alter'; table: TableName; change: AlterAction }
  | { kind: 'comment'; table: TableName; comment: string }

/** CREATE, DROP, ALTER and COMMENT ON. */
export function parseDefinition(c: Cursor): Definition {
  if (accept(c, 'CREATE')) return create(c)
  if (accept(c, 'DROP')) return drop(c)
  if (accept(c, 'ALTER', 'TABLE')) {
    const table = use(c, tableName(c), 'MODIFY')
    return { kind: 'alter', table, change: alter(c) }
  }
  expect(c, 'COMMENT', 'ON')
  if (accept(c, 'COLUMN')) {
    const parts = nameParts(c)
    const column = parts.pop() ?? ''
    const [name = '', schema = c.scope.session.schema] = [...parts].reverse()
    const table = use(c, { catalog: c.scope.catalog, schema, name }, 'MODIFY')
    expect(c, 'IS')
    return { kind: 'alter', table, change: { action: 'comment', column, comment: text(c) } }
  }
  expect(c, 'TABLE')
  const table = use(c, tableName(c), 'MODIFY')
  expect(c, 'IS')
  return { kind: 'comment', table, comment: text(c) }
}

function ifNotExists(c: Cursor): boolean {
  return accept(c, 'IF', 'NOT', 'EXISTS')
}

function create(c: Cursor): Definition {
  if (accept(c, 'SCHEMA') || accept(c, 'DATABASE')) {
    const absent = ifNotExists(c)
    const schema = schemaName(c)
    use(c, { catalog: c.scope.catalog, schema, name: '' }, 'CREATE SCHEMA')
    const comment = accept(c, 'COMMENT') ? text(c) : null
    return { kind: 'create-schema', ifNotExists: absent, schema, comment, collation: defaultCollation(c) }
  }
  if (accept(c, 'VOLUME')) {
    const absent = ifNotExists(c)
    const volume = use(c, tableName(c), 'CREATE VOLUME')
    return { kind: 'create-volume', ifNotExists: absent, volume, comment: accept(c, 'COMMENT') ? text(c) : null }
  }
  const replace = accept(c, 'OR', 'REPLACE')
  expect(c, 'TABLE')
  const absent = ifNotExists(c)
  const table = use(c, tableName(c), 'CREATE TABLE')
  const found: CreateTable = {
    kind: 'create-table',
    table,
    replace,
    ifNotExists: absent,
    columns: [],
    primaryKey: [],
    clusterBy: [],
    properties: {},
    comment: null,
    collation: undefined,
  }
  bracketed(c, () => tableElement(c, found))
  while (peek(c).kind !== 'end') tableClause(c, found)
  checkTable(found)
  return found
}

function tableElement(c: Cursor, table: CreateTable): void {
  if (isNext(c, 'CONSTRAINT') || isNext(c, 'PRIMARY', 'KEY')) {
    table.primaryKey = primaryKey(c)
    return
  }
  table.columns.push(columnDefinition(c, table.primaryKey))
}

function primaryKey(c: Cursor): string[] {
  if (accept(c, 'CONSTRAINT')) identifier(c)
  expect(c, 'PRIMARY', 'KEY')
  const columns = bracketed(c, identifier)
  if (!accept(c, 'NOT', 'ENFORCED')) accept(c, 'RELY')
  return columns
}

/** One column. In CREATE TABLE, where `key` is given, it can be NOT NULL or declared a key. */
function columnDefinition(c: Cursor, key?: string[]): ColumnDefinition {
  const [name, type] = [identifier(c), parseType(c)]
  const column: ColumnDefinition = { name, type, nullable: true, comment: null, collation: collate(c, type) }
  while (true) {
    if (key && accept(c, 'NOT', 'NULL')) column.nullable = false
    else if (accept(c, 'COMMENT')) column.comment = text(c)
    else if (key && accept(c, 'PRIMARY', 'KEY')) key.push(column.name)
    else return column
  }
}

/** COLLATE behind a STRING; an older runtime stumbles over the word. */
function collate(c: Cursor, { name }: SqlType): string | undefined {
  return name === 'string' && c.scope.collations && accept(c, 'COLLATE') ? collationName(identifier(c)) : undefined
}

function defaultCollation(c: Cursor): string | undefined {
  return c.scope.collations && accept(c, 'DEFAULT', 'COLLATION') ? collationName(identifier(c)) : undefined
}

function tableClause(c: Cursor, table: CreateTable): void {
  if (accept(c, 'USING', 'DELTA')) return
  if (accept(c, 'COMMENT')) table.comment = text(c)
  else if (accept(c, 'CLUSTER', 'BY')) table.clusterBy = clusterColumns(c)
  else if (accept(c, 'TBLPROPERTIES')) table.properties = optionList(c)
  else table.collation = defaultCollation(c) ?? fail(c)
}

function clusterColumns(c: Cursor): string[] {
  return accept(c, 'AUTO') || accept(c, 'NONE') ? [] : bracketed(c, identifier)
}

function checkTable(table: CreateTable): void {
  const names = table.columns.map((column) => column.name.toLowerCase())
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw new SqlError('COLUMN_ALREADY_EXISTS', '42711', `The column \`${twice}\` already exists.`)
  for (const name of [...table.primaryKey, ...table.clusterBy]) {
    if (!names.includes(name.toLowerCase())) throw unresolved(name)
  }
  if (table.clusterBy.length > 4)
    throw new SqlError(
      'DELTA_CLUSTER_BY_INVALID_NUM_COLUMNS',
      '54000',
      `CLUSTER BY for liquid clustering supports up to 4 clustering columns, but the table has ${table.clusterBy.length} clustering columns.`,
    )
  checkColumnNames(table.columns, table.properties)
  // Databricks: the columns of a primary key are implicitly NOT NULL.
  const key = new Set(table.primaryKey.map((name) => name.toLowerCase()))
  for (const column of table.columns) if (key.has(column.name.toLowerCase())) column.nullable = false
}

export function checkColumnNames(columns: readonly ColumnDefinition[], properties: Record<string, string>): void {
  if (/^(name|id)$/i.test(properties['delta.columnmapping.mode'] ?? '')) return
  const bad = columns.filter((column) => /[ ,;{}()\n\t=]/.test(column.name)).map((column) => column.name)
  if (bad.length === 0) return
  throw new SqlError(
    'DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES',
    '42K05',
    `Found invalid character(s) among ' ,;{}()\\n\\t=' in the column names of your schema. Invalid column names: ${bad.join(', ')}.`,
  )
}

function drop(c: Cursor): Definition {
  if (accept(c, 'SCHEMA') || accept(c, 'DATABASE')) {
    const ifExists = accept(c, 'IF', 'EXISTS')
    const schema = schemaName(c)
    use(c, { catalog: c.scope.catalog, schema, name: '' }, 'MANAGE')
    return { kind: 'drop-schema', ifExists, schema, cascade: accept(c, 'CASCADE') }
  }
  const what = accept(c, 'VOLUME') ? 'VOLUME' : 'TABLE'
  if (what === 'TABLE') expect(c, 'TABLE')
  const ifExists = accept(c, 'IF', 'EXISTS')
  return { kind: 'drop', what, ifExists, table: use(c, tableName(c), 'MANAGE') }
}

function alter(c: Cursor): AlterAction {
  if (accept(c, 'ADD', 'COLUMN') || accept(c, 'ADD', 'COLUMNS')) {
    const columns = isNext(c, '(') ? bracketed(c, () => columnDefinition(c)) : list(c, () => columnDefinition(c))
    return { action: 'add', columns }
  }
  if (accept(c, 'ADD')) return { action: 'key', columns: primaryKey(c) }
  if (accept(c, 'SET', 'TBLPROPERTIES')) return { action: 'properties', properties: optionList(c) }
  if (accept(c, 'CLUSTER', 'BY')) return { action: 'cluster', columns: clusterColumns(c) }
  expect(c, 'ALTER')
  accept(c, 'COLUMN')
  const column = identifier(c)
  if (accept(c, 'TYPE')) {
    const type = parseType(c)
    return { action: 'type', column, type, collation: collate(c, type) }
  }
  if (accept(c, 'COMMENT')) return { action: 'comment', column, comment: text(c) }
  const nullable = take(c).value === 'DROP'
  expect(c, 'NOT', 'NULL')
  return { action: 'nullable', column, nullable }
}
