import { createBooks } from '../../books/books.ts'
import type { Size } from '../../books/types.ts'
import { PROJECT_LIST } from '../collections.ts'
import type { Masters } from '../layers.ts'
import { byHand, linesByHand } from './by-hand.ts'
import { CASES } from './cases.ts'
import { draftOf } from './drafts.ts'
import { createGround } from './ground.ts'
import type { Habits } from './habits.ts'
import { invoiceOf, type Json } from './invoice.ts'
import { accountsOf, costCentersOf, linesOf, ordersOf, projectsOf, vendorsOf } from './masters.ts'

export interface CompanyOptions {
  readonly seed: number
  readonly size: Size | number
  readonly today: string
  /** How many invoices there are at the beginning; half as many as orders, from 70 to 5,000, unless told. */
  readonly invoices: number | undefined
  readonly habits: Habits
  /** See `BaswareOptions`. */
  readonly begins: 'sent' | 'byHand'
}

/** What the demo group has in Basware. Made when it is first asked for. */
export interface Company {
  readonly masters: Masters
  /** Invoices at the beginning. */
  count(): number
  /** Invoice by its number from 0, those behind the beginning included; in other habits where some are given. */
  invoice(index: number, habits?: Partial<Habits>): Json
  /** Name of the case that an invoice is of. */
  caseOf(index: number): string
}

export function createCompany({ seed, size, today, invoices, habits, begins }: CompanyOptions): Company {
  let made: ReturnType<typeof createGround> | undefined
  // Books of its own, that no day changes: the same invoices after a restart.
  const ground = () => {
    made ??= createGround(createBooks({ seed, size, today, now: () => 0 }), seed, begins === 'sent' ? 'tenant' : 'erp')
    return made
  }
  const count = (): number => invoices ?? Math.max(70, Math.min(5_000, Math.round(ground().orders.length / 2)))
  const sent: Readonly<Record<string, () => readonly Json[]>> = {
    vendors: () => vendorsOf(ground()),
    accounts: () => accountsOf(ground()),
    costCenters: () => costCentersOf(ground()),
    matchingOrders: () => ordersOf(ground(), habits, count()),
    [PROJECT_LIST]: () => projectsOf(ground()),
  }
  const collections = new Map<string, readonly Json[]>()
  const all = (name: string): readonly Json[] => {
    const known = collections.get(name)
    if (known) return known
    const records = begins === 'sent' ? sent[name]?.() : byHand[name]?.(ground(), habits)
    collections.set(name, records ?? [])
    return records ?? []
  }
  return {
    count,
    invoice: (index, own) => invoiceOf(draftOf(ground(), index), ground(), { ...habits, ...own }),
    caseOf: (index) => CASES[index % CASES.length]?.name ?? '',
    masters: {
      all,
      lines(order) {
        if (begins === 'byHand') return linesByHand(ground(), order)
        return all('matchingOrders').some(({ externalCode }) => externalCode === order) ? linesOf(ground(), order) : []
      },
    },
  }
}
