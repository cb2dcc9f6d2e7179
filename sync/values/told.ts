/** The one amount of an entity that sentences tell, by currency. */
import { addSum, negate, newSum, readable, type Sum, sumText } from './money.ts'
import { createTotals, type Totals } from './totals.ts'
import type { GroupBook, TableTotals } from './totals-plan.ts'

/** Amounts of a header that stand for the whole of it, the first that there is. */
const OF_HEADER = ['amount_with_tax', 'gross_amount', 'amount', 'amount_without_tax']

/** Where the amount stands that is told. */
interface Told {
  readonly list: string
  readonly amount: string
  /** Column with its currency. */
  readonly currency: string
  /** Of a journal its debit is told, in one of its ledgers; of others what is left of debit and credit. */
  readonly isJournal: boolean
}

/** Journals: debit in the ledger's currency; documents and payments: the header's amount, with tax where there is one; else a list's. */
function toldOf(plan: readonly TableTotals[]): Told | undefined {
  const journal = plan.find(({ amounts, by }) => amounts.includes('amount_ledger') && by.includes('ledger'))
  if (journal) {
    const currency = journal.by.includes('ledger_currency') ? 'ledger_currency' : 'currency'
    return { list: journal.list, amount: 'amount_ledger', currency, isJournal: true }
  }
  const header = plan.find(({ list }) => list === '')
  const own = OF_HEADER.find((name) => header?.amounts.includes(name))
  if (own !== undefined) return { list: '', amount: own, currency: 'currency', isJournal: false }
  const table = plan.find(({ amounts }) => amounts.length > 0)
  return table && { list: table.list, amount: table.amounts[0] as string, currency: 'currency', isJournal: false }
}

/**
 * The amounts by currency, exact: `{EUR: '4250985.76'}`; those that came to nothing are left out, and so is everything of an
 * entity without amounts.
 */
export function toldAmounts(plan: readonly TableTotals[], totals: Pick<Totals, 'all'>): Record<string, string> {
  const told = toldOf(plan)
  if (told === undefined) return {}
  /** By currency and ledger: debit, credit, and what is left of both. */
  const sums = new Map<string, Map<string, readonly [Sum, Sum, Sum]>>()
  for (const { group, sums: sides } of totals.all()) {
    const at = group.amounts.indexOf(told.amount)
    if (group.list !== told.list || at < 0) continue
    const currency = group.values[group.by.indexOf(told.currency)] ?? ''
    const ledger = (told.isJournal && group.values[group.by.indexOf('ledger')]) || ''
    const ledgers = sums.get(currency) ?? new Map<string, readonly [Sum, Sum, Sum]>()
    sums.set(currency, ledgers)
    const some = ledgers.get(ledger) ?? ([newSum(), newSum(), newSum()] as const)
    ledgers.set(ledger, some)
    const [debit, credit, rest] = some
    for (const [own, side] of [
      [debit, sides[2 * at]],
      [credit, sides[2 * at + 1]],
    ] as const) {
      addSum(own, side as Sum)
      addSum(rest, side as Sum)
    }
  }
  const amounts = [...sums].sort(byName).map(([currency, ledgers]): [string, string] => {
    const some = [...ledgers].sort(byName).flatMap(([, [debit, credit, rest]]) => {
      const sides = [sumText(debit), negate(sumText(credit))]
      // What comes to nothing is told by its debit.
      return told.isJournal ? sides : [sumText(rest), ...sides]
    })
    return [currency, some.find((text) => text !== '0') ?? '0']
  })
  return Object.fromEntries(amounts.filter(([, text]) => text !== '0'))
}

/** What is told of a record by what it adds (`Contribution.text`); undefined: not known. */
export function toldContribution(
  plan: readonly TableTotals[],
  groups: GroupBook,
  text: string | undefined,
): Record<string, string> | undefined {
  if (text === undefined) return undefined
  const totals = createTotals(groups)
  totals.add(text)
  return toldAmounts(plan, totals)
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)

/** `EUR 4,250,985.76, USD -3.10`; empty where nothing is to be told. Two currencies are never one sum. */
export const amountsText = (amounts: Readonly<Record<string, string>>): string =>
  Object.entries(amounts)
    .map(([currency, amount]) => `${currency || '(no currency)'} ${readable(amount)}`)
    .join(', ')
