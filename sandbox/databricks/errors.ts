/** A failure with the error class and SQLSTATE of Databricks; `message` is the whole text a client shows. */
export class SqlError extends Error {
  readonly errorClass: string
  readonly sqlState: string

  constructor(errorClass: string, sqlState: string, text: string) {
    super(`[${errorClass}] ${text} SQLSTATE: ${sqlState}`)
    this.name = 'SqlError'
    this.errorClass = errorClass
    this.sqlState = sqlState
  }
}

/** A table as a statement names it, lower-cased; `catalog` is always the one catalog of the sandbox. */
export interface TableName {
  catalog: string
  schema: string
  name: string
}

export const quoted = ({ catalog, schema, name }: TableName) => `\`${catalog}\`.\`${schema}\`.\`${name}\``

export function syntaxError(near: string, sql: string, at: number): SqlError {
  const before = sql.slice(0, at)
  const line = before.split('\n').length
  const column = at - (before.lastIndexOf('\n') + 1)
  const place = near === '' ? 'end of input' : `'${near}'`
  const error = new SqlError('PARSE_SYNTAX_ERROR', '42601', `Syntax error at or near ${place}.`)
  error.message += ` (line ${line}, pos ${column})`
  return error
}

export function tableNotFound(table: TableName): SqlError {
  return new SqlError(
    'TABLE_OR_VIEW_NOT_FOUND',
    '42P01',
    `The table or view ${quoted(table)} cannot be found. Verify the spelling and correctness of the schema and catalog. ` +
      'If you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and catalog.',
  )
}

export function schemaNotFound(catalog: string, schema: string): SqlError {
  return new SqlError(
    'SCHEMA_NOT_FOUND',
    '42704',
    `The schema \`${catalog}\`.\`${schema}\` cannot be found. Verify the spelling and correctness of the schema and catalog.`,
  )
}

export function catalogNotFound(catalog: string): SqlError {
  return new SqlError(
    'NO_SUCH_CATALOG_EXCEPTION',
    '42704',
    `Catalog '${catalog}' was not found. Please verify the catalog name and then retry the query or command again.`,
  )
}

export function pathNotFound(path: string): SqlError {
  return new SqlError('PATH_NOT_FOUND', '42K03', `Path does not exist: ${path}.`)
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  INT8: 'TINYINT',
  INT16: 'SMALLINT',
  INT32: 'INT',
  INT64: 'BIGINT',
  BOOL: 'BOOLEAN',
  VARCHAR: 'STRING',
  'TIMESTAMP WITH TIME ZONE': 'TIMESTAMP',
}

type Rule = readonly [RegExp, (match: string[]) => SqlError]

