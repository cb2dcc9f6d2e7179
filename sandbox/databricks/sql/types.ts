import { accept, castToDecimal, expect, fail, literal, numbers, peek, quote, text } from '../../sql/reader.ts'
import { SqlError } from '../errors.ts'
import { type Cursor, cursor, identifier, type Scope } from './cursor.ts'

/** A type in three languages. `json` is the engine's shape for reading JSON, `texts` the same with text at every leaf. */
export interface SqlType {
  /** As Databricks writes it: `decimal(28,13)`. */
  name: string
  engine: string
  json: unknown
  texts: unknown
  fields?: Field[]
  element?: SqlType
  /** Length limit of `varchar(n)` and `char(n)`. */
  limit?: number
}

export interface Field {
  name: string
  type: SqlType
}

const SIMPLE: Readonly<Record<string, readonly [name: string, engine: string]>> = {
  STRING: ['string', 'VARCHAR'],
  BOOLEAN: ['boolean', 'BOOLEAN'],
  TINYINT: ['tinyint', 'TINYINT'],
  BYTE: ['tinyint', 'TINYINT'],
  SMALLINT: ['smallint', 'SMALLINT'],
  SHORT: ['smallint', 'SMALLINT'],
  INT: ['int', 'INTEGER'],
  INTEGER: ['int', 'INTEGER'],
  BIGINT: ['bigint', 'BIGINT'],
  LONG: ['bigint', 'BIGINT'],
  FLOAT: ['float', 'FLOAT'],
  REAL: ['float', 'FLOAT'],
  DOUBLE: ['double', 'DOUBLE'],
  DATE: ['date', 'DATE'],
  TIMESTAMP: ['timestamp', 'TIMESTAMP WITH TIME ZONE'],
  TIMESTAMP_NTZ: ['timestamp_ntz', 'TIMESTAMP'],
  BINARY: ['binary', 'BLOB'],
}

const INTEGERS = new Set(['tinyint', 'smallint', 'int', 'bigint'])

function simple(name: string, engine: string): SqlType {
  return { name, engine, json: engine, texts: 'VARCHAR' }
}

export function parseType(c: Cursor): SqlType {
  const word = identifier(c).toUpperCase()
  const known = SIMPLE[word]
  if (known) return simple(...known)
  switch (word) {
    case 'VARCHAR':
    case 'CHAR': {
      const [limit = 0] = numbers(c)
      return { ...simple(`${word.toLowerCase()}(${limit})`, 'VARCHAR'), limit }
    }
    case 'DECIMAL':
    case 'DEC':
    case 'NUMERIC': {
      const [precision = 10, scale = 0] = peek(c).text === '(' ? numbers(c) : []
      if (precision > 38 || scale > precision)
        throw new SqlError(
          'DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION',
          '22003',
          `Decimal precision ${precision} exceeds max precision 38.`,
        )
      return simple(`decimal(${precision},${scale})`, `DECIMAL(${precision},${scale})`)
    }
    case 'ARRAY': {
      expect(c, '<')
      const element = parseType(c)
      expect(c, '>')
      return {
        name: `array<${element.name}>`,
        engine: `${element.engine}[]`,
        json: [element.json],
        texts: [element.texts],
        element,
      }
    }
    case 'MAP': {
      expect(c, '<')
      const key = parseType(c)
      expect(c, ',')
      const value = parseType(c)
      expect(c, '>')
      const engine = `MAP(${key.engine}, ${value.engine})`
      return { name: `map<${key.name},${value.name}>`, engine, json: engine, texts: 'MAP(VARCHAR, VARCHAR)' }
    }
    case 'STRUCT': {
      expect(c, '<')
      const fields = fieldList(c, '>')
      expect(c, '>')
      return struct(fields)
    }
  }
  c.at -= 1
  throw new SqlError('UNSUPPORTED_DATATYPE', '0A000', `Unsupported data type "${peek(c).text}".`)
}

