/**
 * Values of DAX: text, boolean, Double (a JS number), Int64 (a bigint), Decimal (four exact places), DateTime, and BLANK.
 * Text is compared without regard to case, as the engine's default collation does.
 */

/** Fixed decimal: units of 1/10,000. */
export interface Fixed {
  readonly fixed: bigint
}

/** Microseconds since 1970, without a zone. */
export interface Moment {
  readonly micros: bigint
}

export type Value = string | boolean | number | bigint | Fixed | Moment | null
type Numeric = number | bigint | Fixed

/** A failure of the query, worded as the engine words it. */
export class DaxError extends Error {}

export const isFixed = (value: Value): value is Fixed => typeof value === 'object' && value !== null && 'fixed' in value
export const isMoment = (value: Value): value is Moment =>
  typeof value === 'object' && value !== null && 'micros' in value
const isNumeric = (value: Value): value is Numeric =>
  typeof value === 'number' || typeof value === 'bigint' || isFixed(value)

const UNIT = 10_000n
/** Days between DAX's zero, 1899-12-30, and 1970. */
const EPOCH_DAYS = 25_569
const MICROS_PER_DAY = 86_400_000_000

export function real(value: Numeric): number {
  return isFixed(value) ? Number(value.fixed) / 10_000 : Number(value)
}

/** A number from any value, BLANK as zero; text that is no number fails. */
export function numberOf(value: Value): Numeric {
  if (value === null) return 0n
  if (isNumeric(value)) return value
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (isMoment(value)) return Number(value.micros) / MICROS_PER_DAY + EPOCH_DAYS
  const text = value.trim()
  if (/^[+-]?\d{1,18}$/.test(text)) return BigInt(text)
  const parsed = text === '' ? Number.NaN : Number(text)
  if (Number.isNaN(parsed)) throw new DaxError(`Cannot convert value '${value}' of type Text to type Number.`)
  return parsed
}

export function momentOf(value: Value): Moment {
  if (value !== null && isMoment(value)) return value
  if (typeof value === 'string') {
    const at = Date.parse(/[zZ]$/.test(value) ? value : `${value}Z`)
    if (Number.isNaN(at)) throw new DaxError(`Cannot convert value '${value}' of type Text to type Date.`)
    return { micros: BigInt(at) * 1000n }
  }
  return { micros: BigInt(Math.round((real(numberOf(value)) - EPOCH_DAYS) * MICROS_PER_DAY)) }
}

export function booleanOf(value: Value): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') {
    const text = value.trim().toLowerCase()
    if (text === 'true' || text === 'false') return text === 'true'
    throw new DaxError(`Cannot convert value '${value}' of type Text to type True/False.`)
  }
  return real(numberOf(value)) !== 0
}

export function textOf(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  if (isMoment(value)) return momentText(value).replace('T', ' ')
  return numberText(value)
}

export function numberText(value: Numeric): string {
  if (!isFixed(value)) return String(value)
  const digits = (value.fixed < 0n ? -value.fixed : value.fixed).toString().padStart(5, '0')
  const fraction = digits.slice(-4).replace(/0+$/, '')
  return `${value.fixed < 0n ? '-' : ''}${digits.slice(0, -4)}${fraction === '' ? '' : `.${fraction}`}`
}

/** `2026-07-28T00:00:00`, with milliseconds where there are any. */
export function momentText({ micros }: Moment): string {
  const millis = micros >= 0n ? (micros + 500n) / 1000n : (micros - 500n) / 1000n
  return new Date(Number(millis))
    .toISOString()
    .replace(/(\.\d*?)0*Z$/, '$1')
    .replace(/\.$/, '')
}

/** Decimal from text such as `-12.3456789`; rounds half away from zero at the fifth place. */
export function fixedOf(text: string): Fixed {
  const [, sign = '', whole = '0', fraction = ''] = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text) ?? []
  const padded = fraction.padEnd(5, '0')
  const units = BigInt(whole || '0') * UNIT + BigInt(padded.slice(0, 4)) + (padded.charAt(4) >= '5' ? 1n : 0n)
  return { fixed: sign === '-' ? -units : units }
}

