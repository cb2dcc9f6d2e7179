import { accept, bracketed, expect, fail, isNext, list, peek, take, text } from '../../sql/reader.ts'
import type { Column, Place, StageFormat, Table } from '../catalog.ts'
import { invalidIdentifier, noSuch, SqlError } from '../errors.ts'
import { type Cursor, identifier, nameParts, place, table } from './cursor.ts'
import { expression } from './expression.ts'
import { shown } from './names.ts'
import { parseQuery } from './query.ts'
import type { SqlType } from './sql-type.ts'
import { fileFormat, optionValue } from './stage-ref.ts'
import { parseType } from './types.ts'

export interface Flags {
  replace: boolean
  ifNotExists: boolean
}

export interface CreateTable extends Flags {
  kind: 'create-table'
  place: Place
  type: Table['kind']
  columns: Column[]
  primaryKey: string[]
  clusterBy: string
  comment: string
  errorLogging: boolean
  defaultCollation: string | undefined
  /** The rows of CREATE TABLE .. AS, in the engine's SQL. */
  query: string | undefined
}

export type AlterAction =
  | { action: 'add'; columns: Column[]; ifNotExists: boolean }
  | { action: 'drop'; columns: string[]; ifExists: boolean }
  | { action: 'type'; column: string; type: SqlType }
  | { action: 'nullable'; column: string; nullable: boolean }
  | { action: 'comment'; column: string; comment: string | null }
  | { action: 'set'; options: Record<string, string> }
  | { action: 'cluster'; by: string }
  | { action: 'key'; columns: string[] }
  | { action: 'rename'; to: Place }
  | { action: 'swap'; with: Table }

export type Definition =
  | CreateTable
  | ({ kind: 'create-schema'; name: string; comment: string } & Flags)
  | ({
      kind: 'create-stage'
      place: Place
      temporary: boolean
      format: StageFormat | undefined
      comment: string
    } & Flags)
  | ({ kind: 'create-format'; place: Place; format: StageFormat } & Flags)
  | { kind: 'drop-table'; place: Place; ifExists: boolean }
  | { kind: 'drop-schema'; name: string; ifExists: boolean }
  | { kind: 'drop-stage' | 'drop-format'; place: Place; ifExists: boolean }
  | { kind: 'alter'; table: Table; change: AlterAction }
  | { kind: 'comment'; table: Table; column: string | undefined; comment: string }
  | { kind: 'alter-missing'; name: string }
  /** DEFAULT_DDL_COLLATION of a database or schema. */
  | { kind: 'default-collation'; of: string[]; collation: string }

/** CREATE, DROP, ALTER TABLE and COMMENT ON. */
export function parseDefinition(c: Cursor): Definition {
  c.scope.verb = peek(c).value
  if (accept(c, 'CREATE')) return create(c)
  if (accept(c, 'DROP')) return drop(c)
  if (isNext(c, 'ALTER', 'DATABASE') || isNext(c, 'ALTER', 'SCHEMA')) return alterContainer(c)
  if (accept(c, 'ALTER', 'TABLE')) {
    const ifExists = accept(c, 'IF', 'EXISTS')
    const start = c.at
    const at = place(c)
    if (ifExists && !c.scope.catalog.find(at, c.scope.session)) return { kind: 'alter-missing', name: at.name }
    c.at = start
    const found = table(c, 'OWNERSHIP')
    return { kind: 'alter', table: found, change: alter(c) }
  }
  expect(c, 'COMMENT')
  accept(c, 'IF', 'EXISTS')
  expect(c, 'ON')
  const isColumn = accept(c, 'COLUMN')
  if (!isColumn) expect(c, 'TABLE')
  const parts = nameParts(c, 4)
  const column = isColumn ? parts.pop() : undefined
  const found = c.scope.catalog.table(placeOf(c, parts), c.scope.session)
  c.scope.uses.push({ table: found, privilege: 'OWNERSHIP' })
  expect(c, 'IS')
  return { kind: 'comment', table: found, column, comment: text(c) }
}

function alterContainer(c: Cursor): Definition {
  c.at += 1
  const isSchema = accept(c, 'SCHEMA')
  if (!isSchema) expect(c, 'DATABASE')
  const parts = nameParts(c, isSchema ? 2 : 1)
  if (isSchema && parts.length === 1) parts.unshift(c.scope.session.database ?? '')
  expect(c, 'SET')
  const { DEFAULT_DDL_COLLATION: collation } = tail(c).values
  if (collation === undefined) fail(c)
  return { kind: 'default-collation', of: parts, collation }
}

function placeOf(c: Cursor, parts: readonly string[]): Place {
  const [name = '', schema = c.scope.session.schema ?? '', database = c.scope.session.database ?? ''] = [
    ...parts,
  ].reverse()
  return { database, schema, name }
}

