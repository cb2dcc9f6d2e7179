/**
 * What a paid bill is made of, for ERPs that post a bill with accounts and dimensions on its lines and keep payments as documents.
 * Everything follows from the supplier invoice alone, so that a change of the invoice is a change here.
 */
import { type Company, companies } from './codes.ts'
import { accountCode, dimensionCode } from './masters.ts'
import { textHash } from './random.ts'
import type { DateText, Decimal, SupplierInvoice } from './types.ts'

/** A line of a bill as it is posted; amounts are signed, tax included, and add up to the bill's. */
export interface BillLine {
  /** Counted from 1; one that goes leaves its number unused. */
  line: number
  created: string
  updated: string | null
  site: string
  account: string
  product: string
  description: string
  amount: Decimal
  amountCompany: Decimal
  /** Type to code, as on a journal line. */
  dimensions: Readonly<Record<string, string>>
  tax: string | null
}

export interface Payment {
  /** The bill's lines that it pays, in full. */
  lines: readonly BillLine[]
  number: string
  date: DateText
  method: string
  bank: string
  voided: boolean
  amount: Decimal
  amountCompany: Decimal
  created: string
  updated: string
}

/** Every chart and every type of dimension has at least so many codes. */
const leastAccounts = 10
const leastCodes = 8
const methods = ['ACH', 'Cash', 'EFT', 'Printed Check'] as const

export function companyOf(code: string): Company {
  const company = companies.find((one) => one.code === code)
  if (company === undefined) throw new Error(`The demo books know no company ${code}.`)
  return company
}

/** What the bill says in its own currency and in its company's: negative where it is a credit note. */
export function billTotals(invoice: SupplierInvoice): { amount: Decimal; amountCompany: Decimal } {
  const sign = invoice.debitOrCredit
  return { amount: signed(sign, invoice.amountWithTax), amountCompany: signed(sign, invoice.amountWithTaxCompany) }
}

export function billLines(invoice: SupplierInvoice): BillLine[] {
  const { chart } = companyOf(invoice.company)
  const totals = billTotals(invoice)
  const count = invoice.lines.length
  const amounts = shares(totals.amount, count)
  const amountsCompany = shares(totals.amountCompany, count)
  return invoice.lines.map((line, k) => {
    const number = Math.round(line.line / 1_000)
    const draw = (salt: number, below: number): number => textHash(`${invoice.number} ${number} ${salt}`) % below
    const dimensions: Record<string, string> = { CCT: dimensionCode('CCT', draw(1, leastCodes)) }
    if (draw(2, 2) === 0) dimensions.PRO = dimensionCode('PRO', draw(3, leastCodes))
    if (draw(4, 2) === 0) dimensions.PRD = dimensionCode('PRD', draw(5, leastCodes))
    return {
      line: number,
      created: line.created,
      updated: line.updated,
      site: line.site,
      account: accountCode(chart, draw(6, leastAccounts)),
      product: line.product,
      description: line.description,
      amount: amounts[k] as Decimal,
      amountCompany: amountsCompany[k] as Decimal,
      dimensions,
      tax: ['EXO', 'NOR', 'RED', null][draw(7, 4)] as string | null,
    }
  })
}

/** Whether the bill has been paid, once and in full. */
export function isPaid(invoice: SupplierInvoice): boolean {
  return invoice.status === 'posted' && textHash(invoice.number) % 3 === 0
}

/** The payment of a bill; a bill that comes into dispute has its payment voided. */
export function paymentOf(invoice: SupplierInvoice): Payment | undefined {
  if (!isPaid(invoice)) return undefined
  return {
    ...billTotals(invoice),
    lines: billLines(invoice),
    number: `PAY-${invoice.number}`,
    date: invoice.accountingDate,
    method: methods[textHash(`${invoice.number} method`) % methods.length] as string,
    bank: `BANK-${invoice.company}`,
    voided: invoice.paymentApproval === 'conflict',
    created: invoice.created,
    updated: lastChange(invoice),
  }
}

/** Where bill and payment terms are one document, the later of the two stamps is its own. */
export function lastChange(invoice: SupplierInvoice): string {
  const { updated, headerUpdated } = invoice
  return updated !== null && updated > headerUpdated ? updated : headerUpdated
}

/** Date on which a bill is due. */
export function dueDate(invoice: SupplierInvoice): DateText {
  const days = invoice.paymentTerm === 'CH60NET' ? 60 : 30
  return new Date(Date.parse(invoice.sourceDocumentDate) + days * 86_400_000).toISOString().slice(0, 10)
}

/** Balance sheet or income statement, and the side on which it stands: for ERPs whose accounts say so. */
export function accountNature(code: string): { balanceSheet: boolean; debit: boolean } {
  const hash = textHash(code)
  return { balanceSheet: hash % 2 === 0, debit: hash % 3 > 0 }
}

/** Equal parts in the amount's last digit; the last one takes the rest. */
function shares(total: Decimal, count: number): Decimal[] {
  const scale = total.includes('.') ? total.length - total.indexOf('.') - 1 : 0
  const minor = BigInt(total.replace('.', ''))
  const part = minor / BigInt(Math.max(1, count))
  return Array.from({ length: count }, (_, k) => text(k === count - 1 ? minor - part * BigInt(count - 1) : part, scale))
}

function text(minor: bigint, scale: number): Decimal {
  const digits = String(minor < 0n ? -minor : minor).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${minor < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`
}

/** Sign x amount, in text. */
export function signed(sign: 1 | -1, amount: Decimal): Decimal {
  if (sign === 1 || /^0*\.?0*$/.test(amount)) return amount
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`
}
