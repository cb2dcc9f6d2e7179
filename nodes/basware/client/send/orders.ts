/** A purchase order as Basware matches invoices with it: a header and its lines, with coding rows and receipts. */
import Big from 'big.js'
import { type DataRecord, memberOf, type Row } from '../../../../sync/contract/message.ts'
import { isDecimal } from '../../../../sync/values/money.ts'
import { type ExactNumber, exactNumber } from '../../../../vendor/json.ts'
import { externalCode } from './codes.ts'
import { textOf } from './masters.ts'
import { baswareCode, type CodeRow, isRefusal, type Refusal, refusal, type SendRules } from './rules.ts'
import type { Body } from './schema.ts'

export interface BuiltOrder {
  readonly header: Body
  readonly lines: readonly Body[]
}

/** Code of an order in Basware. */
export const orderCode = (record: DataRecord): string => externalCode([textOf(record.source), textOf(record.number)])

/** Sequence of a line that X3 has not split. */
const FIRST = '1'

/** Number of a line: `1000`, or `1000-2` for what X3 has split off it. */
export const lineNumber = (line: Row): string => {
  const sequence = textOf(line.sequence) || FIRST
  return sequence === FIRST ? textOf(line.line) : `${textOf(line.line)}-${sequence}`
}

/** Code of the line of an order that has this number in Basware (by it a line of this sync is known), or of a part of it. */
export function lineCode(record: DataRecord, number: string, ...part: readonly string[]): string {
  const [line = '', sequence = FIRST] = number.split('-')
  return externalCode([textOf(record.source), textOf(record.number), line, sequence, ...part])
}

/** Code of a receipt of an order's line that has these numbers in Basware. */
export const receiptCode = (record: DataRecord, line: string, receipt: string, receiptLine: string): string =>
  externalCode([textOf(record.source), textOf(record.number), line, receipt, receiptLine])

export const isYes = (value: unknown): boolean => value === true || /^(yes|true|closed)$/i.test(textOf(value))

/** An order as it is sent, or why it is held: as a whole, since an order without one of its lines would be matched wrongly. */
export function buildOrder(record: DataRecord, rules: SendRules): BuiltOrder | Refusal {
  const header = headerOf(record, rules)
  if (isRefusal(header)) return header
  const receipts = Array.isArray(record.receipts) ? (record.receipts as readonly Row[]) : undefined
  const lines: Body[] = []
  const all = linesOf(record)
  const lost = receipts?.find((receipt) => !all.some((line) => isOf(receipt, line)))
  if (lost)
    return refusal(
      'receipt-line',
      `The receipt ${textOf(lost.receipt)} is of the line ${textOf(lost.line) || '(none)'}, which the order does not have`,
      'receipts.line',
    )
  for (const line of all) {
    const built = lineOf(record, line, receipts, rules)
    if (isRefusal(built)) return { ...built, message: `Line ${lineNumber(line)}: ${built.message}` }
    lines.push({
      ...built,
      orderExternalCode: header.externalCode,
      isClosed: built.isClosed === true || header.isClosed === true,
    })
  }
  return { header, lines }
}

export const linesOf = ({ lines }: DataRecord): readonly Row[] => (Array.isArray(lines) ? lines : []) as readonly Row[]

/** Code and organisation element of an order's company in Basware. */
export function companyOf(
  record: DataRecord,
  rules: SendRules,
): { readonly code: string; readonly element: string } | Refusal {
  const company = textOf(record.company)
  const row = rules.companies.find((one) => one.company === company)
  if (!row)
    return refusal(
      'company',
      `The company ${company || '(none)'} is not in the table of companies: add it, or filter its orders at the source`,
      'company',
    )
  const code = baswareCode(row)
  return { code, element: row.organization || (rules.organization === 'site' ? textOf(record.site) : code) }
}