const ifNotExists = (c: Cursor) => accept(c, 'IF', 'NOT', 'EXISTS')

function create(c: Cursor): Definition {
  const replace = accept(c, 'OR', 'REPLACE')
  accept(c, 'LOCAL')
  const temporary = accept(c, 'TEMPORARY') || accept(c, 'TEMP') || accept(c, 'VOLATILE')
  const transient = accept(c, 'TRANSIENT')
  if (accept(c, 'SCHEMA')) {
    const flags = { replace, ifNotExists: ifNotExists(c) }
    const [name = '', database = c.scope.session.database] = nameParts(c, 2).reverse()
    if (database !== c.scope.catalog.database) throw noSuch('Database', shown(database ?? ''))
    return { kind: 'create-schema', name, ...flags, comment: commentOnly(c) }
  }
  if (accept(c, 'STAGE')) {
    const flags = { replace, ifNotExists: ifNotExists(c) }
    const at = place(c)
    const options = tail(c)
    return {
      kind: 'create-stage',
      place: at,
      temporary,
      ...flags,
      format: options.format,
      comment: options.values.COMMENT ?? '',
    }
  }
  if (accept(c, 'FILE', 'FORMAT')) {
    const flags = { replace, ifNotExists: ifNotExists(c) }
    const at = place(c)
    const { values } = tail(c)
    return {
      kind: 'create-format',
      place: at,
      ...flags,
      format: { type: (values.TYPE ?? 'CSV').toUpperCase(), options: values },
    }
  }
  expect(c, 'TABLE')
  const flags = { replace, ifNotExists: ifNotExists(c) }
  const type = temporary ? 'TEMPORARY' : transient ? 'TRANSIENT' : 'TABLE'
  return createTable(c, {
    kind: 'create-table',
    place: place(c),
    type,
    ...flags,
    columns: [],
    primaryKey: [],
    clusterBy: '',
    comment: '',
    errorLogging: false,
    defaultCollation: undefined,
    query: undefined,
  })
}

function createTable(c: Cursor, made: CreateTable): CreateTable {
  const isClone = isNext(c, 'CLONE')
  if (isClone || isNext(c, 'LIKE')) {
    c.at += 1
    const like = table(c, 'SELECT')
    Object.assign(made, {
      // What a column compares by comes along, also where it is nothing.
      columns: like.columns.map((column) => ({ ...column, collation: column.collation ?? '' })),
      primaryKey: like.primaryKey,
      clusterBy: like.clusterBy,
      ...(isClone ? { query: `SELECT * FROM ${like.engine}` } : {}),
    })
    if (peek(c).kind === 'end') return made
  }
  if (isNext(c, '(')) bracketed(c, () => tableElement(c, made))
  while (peek(c).kind !== 'end' && !isNext(c, 'AS')) tableOption(c, made)
  if (accept(c, 'AS')) made.query = parseQuery(c)
  const names = made.columns.map((column) => column.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined)
    throw new SqlError('002025', '42S21', `SQL compilation error:\nduplicate column name '${twice}'`)
  for (const name of made.primaryKey) {
    const column = made.columns.find((one) => one.name === name)
    if (!column) throw invalidIdentifier(shown(name))
    column.nullable = false
  }
  if (names.length === 0 && made.query === undefined) fail(c)
  return made
}

function tableElement(c: Cursor, made: CreateTable): void {
  if (isNext(c, 'CONSTRAINT') || isNext(c, 'PRIMARY', 'KEY') || isNext(c, 'UNIQUE')) {
    const key = constraint(c)
    if (key) made.primaryKey = key
  } else made.columns.push(columnDefinition(c, made.primaryKey))
}

/** The columns of a primary key; other constraints, informational like it, are forgotten. */
function constraint(c: Cursor): string[] | undefined {
  if (accept(c, 'CONSTRAINT')) identifier(c)
  const isPrimary = accept(c, 'PRIMARY', 'KEY')
  if (!isPrimary) expect(c, 'UNIQUE')
  const columns = bracketed(c, identifier)
  constraintProperties(c)
  return isPrimary ? columns : undefined
}

function constraintProperties(c: Cursor): void {
  while (accept(c, 'NOT', 'ENFORCED') || accept(c, 'NORELY') || accept(c, 'RELY') || accept(c, 'NOVALIDATE'));
}

function columnDefinition(c: Cursor, key: string[]): Column {
  const column: Column = { name: identifier(c), type: parseType(c), nullable: true, comment: null }
  while (true) {
    if (accept(c, 'NOT', 'NULL')) column.nullable = false
    else if (accept(c, 'NULL')) column.nullable = true
    else if (accept(c, 'COMMENT')) column.comment = text(c)
    else if (accept(c, 'DEFAULT')) column.default = expression(c)
    else if (accept(c, 'COLLATE')) column.collation = text(c)
    else if (accept(c, 'PRIMARY', 'KEY')) {
      key.push(column.name)
      constraintProperties(c)
    } else return column
  }
}

