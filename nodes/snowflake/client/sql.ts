/** Snowflake SQL text: names, literals and types. Values never stand in the text; they travel as binds or in staged files. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { ColumnType } from '../../../sync/contract/message.ts'
import type { FoundType, TableName } from '../../../vendor/warehouse/dialect.ts'

/** A stored name in double quotes, the inner ones doubled: exactly this name, in this case. */
export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A string literal: backslash is an escape character in Snowflake's single quotes. */
export const literal = (text: string): string =>
  `'${text.replace(/[\\']/g, (char) => (char === "'" ? "''" : '\\\\')).replace(/[\n\r\t\0]/g, ' ')}'`

/** `"FINANCE"."PUBLIC"."GL_ENTRY"` */
export const quoteTable = (name: TableName): string => [name.catalog, name.schema, name.table].map(quote).join('.')

/** `FINANCE.PUBLIC.GL_ENTRY`, for people and addresses; what needs quotes has them. */
export const plainTable = (name: TableName): string => [name.catalog, name.schema, name.table].map(typed).join('.')

/** A stored name as one types it in SQL: bare where that means the same. */
export const typed = (name: string): string => (/^[A-Z_][A-Z0-9_$]*$/.test(name) ? name : quote(name))

/** A typed name as it is stored: in quotes exactly, else in upper case (docs.snowflake.com, identifier syntax). */
export function stored(text: string): string {
  const trimmed = text.trim()
  const quoted = /^"((?:[^"]|"")*)"$/.exec(trimmed)
  return quoted ? (quoted[1] ?? '').replaceAll('""', '"') : trimmed.toUpperCase()
}

const PART = /\s*("(?:[^"]|"")*"|[^".]+)\s*(\.|$)/y

/** The parts of a dotted name; undefined where quotes do not match. */
export function splitName(text: string): readonly string[] | undefined {
  const parts: string[] = []
  PART.lastIndex = 0
  for (;;) {
    const found = PART.exec(text)
    if (!found?.[1]) return undefined
    parts.push(found[1].trim())
    if (found[2] === '') return parts
  }
}

/**
 * Table of an entity by a pattern such as `{database}.{schema}.{entity}`. It is split before the names are put in, so that a
 * dot in a name stays part of it. Parts follow Snowflake's rule: upper case, unless they stand in quotes.
 */
export function tableName(
  pattern: string,
  names: { readonly database: string; readonly schema: string; readonly entity: string },
): TableName {
  const parts = splitName(pattern)?.map((part) => {
    const whole = /^\{(database|schema)\}$/.exec(part)?.[1] as 'database' | 'schema' | undefined
    if (whole) return stored(names[whole])
    return stored(part.replace(/\{(database|schema|entity)\}/g, (_, name: keyof typeof names) => names[name]))
  })
  const [database, schema, table] = parts ?? []
  if (parts?.length !== 3 || !database || !schema || !table)
    throw syncError(
      'config',
      'snowflake.pattern',
      `The table name pattern ${pattern} must give database, schema and table: {database}.{schema}.{entity}`,
      { hint: 'Choose database and schema in the connection, and keep {entity} in the last part.' },
    )
  if (parts.some((part) => part.length > 255))
    throw syncError('config', 'snowflake.pattern', `${parts.join('.')}: a name may have 255 characters at most`)
  return { catalog: database, schema, table }
}

/** What takes the default collation away from a schema. */
export const noDefault = ({ catalog, schema }: TableName): string =>
  `ALTER SCHEMA ${[catalog, schema].map(quote).join('.')} SET DEFAULT_DDL_COLLATION = '';`

/** The SQL type of a column. Timestamps are UTC without a zone: what everybody sees, whatever their session says. */
export function sqlType(type: ColumnType): string {
  if (type.startsWith('decimal')) return type.replace('decimal', 'NUMBER')
  const types: Record<string, string> = {
    string: 'VARCHAR',
    integer: 'NUMBER(38,0)',
    boolean: 'BOOLEAN',
    date: 'DATE',
    timestamp: 'TIMESTAMP_NTZ',
    json: 'VARIANT',
  }
  return types[type] ?? 'VARCHAR'
}

