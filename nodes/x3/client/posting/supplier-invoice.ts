/**
 * The supplier invoice of an approved invoice, for an operation of the customer's that makes one in X3: by the same tables as the
 * journal. X3 finds the control account, and what its tax codes say of deduction and reverse charge, by itself. Pure.
 */
import type Big from 'big.js'
import { rounded, sumOf, ZERO } from './amounts.ts'
import type { Invoice } from './invoice.ts'
import {
  accountOf,
  buildJournal,
  companyOf,
  dimensionsOf,
  isAccrued,
  type Journal,
  type JournalLine,
  plain,
  roundingLines,
  textOf,
  typeOf,
} from './journal.ts'
import type { PostingRules, TaxRule } from './rules.ts'
import { taxOfRow } from './tax.ts'

export interface InvoiceLine extends JournalLine {
  /** Order and its line that the row was matched with; empty: none. */
  readonly order: string
  readonly orderLine: string
}

/** Tax of one code of X3. */
export interface InvoiceTax {
  readonly code: string
  readonly base: Big
  /** To be paid to the supplier; 0 for reverse charge, which X3 works out by its code. */
  readonly amount: Big
}

/** Amounts as X3 takes them: of an invoice and of a credit note positive, a row that goes the other way negative. */
export interface SupplierInvoice extends Journal {
  readonly rows: readonly InvoiceLine[]
  readonly taxes: readonly InvoiceTax[]
  readonly net: Big
  readonly tax: Big
  readonly gross: Big
}

/** Throws the `data` error of an invoice that is held by these rules, those of its journal among them. */
export function buildSupplierInvoice(invoice: Invoice, rules: PostingRules, today: string): SupplierInvoice {
  const journal = buildJournal(invoice, rules, today)
  const { scale } = journal
  const { sides } = typeOf(invoice, rules)
  const turn = (amount: Big): Big => (sides === 'credit-negative' ? amount.times(-1) : amount)
  const { lines, taxes } = partsOf(invoice, rules, scale)
  const [net, tax] = [sumOf(lines.map(({ amount }) => amount)), sumOf(taxes.map(({ amount }) => amount))]
  const gross = invoice.gross_amount ?? ZERO
  const rest = roundingLines(gross.minus(net).minus(tax), companyOf(invoice, rules), rules, scale)
  const all = [...lines, ...rest.map((line) => ({ ...line, order: '', orderLine: '' }))]
  return {
    ...journal,
    rows: all.filter(({ amount }) => !amount.eq(0)).map((line) => ({ ...line, amount: turn(line.amount) })),
    taxes: taxes.map((one) => ({ ...one, base: turn(one.base), amount: turn(one.amount) })),
    net: turn(gross.minus(tax)),
    tax: turn(tax),
    gross: turn(gross),
  }
}

/** In the sign of the document. */
function partsOf(invoice: Invoice, rules: PostingRules, scale: number) {
  const company = companyOf(invoice, rules)
  const taxes = new Map<string, InvoiceTax>()
  const lines = invoice.lines.map((row): InvoiceLine => {
    const { rule } = taxOfRow(row, row.tax_code || invoice.tax_code, rules.taxes, scale)
    const net = rounded(row.net_amount ?? ZERO, scale)
    const paid = rounded(row.tax_amount ?? ZERO, scale)
    // With its code X3 would work the tax out once more.
    const isCost = rule?.treatment === 'cost'
    const code = isCost ? '' : (rule?.x3Code ?? '')
    if (rule && code !== '') add(taxes, code, net, paid)
    return {
      ...plain(accountOf(row, company), isCost ? net.plus(paid) : net, textOf(row, invoice)),
      tax: code,
      isTaxOptional: !needsCode(rule) || code === '',
      dimensions: isAccrued(row, company) ? {} : dimensionsOf(row, rules),
      order: wordOf(row.order_number),
      orderLine: wordOf(row.order_line),
    }
  })
  return { lines, taxes: [...taxes.values()] }
}

const needsCode = (rule: TaxRule | undefined): boolean => rule?.treatment === 'tax' || rule?.treatment === 'reverse'

const wordOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function add(taxes: Map<string, InvoiceTax>, code: string, base: Big, amount: Big): void {
  const before = taxes.get(code)
  taxes.set(code, {
    code,
    base: base.plus(before?.base ?? ZERO),
    amount: amount.plus(before?.amount ?? ZERO),
  })
}