function struct(fields: Field[]): SqlType {
  return {
    name: `struct<${fields.map((field) => `${field.name}:${field.type.name}`).join(',')}>`,
    engine: `STRUCT(${fields.map((field) => `${quote(field.name)} ${field.type.engine}`).join(', ')})`,
    json: Object.fromEntries(fields.map((field) => [field.name, field.type.json])),
    texts: Object.fromEntries(fields.map((field) => [field.name, field.type.texts])),
    fields,
  }
}

/** `a: T, b T NOT NULL COMMENT '..'` up to `close`. Without a space `a:string` reads as a marker, so that is undone. */
function fieldList(c: Cursor, close: string): Field[] {
  const fields: Field[] = []
  while (peek(c).text !== close && peek(c).kind !== 'end') {
    if (fields.length > 0) expect(c, ',')
    const name = identifier(c)
    const token = peek(c)
    if (token.kind === 'param') {
      c.tokens[c.at] = { kind: 'word', text: token.value, value: token.value.toUpperCase(), at: token.at + 1 }
    } else accept(c, ':')
    const type = parseType(c)
    accept(c, 'NOT', 'NULL')
    if (accept(c, 'COMMENT')) text(c)
    fields.push({ name, type })
  }
  return fields
}

/** The schema argument of `from_json` and `read_files`: a type, or `a STRING, b INT`. */
export function parseSchemaText(schema: string, scope: Scope): SqlType {
  const c = cursor(schema, scope)
  const isType = peek(c, 1).text === '<'
  const type = isType ? parseType(c) : struct(fieldList(c, ''))
  if (peek(c).kind !== 'end') fail(c)
  return type
}

/** A cast under ANSI rules, where DuckDB's own differ: text to integer takes whole numbers only, fractions are cut off. */
export function castTo(expression: string, type: SqlType, tolerant = false): string {
  const verb = tolerant ? 'TRY_CAST' : 'CAST'
  if (INTEGERS.has(type.name))
    return `${verb}(memory.main.${tolerant ? 'try_whole' : 'whole'}(${expression}) AS ${type.engine})`
  if (type.engine === 'VARCHAR') return `memory.main.as_text(${expression})`
  const plain = `${verb}(${expression} AS ${type.engine})`
  const [precision = 0, scale = 0] = type.engine.startsWith('DECIMAL')
    ? (type.engine.match(/\d+/g) ?? []).map(Number)
    : []
  if (precision <= 18) return plain
  return precision <= 18 ? plain : castToDecimal(expression, precision, scale, verb)
}

/** Reads JSON text: under FAILFAST a value that does not fit its type raises, otherwise it becomes NULL. */
export function fromJson(expression: string, type: SqlType, failFast: boolean): string {
  const isText = JSON.stringify(type.texts) === JSON.stringify(type.json)
  if (isText || !failFast) return `from_json(${expression}, ${literal(JSON.stringify(type.json))})`
  return `CAST(from_json(${expression}, ${literal(JSON.stringify(type.texts))}) AS ${type.engine})`
}

const WHOLE_TEXT = `regexp_full_match(trim(x::VARCHAR), '[+-]?[0-9]+')`
const CUT_OFF = 'CAST(trunc(TRY_CAST(x AS DECIMAL(38, 10))) AS BIGINT)'

/** Macros that `castTo` uses; they live in the engine's own database. */
export const MACROS = [
  `CREATE MACRO whole(x) AS CASE WHEN ${WHOLE_TEXT} THEN CAST(x AS BIGINT) WHEN typeof(x) <> 'VARCHAR' THEN ${CUT_OFF} ELSE error('CAST_INVALID_INPUT ' || x::VARCHAR) END`,
  `CREATE MACRO try_whole(x) AS CASE WHEN ${WHOLE_TEXT} THEN TRY_CAST(x AS BIGINT) WHEN typeof(x) <> 'VARCHAR' THEN ${CUT_OFF} END`,
  `CREATE MACRO as_text(x) AS CASE WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN regexp_replace(x::VARCHAR, '\\+00$', '') ELSE x::VARCHAR END`,
]
