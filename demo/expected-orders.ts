/**
 * What Basware's P2P must hold of the ERP once the flow has run: vendors, accounts, cost centres, axes, orders with their lines,
 * receipts and coding. Told from the books, the demo's tables and `docs/basware.md` alone; shares no code with the engine, the
 * nodes or the sandbox's wire.
 */
import Big from 'big.js'
import { createBooks } from '../sandbox/books/books.ts'
import { companies } from '../sandbox/books/codes.ts'
import { CHARTS, purchaseAccounts } from '../sandbox/books/purchase-accounts.ts'
import { lineDetails, type Receipt, receiptsOf } from '../sandbox/books/purchasing.ts'
import type { Books, PurchaseOrder, PurchaseOrderLine } from '../sandbox/books/types.ts'
import { type BookOptions, booksAfter, DAY_MS } from './books.ts'
import { AXES } from './ends/basware-orders.ts'

/** What is compared of a record, by name. */
export type Fields = Readonly<Record<string, string>>

/** The records of one kind, by what the ERP calls them: external codes play no part. */
export interface ExpectedKind {
  /** Collection of Basware. */
  readonly kind: string
  readonly records: ReadonlyMap<string, Fields>
  /** Those that are gone in the ERP: they must be marked, and `true` of them must be there. */
  readonly gone: ReadonlyMap<string, boolean>
}

const COMPANIES = companies.map(({ code }) => code)

/** A decimal as Basware's JSON number says it. */
export const asNumber = (value: string): string => String(Number(value))

const yesNo = (yes: boolean): string => (yes ? 'yes' : 'no')

/** Texts under two characters do not go into names, so what is sent then is the client's choice; blanks around one are nothing. */
export const nameOf = (title: string): string => (title.trim().length < 2 ? '' : title.trim())

/** Keys of each kind that the books have had at the end of any day, and whether it was the first. */
type Seen = Readonly<Record<string, Map<string, boolean>>>

function seenOver(options: BookOptions, days: number): Seen {
  let now = Date.now()
  const books = createBooks({ ...options, now: () => now })
  const seen: Seen = Object.fromEntries(KINDS.map((kind) => [kind, new Map<string, boolean>()]))
  for (let day = 0; day <= days; day++) {
    if (day > 0) {
      now += DAY_MS
      books.day()
    }
    const records = recordsOf(books, books)
    for (const kind of KINDS)
      for (const key of records[kind]?.keys() ?? []) if (!seen[kind]?.has(key)) seen[kind]?.set(key, day === 0)
  }
  return seen
}

const LISTS = Object.values(AXES).filter((place) => place.startsWith('lists/'))
/** Collections that are compared. */
export const KINDS = ['vendors', 'accounts', 'costCenters', ...LISTS, 'matchingOrders', 'matchingOrderLines']

/** Everything that must be in P2P after so many days. */
export function expectedOrders(options: BookOptions & { readonly days: number }): ExpectedKind[] {
  const records = recordsOf(booksAfter(options), booksAfter({ ...options, days: 0 }))
  const seen = seenOver(options, options.days)
  return KINDS.map((kind) => {
    const own = records[kind] ?? new Map<string, Fields>()
    return { kind, records: own, gone: new Map([...(seen[kind] ?? [])].filter(([key]) => !own.has(key))) }
  })
}

/** What Tieout holds, by the key under which it is compared; of a held order its lines too. */
export function keysHeld(
  held: readonly { readonly entity: string; readonly key: string }[],
): (kind: string, key: string) => boolean {
  const keys = new Set(
    held.flatMap(({ entity, key }) => {
      const [, ...parts] = key.split('|')
      const [first = '', second = ''] = parts
      if (entity === 'supplier') return [`vendors ${first}`]
      if (entity === 'dimension') return [`${AXES[first]} ${second}`]
      if (entity === 'purchase_order') return [`order ${first}`]
      return COMPANIES.filter((company) => CHARTS[company] === first).map((company) => `accounts ${company} ${second}`)
    }),
  )
  return (kind, key) => keys.has(`${kind} ${key}`) || keys.has(`order ${key.split(' ')[1]}`)
}

