/** The journal of an approved invoice. Pure: what no rule covers is thrown as a `data` error, and the invoice is held. */
import type Big from 'big.js'
import { rounded, scaleOf, shown, sumOf, unitsOf, ZERO } from './amounts.ts'
import { checkDocument } from './document.ts'
import { hold } from './hold.ts'
import { type CodingRow, type Invoice, rowName, rowText } from './invoice.ts'
import { referenceOf } from './reference.ts'
import type { CompanyRule, PostingRules, SupplierRule, TypeRule } from './rules.ts'
import { type TaxLine, taxOfRow } from './tax.ts'

export interface JournalLine {
  readonly account: string
  /** Supplier of a line on a control account. */
  readonly partner: string
  /** Debit positive, in the document's currency; never 0. */
  readonly amount: Big
  /** Tax code of X3; empty: none. */
  readonly tax: string
  /** Whether it may be posted without that code. */
  readonly isTaxOptional: boolean
  readonly text: string
  /** Codes by field of a line (`CCE1`). */
  readonly dimensions: Readonly<Record<string, string>>
}

export interface Journal {
  readonly reference: string
  readonly site: string
  readonly entryType: string
  readonly journal: string
  readonly date: string
  readonly currency: string
  readonly scale: number
  readonly supplier: string
  /** The supplier's number and date of the invoice. */
  readonly number: string
  readonly documentDate: string
  readonly dueDate: string
  readonly description: string
  readonly paymentBlock: boolean
  /** They come to zero. */
  readonly lines: readonly JournalLine[]
}

/** @param today `YYYY-MM-DD`, for an invoice without dates */
export function buildJournal(invoice: Invoice, rules: PostingRules, today: string): Journal {
  const company = companyOf(invoice, rules)
  const type = typeOf(invoice, rules)
  const scale = scaleOf(invoice.currency)
  const gross = checkDocument(invoice, rules, type.sides, scale)
  if (invoice.payment_block && rules.blockField === '')
    throw hold(
      'payment-block',
      'payment_block',
      'its payment is blocked in Basware, and no field of the journal is set up for that',
      'Name the field for a payment block in the node, or take the block off in Basware; then replay the invoice.',
    )
  const control = controlOf(invoice, rules)
  const rows = linesOfRows(invoice, rules, company, scale)
  const difference = gross.minus(sumOf(rows.map(({ amount }) => amount)))
  const supplierLine: JournalLine = {
    ...plain(control, gross.times(-1), invoice.number || invoice.description),
    partner: invoice.supplier,
  }
  const all = [...rows, ...roundingLines(difference, company, rules, scale), supplierLine]
  return {
    reference: referenceOf(invoice.id, invoice.revision),
    site: company.site,
    entryType: type.entryType,
    journal: type.journal,
    date: dateOf(invoice, rules, today),
    currency: invoice.currency,
    scale,
    supplier: invoice.supplier,
    number: invoice.number,
    documentDate: invoice.invoice_date,
    dueDate: invoice.due_date,
    description: invoice.description || invoice.supplier_name,
    paymentBlock: invoice.payment_block,
    // Positive sums of a credit note: what stands on the debit side of an invoice stands on the credit side.
    lines: type.sides === 'credit-positive' ? all.map(turned) : all,
  }
}

export const plain = (account: string, amount: Big, text: string): JournalLine => ({
  ...{ account, amount, text },
  ...{ partner: '', tax: '', isTaxOptional: true, dimensions: {} },
})

const turned = (line: JournalLine): JournalLine => ({ ...line, amount: line.amount.times(-1) })

export function companyOf({ company }: Invoice, { companies }: PostingRules): CompanyRule {
  const found = companies.find((rule) => rule.company === company)
  if (found) return found
  throw hold(
    'company',
    'company',
    `its company "${company}" is in no row of the table of companies`,
    'Add the company and its site to the table in the node, or keep its invoices from this flow.',
  )
}

export function typeOf({ invoice_type: type }: Invoice, { types }: PostingRules): TypeRule {
  const found = types.find((rule) => rule.type === type)
  if (found) return found
  throw hold(
    'type',
    'invoice_type',
    type === '' ? 'it has no type, and the table of types has no row for that' : `its type "${type}" is unknown`,
    'Add the type to the table of invoice types in the node: entry type, journal, invoice or credit note.',
  )
}

