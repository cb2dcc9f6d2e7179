/** The coding of purchase orders, as the ERP's interface sent it to Basware: by number and company. */
import type { Reading } from './invoices.ts'
import { pages } from './pages.ts'
import { type CodingRow, type Order, type OrderLine, recordsIn } from './replies.ts'

/** Overlap of the question what changed: clocks and zones of the two layers. */
const OVERLAP_MS = 86_400_000
const ORDER_PAGE = '500'
const LINE_PAGE = '100'
/** Orders whose lines are kept of one run. */
const KEPT = 500

/** What there is of orders of one company. */
interface Company {
  /** External codes by order number: more than one is one too many. */
  readonly codes: Map<string, Set<string>>
  /** The newest change that was seen. */
  newest: string | undefined
}

/** The orders of a tenant, kept as long as its connection: at the beginning all of a company, then what changed. */
export interface OrderBook {
  readonly companies: Map<string, Company>
}
export const createOrderBook = (): OrderBook => ({ companies: new Map() })

/** What the orders say of one matched row. */
export type OrderCoding =
  | { readonly kind: 'codings'; readonly codings: readonly { readonly account: string; readonly costCentre: string }[] }
  | { readonly kind: 'two'; readonly codes: readonly string[] }
  | { readonly kind: 'none' }

export type Orders = (reading: Reading, company: string, row: CodingRow) => Promise<OrderCoding>

/** For one run: what changed is asked once for a company, and the lines of an order once. */
export function createOrders(book: OrderBook): Orders {
  const fresh = new Map<string, Promise<Company>>()
  const lines = new Map<string, Promise<readonly OrderLine[]>>()
  /** Once; after a failure again. */
  const once = <T>(kept: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> => {
    const known = kept.get(key)
    if (known) return known
    const asked = ask()
    kept.set(key, asked)
    asked.catch(() => kept.delete(key))
    for (const old of kept.keys()) {
      if (kept.size <= KEPT) break
      kept.delete(old)
    }
    return asked
  }
  return async (reading, company, row) => {
    const { codes } = await once(fresh, company, () => refresh(book, reading, company))
    const found = [...(codes.get(String(row.orderNumber ?? '')) ?? [])]
    if (found.length > 1) return { kind: 'two', codes: found }
    const [code] = found
    if (code === undefined) return { kind: 'none' }
    const all = await once(lines, code, () => readLines(reading, code))
    const own = all.filter(({ lineNumber }) => lineNumber === String(row.orderLineNumber ?? ''))
    const codings = own.flatMap(({ orderLineCoding }) => orderLineCoding ?? [])
    if (codings.length === 0) return { kind: 'none' }
    return {
      kind: 'codings',
      codings: codings.map((one) => ({ account: one.accountCode ?? '', costCentre: one.costCenterCode ?? '' })),
    }
  }
}

/** Every order of the company at first, then those that changed since the newest one that was seen. */
async function refresh({ companies }: OrderBook, reading: Reading, code: string): Promise<Company> {
  const known = companies.get(code)
  const company: Company = known ?? { codes: new Map(), newest: undefined }
  const since = company.newest && new Date(Date.parse(company.newest) - OVERLAP_MS).toISOString()
  const query = { companyCode: code, pageSize: ORDER_PAGE, ...(since ? { lastUpdated: since } : {}) }
  let { newest } = company
  for await (const data of pages(reading, '/v1/matchingOrders', {
    what: `Orders of ${code}`,
    scope: 'matchingOrders.read',
    query,
  }))
    for (const order of recordsIn('matchingOrders', data, `Orders of ${code}`)) {
      if (order.companyCode !== code) continue
      add(company, order)
      const at = order.lastUpdated ?? undefined
      if (at && (!newest || Date.parse(at) > Date.parse(newest))) newest = at
    }
  company.newest = newest
  companies.set(code, company)
  return company
}

function add({ codes }: Company, { orderNumber, externalCode }: Order): void {
  const of = codes.get(orderNumber) ?? new Set()
  of.add(externalCode)
  codes.set(orderNumber, of)
}

async function readLines(reading: Reading, code: string): Promise<readonly OrderLine[]> {
  const what = `Lines of order ${code}`
  const query = { orderExternalCode: code, pageSize: LINE_PAGE }
  const found: OrderLine[] = []
  for await (const data of pages(reading, '/v1/matchingOrderLines', { what, scope: 'matchingOrderLines.read', query }))
    found.push(...recordsIn('matchingOrderLines', data, what))
  return found
}
