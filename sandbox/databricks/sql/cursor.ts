import {
  accept,
  bracketed,
  expect,
  fail,
  isNext,
  peek,
  quote,
  type Reader,
  type Token,
  take,
} from '../../sql/reader.ts'
import { catalogNotFound, syntaxError, type TableName } from '../errors.ts'
import { tokenize } from './tokens.ts'

/** A parameter as it travels: the type's name and the value's text; SQL NULL has neither. */
export interface Parameter {
  type: string | undefined
  value: string | null
}

/** Files that a statement reads; which columns they have is found out before it runs. `ref` stands for them in the SQL. */
export interface FileSource {
  ref: string
  path: string
  options: Record<string, string>
}

export type Privilege = 'SELECT' | 'MODIFY' | 'CREATE TABLE' | 'CREATE SCHEMA' | 'CREATE VOLUME' | 'MANAGE'

/** What one statement is understood in, and what it turned out to use. */
export interface Scope {
  /** The one catalog there is. */
  catalog: string
  session: { catalog: string; schema: string }
  user: string
  /** Whether the runtime knows collations: since 16.1. */
  collations: boolean
  parameters: ReadonlyMap<string, Parameter>
  /** Values to bind, by the marker's name in the engine's SQL. */
  bound: Map<string, string | null>
  uses: { table: TableName; privilege: Privilege }[]
  files: FileSource[]
  /** Names that WITH has given so far, with the tables that are read through them. */
  ctes: Map<string, TableName[]>
  /** Every table read so far, through the names of WITH too, and those read within EXISTS, IN or another subquery of an expression. */
  reads: TableName[]
  nested: TableName[]
  /** Set inside COPY INTO, where a bare path can be read: the format that is named after it. */
  copyFormat?: Record<string, string>
}

export interface Cursor extends Reader {
  scope: Scope
  /** Reads a query; held here because expressions contain queries and queries expressions. */
  query: (c: Cursor) => string
}

/** The engine's name of the sandbox's catalog: `main` is reserved in DuckDB. */
export const LAKE = 'lake'
/** The schema with the sandbox's own tables; no statement can name it. */
export const OWN = '_sandbox'

export function cursor(sql: string, scope: Scope, query: (c: Cursor) => string = fail): Cursor {
  return { sql, tokens: tokenize(sql), at: 0, refuse, scope, query }
}

function refuse(sql: string, { text, at }: Token): never {
  throw syntaxError(text, sql, at)
}

export function identifier(c: Cursor): string {
  const token = peek(c)
  if (token.kind !== 'word' && token.kind !== 'quoted') fail(c)
  c.at += 1
  return token.kind === 'word' ? token.text : token.value
}

/** The name of a table, schema or volume in up to three parts, lower-cased; `IDENTIFIER(:p)` too. */
export function nameParts(c: Cursor): string[] {
  if (isNext(c, 'IDENTIFIER', '(')) {
    c.at += 2
    const token = take(c)
    const value = token.kind === 'param' ? c.scope.parameters.get(token.value)?.value : token.value
    expect(c, ')')
    if (!value) fail(c)
    return nameParts(cursor(value, c.scope))
  }
  const parts = [identifier(c)]
  while (accept(c, '.')) parts.push(identifier(c))
  return parts.map((part) => part.toLowerCase())
}

export function tableName(c: Cursor): TableName {
  const parts = nameParts(c)
  if (parts.length > 3) fail(c)
  const [name = '', schema = c.scope.session.schema, catalog = c.scope.session.catalog] = parts.reverse()
  if (catalog !== c.scope.catalog && !(catalog === 'system' && schema === 'information_schema'))
    throw catalogNotFound(catalog)
  return { catalog, schema, name }
}

export function schemaName(c: Cursor): string {
  const [schema = '', catalog = c.scope.session.catalog] = nameParts(c).reverse()
  if (catalog !== c.scope.catalog) throw catalogNotFound(catalog)
  return schema
}

export function use(c: Cursor, table: TableName, privilege: Privilege): TableName {
  c.scope.uses.push({ table, privilege })
  return table
}

/** The table as the engine's SQL names it. */
export function engineName({ schema, name }: TableName): string {
  if (schema === 'information_schema') return `memory.info.${quote(name)}`
  return `${LAKE}.${quote(schema)}.${quote(name)}`
}

/** `('k' = 'v', k = v)`: options of a statement, keys lower-cased. */
export function optionList(c: Cursor): Record<string, string> {
  return Object.fromEntries(
    bracketed(c, () => {
      const token = take(c)
      let key = token.kind === 'string' ? token.value : token.text
      while (accept(c, '.')) key += `.${identifier(c)}`
      expect(c, '=')
      return [key.toLowerCase(), take(c).value] as const
    }),
  )
}
