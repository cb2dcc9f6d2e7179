import { accept, bracketed, castToDecimal, isNext, literal, numbers, peek, take } from '../../sql/reader.ts'
import { unsupported } from '../errors.ts'
import type { Cursor } from './cursor.ts'
import type { Kind, SqlType } from './sql-type.ts'

export const MAX_TEXT = 16_777_216
const MAX_BINARY = 8_388_608

const ENGINE: Readonly<Record<Exclude<Kind, 'fixed'>, string>> = {
  real: 'DOUBLE',
  text: 'VARCHAR',
  boolean: 'BOOLEAN',
  date: 'DATE',
  time: 'TIME',
  timestamp_ntz: 'TIMESTAMP',
  timestamp_ltz: 'TIMESTAMP WITH TIME ZONE',
  timestamp_tz: 'TIMESTAMP WITH TIME ZONE',
  variant: 'JSON',
  object: 'JSON',
  array: 'JSON',
  binary: 'BLOB',
}

export function fixed(precision = 38, scale = 0): SqlType {
  return { kind: 'fixed', engine: `DECIMAL(${precision}, ${scale})`, precision, scale, length: 0 }
}

export function simple(kind: Exclude<Kind, 'fixed'>, length = MAX_TEXT): SqlType {
  const isTime = kind === 'time' || kind.startsWith('timestamp')
  return { kind, engine: ENGINE[kind], precision: 0, scale: isTime ? 9 : 0, length }
}

const KINDS: Readonly<Record<string, Exclude<Kind, 'fixed' | 'text' | 'binary'>>> = {
  FLOAT: 'real',
  FLOAT4: 'real',
  FLOAT8: 'real',
  DOUBLE: 'real',
  REAL: 'real',
  BOOLEAN: 'boolean',
  DATE: 'date',
  TIME: 'time',
  DATETIME: 'timestamp_ntz',
  TIMESTAMP_NTZ: 'timestamp_ntz',
  TIMESTAMPNTZ: 'timestamp_ntz',
  TIMESTAMP_LTZ: 'timestamp_ltz',
  TIMESTAMPLTZ: 'timestamp_ltz',
  TIMESTAMP_TZ: 'timestamp_tz',
  TIMESTAMPTZ: 'timestamp_tz',
  VARIANT: 'variant',
  OBJECT: 'object',
  ARRAY: 'array',
}
const INTEGERS = new Set('INT INTEGER BIGINT SMALLINT TINYINT BYTEINT'.split(' '))
const TEXTS = new Set('VARCHAR STRING TEXT NVARCHAR NVARCHAR2 CHAR CHARACTER NCHAR'.split(' '))

export function parseType(c: Cursor): SqlType {
  const word = take(c).value
  const args = () => (isNext(c, '(') ? numbers(c) : [])
  if (word === 'NUMBER' || word === 'DECIMAL' || word === 'NUMERIC' || word === 'DEC') {
    const [precision = 38, scale = 0] = args()
    if (precision < 1 || precision > 38 || scale > precision || scale > 37)
      throw unsupported(`number with precision ${precision} and scale ${scale}`)
    return fixed(precision, scale)
  }
  if (INTEGERS.has(word)) return fixed()
  if (TEXTS.has(word)) {
    const isChar = word === 'CHAR' || word === 'CHARACTER' || word === 'NCHAR'
    const [length = isChar ? 1 : MAX_TEXT] = args()
    return simple('text', length)
  }
  if (word === 'BINARY' || word === 'VARBINARY') {
    const [length = MAX_BINARY] = args()
    return simple('binary', length)
  }
  const kind = word === 'TIMESTAMP' ? mapped(c.scope.session.parameters) : KINDS[word]
  if (!kind) {
    c.at -= 1
    throw unsupported(peek(c).text)
  }
  if (kind === 'real' && word === 'DOUBLE') accept(c, 'PRECISION')
  const type = simple(kind)
  if ((kind === 'object' || kind === 'array') && isNext(c, '(')) bracketed(c, () => skipStructure(c))
  else {
    const [scale] = args()
    if (scale !== undefined) type.scale = scale
  }
  return type
}

/** What TIMESTAMP alone means: TIMESTAMP_TYPE_MAPPING. */
export function mapped(parameters: ReadonlyMap<string, string>): 'timestamp_ntz' | 'timestamp_ltz' | 'timestamp_tz' {
  const name = parameters.get('TIMESTAMP_TYPE_MAPPING')
  return name === 'TIMESTAMP_LTZ' ? 'timestamp_ltz' : name === 'TIMESTAMP_TZ' ? 'timestamp_tz' : 'timestamp_ntz'
}

