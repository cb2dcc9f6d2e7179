/**
 * What a purchase order says beyond what it is stored with: net prices, taxes, stock units, status and dimensions of its lines, and
 * its receipts. Computed from the order, so that the order is all that the days change.
 */
import Big from 'big.js'
import { dimensionTypes, taxes, units } from './codes.ts'
import { dimensionCode } from './masters.ts'
import { scaleOf } from './money.ts'
import { textHash } from './random.ts'
import type { DateText, Decimal, PurchaseOrder, PurchaseOrderLine, Stamped } from './types.ts'

export interface OrderLineDetails {
  /** Nine percentages, each taken of what the ones before have left. */
  readonly discounts: readonly Decimal[]
  readonly netPrice: Decimal
  /** Without tax, in the order's currency. */
  readonly netAmount: Decimal
  readonly tax: string
  readonly stockUnit: string
  readonly quantityStock: Decimal
  readonly status: 'pending' | 'late' | 'closed'
  readonly closed: 'no' | 'yes'
  /** Code by dimension type; a type may be missing. */
  readonly dimensions: Readonly<Record<string, string>>
}

export interface Receipt extends Stamped {
  readonly number: string
  readonly line: number
  readonly orderLine: number
  readonly orderSequence: number
  readonly site: string
  readonly supplier: string
  readonly date: DateText
  readonly deliveryNote: string
  readonly product: string
  readonly unit: string
  readonly quantity: Decimal
  readonly quantityStock: Decimal
  readonly netPrice: Decimal
}

/** Stock units that one order unit holds, where the two are not the same. */
const FACTORS = [4, 12, 25] as const
/** The smallest books have so many codes of a dimension type. */
const CODES = 8

export function lineDetails(order: PurchaseOrder, line: PurchaseOrderLine): OrderLineDetails {
  const draw = (salt: string): number => textHash(`${order.number} ${line.line} ${line.sequence} ${salt}`)
  const discounts = [
    line.discount,
    draw('second') % 5 === 0 ? '5' : '0',
    draw('third') % 11 === 0 ? '2.25' : '0',
    ...Array.from({ length: 6 }, () => '0'),
  ]
  const price = discounts.reduce(
    (left, percent) => left.times(new Big(100).minus(percent)).div(100),
    new Big(line.grossPrice || 0),
  )
  const otherUnit = draw('unit') % 4 === 0
  const factor = otherUnit ? (FACTORS[draw('factor') % FACTORS.length] as number) : 1
  const closed = order.closed === 'yes' || line.closed === 'yes' || draw('closed') % 9 === 0 ? 'yes' : 'no'
  return {
    discounts,
    netPrice: price.round(8, Big.roundHalfUp).toFixed(),
    netAmount: price.times(line.quantity).round(scaleOf(order.currency), Big.roundHalfUp).toFixed(),
    tax: taxes[draw('tax') % taxes.length] as string,
    stockUnit: otherUnit ? (units[(units.indexOf(line.unit as never) + 1) % units.length] as string) : line.unit,
    quantityStock: new Big(line.quantity).times(factor).toFixed(),
    status: closed === 'yes' ? 'closed' : draw('late') % 5 === 0 ? 'late' : 'pending',
    closed,
    dimensions: Object.fromEntries(
      dimensionTypes
        .filter((type) => type === 'CCT' || draw(type) % 3 > 0)
        .map((type) => [type, dimensionCode(type, draw(`${type} code`) % CODES)]),
    ),
  }
}

/** How far the order is invoiced. */
export const invoiceStatus = (order: PurchaseOrder): string => (order.closed === 'yes' ? 'inFull' : 'no')

/** One or two for each line of which something was received, by number and line. */
export function receiptsOf(order: PurchaseOrder): readonly Receipt[] {
  const found = order.lines.flatMap((line) => receiptsOfLine(order, line))
  return found.sort((a, b) => (a.number === b.number ? a.line - b.line : a.number < b.number ? -1 : 1))
}

/** When a receipt of the order was last touched; the order itself may not know of it. */
export const receiptsStamp = (order: PurchaseOrder): string => order.receipts?.updated ?? (order.updated as string)

function receiptsOfLine(order: PurchaseOrder, line: PurchaseOrderLine): Receipt[] {
  const received = new Big(line.receivedQuantity)
  if (received.eq(0)) return []
  const details = lineDetails(order, line)
  const isSplit = textHash(`${order.number} ${line.line} split`) % 2 === 0 && received.gt(1)
  const first = isSplit ? received.div(2).round(3, Big.roundDown) : received
  return [first, received.minus(first)].flatMap((quantity, part) =>
    quantity.eq(0)
      ? []
      : [
          {
            ...{ number: `REC${order.number.slice(2)}${part + 1}`, line: line.line + line.sequence - 1 },
            ...{
              orderLine: line.line,
              orderSequence: line.sequence,
              site: order.receiptSite,
              supplier: order.supplier,
            },
            ...{
              date: order.orderDate,
              deliveryNote: order.receipts?.note ?? `DN-${order.number.slice(2)}-${part + 1}`,
            },
            // Goods are counted as they are stored, so that a part of an order unit is no fraction without an end.
            ...{ product: line.product, unit: details.stockUnit, quantity: quantity.toFixed() },
            ...{ quantityStock: quantity.toFixed(), netPrice: details.netPrice },
            ...{ created: order.created, updated: receiptsStamp(order) },
            ...(order.visibleFrom === undefined ? {} : { visibleFrom: order.visibleFrom }),
          },
        ],
  )
}