function headerOf(record: DataRecord, rules: SendRules): Body | Refusal {
  const company = companyOf(record, rules)
  if (isRefusal(company)) return company
  const supplier = textOf(record.supplier)
  if (supplier === '') return refusal('supplier', 'The order has no supplier', 'supplier')
  const optional = {
    created: textOf(record.order_date),
    requestedDeliveryDate: textOf(record.expected_receipt_date),
    description: textOf(record.internal_reference),
    paymentTermCode: rules.paymentTerms ? textOf(record.payment_term) : '',
  }
  return {
    externalCode: orderCode(record),
    orderNumber: textOf(record.number),
    sourceSystem: rules.sourceSystem,
    companyCode: company.code,
    organizationElementCode: company.element,
    currencyCode: textOf(record.currency),
    supplierCode: supplier,
    ...filled(optional),
    isClosed: isYes(record.closed),
  }
}

export const filled = (fields: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''))

/** Quantity, net price and net amount of a line, with all digits. */
export function amountsOf(line: Row): Readonly<Record<'quantity' | 'price' | 'sum', ExactNumber>> | Refusal {
  const quantity = textOf(line.quantity)
  if (!isPositive(quantity))
    return refusal(
      'quantity',
      `the quantity is ${quantity || 'missing'}, and Basware takes only one above zero`,
      'lines.quantity',
    )
  const [price, sum] = [textOf(line.net_price), textOf(line.net_amount)]
  if (!isDecimal(price) || !isDecimal(sum))
    return refusal('amount', 'neither X3 gives its net price and amount, nor can they be computed', 'lines.net_amount')
  return { quantity: exactNumber(quantity), price: exactNumber(price), sum: exactNumber(sum) }
}

/** What the supplier takes back or credits. */
export const isRefund = (line: Row): boolean => textOf(line.net_price).startsWith('-')

function lineOf(record: DataRecord, line: Row, receipts: readonly Row[] | undefined, rules: SendRules): Body | Refusal {
  const number = lineNumber(line)
  const amounts = amountsOf(line)
  if (isRefusal(amounts)) return amounts
  const tax = coded(rules.taxes, line.tax)
  const coding = codingOf(record, line, { ...amounts, tax }, rules)
  if (coding && isRefusal(coding)) return coding
  const goodsReceipts = receipts && receiptsOf(record, line, receipts)
  if (goodsReceipts && isRefusal(goodsReceipts)) return goodsReceipts
  const isByReceipt = rules.matching === 'receipt'
  return {
    externalCode: lineCode(record, number),
    lineNumber: number,
    ...(Number.isSafeInteger(line.line) ? { sortNumber: line.line } : {}),
    quantity: amounts.quantity,
    netPrice: amounts.price,
    netSum: amounts.sum,
    currencyCode: textOf(record.currency),
    // The contract has a mode of its own for a negative unit price.
    matchingMode: isRefund(line) ? 'Return' : 'Standard',
    isReceiptRequired: isByReceipt,
    isReceiptBasedMatching: isByReceipt,
    isClosed: isYes(line.line_closed) || isYes(line.line_status),
    isDeleted: false,
    ...filled({
      uom: coded(rules.units, line.unit),
      taxCode: tax,
      buyerProductCode: textOf(line.product),
      description: textOf(line.description).slice(0, 1000),
    }),
    ...(coding ? { orderLineCoding: [coding] } : {}),
    ...(goodsReceipts ? { goodsReceipts } : {}),
  }
}

const isPositive = (text: string): boolean => isDecimal(text) && !text.startsWith('-') && /[1-9]/.test(text)

/** As the table says, else as it is. */
export const coded = (table: readonly CodeRow[], value: unknown): string => {
  const code = textOf(value)
  return table.find((row) => row.code === code)?.theirs ?? code
}

/** The column that an axis has on an order's line. */
const columnOf = (axis: string): string => `dim_${axis.toLowerCase().replace(/[^a-z0-9]/g, '_')}`

/** The coding of a line; undefined where there is nothing to say. */
function codingOf(
  record: DataRecord,
  line: Row,
  { quantity, sum, tax }: { readonly quantity: ExactNumber; readonly sum: ExactNumber; readonly tax: string },
  rules: SendRules,
): object | Refusal | undefined {
  const codes = codesOf(record, line, rules)
  if (isRefusal(codes)) return codes
  if (Object.keys(codes).length === 0) return undefined
  return {
    externalCode: lineCode(record, lineNumber(line), '0'),
    rowIndex: 0,
    allocatedQuantity: quantity,
    netTotal: sum,
    ...filled({ taxCode: tax }),
    ...codes,
  }
}

