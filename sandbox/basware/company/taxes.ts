import type { Minor } from '../../books/money.ts'
import type { Habits } from './habits.ts'

export type TaxKind = 'normal' | 'reduced' | 'exempt' | 'reverse' | 'partial'

/** Code behind the country's two letters, and the rate in percent. */
export const TAXES: Readonly<Record<TaxKind, { readonly code: string; readonly percent: number }>> = {
  normal: { code: '-S20', percent: 20 },
  reduced: { code: '-R05', percent: 5.5 },
  exempt: { code: '-E00', percent: 0 },
  /** The buyer owes it: nothing of it is paid to the supplier. */
  reverse: { code: '-RC20', percent: 20 },
  /** Half of it may be deducted. */
  partial: { code: '-PD20', percent: 20 },
}

/** Of a partly deductible tax, what may not be deducted, in percent. */
const NOT_DEDUCTIBLE = 50

/** What a row or an invoice says of its tax. */
export interface Tax {
  readonly percent: number
  readonly percent2: number
  /** To be paid to the supplier. */
  readonly sum: Minor
  readonly sum2: Minor
}

const part = (minor: Minor, percent: number): Minor => Math.round((minor * percent * 10) / 1000)

/** Tax of a net amount, in the habits of the tenant. */
export function taxOf(kind: TaxKind, net: Minor, habits: Habits): Tax {
  const { percent } = TAXES[kind]
  const whole = part(net, percent)
  if (kind === 'reverse') {
    return habits.reverseCharge === 'second'
      ? { percent: 0, percent2: percent, sum: 0, sum2: whole }
      : { percent: 0, percent2: 0, sum: 0, sum2: 0 }
  }
  if (kind === 'partial' && habits.partialDeduction === 'second') {
    return { percent, percent2: NOT_DEDUCTIBLE, sum: whole, sum2: part(whole, NOT_DEDUCTIBLE) }
  }
  return { percent, percent2: 0, sum: whole, sum2: 0 }
}
