import { createHash } from 'node:crypto'
import { type Company, companies } from '../../books/codes.ts'
import { convert, decimal, type Minor, scaleOf } from '../../books/money.ts'
import { purchaseAccounts } from '../../books/purchase-accounts.ts'
import type { Account, Books, Dimension, PurchaseOrder, Supplier } from '../../books/types.ts'

/** Things of a kind, by whether they are in use. */
export interface Halves<T> {
  readonly active: readonly T[]
  readonly inactive: readonly T[]
}

/** What this company's invoices are made from: the books as they stood on their first day. */
export interface Ground {
  readonly books: Books
  readonly seed: number
  /** 00:00Z of the books' first day, ms. */
  readonly today: number
  /** Accounts of a company's chart. */
  accounts(company: string): Halves<Account>
  dimensions(type: string): Halves<Dimension>
  readonly suppliers: readonly Supplier[]
  /** Numbers of the orders, in the order of the books. */
  readonly orders: readonly string[]
  order(number: string): PurchaseOrder
  /** Codings of order lines as the ERP's orders have them; undefined where the tenant has its own. */
  readonly coded: ((company: string) => (product: string) => string) | undefined
  /** A whole number in [0, below) that belongs to a text: the same in every run. */
  drawFor(text: string, below: number): number
}

/** A company that Basware has and the ERP does not. */
export const UNMAPPED: Company = { code: 'IE10', currency: 'EUR', chart: 'FRA', sites: [] }
const COMPANIES: readonly Company[] = [...companies, UNMAPPED]

export const companyOf = (code: string): Company => {
  const found = COMPANIES.find((company) => company.code === code)
  if (!found) throw new Error(`The demo group has no company ${code}`)
  return found
}

const NONE: Halves<never> = { active: [], inactive: [] }

/** Active and inactive things of each kind. */
function parted<T extends { active: boolean }>(
  things: readonly T[],
  kindOf: (thing: T) => string,
): Readonly<Record<string, Halves<T>>> {
  const kinds = [...new Set(things.map(kindOf))].map((kind): [string, Halves<T>] => {
    const own = things.filter((thing) => kindOf(thing) === kind)
    return [kind, { active: own.filter(({ active }) => active), inactive: own.filter(({ active }) => !active) }]
  })
  return Object.fromEntries(kinds)
}

/** `ordersFrom` says whose coding the lines of orders have: the tenant's own, or that of the ERP, which sends them. */
export function createGround(books: Books, seed: number, ordersFrom: 'tenant' | 'erp' = 'tenant'): Ground {
  const { tables } = books
  const charts = parted([...tables.account.walk()], ({ chart }) => chart)
  const accounts = new Map(companies.map(({ code }) => [code, purchaseAccounts(books, code)]))
  const types = parted([...tables.dimension.walk()], ({ type }) => type)
  return {
    books,
    seed,
    today: Math.floor((Date.parse(books.begun) + 3_600_000) / 86_400_000) * 86_400_000,
    accounts: (company) => charts[companyOf(company).chart] ?? NONE,
    dimensions: (type) => types[type] ?? NONE,
    suppliers: [...tables.supplier.walk()],
    orders: [...tables.purchaseOrder.changed({}, 'own')],
    order(number) {
      const found = tables.purchaseOrder.get(number)
      if (!found) throw new Error(`The books have no order ${number}`)
      return found
    },
    coded: ordersFrom === 'erp' ? (company) => accounts.get(company) ?? (() => '') : undefined,
    drawFor: (text, below) => Number.parseInt(idOf(`${seed} ${text}`).slice(0, 8), 16) % below,
  }
}

/** 32 hexadecimal digits that belong to a text, as Basware's own ids look. */
export const idOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32)

/** An amount as the API sends it: a JSON number, exact while it has no more than 15 digits. */
export const amount = (minor: Minor, currency: string): number => Number(decimal(minor, scaleOf(currency)))

/** A rate with six digits, `drift` in millionths away from the books' own. */
export function rateOf(from: string, to: string, drift: number): number {
  if (from === to) return 1
  const own = convert(10 ** (6 + scaleOf(from)), from, to) / 10 ** scaleOf(to) / 1e6
  return Number((own * (1 + drift / 1e6)).toFixed(6)) || own
}

/** The amount in another currency by such a rate, rounded to its minor unit. */
export const atRate = (minor: Minor, from: string, to: string, rate: number): Minor =>
  Math.round(minor * rate * 10 ** (scaleOf(to) - scaleOf(from)))
