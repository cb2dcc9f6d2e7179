import { accept, bracketed, expect, fail, isNext, list, peek, quote } from '../../sql/reader.ts'
import type { Column, StageFormat, Table } from '../catalog.ts'
import { invalidIdentifier, SqlError } from '../errors.ts'
import { type Cursor, identifier, nameParts, table } from './cursor.ts'
import { expression } from './expression.ts'
import { displayed, engineName } from './names.ts'
import { alias, parseQuery, relation, source, values } from './query.ts'
import { fileFormat, isStage, optionValue, type StageRef, stageRef } from './stage-ref.ts'

export interface Assignment {
  column: Column
  value: string
}

export interface Insert {
  kind: 'insert'
  table: Table
  columns: Column[]
  query: string
  overwrite: boolean
}

export interface Change {
  kind: 'update' | 'delete'
  table: Table
  alias: string
  set: Assignment[]
  /** Further relations in the engine's SQL. */
  from: string | undefined
  where: string | undefined
}

export interface MergeClause {
  on: 'MATCHED' | 'NOT MATCHED'
  condition: string | undefined
  act: 'UPDATE' | 'DELETE' | 'INSERT'
  set: Assignment[] | 'all'
}

export interface Merge {
  kind: 'merge'
  table: Table
  alias: string
  source: string
  sourceAlias: string
  condition: string
  clauses: MergeClause[]
}

export interface Copy {
  kind: 'copy'
  table: Table
  columns: Column[] | undefined
  from: StageRef
  /** The query of a transformation, in the engine's SQL but for its files: those to load are put in later. */
  transform: string | undefined
  files: string[] | undefined
  pattern: string | undefined
  format: StageFormat | undefined
  options: Record<string, string>
}

const columnOf = (table: Table, name: string): Column => {
  const found = table.columns.find((column) => column.name === name)
  if (!found) throw invalidIdentifier(displayed(engineName(name)))
  return found
}

/** `[alias.]column` of the target: the alias is no help, the engine even refuses it. */
function targetColumn(c: Cursor, target: Table): Column {
  return columnOf(target, nameParts(c).at(-1) ?? '')
}

export function parseInsert(c: Cursor): Insert {
  expect(c, 'INSERT')
  const overwrite = accept(c, 'OVERWRITE')
  expect(c, 'INTO')
  c.scope.verb = 'INSERT'
  const target = table(c, 'INSERT')
  const hasList = isNext(c, '(') && !['SELECT', 'WITH'].includes(peek(c, 1).value)
  const columns = hasList ? bracketed(c, () => targetColumn(c, target)) : target.columns
  const query = isNext(c, 'VALUES') ? plainValues(c) : parseQuery(c)
  return { kind: 'insert', table: target, columns, query, overwrite }
}

/** In the VALUES of an INSERT Snowflake takes no function such as PARSE_JSON; in FROM VALUES it does. */
function plainValues(c: Cursor): string {
  const start = c.at
  const query = values(c)
  const refused = c.tokens
    .slice(start, c.at)
    .find(
      ({ value }, index) =>
        /^(TRY_)?PARSE_JSON$|^OBJECT_CONSTRUCT$|^TO_VARIANT$/.test(value) && c.tokens[start + index + 1]?.text === '(',
    )
  if (refused) {
    throw new SqlError(
      '002014',
      '22000',
      `SQL compilation error:\nInvalid expression [${refused.value}(..)] in VALUES clause`,
    )
  }
  return query
}

export function parseChange(c: Cursor): Change {
  const isUpdate = accept(c, 'UPDATE')
  if (!isUpdate) expect(c, 'DELETE', 'FROM')
  c.scope.verb = isUpdate ? 'UPDATE' : 'DELETE'
  const target = table(c, isUpdate ? 'UPDATE' : 'DELETE')
  const name = alias(c) ?? target.name
  let set: Assignment[] = []
  if (isUpdate) {
    expect(c, 'SET')
    set = list(c, () => assignment(c, target))
  }
  const from = accept(c, isUpdate ? 'FROM' : 'USING') ? list(c, relation).join(', ') : undefined
  const where = accept(c, 'WHERE') ? expression(c) : undefined
  return { kind: isUpdate ? 'update' : 'delete', table: target, alias: engineName(name), set, from, where }
}

function assignment(c: Cursor, target: Table): Assignment {
  const column = targetColumn(c, target)
  expect(c, '=')
  return { column, value: accept(c, 'DEFAULT') ? (column.default ?? 'NULL') : expression(c) }
}