/** The members of a structured OBJECT or ARRAY: kept as JSON like the others. */
function skipStructure(c: Cursor): void {
  while (!isNext(c, ',') && !isNext(c, ')')) {
    if (isNext(c, '(')) bracketed(c, () => skipStructure(c))
    else take(c)
  }
}

/** As DESCRIBE shows it: `NUMBER(28,8)`, `VARCHAR(16777216)`. */
export function typeName(type: SqlType): string {
  switch (type.kind) {
    case 'fixed':
      return `NUMBER(${type.precision},${type.scale})`
    case 'text':
      return `VARCHAR(${type.length})`
    case 'binary':
      return `BINARY(${type.length})`
    case 'real':
      return 'FLOAT'
    case 'time':
    case 'timestamp_ntz':
    case 'timestamp_ltz':
    case 'timestamp_tz':
      return `${type.kind.toUpperCase()}(${type.scale})`
    default:
      return type.kind.toUpperCase()
  }
}

/** What is known of an expression's type in the engine: `JSON`, `VARCHAR`, another, or nothing. */
function known(expression: string): string | undefined {
  if (expression.startsWith('json_extract(')) return 'JSON'
  if (expression.startsWith('json_extract_string(')) return 'VARCHAR'
  if (/^'(?:[^']|'')*'$/.test(expression) || /^CAST\(\$\w+ AS VARCHAR\)$/.test(expression)) return 'VARCHAR'
  return /^\d+(\.\d+)?$/.test(expression) ? 'DECIMAL' : undefined
}

/** Text of a VARIANT: a string without its quotes, NULL for JSON null. */
function unwrapped(expression: string): string {
  return expression.startsWith('json_extract(')
    ? expression.replace('json_extract(', 'json_extract_string(')
    : `(to_json(${expression}) ->> '$')`
}

/**
 * A cast as Snowflake does it: a VARIANT is unwrapped first, numbers are rounded half away from zero, text that is too long
 * for an explicit cast is cut off. `from` is the operand's type in the engine where that is known. A text becomes a date or
 * time by the engine's `format`, else by the session's.
 */
export function castTo(
  expression: string,
  type: SqlType,
  tolerant = false,
  from = known(expression),
  format?: string,
): string {
  const isJson = type.engine === 'JSON'
  if (isJson) return castToJson(expression, type, tolerant, from)
  if (from === 'JSON') return castTo(unwrapped(expression), type, tolerant, 'VARCHAR', format)
  if (type.kind === 'text') {
    const text = from === 'VARCHAR' ? `CAST(${expression} AS VARCHAR)` : `memory.main.sf_text(${expression})`
    return type.length < MAX_TEXT ? `left(${text}, ${type.length})` : text
  }
  const verb = tolerant ? 'TRY_CAST' : 'CAST'
  const direct = `${verb}(${expression} AS ${type.engine})`
  if (from !== undefined && from !== 'VARCHAR') return direct
  const fromText = (text: string) => {
    if (type.kind === 'fixed') return castToDecimal(text, type.precision, type.scale, verb)
    if (type.kind === 'binary') return `unhex(${text})`
    const reader = READERS[type.kind]
    if (reader === undefined) return `${verb}(${text} AS ${type.engine})`
    if (format !== undefined) return withFormat(text, type, format, tolerant)
    return `memory.main.${tolerant ? 'sf_try' : 'sf'}_${reader}(CAST(${text} AS VARCHAR))`
  }
  if (from === 'VARCHAR') return fromText(expression)
  return `CASE typeof(${expression}) WHEN 'JSON' THEN ${verb}(${unwrapped(expression)} AS ${type.engine}) WHEN 'VARCHAR' THEN ${fromText(expression)} ELSE ${direct} END`
}

/** Kinds that are read by a format of the session, and the macro that does it. */
const READERS: Partial<Record<Kind, string>> = {
  date: 'date',
  time: 'time',
  timestamp_ntz: 'timestamp',
  timestamp_ltz: 'timestamp_tz',
  timestamp_tz: 'timestamp_tz',
}

