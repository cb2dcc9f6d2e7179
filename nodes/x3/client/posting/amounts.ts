/** Amounts in the document's currency, exact. */
import Big from 'big.js'
import { hold } from './hold.ts'

export const ZERO = new Big(0)

/** Digits behind the point of a currency, after ISO 4217. Holds an invoice whose currency is no code. */
export function scaleOf(currency: string): number {
  try {
    const { maximumFractionDigits } = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
    return maximumFractionDigits ?? 2
  } catch {
    throw hold(
      'currency',
      'currency',
      `its currency "${currency}" is no currency code`,
      'Correct the currency in Basware, or map it.',
    )
  }
}

/** To the currency's digits, a half away from zero. */
export const rounded = (value: Big, scale: number): Big => value.round(scale, Big.roundHalfUp)

/** So many percent of it, to the currency's digits. */
export const percentOf = (value: Big, percent: Big, scale: number): Big => rounded(value.times(percent).div(100), scale)

export const sumOf = (values: readonly Big[]): Big => values.reduce((sum, value) => sum.plus(value), ZERO)

/** As people write it: `1234.50`. */
export const shown = (value: Big, scale: number): string => value.toFixed(scale)

/** So many smallest units of a currency: 2 of euros are 0.02. */
export const unitsOf = (units: number, scale: number): Big => new Big(units).div(new Big(10).pow(scale))
