/** On which side an invoice stands: an invoice positive, a credit memo negative (docs/entities.md, "Sign"). */
import type { DataRecord, Row } from '../../../sync/contract/message.ts'
import { addDecimals, isDecimal } from '../../../sync/values/money.ts'
import { isSide } from './convert.ts'
import type { SideDef } from './entities/types.ts'

/** Names of X3's menu of invoice types, as far as they are certain. */
const SIDES: ReadonlyMap<unknown, 1 | -1> = new Map([
  ['invoice', 1],
  ['creditMemo', -1],
  ['creditNote', -1],
])

/**
 * Why the side of a document is not known, in words; undefined: it is. Both of X3's own words must agree, since an amount that
 * is taken for positive by mistake is wrong twice over in every sum.
 */
export function sideFault({ category, sign, amounts }: SideDef, record: DataRecord): string | undefined {
  const told = record[category]
  const expected = SIDES.get(told)
  if (sign !== undefined) {
    const side = record[sign]
    if (!isSide(side)) return `its side is not known: ${sign} is ${JSON.stringify(side ?? null)}, neither 1 nor -1`
    if (expected !== undefined && side !== expected)
      return `its side is not certain: ${category} is ${String(told)}, but ${sign} is ${String(side)}`
  }
  if (amounts === undefined || expected !== -1) return undefined
  const sum = sumOf(record[amounts.list], amounts.column)
  return sum !== '0' && !sum.startsWith('-')
    ? `its side is not certain: ${category} is ${String(told)}, but its ${amounts.list} add up to ${sum}`
    : undefined
}

/** Values that are no amounts are refused by the check of every value. */
const sumOf = (rows: unknown, column: string): string =>
  (Array.isArray(rows) ? (rows as Row[]) : []).reduce((sum, row) => {
    const value = row[column]
    return typeof value === 'string' && isDecimal(value) ? addDecimals(sum, value) : sum
  }, '0')
