import { textHash } from './random.ts'
import type { Books } from './types.ts'

/** Chart of accounts of each company's legal ledger. */
export const CHARTS: Readonly<Record<string, string>> = { FR10: 'FRA', GB10: 'ENG' }

/**
 * The account of a company that purchases of a product go to: what its accounting code leads to in the ERP. Two products of
 * three share one account, and so do those that the books do not have. Ask the books of the first day, since accounts may be
 * closed later.
 */
export function purchaseAccounts(books: Books, company: string): (product: string) => string {
  const usable = [...books.tables.account.walk()].filter(({ chart, active }) => active && chart === CHARTS[company])
  const [common = '', ...others] = usable.map(({ code }) => code)
  return (product) => {
    const draw = textHash(`account of ${books.tables.product.get(product) ? product : '*'}`)
    return draw % 3 > 0 || others.length === 0 ? common : (others[(draw >>> 3) % others.length] as string)
  }
}