export function parseMerge(c: Cursor): Merge {
  expect(c, 'MERGE', 'INTO')
  c.scope.verb = 'MERGE'
  const target = table(c, 'SELECT')
  const name = alias(c) ?? target.name
  expect(c, 'USING')
  const { sql, name: sourceName } = source(c)
  const sourceAlias = alias(c) ?? sourceName ?? 'SOURCE'
  expect(c, 'ON')
  const condition = expression(c)
  const clauses: MergeClause[] = []
  while (accept(c, 'WHEN')) clauses.push(mergeClause(c, target))
  if (clauses.length === 0) fail(c)
  checkOrder(clauses, c)
  for (const { act } of clauses) c.scope.uses.push({ table: target, privilege: act })
  return {
    kind: 'merge',
    table: target,
    alias: engineName(name),
    source: sql.startsWith('(') ? sql.slice(1, -1) : `SELECT * FROM ${sql}`,
    sourceAlias: engineName(sourceAlias),
    condition,
    clauses,
  }
}

/** A clause without a condition must be the last of its kind. */
function checkOrder(clauses: readonly MergeClause[], c: Cursor): void {
  for (const on of ['MATCHED', 'NOT MATCHED']) {
    const own = clauses.filter((clause) => clause.on === on)
    if (own.slice(0, -1).some((clause) => clause.condition === undefined)) fail(c)
  }
}

function mergeClause(c: Cursor, target: Table): MergeClause {
  const on = accept(c, 'NOT', 'MATCHED') ? 'NOT MATCHED' : 'MATCHED'
  if (on === 'MATCHED') expect(c, 'MATCHED')
  const condition = accept(c, 'AND') ? expression(c) : undefined
  expect(c, 'THEN')
  if (on === 'MATCHED' && accept(c, 'DELETE')) return { on, condition, act: 'DELETE', set: [] }
  if (on === 'MATCHED') {
    expect(c, 'UPDATE')
    if (accept(c, 'ALL', 'BY', 'NAME')) return { on, condition, act: 'UPDATE', set: 'all' }
    expect(c, 'SET')
    return { on, condition, act: 'UPDATE', set: list(c, () => assignment(c, target)) }
  }
  expect(c, 'INSERT')
  if (accept(c, 'ALL', 'BY', 'NAME')) return { on, condition, act: 'INSERT', set: 'all' }
  const columns = isNext(c, '(') ? bracketed(c, () => targetColumn(c, target)) : target.columns
  expect(c, 'VALUES')
  const found = bracketed(c, expression)
  if (found.length !== columns.length)
    throw new SqlError('002020', '21S01', 'SQL compilation error:\nInsert value list does not match column list')
  return {
    on,
    condition,
    act: 'INSERT',
    set: columns.map((column, index) => ({ column, value: found[index] ?? 'NULL' })),
  }
}

export function parseCopy(c: Cursor): Copy {
  expect(c, 'COPY', 'INTO')
  c.scope.verb = 'COPY'
  if (peek(c).kind === 'stage') fail(c)
  const target = table(c, 'INSERT')
  const columns = isNext(c, '(') ? bracketed(c, () => targetColumn(c, target)) : undefined
  expect(c, 'FROM')
  let transform: string | undefined
  let from: StageRef
  if (accept(c, '(')) {
    // The transformation is read when the files are known; here only its stage is.
    const start = c.at
    let depth = 1
    let stageAt = -1
    while (depth > 0) {
      const token = peek(c)
      if (isStage(token)) stageAt = c.at
      if (token.text === '(' && token.kind === 'op') depth += 1
      if (token.text === ')' && token.kind === 'op') depth -= 1
      if (token.kind === 'end' || (depth === 0 && stageAt < 0)) fail(c)
      c.at += 1
    }
    const [first, last] = [c.tokens[start]?.at ?? 0, c.tokens[c.at - 1]?.at ?? 0]
    transform = c.sql.slice(first, last)
    const after = c.at
    c.at = stageAt
    from = stageRef(c, 'READ')
    c.at = after
  } else from = stageRef(c, 'READ')
  const copy: Copy = {
    kind: 'copy',
    table: target,
    columns,
    from,
    transform,
    files: undefined,
    pattern: undefined,
    format: from.stage.format,
    options: {},
  }
  while (peek(c).kind !== 'end') copyOption(c, copy)
  return copy
}

function copyOption(c: Cursor, copy: Copy): void {
  const key = identifier(c)
  expect(c, '=')
  if (key === 'FILE_FORMAT') copy.format = fileFormat(c)
  else if (key === 'FILES') {
    copy.files = bracketed(c, () => {
      const token = peek(c)
      c.at += 1
      return token.value
    })
    if (copy.files.length > 1000)
      throw new SqlError(
        '001795',
        '42601',
        'SQL compilation error:\nmaximum number of files exceeded, expected at most 1,000',
      )
  } else if (key === 'PATTERN') copy.pattern = optionValue(c)
  else copy.options[key] = optionValue(c)
  accept(c, ',')
}

export const column = (name: string) => quote(engineName(name))