const toFixed = (value: bigint | Fixed): bigint => (isFixed(value) ? value.fixed : value * UNIT)
const exact = (value: Numeric): value is bigint | Fixed => typeof value !== 'number'

function roundedDivision(dividend: bigint, divisor: bigint): bigint {
  const half = divisor / 2n
  return dividend >= 0n ? (dividend + half) / divisor : (dividend - half) / divisor
}

/** `+` and `-`: BLANK counts as zero, BLANK with BLANK is BLANK. */
export function add(a: Value, b: Value, sign: 1 | -1 = 1): Value {
  if (a === null && b === null) return null
  const [x, y] = [numberOf(a), numberOf(b)]
  const date = (a !== null && isMoment(a)) !== (b !== null && isMoment(b))
  if (date) return momentOf(real(x) + sign * real(y))
  if (!exact(x) || !exact(y)) return real(x) + sign * real(y)
  if (isFixed(x) || isFixed(y)) return { fixed: toFixed(x) + BigInt(sign) * toFixed(y) }
  return x + BigInt(sign) * y
}

export function multiply(a: Value, b: Value): Value {
  if (a === null || b === null) return null
  const [x, y] = [numberOf(a), numberOf(b)]
  if (!exact(x) || !exact(y)) return real(x) * real(y)
  if (isFixed(x) && isFixed(y)) return { fixed: roundedDivision(x.fixed * y.fixed, UNIT) }
  if (isFixed(x)) return { fixed: x.fixed * (y as bigint) }
  if (isFixed(y)) return { fixed: x * y.fixed }
  return x * y
}

/** `/`: a Double; by zero it is infinite, as DAX has it. */
export function divide(a: Value, b: Value): Value {
  if (a === null) return null
  return real(numberOf(a)) / real(numberOf(b))
}

export function negate(value: Value): Value {
  return value === null ? null : add(0n, value, -1)
}

/** Below, equal or above zero. BLANK equals zero, empty text and FALSE; other types do not compare. */
export function compare(a: Value, b: Value): number {
  if (a === null && b === null) return 0
  if (a === null) return -compare(b, null)
  if (b === null) return compare(a, emptyOf(a))
  if (typeof a === 'string' && typeof b === 'string') return order(a.toLowerCase(), b.toLowerCase())
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (isMoment(a) && isMoment(b)) return order(a.micros, b.micros)
  const dated = isMoment(a) || isMoment(b)
  if ((isNumeric(a) || isMoment(a)) && (isNumeric(b) || isMoment(b))) {
    const [x, y] = [numberOf(a), numberOf(b)]
    if (!dated && exact(x) && exact(y)) return order(toFixed(x), toFixed(y))
    return order(real(x), real(y))
  }
  throw new DaxError(
    `DAX comparison operations do not support comparing values of type ${typeName(a)} with values of type ${typeName(b)}. Consider using the VALUE or FORMAT function to convert one of the values.`,
  )
}

function emptyOf(value: Exclude<Value, null>): Value {
  if (typeof value === 'string') return ''
  if (typeof value === 'boolean') return false
  return isMoment(value) ? { micros: BigInt(-EPOCH_DAYS) * BigInt(MICROS_PER_DAY) } : 0n
}

function order<T extends string | number | bigint>(a: T, b: T): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function typeName(value: Value): string {
  if (typeof value === 'string') return 'Text'
  if (typeof value === 'boolean') return 'True/False'
  if (value !== null && isMoment(value)) return 'Date'
  return typeof value === 'bigint' ? 'Integer' : 'Number'
}

/** The same text for equal values: what grouping and filters go by. BLANK is a value of its own. */
export function keyOf(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'string') return `t${value.toLowerCase()}`
  if (typeof value === 'boolean') return value ? 'b1' : 'b0'
  if (isMoment(value)) return `d${value.micros}`
  return `n${numberText(value)}`
}

/** A value in the JSON of an answer; decimals and integers keep every digit. */
export function jsonText(value: Value): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value)
  if (isMoment(value)) return JSON.stringify(momentText(value))
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify(String(value))
  return numberText(value)
}