function controlOf({ supplier, company }: Invoice, { suppliers }: PostingRules): string {
  const at = (of: string, name: string): SupplierRule | undefined =>
    suppliers.find((rule) => rule.company === of && rule.supplier === name)
  const found = at(company, supplier) ?? at('*', supplier) ?? at(company, '*') ?? at('*', '*')
  if (supplier !== '' && found) return found.account
  throw hold(
    'supplier',
    'supplier',
    supplier === '' ? 'it names no supplier' : `the supplier ${supplier} has no control account in ${company}`,
    'Add the supplier, or * for all, to the table of control accounts in the node.',
  )
}

function dateOf({ voucher_date, invoice_date }: Invoice, { date }: PostingRules, today: string): string {
  const order = { voucher: [voucher_date, invoice_date], invoice: [invoice_date], today: [] }[date]
  return order.find((one) => one !== '') ?? today
}

/** Lines of cost for each row, then those on tax accounts, one for each account and code. In the sign of the document. */
function linesOfRows(invoice: Invoice, rules: PostingRules, company: CompanyRule, scale: number): JournalLine[] {
  const taxes: TaxLine[] = []
  const costs = invoice.lines.map((row) => {
    const { rule, cost, lines } = taxOfRow(row, row.tax_code || invoice.tax_code, rules.taxes, scale)
    taxes.push(...lines)
    return {
      ...plain(accountOf(row, company), rounded(row.net_amount ?? ZERO, scale).plus(cost), textOf(row, invoice)),
      tax: rule?.x3Code ?? '',
      // A code that says that there is no tax is no loss where X3 has no field for it.
      isTaxOptional: rule === undefined || rule.accountOnly || rule.treatment === 'none',
      dimensions: isAccrued(row, company) ? {} : dimensionsOf(row, rules),
    }
  })
  return [...costs, ...taxLines(taxes, invoice)].filter(({ amount }) => !amount.eq(0))
}

/** Goods whose receipt the site has booked already wait on an account for their invoice. */
export const isAccrued = (row: CodingRow, { accrual }: CompanyRule): boolean => accrual !== '' && row.receipt !== ''

export function accountOf(row: CodingRow, company: CompanyRule): string {
  if (isAccrued(row, company)) return company.accrual
  if (row.account !== '') return row.account
  throw hold(
    'account',
    'account',
    `${rowName(row)} has no account`,
    'Code the row in Basware, or map it; then replay the invoice.',
  )
}

export const textOf = (row: CodingRow, invoice: Invoice): string =>
  row.description || invoice.description || invoice.number

export const dimensionsOf = (row: CodingRow, { dimensions }: PostingRules): Record<string, string> =>
  Object.fromEntries([
    ...dimensions.map(({ column, field }) => [field, rowText(row, column)]).filter(([, code]) => code !== ''),
    ...Object.entries(row.ofOrder),
  ])

function taxLines(taxes: readonly TaxLine[], invoice: Invoice): JournalLine[] {
  const groups = new Map<string, TaxLine[]>()
  for (const tax of taxes) {
    // What is owed and what is taken back may stand on one account, and are two lines all the same.
    const key = `${tax.side} ${tax.rule.code}`
    groups.set(key, [...(groups.get(key) ?? []), tax])
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const { rule, account } = first
    const line = plain(account, sumOf(group.map(({ amount }) => amount)), invoice.number || invoice.description)
    return [{ ...line, tax: rule.x3Code, isTaxOptional: rule.accountOnly }]
  })
}

export function roundingLines(
  difference: Big,
  { rounding }: CompanyRule,
  rules: PostingRules,
  scale: number,
): JournalLine[] {
  if (difference.eq(0)) return []
  if (rounding !== '' && difference.abs().lte(unitsOf(rules.roundingUnits, scale)))
    return [plain(rounding, difference, 'Rounding')]
  throw hold(
    'difference',
    'gross_amount',
    `its rows and their tax come to ${shown(difference, scale)} less than its gross amount`,
    rounding === ''
      ? 'Correct the amounts in Basware, or name an account for differences of rounding in the row of its company.'
      : 'Correct the amounts in Basware; a greater difference of rounding can be allowed in the node.',
  )
}
