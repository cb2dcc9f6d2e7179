/** Account and cost centre of each row: those of the order that it was matched with, or those that were approved. */
import type { Coded } from './convert.ts'
import type { Held } from './gate.ts'
import type { Reading } from './invoices.ts'
import type { OrderCoding, Orders } from './orders.ts'
import type { CodingRow, Invoice } from './replies.ts'

export interface CodingRules {
  /** Of a matched row: those of the order, those of the row, or held where they differ. */
  readonly matched: 'order' | 'row' | 'hold'
  /** Where the order's cannot be read: those of the row, or held. */
  readonly unreadable: 'row' | 'hold'
}

export interface Codings {
  readonly of: (row: CodingRow) => Coded
  /** Why the invoice is held. */
  readonly held: Held | undefined
  /** Rows whose coding is not that of the order, or whose order cannot be read, in words. */
  readonly differences: readonly string[]
}

/** As the row was approved. */
export const approved = ({ accountCode, costCenterCode }: CodingRow): Coded => ({
  account: textOf(accountCode),
  costCentre: textOf(costCenterCode),
  from: 'row',
})
const textOf = (value: unknown): string | null =>
  value === null || value === undefined || value === '' ? null : String(value)
const words = (account: string | null, costCentre: string | null): string =>
  `${account ?? '(none)'} / ${costCentre ?? '(none)'}`

/** Codings of all rows of an invoice. Orders are asked only where the rules want them. */
export async function codingsOf(
  invoice: Invoice,
  rules: CodingRules,
  orders: Orders,
  reading: Reading,
): Promise<Codings> {
  const coded = new Map<CodingRow, Coded>()
  const differences: string[] = []
  let held: Held | undefined
  for (const row of invoice.codingRows ?? []) {
    if (rules.matched === 'row' || !textOf(row.orderNumber)) continue
    const found = await orders(reading, invoice.companyCode, row)
    const one = decide(row, found, rules)
    if ('code' in one) held ??= { ...one, message: `${nameOf(invoice, row)} ${one.message}` }
    else {
      coded.set(row, one)
      if (one.from === 'order not readable')
        differences.push(`${nameOf(invoice, row)}: order not readable, the approved coding goes on`)
      if (one.order && !isSame(one, approved(row)) && rules.matched === 'order')
        differences.push(
          `${nameOf(invoice, row)}: approved ${words(textOf(row.accountCode), textOf(row.costCenterCode))}, order ${words(one.account, one.costCentre)}`,
        )
    }
  }
  return { of: (row) => coded.get(row) ?? approved(row), held, differences }
}

const isSame = (one: Pick<Coded, 'account' | 'costCentre'>, other: Pick<Coded, 'account' | 'costCentre'>): boolean =>
  one.account === other.account && one.costCentre === other.costCentre

const nameOf = ({ invoiceNumber, invoiceId }: Invoice, { rowIndex, orderNumber, orderLineNumber }: CodingRow): string =>
  `Invoice ${String(invoiceNumber ?? '')} (${invoiceId}), row ${String(rowIndex ?? '')} (order ${String(orderNumber)}, line ${String(orderLineNumber ?? '')})`

function decide(row: CodingRow, found: OrderCoding, { matched, unreadable }: CodingRules): Coded | Held {
  if (found.kind === 'two')
    return {
      code: 'basware.two-orders',
      message: `is matched with an order number that Basware has ${found.codes.length} times in this company (${found.codes.join(', ')})`,
      hint: 'Have one of the orders taken away in Basware, or take the coding of the row.',
    }
  if (found.kind === 'none')
    return unreadable === 'row'
      ? { ...approved(row), from: 'order not readable' }
      : {
          code: 'basware.order',
          message: 'is matched with an order whose coding Basware does not have',
          hint: 'Send the order to Basware again, or let such rows take their own coding.',
        }
  const own = approved(row)
  const codings = found.codings.map(({ account, costCentre }) => ({
    account: textOf(account),
    costCentre: textOf(costCentre),
  }))
  const [only] = codings
  const order = codings.length === 1 ? only : codings.find((one) => isSame(one, own))
  if (!order)
    return {
      code: 'basware.codings',
      message: `is approved as ${words(own.account, own.costCentre)}, and the order line has ${codings.length} other codings (${codings.map((one) => words(one.account, one.costCentre)).join('; ')})`,
      hint: 'Correct the row in Basware, or the order.',
    }
  if (matched === 'hold' && !isSame(order, own))
    return {
      code: 'basware.differs',
      message: `is approved as ${words(own.account, own.costCentre)}, its order has ${words(order.account, order.costCentre)}`,
      hint: 'Correct the row in Basware, or the order; or choose on the node which of them counts.',
    }
  return { ...order, from: 'order', order }
}
