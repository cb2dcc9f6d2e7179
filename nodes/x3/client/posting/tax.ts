/** What becomes of the tax of a coding row, by the table of tax codes. */
import Big from 'big.js'
import { percentOf, rounded, shown, ZERO } from './amounts.ts'
import { hold } from './hold.ts'
import { type CodingRow, rowName } from './invoice.ts'
import type { TaxRule } from './rules.ts'

/** A line on a tax account; debit positive, in the sign of the document. */
export interface TaxLine {
  readonly rule: TaxRule
  /** Taken back, or owed to the authorities. */
  readonly side: 'taken' | 'owed'
  readonly account: string
  readonly amount: Big
}

export interface RowTax {
  /** Tax code of X3 for the row's own line. */
  readonly rule: TaxRule | undefined
  /** Tax that goes into the cost of the row. */
  readonly cost: Big
  readonly lines: readonly TaxLine[]
}

/** @param code tax code of the row, or of the document where the row has none */
export function taxOfRow(row: CodingRow, code: string, rules: readonly TaxRule[], scale: number): RowTax {
  const tax = rounded(row.tax_amount ?? ZERO, scale)
  const second = rounded(row.tax_amount_2 ?? ZERO, scale)
  const where = rowName(row)
  if (code === '') {
    for (const amount of [tax, second]) unused(amount, where, 'it has no tax code', scale)
    return { rule: undefined, cost: ZERO, lines: [] }
  }
  const rule = rules.find((one) => one.code === code)
  if (!rule)
    throw hold(
      'tax-code',
      'tax_code',
      `${where} has the tax code "${code}", which the table of tax codes does not have`,
      'Add the code to the table of tax codes in the node, then replay the invoice.',
    )
  switch (rule.treatment) {
    case 'none':
      for (const amount of [tax, second]) unused(amount, where, `the tax code "${code}" stands for no tax`, scale)
      return { rule, cost: ZERO, lines: [] }
    case 'cost':
      unused(second, where, `the tax code "${code}" has no use for a second tax amount`, scale)
      return { rule, cost: tax, lines: [] }
    case 'tax':
      return taken(rule, tax, second, where, scale)
    case 'reverse':
      unused(tax, where, `the tax code "${code}" is reverse charge, where nothing is paid to the supplier`, scale)
      return reverse(rule, row, second, scale)
  }
}

/** Tax that is paid to the supplier and taken back, wholly or in part. */
function taken(rule: TaxRule, tax: Big, second: Big, where: string, scale: number): RowTax {
  const deductible = new Big(rule.deductible || '100')
  if (deductible.gte(100)) {
    unused(second, where, `the tax code "${rule.code}" has no use for a second tax amount`, scale)
    return { rule, cost: ZERO, lines: [{ rule, side: 'taken', account: rule.account, amount: tax }] }
  }
  // Where the document says itself what may not be taken back, that counts.
  const lost = second.eq(0) ? percentOf(tax, new Big(100).minus(deductible), scale) : second
  if (!tax.eq(0) && (lost.abs().gt(tax.abs()) || lost.times(tax).lt(0)))
    throw hold(
      'tax-amount',
      'tax_amount_2',
      `of the tax ${shown(tax, scale)} of ${where} ${shown(lost, scale)} is said not to be deductible`,
      'Correct the tax in Basware.',
    )
  return { rule, cost: lost, lines: [{ rule, side: 'taken', account: rule.account, amount: tax.minus(lost) }] }
}

/** Tax that the buyer owes: owed on one account, taken back on another as far as it may be. */
function reverse(rule: TaxRule, row: CodingRow, second: Big, scale: number): RowTax {
  const net = rounded(row.net_amount ?? ZERO, scale)
  const rate = rule.rate ? new Big(rule.rate) : (positive(row.tax_percent_2) ?? positive(row.tax_percent))
  if (second.eq(0) && rate === undefined && !net.eq(0))
    throw hold(
      'tax-rate',
      'tax_percent_2',
      `${rowName(row)} is reverse charge by its tax code "${rule.code}", and neither the document nor the table says how much`,
      'Enter the rate of this tax code in the table of tax codes.',
    )
  const owed = second.eq(0) ? percentOf(net, rate ?? ZERO, scale) : second
  const lost = percentOf(owed, new Big(100).minus(rule.deductible || '100'), scale)
  return {
    rule,
    cost: lost,
    lines: [
      { rule, side: 'taken', account: rule.account, amount: owed.minus(lost) },
      { rule, side: 'owed', account: rule.owedAccount, amount: owed.times(-1) },
    ],
  }
}

const positive = (percent: Big | null): Big | undefined => (percent?.gt(0) ? percent : undefined)

function unused(amount: Big, where: string, why: string, scale: number): void {
  if (amount.eq(0)) return
  throw hold(
    'unused',
    'tax_amount',
    `${where} has the tax ${shown(amount, scale)}, and ${why}`,
    'Correct the tax code in Basware, or its row in the table of tax codes, then replay the invoice.',
  )
}