/** Account and dimensions of a line, by the fields of a coding row. */
export function codesOf(record: DataRecord, line: Row, rules: SendRules): Readonly<Record<string, string>> | Refusal {
  const account = accountOf(record, line, rules)
  if (typeof account !== 'string') return account
  const dimensions = rules.axes.flatMap(({ axis, coding }): [string, string][] =>
    coding === '' ? [] : [[coding, textOf(memberOf(line, columnOf(axis)))]],
  )
  return filled({ accountCode: account, ...Object.fromEntries(dimensions) })
}

/** By product and company, the most exact row first; `''` where there is no table. */
function accountOf(record: DataRecord, line: Row, { accounts }: SendRules): string | Refusal {
  if (accounts.length === 0) return ''
  const [company, product] = [textOf(record.company), textOf(line.product)]
  const fits = (row: { readonly company: string; readonly product: string }, byProduct: boolean, byCompany: boolean) =>
    row.product === (byProduct ? product : '*') && row.company === (byCompany ? company : '*')
  for (const byProduct of [true, false])
    for (const byCompany of [true, false]) {
      const found = accounts.find((row) => fits(row, byProduct, byCompany))
      if (found) return found.account
    }
  return refusal(
    'account',
    `no account for the product ${product || '(none)'} in ${company}: add it to the table of accounts`,
    'lines.product',
  )
}

/** Whether a receipt is of a line; one that does not say which part of a split line it is of belongs to the first. */
const isOf = (receipt: Row, line: Row): boolean =>
  textOf(receipt.line) === textOf(line.line) && (textOf(receipt.sequence) || FIRST) === (textOf(line.sequence) || FIRST)

/** What was received of a line, in the unit that it is ordered in. */
function receiptsOf(record: DataRecord, line: Row, all: readonly Row[]): readonly object[] | Refusal {
  const found: object[] = []
  for (const one of all.filter((receipt) => isOf(receipt, line))) {
    const quantity = inOrderUnit(one, line)
    if (quantity === undefined)
      return refusal(
        'receipt-unit',
        `the receipt ${textOf(one.receipt)} is in ${textOf(one.unit) || 'no unit'}, the order in ${textOf(line.unit) || 'no unit'}, and X3 does not say how many of one are one of the other`,
        'receipts.unit',
      )
    const [receipt, receiptLine] = [textOf(one.receipt), textOf(one.receipt_line)]
    found.push({
      externalCode: receiptCode(record, lineNumber(line), receipt, receiptLine),
      goodsReceiptNumber: receipt,
      ...filled({
        goodsReceiptLineNumber: receiptLine,
        deliveryNoteNumber: textOf(one.delivery_note),
        deliveryDate: textOf(one.receipt_date),
      }),
      quantity: exactNumber(quantity),
      netPrice: exactNumber(textOf(line.net_price)),
      netSum: shareOf(quantity, line),
      isDeleted: false,
    })
  }
  return found
}

/** The received quantity in the order's unit: X3's source node has converted it where that can be done. */
function inOrderUnit(receipt: Row, line: Row): string | undefined {
  const [received, quantity] = [textOf(receipt.received), textOf(receipt.quantity)]
  if (isDecimal(received)) return received
  return textOf(receipt.unit) === textOf(line.unit) && isDecimal(quantity) ? quantity : undefined
}

/** Net amount of so many of a line: its share of the line's, so that all received is all of it. */
function shareOf(quantity: string, line: Row): ExactNumber {
  const share = new Big(quantity).times(textOf(line.net_amount)).div(textOf(line.quantity))
  return exactNumber(share.round(decimalsOf(textOf(line.net_amount)), Big.roundHalfUp).toFixed())
}

const decimalsOf = (text: string): number => Math.max(2, text.split('.')[1]?.length ?? 0)
