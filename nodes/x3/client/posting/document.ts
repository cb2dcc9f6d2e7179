/** Amounts of the whole document: whether they agree with each other and with its type, and whether a rule uses each of them. */
import Big from 'big.js'
import { rounded, shown, sumOf, unitsOf, ZERO } from './amounts.ts'
import { hold } from './hold.ts'
import { type Invoice, rowName } from './invoice.ts'
import type { PostingRules, Sides } from './rules.ts'

const AMEND = 'Correct the amounts in Basware, then replay the invoice.'

/** Its gross amount, once all amounts agree. */
export function checkDocument(invoice: Invoice, rules: PostingRules, sides: Sides, scale: number): Big {
  const gross = grossOf(invoice, sides, scale)
  const tolerance = unitsOf(rules.roundingUnits, scale)
  checkSums(invoice, tolerance, scale)
  checkRows(invoice, tolerance, scale)
  checkUnused(invoice, rules)
  return gross
}

function grossOf({ gross_amount, invoice_type }: Invoice, sides: Sides, scale: number): Big {
  if (gross_amount === null) throw hold('gross', 'gross_amount', 'it has no gross amount', AMEND)
  if (!rounded(gross_amount, scale).eq(gross_amount))
    throw hold(
      'gross',
      'gross_amount',
      `its gross amount ${gross_amount.toFixed()} has more digits than its currency`,
      AMEND,
    )
  if (gross_amount.eq(0))
    throw hold(
      'gross',
      'gross_amount',
      'its gross amount is 0, so that nothing is owed to the supplier',
      'Book it by hand in X3 if it is to be booked, and say so in the list of held records.',
    )
  const isNegative = gross_amount.lt(0)
  if (isNegative !== (sides === 'credit-negative'))
    throw hold(
      'sign',
      'gross_amount',
      `its gross amount ${shown(gross_amount, scale)} is ${isNegative ? 'negative' : 'positive'}, and documents of the type "${invoice_type}" are ${WORDS[sides]}`,
      'Correct type or amounts in Basware, or say in the table of types how credit notes of this type come.',
    )
  return gross_amount
}

const WORDS: Readonly<Record<Sides, string>> = {
  invoice: 'invoices',
  'credit-positive': 'credit notes with positive sums',
  'credit-negative': 'credit notes with negative sums',
}

/** What the header says against what its rows come to. */
function checkSums(invoice: Invoice, tolerance: Big, scale: number): void {
  const sums = [
    ['net_amount', 'net amount'],
    ['tax_amount', 'tax'],
    ['tax_amount_2', 'second tax'],
  ] as const
  for (const [column, name] of sums) {
    const header = invoice[column]
    const rows = sumOf(invoice.lines.map((row) => row[column] ?? ZERO))
    if (header === null || header.minus(rows).abs().lte(tolerance)) continue
    throw hold(
      'sums',
      column,
      `its ${name} is ${shown(header, scale)}, and that of its rows comes to ${shown(rows, scale)}`,
      AMEND,
    )
  }
}

/** A row's gross amount is its net amount and the tax that is paid. */
function checkRows(invoice: Invoice, tolerance: Big, scale: number): void {
  for (const row of invoice.lines) {
    const { gross_amount: gross, net_amount: net, tax_amount: tax } = row
    const expected = (net ?? ZERO).plus(tax ?? ZERO)
    if (gross === null || gross.minus(expected).abs().lte(tolerance)) continue
    throw hold(
      'sums',
      'gross_amount',
      `the gross amount of ${rowName(row)} is ${shown(gross, scale)}, and its net amount and tax come to ${shown(expected, scale)}`,
      AMEND,
    )
  }
}

/** Amounts that no rule looks at: those of the tenant's own fields, and the discount for early payment. */
function checkUnused(invoice: Invoice, { notPosted }: PostingRules): void {
  const found: [string, Big][] = []
  if (invoice.discount_amount) found.push(['discount_amount', invoice.discount_amount])
  for (const { custom } of [invoice, ...invoice.lines])
    for (const [name, value] of Object.entries(custom)) {
      if (!/^num/.test(name)) continue
      const number = numberIn(value)
      if (number) found.push([name, number])
    }
  const unused = found.find(([name, value]) => !value.eq(0) && !notPosted.includes(name))
  if (!unused) return
  throw hold(
    'unused',
    unused[0],
    `${unused[0]} is ${unused[1].toFixed()}, and no rule says what it is for`,
    `If it is not to be posted, add ${unused[0]} to "Amounts that are not posted" in the node; then replay the invoice.`,
  )
}

function numberIn(value: unknown): Big | undefined {
  try {
    return new Big(String(value))
  } catch {
    return undefined
  }
}