const TEXT = /^(VARCHAR|STRING|TEXT|CHAR|CHARACTER|NVARCHAR)$/

/** A type as DESCRIBE TABLE gives it: `NUMBER(18,2)`, `VARCHAR(100) COLLATE 'en-ci'`. */
export function foundType(text: string): FoundType {
  const [, kind = '', one = '', two = ''] = /^([A-Z_]+)(?:\((\d+)(?:,\s*(\d+))?\))?/i.exec(text.trim()) ?? []
  const name = kind.toUpperCase()
  return {
    kind: TEXT.test(name) ? 'VARCHAR' : /^(DECIMAL|NUMERIC|NUMBER|FIXED)$/.test(name) ? 'NUMBER' : name,
    precision: Number(one || 38),
    scale: Number(two || 0),
    length: Number(one || Number.MAX_SAFE_INTEGER),
    collation: collationOf(text),
  }
}

/** `utf8` and `bin` compare by bytes too (docs.snowflake.com, collation). */
function collationOf(text: string): string {
  const found = /\bCOLLATE\s+'([^']*)'/i.exec(text)?.[1] ?? ''
  return /^(utf8|bin)$/i.test(found) ? '' : found
}

/**
 * Whether every value of the column's type has a place in the type found, without rounding. A text column of any length may
 * hold texts: their length is not declared, so a longer one is a matter of its record.
 */
export function holds(found: FoundType, type: ColumnType): boolean {
  if (found.kind === 'VARCHAR') return type === 'string' || found.length >= 50
  if (type === 'string') return false
  if (type === 'json') return found.kind === 'VARIANT'
  if (type === 'integer') return found.kind === 'NUMBER' && found.precision - found.scale >= 16
  if (type === 'boolean') return found.kind === 'BOOLEAN'
  if (type === 'date') return found.kind === 'DATE' || found.kind.startsWith('TIMESTAMP')
  if (type === 'timestamp') return found.kind.startsWith('TIMESTAMP')
  const wanted = /^decimal\((\d+),\s*(\d+)\)$/.exec(type)
  if (!wanted || found.kind !== 'NUMBER') return false
  const scale = Number(wanted[2])
  return found.scale >= scale && found.precision - found.scale >= Number(wanted[1]) - scale
}

const DAY = literal('YYYY-MM-DD')
/** A moment of time as messages have it, in UTC; any number of digits behind the point. */
export const MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.FF9"Z"'
/** The same in a column of texts. */
const TEXT_MOMENT = literal('YYYY-MM-DD HH24:MI:SS.FF3')

/** The fraction is optional in a message, and not in a format. */
const withFraction = (text: string): string => `IFF(CONTAINS(${text}, '.'), ${text}, REPLACE(${text}, 'Z', '.0Z'))`

/**
 * An expression that makes the column's value of a text; a value that does not fit raises, or gives null with `TRY_`. Formats
 * stand in the statement, since those of account and user may be others. JSON in a text column stays text.
 */
function converted(text: string, type: ColumnType, asText: boolean, attempt: '' | 'TRY_'): string {
  if (type === 'string') return text
  if (type === 'json') return asText ? text : `${attempt}PARSE_JSON(${text})`
  if (type === 'date') {
    const day = `${attempt}TO_DATE(${text}, ${DAY})`
    return asText ? `TO_VARCHAR(${day}, ${DAY})` : day
  }
  if (type === 'timestamp') {
    const moment = `${attempt}TO_TIMESTAMP_NTZ(${withFraction(text)}, ${literal(MOMENT)})`
    return asText ? `TO_VARCHAR(${moment}, ${TEXT_MOMENT})` : moment
  }
  return `${attempt}CAST(${text} AS ${sqlType(type)})`
}

export const cast = (text: string, type: ColumnType, asText = false): string => converted(text, type, asText, '')
export const tryCast = (text: string, type: ColumnType, asText = false): string => converted(text, type, asText, 'TRY_')

/** The type of what `cast` gives. */
export const castType = (type: ColumnType, asText = false): string =>
  asText && /^(json|date|timestamp)$/.test(type) ? 'VARCHAR' : sqlType(type)