const withFormat = (text: string, { engine }: SqlType, format: string, tolerant: boolean) =>
  `CAST(${tolerant ? 'try_strptime' : 'strptime'}(CAST(${text} AS VARCHAR), ${literal(format)}) AS ${engine})`

function castToJson(expression: string, type: SqlType, tolerant: boolean, from: string | undefined): string {
  if (from === 'JSON') return expression
  if (type.kind === 'variant' || tolerant) return `to_json(${expression})`
  return `memory.main.sf_structure(${expression}, ${literal(type.kind)})`
}

/** What a value becomes when it is stored in a column: as `castTo`, but text that is too long is refused. */
export function assignTo(expression: string, type: SqlType, from?: string, format?: string): string {
  if (type.kind !== 'text' || type.length >= MAX_TEXT) return castTo(expression, type, false, from, format)
  return `memory.main.sf_fit(${castTo(expression, simple('text'), false, from)}, ${type.length})`
}

/** A session's variable for a format, which is unset where it is the usual one. */
const variable = (name: string, usual: string) => `coalesce(getvariable('${name}'), '${usual}')`
const isAuto = (name: string) => `coalesce(getvariable('${name}'), 'AUTO') = 'AUTO'`

/** AUTO guesses: ISO first, then the American way with slashes, then a name of the month. */
const AUTO_DATE = "CAST(try_strptime(x, ['%m/%d/%Y', '%d-%b-%Y']) AS DATE)"
const AUTO_TIMESTAMP = "CAST(try_strptime(x, ['%m/%d/%Y %H:%M:%S']) AS TIMESTAMP)"

/** Text as a date or time by the session's format: one macro that raises, one that gives NULL. */
function readers(name: string, engine: string, parameter: string, auto?: string): string[] {
  const guess = (verb: string) =>
    auto === undefined
      ? `${verb}(x AS ${engine})`
      : `coalesce(TRY_CAST(x AS ${engine}), ${auto}, ${verb}(x AS ${engine}))`
  const read = (verb: string, parse: string) =>
    `CASE WHEN ${isAuto(parameter)} THEN ${guess(verb)} ELSE CAST(${parse}(x, ${variable(parameter, '%Y')}) AS ${engine}) END`
  return [
    `CREATE MACRO sf_${name}(x) AS ${read('CAST', 'strptime')}`,
    `CREATE MACRO sf_try_${name}(x) AS ${read('TRY_CAST', 'try_strptime')}`,
  ]
}

const stampOut = variable('timestamp_out', '%Y-%m-%d %H:%M:%S.%g')

/** Macros of the above; they live in the engine's own database. */
export const MACROS = [
  `CREATE MACRO sf_stamp(x) AS strftime(CAST(x AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g')`,
  `CREATE MACRO sf_text(x) AS CASE typeof(x) WHEN 'JSON' THEN to_json(x) ->> '$' WHEN 'DATE' THEN strftime(TRY_CAST(CAST(x AS VARCHAR) AS DATE), ${variable('date_out', '%Y-%m-%d')}) WHEN 'TIMESTAMP' THEN strftime(TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMP), ${stampOut}) WHEN 'TIMESTAMP WITH TIME ZONE' THEN strftime(timezone('UTC', TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMP WITH TIME ZONE)), '%Y-%m-%d %H:%M:%S.%g') || ' +0000' WHEN 'BLOB' THEN hex(TRY_CAST(x AS BLOB)) ELSE CAST(x AS VARCHAR) END`,
  ...readers('date', 'DATE', 'date_in', AUTO_DATE),
  ...readers('time', 'TIME', 'time_in'),
  ...readers('timestamp', 'TIMESTAMP', 'timestamp_in', AUTO_TIMESTAMP),
  ...readers('timestamp_tz', 'TIMESTAMP WITH TIME ZONE', 'timestamp_in'),
  `CREATE MACRO sf_fit(x, n) AS CASE WHEN length(x) > n THEN error('SF_TOO_LONG ' || x) ELSE x END`,
  `CREATE MACRO sf_structure(x, kind) AS CASE WHEN lower(json_type(to_json(x))) <> kind THEN error('SF_JSON ' || CAST(x AS VARCHAR)) ELSE to_json(x) END`,
  `CREATE MACRO sf_parse(x) AS CAST(nullif(trim(CAST(x AS VARCHAR)), '') AS JSON)`,
  `CREATE MACRO sf_divide(x, y) AS CASE WHEN y = 0 THEN error('SF_ZERO') ELSE x / y END`,
]
