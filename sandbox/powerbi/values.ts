/** How a value in the JSON of POST rows becomes a stored one. */
import { DuckDBDecimalValue, DuckDBTimestampValue, type DuckDBValue } from '@duckdb/node-api'

export type DataType = 'Int64' | 'Double' | 'Boolean' | 'DateTime' | 'String' | 'Decimal'

/** Spellings that clients use and the service takes. */
const SPELLINGS: Readonly<Record<string, DataType>> = {
  int64: 'Int64',
  double: 'Double',
  boolean: 'Boolean',
  bool: 'Boolean',
  datetime: 'DateTime',
  string: 'String',
  decimal: 'Decimal',
}

/** What a column's values are stored as. */
export const STORED: Readonly<Record<DataType, string>> = {
  Int64: 'BIGINT',
  Double: 'DOUBLE',
  Boolean: 'BOOLEAN',
  DateTime: 'TIMESTAMP',
  String: 'VARCHAR',
  Decimal: 'DECIMAL(28,4)',
}

export function dataType(spelling: string): DataType | undefined {
  const lower = spelling.toLowerCase()
  return Object.hasOwn(SPELLINGS, lower) ? SPELLINGS[lower] : undefined
}

/** The value cannot be one of the column's type. */
export const wrong = Symbol('wrong')

const INT64_MAX = 2n ** 63n - 1n
const DECIMAL_MAX = 10n ** 28n

/**
 * The stored value, `wrong` where the text or number is none of the type. The service converts text; null is blank.
 * What it does with other mismatches is not documented: a number or boolean for a String becomes its text here, the rest is wrong.
 */
export function stored(value: unknown, type: DataType): DuckDBValue | typeof wrong {
  if (value === null || value === undefined) return null
  if (typeof value === 'object') return wrong
  switch (type) {
    case 'String':
      return String(value)
    case 'Boolean':
      return boolean(value)
    case 'Int64':
      return integer(value)
    case 'Double':
      return double(value)
    case 'Decimal':
      return decimal(value)
    default:
      return dateTime(value)
  }
}

function boolean(value: unknown): boolean | typeof wrong {
  if (typeof value === 'boolean') return value
  const text = typeof value === 'string' ? value.trim().toLowerCase() : ''
  return text === 'true' || text === 'false' ? text === 'true' : wrong
}

function integer(value: unknown): bigint | typeof wrong {
  if (typeof value === 'boolean') return wrong
  const text = String(value).trim()
  if (!/^[+-]?\d{1,19}$/.test(text))
    return Number.isSafeInteger(Number(text)) && text !== '' ? BigInt(Number(text)) : wrong
  const number = BigInt(text)
  // The least and the greatest value are refused.
  return number > -INT64_MAX - 1n && number < INT64_MAX ? number : wrong
}

function double(value: unknown): number | typeof wrong {
  if (typeof value === 'boolean') return wrong
  const text = String(value).trim()
  const number = text === '' ? Number.NaN : Number(text)
  return Number.isFinite(number) && Math.abs(number) < Number.MAX_VALUE ? number : wrong
}

/** Text is exact; a JSON number has gone through a Double before. Rounded half away from zero at the fifth place. */
function decimal(value: unknown): DuckDBDecimalValue | typeof wrong {
  if (typeof value === 'boolean') return wrong
  if (typeof value === 'number') {
    const units = Math.round(value * 10_000)
    // Up to 15 digits a Double stands for one decimal only; beyond, its text says which.
    if (Math.abs(units) < 1e15 && units / 10_000 === value) return new DuckDBDecimalValue(BigInt(units), 28, 4)
  }
  const text = plainNumber(String(value).trim())
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text) ?? []
  if (whole === '' && fraction === '') return wrong
  const padded = fraction.padEnd(5, '0')
  const units = BigInt(`${whole || '0'}${padded.slice(0, 4)}`) + (padded.charAt(4) >= '5' ? 1n : 0n)
  return units < DECIMAL_MAX ? new DuckDBDecimalValue(sign === '-' ? -units : units, 28, 4) : wrong
}

/** `1e21` and `1.5e-7` without their exponent. */
function plainNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = ''] =
    /^([+-]?)(\d*)\.?(\d*)[eE]([+-]?\d{1,3})$/.exec(text) ?? []
  if (power === '') return text
  const digits = whole + fraction
  const point = whole.length + Number(power)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.slice(0, point).padEnd(point, '0')}.${digits.slice(point)}`
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i
const AMERICAN = /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s*(AM|PM)?)?$/i
/** The engine keeps time in steps of 1/300 s. */
const STEPS = 300n
const MICROS = 1_000_000n

/** The zone is not kept: a time with an offset is turned into UTC (undocumented), then it is a time on the wall. */
function dateTime(value: unknown): DuckDBTimestampValue | typeof wrong {
  if (typeof value !== 'string') return wrong
  const text = value.trim()
  const iso = ISO.exec(text)
  if (iso) {
    const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = iso
    const at = utc([year, month, day, hour, minute, second])
    if (at === undefined) return wrong
    const micros = BigInt(at) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6)) - offset(zone)
    return new DuckDBTimestampValue(quantised(micros))
  }
  const [, month, day, year, hour = '0', minute = '0', second = '0', half = ''] = AMERICAN.exec(text) ?? []
  if (year === undefined) return wrong
  const hours = half === '' ? Number(hour) : (Number(hour) % 12) + (half.toUpperCase() === 'PM' ? 12 : 0)
  const at = utc([year, month, day, String(hours), minute, second])
  return at === undefined ? wrong : new DuckDBTimestampValue(BigInt(at) * 1000n)
}

/** Milliseconds; undefined for a date or time that is not on the calendar. */
function utc(parts: readonly (string | undefined)[]): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number)
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  const same = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour
  return same && minute < 60 && second < 60 ? date.getTime() : undefined
}

function offset(zone: string): bigint {
  if (zone.toUpperCase() === 'Z') return 0n
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return BigInt(zone.startsWith('-') ? -minutes : minutes) * 60n * MICROS
}

function quantised(micros: bigint): bigint {
  const half = (dividend: bigint, divisor: bigint): bigint =>
    dividend >= 0n ? (dividend + divisor / 2n) / divisor : (dividend - divisor / 2n) / divisor
  return half(half(micros * STEPS, MICROS) * MICROS, STEPS)
}
