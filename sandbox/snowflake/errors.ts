import { displayed } from './sql/names.ts'

/** What a failure's `data` says beside code and state. */
export interface ErrorPlace {
  line?: number
  pos?: number
}

/** A failure with the code and SQLSTATE of Snowflake; `message` is the whole text a client shows. */
export class SqlError extends Error {
  readonly code: string
  readonly sqlState: string
  readonly place: ErrorPlace

  constructor(code: string, sqlState: string, text: string, place: ErrorPlace = {}) {
    super(text)
    this.name = 'SqlError'
    this.code = code
    this.sqlState = sqlState
    this.place = place
  }
}

const compilation = (code: string, sqlState: string, text: string, place?: ErrorPlace) =>
  new SqlError(code, sqlState, `SQL compilation error:\n${text}`, place)

/** Line from 1 and position from 0 of a place in a statement. */
function placeOf(sql: string, at: number): Required<ErrorPlace> {
  const before = sql.slice(0, at)
  return { line: before.split('\n').length, pos: at - (before.lastIndexOf('\n') + 1) }
}

export function syntaxError(near: string, sql: string, at: number): SqlError {
  const place = placeOf(sql, at)
  const what = near === '' ? `unexpected '<EOF>'` : `unexpected '${near}'`
  return compilation('001003', '42000', `syntax error line ${place.line} at position ${place.pos} ${what}.`, place)
}

/** A feature that this sandbox, or Snowflake in this place, does not have. */
export function unsupported(feature: string): SqlError {
  return compilation('002140', '42601', `Unsupported feature '${feature}'.`)
}

/** Snowflake does not tell whether the object is missing or the role may not see it. */
export function noObject(kind: string, name: string): SqlError {
  return compilation(
    '002003',
    kind === 'Object' ? '42S02' : '02000',
    `${kind} '${name}' does not exist or not authorized.`,
  )
}

/** The same for what USE, DROP, ALTER or DESCRIBE is about. */
export function noSuch(kind: string, name: string): SqlError {
  return compilation('002003', '02000', `${kind} '${name}' does not exist or not authorized.`)
}

export function noOperation(): SqlError {
  return compilation('002043', '02000', 'Object does not exist, or operation cannot be performed.')
}

export function alreadyExists(name: string): SqlError {
  return compilation('002002', '42710', `Object '${name}' already exists.`)
}

export function invalidIdentifier(name: string): SqlError {
  return compilation('000904', '42000', `invalid identifier '${name}'`)
}

export function noPrivilege(kind: string, name: string): SqlError {
  return new SqlError(
    '003001',
    '42501',
    `SQL access control error:\nInsufficient privileges to operate on ${kind} '${name}'.`,
  )
}

export function noWarehouse(name: string | undefined): SqlError {
  return name === undefined
    ? new SqlError(
        '000606',
        '57P03',
        "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.",
      )
    : new SqlError(
        '000606',
        '57P03',
        `Warehouse '${name}' cannot be resumed because resource monitor has exceeded its quota, or it is suspended.`,
      )
}

export function noCurrent(what: 'database' | 'schema', verb: string): SqlError {
  return new SqlError(
    '090105',
    '22000',
    `Cannot perform ${verb}. This session does not have a current ${what}. Call 'USE ${what.toUpperCase()}', or use a qualified name.`,
  )
}

export function canceled(): SqlError {
  return new SqlError('000604', '57014', 'SQL execution canceled')
}

/** Code and text are not documented. */
export function transactionAborted(): SqlError {
  return new SqlError('000605', '25000', 'The transaction was aborted by an error: end it by COMMIT or ROLLBACK.')
}

export function statementTimeout(seconds: number): SqlError {
  return new SqlError(
    '000630',
    '57014',
    `Statement reached its statement or warehouse timeout of ${seconds} second(s) and was canceled.`,
  )
}

export function lockTimeout(table: string, holder: string, queryId: string): SqlError {
  return new SqlError(
    '000625',
    '57014',
    `Statement '${queryId}' was aborted: lock wait timed out. Transaction ${holder} has locked table '${table}' and this lock has not yet been released.`,
  )
}

export function tooManyWaiters(table: string, holder: string, queryId: string): SqlError {
  return new SqlError(
    '000625',
    '57014',
    `Statement '${queryId}' has locked table '${table}' in transaction ${holder} and this lock has not yet been released.\nYour statement '${queryId}' was aborted because the number of waiters for this lock exceeds the 20 statements limit.`,
  )
}

export function duplicateRow(): SqlError {
  return new SqlError('100090', '42P18', 'Duplicate row detected during DML action\nRow Values: [not shown]')
}

export function stringTooLong(value: string): SqlError {
  return new SqlError('100078', '22000', `String '${value}' is too long and would be truncated`)
}

export function nullResult(): SqlError {
  return new SqlError('100072', '22000', 'NULL result in a non-nullable column')
}

export function jsonError(reason: string): SqlError {
  return new SqlError('100069', '22P02', `Error parsing JSON: ${reason}`)
}

type Rule = readonly [RegExp, (match: string[]) => SqlError]