/** By kind; accounts of products are those of the first day's books. */
function recordsOf(books: Books, first: Books): Readonly<Record<string, ReadonlyMap<string, Fields>>> {
  return { ...mastersOf(books), ...ordersOf(books, first) }
}

function mastersOf({ tables }: Books): Record<string, ReadonlyMap<string, Fields>> {
  const vendors = [...tables.supplier.walk()].map(({ code, active }): [string, Fields] => [
    code,
    { name: tables.businessPartner.get(code)?.name ?? '', active: yesNo(active), companies: COMPANIES.join(' ') },
  ])
  const accounts = [...tables.account.walk()].flatMap(({ chart, code, title, active }) =>
    COMPANIES.filter((company) => CHARTS[company] === chart).map((company): [string, Fields] => [
      `${company} ${code}`,
      { name: nameOf(title), active: yesNo(active) },
    ]),
  )
  const axes = Object.entries(AXES).map(([axis, place]) => [
    place,
    new Map(
      [...tables.dimension.walk()]
        .filter(({ type }) => type === axis)
        .map(({ code, title, active }): [string, Fields] => [
          code,
          { name: nameOf(title), active: COMPANIES.map((company) => `${company} ${yesNo(active)}`).join(' ') },
        ]),
    ),
  ])
  return { vendors: new Map(vendors), accounts: new Map(accounts), ...Object.fromEntries(axes) }
}

function ordersOf(books: Books, first: Books): Record<string, ReadonlyMap<string, Fields>> {
  const accounts = new Map(COMPANIES.map((company) => [company, purchaseAccounts(first, company)]))
  const orders = [...books.tables.purchaseOrder.walk()]
  const lines = orders.flatMap((order) =>
    order.lines.map((line): [string, Fields] => [
      `${order.company} ${order.number} ${line.line}`,
      lineFields(order, line, accounts.get(order.company)?.(line.product) ?? ''),
    ]),
  )
  const headers = orders.map((order): [string, Fields] => [
    `${order.company} ${order.number}`,
    {
      ...{ supplier: order.supplier, currency: order.currency, organization: order.company },
      ...{ created: order.orderDate, closed: yesNo(order.closed === 'yes') },
    },
  ])
  return { matchingOrders: new Map(headers), matchingOrderLines: new Map(lines) }
}

/** What was received of a line in the order's unit. */
function inOrderUnit(receipt: Receipt, line: PurchaseOrderLine, { stockUnit, quantityStock }: LineDetails): string {
  if (stockUnit === line.unit) return receipt.quantityStock
  return new Big(receipt.quantityStock).times(line.quantity).div(quantityStock).round(8, Big.roundHalfUp).toFixed()
}
type LineDetails = ReturnType<typeof lineDetails>

function lineFields(order: PurchaseOrder, line: PurchaseOrderLine, account: string): Fields {
  const details = lineDetails(order, line)
  const receipts = receiptsOf(order)
    .filter(({ orderLine, orderSequence }) => orderLine === line.line && orderSequence === line.sequence)
    .map((receipt) => `${receipt.number} ${asNumber(inOrderUnit(receipt, line, details))}`)
  const net = asNumber(details.netAmount)
  const axes = Object.keys(AXES).map((axis) => details.dimensions[axis] ?? '-')
  return {
    quantity: asNumber(line.quantity),
    netPrice: asNumber(details.netPrice),
    netSum: net,
    // X3's published fields do not tell blanket and service orders apart.
    mode: details.netPrice.startsWith('-') ? 'Return' : 'Standard',
    product: line.product,
    closed: yesNo(details.closed === 'yes'),
    coding: [account, ...axes, asNumber(line.quantity), net].join(' '),
    receipts: receipts.sort().join(', '),
  }
}
