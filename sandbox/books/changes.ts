import Big from 'big.js'
import { convert, decimal, scaleOf } from './money.ts'
import type { Draw } from './random.ts'
import type { ChangingTables } from './table.ts'
import type { BookTables, Decimal, JournalEntry, JournalLine, SupplierInvoice, TableName } from './types.ts'
import type { World } from './world.ts'

/** What one business day knows while it changes the books. Stamps in seconds. */
export interface Day {
  /** 1 is the first. */
  number: number
  now: number
  /** 00:00Z of the business date. */
  date: number
  draw: Draw
  /** A stamp within the day. */
  at(): string
  /** `count` stamps within the day, rising by at least a second. */
  rising(count: number): string[]
}

/** What one day leaves for the next. */
export interface Memory {
  /** What was changed yesterday and is changed back today. */
  back: ((stamp: string) => void)[]
  /** Key of the account that was closed, or opened, yesterday and is turned back today. */
  turnedAccount: string | undefined
  addedLine: { number: string; line: number } | undefined
  temporary: string[]
  unbalanced: { key: string; index: number }[]
  /** Deleted yesterday, and made anew under their numbers today. */
  anew: SupplierInvoice[]
  newSuppliers: string[]
  /** How many of each table were added since the beginning. */
  serial: Map<TableName, number>
}

export interface Desk {
  world: World
  tables: ChangingTables
  day: Day
  memory: Memory
  /** One of a table that nothing else of this day touches and that fits; undefined where there is none. */
  choose<N extends TableName>(name: N, fits?: (thing: BookTables[N]) => boolean): BookTables[N] | undefined
  /** Keeps a thing from being chosen tomorrow. */
  reserve(name: TableName, key: string): void
}

/** One kind of change; false where the books had nothing to do it to. */
export type Change = (desk: Desk) => boolean

/** `"10.50"` and 25 cents at scale 2: `"10.75"`. */
export function add(amount: Decimal, minor: number, scale: number): Decimal {
  return new Big(amount).plus(decimal(minor, scale)).toFixed(scale)
}

/**
 * Raises the first and the last line of each ledger by one amount, so that the entry stays balanced while no page of it alone shows the truth;
 * the last line takes another cost centre or a second split.
 */
export function shiftAmounts(entry: JournalEntry, minor: number, centre: string, stamp: string): JournalEntry {
  const ledgers = Map.groupBy(entry.lines, (line) => line.ledger)
  const touched = new Set<JournalLine>()
  for (const lines of ledgers.values()) for (const line of [lines[0], lines.at(-1)]) if (line) touched.add(line)
  const scale = scaleOf(entry.currency)
  return {
    ...entry,
    updated: stamp,
    lines: entry.lines.map((line) => {
      if (!touched.has(line)) return line
      const inLedger = convert(minor, entry.currency, line.ledgerCurrency)
      const [first, ...rest] = line.analytical
      const raised = first && { ...first, amount: add(first.amount, minor, scale) }
      const dimensions = { ...first?.dimensions, CCT: centre }
      return {
        ...line,
        updated: stamp,
        amount: add(line.amount, minor, scale),
        ledgerAmount: add(line.ledgerAmount, inLedger, scaleOf(line.ledgerCurrency)),
        analytical:
          raised === undefined
            ? []
            : rest.length === 0 && line.line > 1
              ? [
                  { ...raised, amount: add(raised.amount, -1, scale) },
                  { ...raised, split: 2, amount: decimal(1, scale), dimensions },
                ]
              : [{ ...raised, dimensions }, ...rest],
      }
    }),
  }
}