/** DuckDB's texts (1.5), and those that the sandbox's own macros raise, with what Snowflake says in their place. */
const RULES: readonly Rule[] = [
  [/INTERRUPT|Interrupted/, () => canceled()],
  [/SF_TOO_LONG (.*)/s, ([value = '']) => stringTooLong(value)],
  [/SF_JSON (.*)/s, ([value = '']) => jsonError(value.slice(0, 200))],
  [/SF_ZERO/, () => new SqlError('100051', '22012', 'Division by zero')],
  [/SF_BOOL (.*)/s, ([value = '']) => new SqlError('100037', '22018', `Boolean value '${value}' is not recognized`)],
  [/NOT NULL constraint failed/, () => nullResult()],
  [/Could not convert string ["'](.*)["'] to (DECIMAL\(\d+,\s?\d+\)|\w+)/s, ([value, type]) => badText(value, type)],
  [/Could not cast value (\S+) to (DECIMAL\(\d+,\s?\d+\))/, ([value, type]) => outOfRange(value, type)],
  [/Casting value "(.*)" to type (DECIMAL\(\d+,\s?\d+\)) failed/, ([value, type]) => outOfRange(value, type)],
  [/Type (\w+) with value (\S+) can't be cast because the value is out of range/, ([, value]) => outOfRange(value, '')],
  [
    /date field value out of range: "(.*)"|invalid date field format: "(.*)", expected/,
    ([a, b]) => notRecognized('100040', 'Date', a ?? b),
  ],
  [
    /invalid timestamp field format: "(.*)", expected|timestamp field value out of range: "(.*)"/,
    ([a, b]) => notRecognized('100035', 'Timestamp', a ?? b),
  ],
  [
    /time field value out of range: "(.*)"|invalid time field format: "(.*)"/,
    ([a, b]) => notRecognized('100108', 'Time', a ?? b),
  ],
  [
    /Could not parse string "(.*)" according to format specifier "(.*?)"|Date out of range: (\S+)/s,
    ([value, format = '', day = '']) =>
      new SqlError(
        '100096',
        '22007',
        `Can't parse '${value ?? day}' as ${/%H|%I/.test(format) ? 'timestamp' : 'date'} with the format of the conversion`,
      ),
  ],
  [/Overflow in |out of range|overflow/i, () => outOfRange('', '')],
  [/Malformed JSON[^"]*"(.*)"/s, ([value = '']) => jsonError(value.slice(0, 200))],
  [/Referenced column "([^"]*)" not found/, ([column = '']) => invalidIdentifier(displayed(column))],
  [/does not have a column (?:named|with name) "([^"]*)"/, ([column = '']) => invalidIdentifier(displayed(column))],
  [/Referenced table "([^"]*)" not found/, ([table = '']) => invalidIdentifier(displayed(table))],
  [
    /Ambiguous reference to column name "([^"]*)"/,
    ([column = '']) => compilation('002028', '42601', `ambiguous column name '${displayed(column)}'`),
  ],
  [
    /column "?([^" ]+)"? must appear in the GROUP BY clause/,
    ([column = '']) => compilation('000979', '42601', `[${displayed(column)}] is not a valid group by expression`),
  ],
  [
    /Duplicate column name "([^"]*)"|Column with name (\S+) already exists/,
    ([a, b]) => compilation('002024', '42601', `duplicate column name '${displayed(a ?? b ?? '')}'`),
  ],
  [
    /has (\d+) columns but (\d+) values were supplied|Column count mismatch|expected (\d+) columns|same number of|aliased columns/i,
    () => compilation('002020', '21S01', 'Insert value list does not match column list'),
  ],
  [
    /Binder Error: (?:No function matches|Cannot compare|Cannot mix|Cannot combine)(.*)/s,
    ([rest]) => compilation('001044', '42P13', `Invalid argument types for function${firstLine(rest)}`),
  ],
]

/** Says a failure of the engine in Snowflake's words. What has no rule becomes 000603 with the engine's first line. */
export function fromEngine(error: unknown): SqlError {
  if (error instanceof SqlError) return error
  const text = error instanceof Error ? error.message : String(error)
  for (const [pattern, make] of RULES) {
    const match = pattern.exec(text)
    if (match) return make(match.slice(1))
  }
  return new SqlError(
    '000603',
    'XX000',
    `SQL execution internal error: Processing aborted by error: ${firstLine(text)}`,
  )
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0] ?? ''
}

function notRecognized(code: string, kind: string, value = ''): SqlError {
  return new SqlError(code, '22007', `${kind} '${value}' is not recognized`)
}

function badText(value = '', type = ''): SqlError {
  const isNumber = value.trim() !== '' && Number.isFinite(Number(value))
  if (isNumber) return outOfRange(value, type)
  return new SqlError('100038', '22018', `Numeric value '${value}' is not recognized`)
}

function outOfRange(value = '', type = ''): SqlError {
  if (value === '') return new SqlError('100132', '22003', 'Number out of representable range')
  const digits = /\((\d+),\s?(\d+)\)/.exec(type)
  return digits
    ? new SqlError(
        '100132',
        '22003',
        `Number out of representable range: type FIXED(${digits[1]},${digits[2]}), value ${value}`,
      )
    : new SqlError('100039', '22003', `Numeric value '${value}' is out of range`)
}
