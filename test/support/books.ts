import assert from 'node:assert/strict'
import { createBooks } from '../../sandbox/books/books.ts'
import type { Books, BookTable, BookTables, JournalEntry, Size, Stamped, TableName } from '../../sandbox/books/types.ts'

export const today = '2026-03-02'
export const hour = 3_600_000
const dayLength = 24 * hour

export interface Clock {
  ms: number
}

export function open(options: { seed?: number; size?: Size | number; clock?: Clock } = {}): {
  books: Books
  clock: Clock
} {
  const clock = options.clock ?? { ms: Date.parse(`${today}T06:30:00Z`) }
  const books = createBooks({ seed: options.seed ?? 1, size: options.size ?? 'small', today, now: () => clock.ms })
  return { books, clock }
}

/** The clock moves on by a day, then the day happens. */
export function nextDay(books: Books, clock: Clock): string[] {
  clock.ms += dayLength
  return books.day()
}

/** As the interface promises for any table, whatever it holds. */
export type AnyTable = BookTable<
  Stamped & { lines?: Stamped[]; headerUpdated?: string; receipts?: { updated: string } }
>
export const tablesOf = (books: Books): [TableName, AnyTable][] =>
  Object.entries(books.tables) as [TableName, AnyTable][]

export type Snapshot = { [N in TableName]: Map<string, BookTables[N]> }
export function snapshot(books: Books): Snapshot {
  const pairs = tablesOf(books).map(([name, table]) => [
    name,
    new Map([...table.walk()].map((thing) => [table.keyOf(thing), thing])),
  ])
  return Object.fromEntries(pairs) as Snapshot
}

/** Rows as a target counts them: things, their lines, their splits. */
export function rowsOf(books: Books): number {
  let rows = 0
  for (const [, table] of tablesOf(books)) for (const thing of table.walk()) rows += 1 + (thing.lines?.length ?? 0)
  for (const entry of books.tables.journalEntry.walk()) for (const line of entry.lines) rows += line.analytical.length
  return rows
}

/** Everything but the stamps, which follow the clock. */
export function content(books: Books): string {
  const stamps = new Set(['created', 'updated', 'headerUpdated', 'visibleFrom'])
  return JSON.stringify(
    tablesOf(books).map(([name, table]) => [name, [...table.walk()]]),
    (key, value) => (stamps.has(key) ? undefined : value),
  )
}

/** Exact: a decimal text in units of its fourth digit behind the point. */
export function tenThousandths(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  assert.ok(fraction.length <= 4, `${text} has more than four decimals`)
  return BigInt(whole + fraction.padEnd(4, '0'))
}

/** Ledgers of an entry that do not add up to nothing, in ledger currency. */
export function unbalancedLedgers(entry: JournalEntry): string[] {
  const sums = new Map<string, bigint>()
  for (const line of entry.lines) {
    const amount = BigInt(line.sign) * tenThousandths(line.ledgerAmount)
    sums.set(line.ledger, (sums.get(line.ledger) ?? 0n) + amount)
  }
  return [...sums].filter(([, sum]) => sum !== 0n).map(([ledger]) => ledger)
}

export const greatest = (lines: readonly Stamped[]): string =>
  lines.reduce((top, { updated }) => (updated && updated > top ? updated : top), '')
