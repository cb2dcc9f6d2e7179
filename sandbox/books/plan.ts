import type { Size } from './types.ts'

/** How many of everything; documents with many lines by their index. */
export interface Plan {
  rows: number
  businessPartner: number
  supplier: number
  customer: number
  product: number
  /** Accounts in each chart. */
  accountsPerChart: number
  /** Codes of each dimension type. */
  codesPerType: number
  purchaseOrder: number
  supplierInvoice: number
  salesInvoice: number
  /** Journal entries of each entry type. */
  entriesPerType: number
  longOrders: ReadonlyMap<number, number>
  longSupplierInvoices: ReadonlyMap<number, number>
  longSalesInvoices: ReadonlyMap<number, number>
  /** Lines in the legal ledger. */
  longEntries: ReadonlyMap<number, number>
}

const rowsOf: Readonly<Record<Size, number>> = { small: 2_000, medium: 50_000, large: 1_000_000 }

function atLeast(least: number, most: number, wanted: number): number {
  return Math.max(least, Math.min(most, Math.round(wanted)))
}

/** Spreads the long documents over a table of `count`. */
function spread(count: number, lines: readonly number[]): ReadonlyMap<number, number> {
  return new Map(lines.map((n, k) => [Math.floor((count * (2 * k + 1)) / (2 * lines.length + 1)), n]))
}

export function planFor(size: Size | number): Plan {
  const rows = typeof size === 'number' ? size : rowsOf[size]
  const big = rows >= 20_000
  const long = rows >= 1_500
  const fives = atLeast(4, 1_600, rows * 0.003 + 4)
  const product = atLeast(32, 8_000, rows * 0.012)
  const accountsPerChart = atLeast(10, 500, rows * 0.0024 + 10)
  const codesPerType = atLeast(8, 1_500, rows * 0.0015 + 8)
  const masters = 6 * fives + product + 4 * accountsPerChart + 4 * codesPerType
  const longRows = big ? 5_500 : long ? 650 : 0
  const rest = Math.max(400, rows - masters - longRows)
  // Measured: a journal is some 13 rows with its lines and splits, any other document about 5.
  const document = Math.max(20, Math.round((rest * 0.4) / 3 / 5))
  const entriesPerType = Math.max(8, Math.round((rest * 0.6) / 13 / 4))
  return {
    rows,
    businessPartner: 5 * fives,
    supplier: 3 * fives,
    customer: 3 * fives,
    product,
    accountsPerChart,
    codesPerType,
    purchaseOrder: document,
    supplierInvoice: document,
    salesInvoice: document,
    entriesPerType,
    longOrders: spread(document, big ? [25, 240, 60] : long ? [25] : []),
    longSupplierInvoices: spread(document, big ? [35, 215] : long ? [26] : []),
    longSalesInvoices: spread(document, big ? [45, 230, 22] : long ? [27] : []),
    longEntries: spread(4 * entriesPerType, big ? [24, 420, 1_200, 260, 90] : long ? [24, 250] : []),
  }
}
