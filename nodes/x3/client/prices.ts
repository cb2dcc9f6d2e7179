/**
 * What an invoice is matched by, where X3 does not show it: net prices and amounts of order lines, received quantities in the order's
 * unit. Each computed value says so beside it, and what cannot be computed stays empty.
 */
import Big from 'big.js'
import type { DataRecord, Row, Value } from '../../../sync/contract/message.ts'
import { isDecimal } from '../../../sync/values/money.ts'
import type { PricesDef } from './entities/types.ts'

/** Digits behind the point that prices and quantities are stored with. */
const SCALE = 8
const DISCOUNTS = ['discount', ...[2, 3, 4, 5, 6, 7, 8, 9].map((n) => `discount_${n}`)]

/** Fills the computed columns of an order's lines, once. */
export function priceLines({ lines }: PricesDef, record: DataRecord): void {
  const scale = scaleOf(record.currency)
  for (const row of rowsIn(record, lines)) priceLine(row, scale)
}

/** Fills those of its receipts. */
export function priceReceipts({ lines, receipts }: PricesDef, record: DataRecord): void {
  const all = rowsIn(record, lines)
  const byKey = new Map(all.map((row) => [`${row.line} ${row.sequence}`, row]))
  for (const row of rowsIn(record, receipts)) {
    const line =
      byKey.get(`${row.line} ${row.sequence}`) ?? (row.sequence == null ? onlyLine(all, row.line) : undefined)
    Object.assign(row, line ? inOrderUnit(line, row.quantity, row.unit, row.quantity_stock) : NOT_CONVERTED)
  }
}

/** Why the lines of an order cannot be priced, in words; undefined: they can. */
export function priceFault({ lines }: PricesDef, record: DataRecord): string | undefined {
  const wrong = rowsIn(record, lines).filter((row) => row.net_amount == null || row.net_price == null)
  const [first] = wrong
  if (!first) return undefined
  const more = wrong.length > 1 ? ` and ${wrong.length - 1} more` : ''
  const missing =
    first.quantity == null ? 'quantity' : first.net_price == null ? 'price' : 'currency whose digits are known'
  return `line ${String(first.line)}${more} has neither a net amount nor a ${missing} to compute it of`
}

function priceLine(row: Row, scale: number | undefined): void {
  const quantity = numberOf(row.quantity)
  const published = numberOf(row.net_price)
  const gross = numberOf(row.gross_price)
  const exact = published ?? (gross && discounted(gross, row))
  if (published) row.net_price_from = 'X3'
  else if (exact) Object.assign(row, { net_price: text(exact), net_price_from: 'computed' })
  if (numberOf(row.net_amount)) row.net_amount_from = 'X3'
  else if (exact && quantity && scale !== undefined)
    Object.assign(row, {
      net_amount: exact.times(quantity).round(scale, Big.roundHalfUp).toFixed(),
      net_amount_from: 'computed',
    })
  // Without a price, a line has one by its amount.
  if (row.net_price == null && quantity && !quantity.eq(0) && row.net_amount_from === 'X3')
    Object.assign(row, { net_price: text(new Big(row.net_amount as string).div(quantity)), net_price_from: 'computed' })
  Object.assign(row, inOrderUnit(row, row.received_quantity, row.stock_unit, row.received_quantity))
}

/** Each discount is a percentage of what the ones before have left. */
const discounted = (gross: Big, row: Row): Big =>
  DISCOUNTS.reduce((left, name) => {
    const percent = numberOf(row[name])
    return percent && !percent.eq(0) ? left.times(new Big(100).minus(percent)).div(100) : left
  }, gross)

const NOT_CONVERTED = { received: null, received_from: null }

/** A quantity in the unit of the order's line: as it is, or by what the line is in both units. */
function inOrderUnit(line: Row, given: Value | undefined, unit: Value | undefined, stock: Value | undefined) {
  const quantity = numberOf(given)
  if (!quantity) return NOT_CONVERTED
  if (quantity.eq(0)) return { received: '0', received_from: 'X3' }
  if (unit != null && unit === line.unit) return { received: text(quantity), received_from: 'X3' }
  const [ordered, inStock, received] = [line.quantity, line.quantity_stock, stock].map(numberOf)
  if (!ordered || !received || !inStock || inStock.eq(0)) return NOT_CONVERTED
  return { received: text(received.times(ordered).div(inStock)), received_from: 'converted' }
}

const rowsIn = (record: DataRecord, list: string): Row[] => (Array.isArray(record[list]) ? (record[list] as Row[]) : [])

function onlyLine(lines: readonly Row[], number: Value | undefined): Row | undefined {
  const found = lines.filter((row) => row.line === number)
  return found.length === 1 ? found[0] : undefined
}

const numberOf = (value: Value | undefined): Big | undefined =>
  typeof value === 'string' && isDecimal(value) ? new Big(value) : undefined

const text = (value: Big): string => value.round(SCALE, Big.roundHalfUp).toFixed()

/** Digits behind the point of a currency, after ISO 4217; undefined for what is no code. */
function scaleOf(currency: unknown): number | undefined {
  try {
    const options = { style: 'currency', currency: String(currency ?? '') } as const
    return new Intl.NumberFormat('en', options).resolvedOptions().maximumFractionDigits
  } catch {
    return undefined
  }
}
