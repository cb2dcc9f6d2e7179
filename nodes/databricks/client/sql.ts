/** Databricks SQL text: names, literals and types. Values never stand in the text; they travel as parameters or files. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { ColumnType } from '../../../sync/contract/message.ts'
import type { TableName } from '../../../vendor/warehouse/dialect.ts'

/** A name in backticks, the inner ones doubled. */
export const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``

/** A string literal: backslash is an escape character in Databricks. */
export function literal(text: string): string {
  const escapes: Record<string, string> = {
    '\\': '\\\\',
    "'": "\\'",
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\0': '\\0',
  }
  return `'${text.replace(/[\\'\n\r\t\0]/g, (char) => escapes[char] ?? char)}'`
}

/** `` `main`.`finance`.`gl_entry` `` */
export const quoteTable = (name: TableName): string => [name.catalog, name.schema, name.table].map(quote).join('.')

/** `main.finance.gl_entry`, for people and addresses. */
export const plainTable = (name: TableName): string => `${name.catalog}.${name.schema}.${name.table}`

/**
 * Table of an entity by a pattern such as `{catalog}.{schema}.{entity}`, in lower case as Unity Catalog stores names. The pattern is split before the names are put
 * in, so that a dot in a name stays part of it.
 */
export function tableName(
  pattern: string,
  names: { readonly catalog: string; readonly schema: string; readonly entity: string },
): TableName {
  const parts = pattern.split('.').map((part) =>
    part
      .trim()
      .replace(/\{(catalog|schema|entity)\}/g, (_, name: 'catalog' | 'schema' | 'entity') => names[name])
      .toLowerCase(),
  )
  const [catalog, schema, table] = parts
  if (parts.length !== 3 || !catalog || !schema || !table) {
    throw syncError(
      'config',
      'databricks.pattern',
      `The table name pattern ${pattern} must give catalog, schema and table: {catalog}.{schema}.{entity}`,
      {
        hint: 'Choose catalog and schema in the node, and keep {entity} in the last part.',
      },
    )
  }
  if (parts.some((part) => part.length > 255)) {
    throw syncError('config', 'databricks.pattern', `${parts.join('.')}: a name may have 255 characters at most`)
  }
  return { catalog, schema, table }
}

/** How `json` columns are stored. */
export type JsonType = 'string' | 'variant'

/** The SQL type of a column. */
export function sqlType(type: ColumnType, json: JsonType): string {
  if (type.startsWith('decimal')) return type.toUpperCase()
  const types: Record<string, string> = {
    string: 'STRING',
    integer: 'BIGINT',
    boolean: 'BOOLEAN',
    date: 'DATE',
    timestamp: 'TIMESTAMP',
    json: json === 'variant' ? 'VARIANT' : 'STRING',
  }
  return types[type] ?? 'STRING'
}

/** An expression that makes the column's value of a text; a value that does not fit raises (ANSI mode). */
export function cast(expression: string, type: ColumnType, json: JsonType): string {
  if (type === 'json') return json === 'variant' ? `parse_json(${expression})` : expression
  return type === 'string' ? expression : `CAST(${expression} AS ${sqlType(type, json)})`
}

/** The same, null for a value that does not fit. */
export function tryCast(expression: string, type: ColumnType, json: JsonType): string {
  if (type === 'json') return json === 'variant' ? `try_parse_json(${expression})` : expression
  return type === 'string' ? expression : `try_cast(${expression} AS ${sqlType(type, json)})`
}

/** Whether every value of the column's type has a place in the type found in the table, without rounding. */
export function holds(found: string, type: ColumnType): boolean {
  const kind = found
    .toLowerCase()
    .replace(/\s+collate\s.*/, '')
    .replace(/\s+/g, '')
  if (kind === 'string') return true
  if (type === 'json') return kind === 'variant'
  if (type === 'integer') return kind === 'bigint' || digits(kind, 0) >= 19
  if (type === 'boolean') return kind === 'boolean'
  if (type === 'date') return kind === 'date' || kind === 'timestamp' || kind === 'timestamp_ntz'
  if (type === 'timestamp') return kind === 'timestamp'
  const wanted = /^decimal\((\d+),(\d+)\)$/.exec(type)
  return wanted !== null && digits(kind, Number(wanted[2])) >= Number(wanted[1]) - Number(wanted[2])
}

/** Digits before the point of a decimal type that has at least `scale` behind it; -1 for any other type. */
function digits(kind: string, scale: number): number {
  const found = /^decimal\((\d+),(\d+)\)$/.exec(kind)
  return found && Number(found[2]) >= scale ? Number(found[1]) - Number(found[2]) : -1
}
