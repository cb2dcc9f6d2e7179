import { textHash } from './random.ts'
import type { ChangingTables } from './table.ts'
import type { Account, Books } from './types.ts'

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

/** So many accounts in use, at the head of a chart, every purchase is posted to: tax, what is owed, what is rounded. */
const POSTED_TO = 5

/** Whether every purchase needs an account as it is: nobody closes it, and none before it is opened. */
export function isPostedTo({ account }: Pick<ChangingTables, 'account'>, { chart, code }: Account): boolean {
  const own = [...account.walk()].filter((one) => one.chart === chart)
  const before = own.slice(
    0,
    own.findIndex((one) => one.code === code),
  )
  return before.filter(({ active }) => active).length < POSTED_TO
}