function tableOption(c: Cursor, made: CreateTable): void {
  // Rights belong to names here, and stay with them.
  if (accept(c, 'COPY', 'GRANTS')) return
  if (accept(c, 'CLUSTER', 'BY')) {
    made.clusterBy = clusterKey(c)
    return
  }
  const key = identifier(c)
  expect(c, '=')
  const value = optionValue(c)
  if (key === 'COMMENT') made.comment = value
  if (key === 'ERROR_LOGGING') made.errorLogging = value === 'TRUE'
  if (key === 'DEFAULT_DDL_COLLATION') made.defaultCollation = value
}

function clusterKey(c: Cursor): string {
  const start = peek(c).at
  const columns = bracketed(c, expression)
  const last = c.tokens[c.at - 1]
  if (columns.length === 0) fail(c)
  return `LINEAR${c.sql.slice(start, (last?.at ?? start) + 1)}`
}

function commentOnly(c: Cursor): string {
  return tail(c).values.COMMENT ?? ''
}

/** `KEY = value ..`, with `FILE_FORMAT = (..)` apart. */
function tail(c: Cursor): { values: Record<string, string>; format: StageFormat | undefined } {
  const values: Record<string, string> = {}
  let format: StageFormat | undefined
  while (peek(c).kind !== 'end') {
    const key = identifier(c)
    expect(c, '=')
    if (key === 'FILE_FORMAT') format = fileFormat(c)
    else values[key] = optionValue(c)
    accept(c, ',')
  }
  return { values, format }
}

function drop(c: Cursor): Definition {
  const what = take(c).value
  if (what === 'FILE') expect(c, 'FORMAT')
  const ifExists = accept(c, 'IF', 'EXISTS')
  if (what === 'SCHEMA') {
    const [name = ''] = nameParts(c, 2).reverse()
    if (!accept(c, 'CASCADE')) accept(c, 'RESTRICT')
    return { kind: 'drop-schema', name, ifExists }
  }
  const at = place(c)
  if (what === 'STAGE') return { kind: 'drop-stage', place: at, ifExists }
  if (what === 'FILE') return { kind: 'drop-format', place: at, ifExists }
  if (what !== 'TABLE') fail(c)
  if (!accept(c, 'CASCADE')) accept(c, 'RESTRICT')
  return { kind: 'drop-table', place: at, ifExists }
}

function alter(c: Cursor): AlterAction {
  if (accept(c, 'RENAME', 'TO')) return { action: 'rename', to: place(c) }
  if (accept(c, 'SWAP', 'WITH')) return { action: 'swap', with: table(c, 'OWNERSHIP') }
  if (accept(c, 'CLUSTER', 'BY')) return { action: 'cluster', by: clusterKey(c) }
  if (accept(c, 'DROP', 'CLUSTERING', 'KEY')) return { action: 'cluster', by: '' }
  if (isNext(c, 'ADD', 'CONSTRAINT') || isNext(c, 'ADD', 'PRIMARY')) {
    c.at += 1
    return { action: 'key', columns: constraint(c) ?? [] }
  }
  if (accept(c, 'ADD')) {
    accept(c, 'COLUMN')
    const absent = ifNotExists(c)
    const columns = list(c, () => {
      // `ADD COLUMN IF NOT EXISTS a .., IF NOT EXISTS b ..`
      accept(c, 'COLUMN')
      ifNotExists(c)
      return columnDefinition(c, [])
    })
    return { action: 'add', columns, ifNotExists: absent }
  }
  if (accept(c, 'DROP')) {
    accept(c, 'COLUMN')
    const ifExists = accept(c, 'IF', 'EXISTS')
    return { action: 'drop', ifExists, columns: list(c, identifier) }
  }
  if (accept(c, 'SET')) return { action: 'set', options: tail(c).values }
  if (!accept(c, 'ALTER')) expect(c, 'MODIFY')
  accept(c, 'COLUMN')
  const column = identifier(c)
  if (accept(c, 'COMMENT')) return { action: 'comment', column, comment: text(c) }
  if (accept(c, 'DROP', 'NOT', 'NULL')) return { action: 'nullable', column, nullable: true }
  accept(c, 'SET')
  if (accept(c, 'NOT', 'NULL')) return { action: 'nullable', column, nullable: false }
  accept(c, 'DATA')
  accept(c, 'TYPE')
  return { action: 'type', column, type: parseType(c) }
}
