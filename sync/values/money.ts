/** Exact decimal arithmetic on text: money never becomes a JS number. */

const scientific = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/

/** True for plain notation: `-1234.50`. No plus, no exponent, no blank, a digit on both sides of the point. */
export function isDecimal(text: string): boolean {
  const { length } = text
  const start = text.charCodeAt(0) === 45 ? 1 : 0
  let point = -1
  for (let i = start; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 48 && code <= 57) continue
    if (code !== 46 || point >= 0 || i === start || i === length - 1) return false
    point = i
  }
  return length > start
}

/**
 * Canonical text of a decimal: no exponent, no plus, no leading or trailing zeros, no `-0`.
 * `"1234.50"` -> `"1234.5"`, `"1.5e3"` -> `"1500"`. Throws a `RangeError` for what is no decimal.
 */
export const normalise = (text: string): string => canonical(isDecimal(text) ? text : expand(text))

/** The same for what is known to be in plain notation. */
export function canonical(text: string): string {
  const negative = text.charCodeAt(0) === 45
  let start = negative ? 1 : 0
  const point = text.indexOf('.')
  const whole = point < 0 ? text.length : point
  while (start < whole - 1 && text.charCodeAt(start) === 48) start++
  let end = text.length
  if (point >= 0) {
    while (text.charCodeAt(end - 1) === 48) end--
    if (end === point + 1) end = point
  }
  if (end - start === 1 && text.charCodeAt(start) === 48) return '0'
  if (start === (negative ? 1 : 0) && end === text.length) return text
  return negative ? `-${text.slice(start, end)}` : text.slice(start, end)
}

/** Scientific and loose notation (`+1`, `.5`, `5.`, `1e-7`) as plain text. */
function expand(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = scientific.exec(text) ?? []
  const digits = whole + fraction
  if (digits === '') throw new RangeError(`not a decimal: ${JSON.stringify(text.slice(0, 40))}`)
  const point = whole.length + Number(exponent)
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0')
  const at = Math.max(point, 1)
  const rest = padded.slice(at)
  return `${sign === '-' ? '-' : ''}${padded.slice(0, at)}${rest === '' ? '' : `.${rest}`}`
}

/**
 * Whether a decimal in plain notation fits `decimal(precision, scale)` as it is. Never rounds: more digits
 * behind the point than `scale` that are not zeros do not fit.
 */
export const fitsDecimal = (text: string, precision: number, scale: number): boolean =>
  isDecimal(text) && fitsPlain(text, precision, scale)

/** The same for what is known to be in plain notation. */
export function fitsPlain(text: string, precision: number, scale: number): boolean {
  const point = text.indexOf('.')
  const whole = point < 0 ? text.length : point
  let start = text.charCodeAt(0) === 45 ? 1 : 0
  if (whole - start > precision - scale) {
    while (start < whole && text.charCodeAt(start) === 48) start++
    if (whole - start > precision - scale) return false
  }
  if (point < 0 || text.length - point - 1 <= scale) return true
  let end = text.length
  while (text.charCodeAt(end - 1) === 48) end--
  return end - point - 1 <= scale
}

/** The decimal with the other sign: `"1.50"` -> `"-1.5"`, `"0"` -> `"0"`. */
export function negate(text: string): string {
  const canonical = normalise(text)
  if (canonical === '0') return canonical
  return canonical.charCodeAt(0) === 45 ? canonical.slice(1) : `-${canonical}`
}

/** The amount times the ERP's sign: 1 (debit) or -1 (credit), as number or text; null stays null. */
export function timesSign(text: string | null, sign: number | string): string | null {
  if (text === null) return null
  const factor = Number(sign)
  if (factor === 1) return normalise(text)
  if (factor === -1) return negate(text)
  throw new RangeError(`a sign is 1 or -1, not ${JSON.stringify(sign)}`)
}

/** -1, 0 or 1. */
export function signOf(text: string): -1 | 0 | 1 {
  const negative = text.charCodeAt(0) === 45
  for (let i = negative ? 1 : 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 49 && code <= 57) return negative ? -1 : 1
    if (code === 69 || code === 101) break
  }
  return 0
}

/** An exact sum: `units` times ten to the power of `-scale`. Mutable, so that a million adds make little garbage. */
export interface Sum {
  units: bigint
  scale: number
  /** What was added of at most 15 digits at `scale` and has not reached `units` yet: always a safe integer. */
  small: number
}

/**
 * Nothing. `small` begins as -0, which is no small integer to the engine: code compiled for sums whose field is one first and a
 * double later would be thrown away.
 */
export const newSum = (): Sum => ({ units: 0n, scale: 0, small: -0 })

/** 10^0 to 10^15, exact as JS numbers. */
const powers = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)
const smallLimit = 4_000_000_000_000_000

/** A decimal of few digits as a whole number: `digits` times ten to the power of `-fraction`, without its sign. One that is used again and again. */
const small = { digits: -0, fraction: 0, text: '', fits: false }

/** Whether a decimal in plain notation has so few digits that it is in `small` now. Two amounts of a row are often one. */
function readSmall(text: string): boolean {
  if (text !== small.text) {
    small.text = text
    small.fits = parseSmall(text)
  }
  return small.fits
}

function parseSmall(text: string): boolean {
  const length = text.length
  if (length > 16) return false
  const start = text.charCodeAt(0) === 45 ? 1 : 0
  let digits = 0
  let point = -1
  for (let i = start; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 48 && code <= 57) digits = digits * 10 + (code - 48)
    else if (code === 46 && point < 0 && i > start && i < length - 1) point = i
    else return false
  }
  small.digits = digits
  small.fraction = point < 0 ? 0 : length - point - 1
  return length > start && digits <= smallLimit
}

