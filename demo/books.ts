/** The comparer's two sides for the demo: the books made anew from their seed, and the sandbox's tables. */
import { createBooks } from '../sandbox/books/books.ts'
import type { Books } from '../sandbox/books/types.ts'
import { type Cell, type Comparison, compare } from './compare.ts'
import type { Address, FlowNode } from './ends/end.ts'
import type { TableEnds } from './ends/index.ts'

export const DAY_MS = 86_400_000

/** Which books: what they say depends on these alone. */
export interface BookOptions {
  readonly seed: number
  readonly size: 'small' | 'medium' | 'large'
  /** Their first day. */
  readonly today: string
}

/** Books as the sandbox's are after the same days, whatever the hour: what they say depends on seed, size, first day and number of days alone. */
export function booksAfter(options: BookOptions & { readonly days: number }): Books {
  let now = Date.now()
  const books = createBooks({ seed: options.seed, size: options.size, today: options.today, now: () => now })
  for (let day = 0; day < options.days; day++) {
    now += DAY_MS
    books.day()
  }
  books.finish()
  return books
}

/** A group chart for the demo: each account of the books by the first three digits of its code. */
export function groupAccounts(books: Books): { from: string; to: string; valid_from: string; valid_to: string }[] {
  const rows = new Map<string, string>()
  for (const account of books.tables.account.walk()) rows.set(account.code, `G${account.code.slice(0, 3)}`)
  return [...rows].map(([from, to]) => ({ from, to, valid_from: '', valid_to: '' }))
}

/** Sets the books against the tables that the flow has filled; `ask` is the target's own query. */
export function compareBooks(options: {
  readonly books: Books
  readonly flows: readonly FlowNode[]
  readonly ends: TableEnds
  /** The target's. */
  readonly address: Address
  readonly ask: (sql: string) => AsyncIterable<Cell[]>
}): Promise<Comparison> {
  const { books, flows, ends, address, ask } = options
  return compare(ends.source.expected(books, flows), ends.target.reader(address, ask))
}