/** DuckDB's texts (1.5) and what Databricks says in their place. */
const RULES: readonly Rule[] = [
  [/NOT NULL constraint failed: [^.]*\.(.+)/, ([column]) => notNull(column)],
  [
    /CHECK constraint failed .* expression CHECK\(\(length\("?([^")]+)"?\) <= (\d+)/,
    ([column, limit]) =>
      new SqlError(
        'DELTA_EXCEED_CHAR_VARCHAR_LIMIT',
        '22001',
        `Value of column ${column} exceeds char/varchar type length limitation of ${limit}.`,
      ),
  ],
  [/CAST_INVALID_INPUT (.*)/s, ([value]) => castInvalid(value, 'BIGINT')],
  [/Could not convert string ["'](.*)["'] to (DECIMAL\(\d+,\s?\d+\)|\w+)/s, ([value, type]) => badText(value, type)],
  [/Could not cast value (\S+) to (DECIMAL\(\d+,\s?\d+\))/, ([value, type]) => outOfRange(value, type)],
  [/Casting value "(.*)" to type (DECIMAL\(\d+,\s?\d+\)) failed/, ([value, type]) => outOfRange(value, type)],
  [
    /Type (\w+) with value (\S+) can't be cast because the value is out of range for the destination type (\w+)/,
    ([from, value, to]) =>
      new SqlError(
        'CAST_OVERFLOW',
        '22003',
        `The value ${value} of the type "${name(from)}" cannot be cast to "${name(to)}" due to an overflow. Use \`try_cast\` to tolerate overflow and return NULL instead.`,
      ),
  ],
  [/date field value out of range: "(.*)"/, ([value]) => castInvalid(value, 'DATE')],
  [/invalid date field format: "(.*)", expected/, ([value]) => castInvalid(value, 'DATE')],
  [/invalid timestamp field format: "(.*)", expected/, ([value]) => castInvalid(value, 'TIMESTAMP')],
  [/timestamp field value out of range: "(.*)"/, ([value]) => castInvalid(value, 'TIMESTAMP')],
  [
    /Overflow in |out of range|overflow/i,
    () => new SqlError('ARITHMETIC_OVERFLOW', '22003', 'The result is out of the range of its type.'),
  ],
  [
    /Malformed JSON|JSON transform error|Expected OBJECT|Failed to cast value to|invalid JSON/i,
    () =>
      new SqlError(
        'MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION',
        '22023',
        'Malformed records are detected in record parsing. Parse Mode: FAILFAST. To process malformed records as null result, try setting the option "mode" as "PERMISSIVE".',
      ),
  ],
  [/Referenced column "([^"]*)"/, ([column]) => unresolved(column)],
  [/does not have a column named "([^"]*)"/, ([column]) => unresolved(column)],
  [/does not have a column with name "([^"]*)"/, ([column]) => unresolved(column)],
  [/Referenced update column (\S+) not found/, ([column]) => unresolved(column)],
  [/Cannot extract field '([^']*)' from expression "([^"]*)"/, ([field, owner]) => unresolved(`${owner}\`.\`${field}`)],
  [/Could not find key "([^"]*)" in struct/, ([field]) => fieldNotFound(field)],
  [/Referenced table "([^"]*)" not found/, ([table]) => unresolved(table)],
  [
    /Ambiguous reference to column name "([^"]*)"/,
    ([column]) => new SqlError('AMBIGUOUS_REFERENCE', '42704', `Reference \`${column}\` is ambiguous.`),
  ],
  [
    /column "?([^" ]+)"? must appear in the GROUP BY clause/,
    ([column]) =>
      new SqlError(
        'MISSING_AGGREGATION',
        '42803',
        `The non-aggregating expression "${column}" is based on columns which are not participating in the GROUP BY clause.`,
      ),
  ],
  [
    /Duplicate column name "([^"]*)"|Column with name (\S+) already exists/,
    ([first, second]) => columnExists(first ?? second ?? ''),
  ],
  [
    /table (\S+) has (\d+) columns but (\d+) values were supplied|Column count mismatch|expected (\d+) columns/i,
    () =>
      new SqlError(
        'INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS',
        '21S01',
        'Cannot write to the table, the numbers of data columns and table columns differ.',
      ),
  ],
  [
    /Conflict on (update|delete)|conflicting? (update|delete)/i,
    () =>
      new SqlError(
        'DELTA_CONCURRENT_APPEND.ROW_LEVEL_CHANGES',
        '2D521',
        'Transaction conflict detected. A concurrent operation modified rows that this transaction has read. Try the operation again.',
      ),
  ],
  [
    /Transaction conflict|write-write conflict|has been altered by a different/i,
    () =>
      new SqlError(
        'DELTA_METADATA_CHANGED',
        '2D521',
        'The metadata of the Delta table has been changed by a concurrent update. Try the operation again.',
      ),
  ],
  [
    /Binder Error: (?:No function matches|Cannot compare|Cannot mix|Cannot combine)(.*)/s,
    ([rest]) =>
      new SqlError(
        'DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES',
        '42K09',
        `Cannot resolve the expression:${firstLine(rest)}`,
      ),
  ],
]

/** Says a failure of the engine in Databricks' words. What has no rule becomes INTERNAL_ERROR with the engine's first line. */
export function fromEngine(error: unknown): SqlError {
  if (error instanceof SqlError) return error
  const text = error instanceof Error ? error.message : String(error)
  for (const [pattern, make] of RULES) {
    const match = pattern.exec(text)
    if (match) return make(match.slice(1))
  }
  return new SqlError('INTERNAL_ERROR', 'XX000', firstLine(text))
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0] ?? ''
}

function name(type = ''): string {
  return TYPE_NAMES[type.toUpperCase()] ?? type.toUpperCase().replace(/,\s?/, ',')
}

function notNull(column = ''): SqlError {
  return new SqlError(
    'DELTA_NOT_NULL_CONSTRAINT_VIOLATED',
    '23502',
    `NOT NULL constraint violated for column: ${column}.`,
  )
}

function castInvalid(value = '', type = ''): SqlError {
  return new SqlError(
    'CAST_INVALID_INPUT',
    '22018',
    `The value '${value}' of the type "STRING" cannot be cast to "${name(type)}" because it is malformed. Correct the value as per the syntax, or change its target type. Use \`try_cast\` to tolerate malformed input and return NULL instead.`,
  )
}

function badText(value = '', type = ''): SqlError {
  const isNumber = value.trim() !== '' && Number.isFinite(Number(value))
  return isNumber && type.startsWith('DECIMAL') ? outOfRange(value, type) : castInvalid(value, type)
}

function outOfRange(value = '', type = ''): SqlError {
  const [precision, scale] = type.match(/\d+/g) ?? []
  return new SqlError(
    'NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION',
    '22003',
    `The ${value.trim()} cannot be represented as Decimal(${precision}, ${scale}). If necessary set "spark.sql.ansi.enabled" to "false" to bypass this error, and return NULL instead.`,
  )
}

export function unresolved(column = ''): SqlError {
  return new SqlError(
    'UNRESOLVED_COLUMN.WITHOUT_SUGGESTION',
    '42703',
    `A column, variable, or function parameter with name \`${column}\` cannot be resolved.`,
  )
}

function fieldNotFound(field = ''): SqlError {
  return new SqlError('FIELD_NOT_FOUND', '42704', `No such struct field \`${field}\`.`)
}

export function columnExists(column: string): SqlError {
  return new SqlError(
    'COLUMN_ALREADY_EXISTS',
    '42711',
    `The column \`${column}\` already exists. Choose another name or rename the existing column.`,
  )
}