/** Adds a decimal. The scale grows as needed; nothing is ever rounded. */
export function addTo(sum: Sum, text: string): void {
  // Most amounts have few digits: read as one whole number at the sum's scale, they add without a BigInt.
  if (readSmall(text) && addSmall(sum, text.charCodeAt(0) === 45)) return
  const canonical = normalise(text)
  const point = canonical.indexOf('.')
  const fraction = point < 0 ? 0 : canonical.length - point - 1
  if (fraction > sum.scale) rescale(sum, fraction)
  const units = BigInt(point < 0 ? canonical : canonical.slice(0, point) + canonical.slice(point + 1))
  sum.units += fraction < sum.scale ? units * 10n ** BigInt(sum.scale - fraction) : units
}

/** Adds what is in `small`, unless it has too many digits at the sum's scale. */
function addSmall(sum: Sum, negative: boolean): boolean {
  const { digits, fraction } = small
  if (fraction > sum.scale) rescale(sum, fraction)
  const lift = sum.scale - fraction
  const value = lift === 0 ? digits : lift <= 15 ? digits * (powers[lift] as number) : Number.POSITIVE_INFINITY
  if (value > smallLimit) return false
  sum.small += negative ? -value : value
  if (sum.small > smallLimit || sum.small < -smallLimit) flush(sum)
  return true
}

/**
 * 32 bits of a decimal, the same however it is written, and zero for what is none. Added to the sum in the same go, where there
 * is one.
 */
export function hashAmount(text: string, sum: Sum | undefined): number {
  const negative = text.charCodeAt(0) === 45
  if (!readSmall(text)) {
    if (!isDecimal(text)) return 0
    if (sum !== undefined) addTo(sum, text)
    const plain = canonical(text)
    if (!readSmall(plain)) return hashText(plain)
  } else if (sum !== undefined && !addSmall(sum, negative)) addTo(sum, text)
  let { digits, fraction } = small
  while (fraction > 0 && digits % 10 === 0) {
    digits /= 10
    fraction--
  }
  if (digits === 0) return 1
  // The lower and the upper half of up to 52 bits.
  const low = Math.imul((digits | 0) ^ (fraction + 1), 0x85ebca6b)
  return Math.imul(low ^ (digits / 0x100000000) ^ (negative ? 0x2f0b4c47 : 0), 0xc2b2ae35)
}

/** 32 bits of a text. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

function flush(sum: Sum): void {
  sum.units += BigInt(sum.small)
  sum.small = 0
}

function rescale(sum: Sum, scale: number): void {
  flush(sum)
  if (sum.units !== 0n) sum.units *= 10n ** BigInt(scale - sum.scale)
  sum.scale = scale
}

/** Adds one sum to another. */
export function addSum(sum: Sum, other: Sum): void {
  if (other.scale > sum.scale) rescale(sum, other.scale)
  const lift = sum.scale - other.scale
  const small = other.small * (powers[lift] ?? Number.POSITIVE_INFINITY)
  if (other.units === 0n && small <= smallLimit && small >= -smallLimit) sum.small += small
  else sum.units += (other.units + BigInt(other.small)) * 10n ** BigInt(lift)
  if (sum.small > smallLimit || sum.small < -smallLimit) flush(sum)
}

/** A sum as `units:scale`, the shortest way to keep it; empty for zero. */
export function rawSum({ units, scale, small }: Sum): string {
  if (units === 0n) return small === 0 ? '' : `${small}:${scale}`
  return `${units + BigInt(small)}:${scale}`
}

/** Adds what `rawSum` gave, or takes it off again. */
export function addRawSum(sum: Sum, raw: string, sign: 1 | -1): void {
  if (raw === '') return
  const at = raw.indexOf(':')
  const scale = Number(raw.slice(at + 1))
  // So few digits are exact as a number, and most sums have the scale of those before.
  const few = at <= 15 ? sign * Number(raw.slice(0, at)) : undefined
  if (few === undefined) addSum(sum, { units: BigInt(sign) * BigInt(raw.slice(0, at)), scale, small: 0 })
  else if (scale !== sum.scale) addSum(sum, { units: 0n, scale, small: few })
  else {
    sum.small += few
    if (sum.small > smallLimit || sum.small < -smallLimit) flush(sum)
  }
}

/** Canonical text of a sum. */
export function sumText(sum: Sum): string {
  if (sum.units !== 0n) flush(sum)
  const small = sum.units === 0n
  const negative = small ? sum.small < 0 : sum.units < 0n
  const whole = small ? String(Math.abs(sum.small)) : (negative ? -sum.units : sum.units).toString()
  const digits = whole.padStart(sum.scale + 1, '0')
  const at = digits.length - sum.scale
  return normalise(`${negative ? '-' : ''}${digits.slice(0, at)}${sum.scale > 0 ? `.${digits.slice(at)}` : ''}`)
}

/** Exact sum of decimals. */
export function addDecimals(...texts: readonly string[]): string {
  const sum = newSum()
  for (const text of texts) addTo(sum, text)
  return sumText(sum)
}

/** A decimal for people: `4,250,985.76`, with two digits behind the point at least. */
export function readable(text: string): string {
  const plain = normalise(text)
  const sign = plain.charCodeAt(0) === 45 ? '-' : ''
  const [whole = '', fraction = ''] = plain.slice(sign.length).split('.')
  return `${sign}${whole.replace(/\B(?=(?:\d{3})+$)/g, ',')}.${fraction.padEnd(2, '0')}`
}
