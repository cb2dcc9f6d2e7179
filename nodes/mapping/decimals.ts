/** Exact arithmetic on decimal texts, for mapping expressions: `$add $sub $mul $round`. */
import Big from 'big.js'
import { isExactNumber } from './steps.ts'

/** Decimal places of amounts, as far as a number given to these functions may have lost them. */
const PLACES = 8

const big = (value: unknown): Big => {
  if (typeof value === 'number' && !isExactNumber(value, PLACES)) {
    throw new Error(`${value} is a JavaScript number that may have been rounded; pass the decimal as text`)
  }
  return new Big(String(value))
}

/** Functions by the name they have in an expression. Null or a missing operand gives null. */
export const decimalFunctions: Readonly<Record<string, (...args: unknown[]) => string | null>> = {
  add: (a, b) => (absent(a, b) ? null : big(a).plus(big(b)).toFixed()),
  sub: (a, b) => (absent(a, b) ? null : big(a).minus(big(b)).toFixed()),
  mul: (a, b) => (absent(a, b) ? null : big(a).times(big(b)).toFixed()),
  /** Half away from zero, as accountants round. */
  round: (a, digits) =>
    absent(a, digits) ? null : big(a).round(Number(digits), Big.roundHalfUp).toFixed(Number(digits)),
}

const absent = (...values: unknown[]): boolean => values.some((v) => v === null || v === undefined)
