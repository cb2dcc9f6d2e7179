import type { Decimal } from './types.ts'

/**
 * Amounts while a document is being made up: whole minor units, as numbers below 2^53, so that every sum is exact;
 * outside this folder there is only the decimal text.
 */
export type Minor = number

/** The same where amounts may go beyond 2^53: those of journal entries, signed ones among them. */
export type LargeMinor = bigint

/** Digits behind the point, by currency. */
export const scales: Readonly<Record<string, number>> = { CLF: 4, EUR: 2, GBP: 2, JPY: 0, KWD: 3, USD: 2 }

/** What one unit is worth in euro; good enough for demo books and the same for ever. */
const worth: Readonly<Record<string, number>> = {
  CLF: 36.4,
  EUR: 1,
  GBP: 1.1725,
  JPY: 0.00613,
  KWD: 2.9871,
  USD: 0.9217,
}

export function scaleOf(currency: string): number {
  const scale = scales[currency]
  if (scale === undefined) throw new Error(`The demo books know no currency ${currency}.`)
  return scale
}

/** 123450 at scale 2 is `"1234.50"`. */
export function decimal(minor: Minor | LargeMinor, scale: number): Decimal {
  if (typeof minor === 'number' && !Number.isSafeInteger(minor))
    throw new Error(`An amount of the demo books is too big to be exact: ${minor}`)
  const digits = String(minor < 0 ? -minor : minor).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${minor < 0 ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`
}

/** The same amount in another currency, rounded to its minor unit. */
export function convert(minor: Minor, from: string, to: string): Minor {
  if (from === to) return minor
  const rate = (worth[from] as number) / (worth[to] as number)
  return Math.round(minor * rate * 10 ** (scaleOf(to) - scaleOf(from)))
}

/** The same of amounts of any size; one unit of a rate is a trillionth. */
export function convertLarge(minor: LargeMinor, from: string, to: string): LargeMinor {
  const small = Number(minor)
  if (Number.isSafeInteger(small)) return BigInt(convert(small, from, to))
  if (from === to) return minor
  return (minor * BigInt(convert(1e12, from, to))) / 1_000_000_000_000n
}
