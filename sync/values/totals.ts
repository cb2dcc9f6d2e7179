/** Control totals: what a run delivered, by company, ledger, period and currency, in exact decimals. */
import type { StoredTotal } from '../contract/target.ts'
import { type Part, textOf } from './contribution.ts'
import { addDecimals, addRawSum, addSum, addTo, negate, newSum, normalise, type Sum, sumText } from './money.ts'
import type { Group, GroupBook, TableTotals } from './totals-plan.ts'

/** What was added up for one group: debit (not negative) and credit (not positive) of each of its amounts, in turn. */
export type GroupTotal = Part

/** Running totals of contributions, each as text (`Contribution.text`). */
export interface Totals {
  /** Adds it, when the record was delivered. A deletion adds nothing. */
  add(contribution: string | null | undefined): void
  /** Takes it off again: a later version of the record was delivered. */
  remove(contribution: string | null | undefined): void
  /** Adds a contribution that is no text yet. */
  addParts(parts: readonly Part[]): void
  /** The same as one contribution. */
  text(): string
  /** Group by group, those that came to nothing among them. */
  all(): Iterable<GroupTotal>
  /** What must be stored, group by group, sorted; groups without a row are left out. */
  expected(): readonly StoredTotal[]
}

export function createTotals(groups: GroupBook): Totals {
  const all = new Map<number, GroupTotal>()
  const totalOf = (index: number): GroupTotal | undefined => {
    const group = groups.at(index)
    if (group === undefined) return undefined
    const total = { group, count: 0, sums: group.amounts.flatMap(() => [newSum(), newSum()]) }
    all.set(index, total)
    return total
  }
  const change = (text: string | null | undefined, sign: 1 | -1): void => {
    if (!text) return
    for (const part of text.split(';')) {
      const fields = part.split(' ')
      const index = Number(fields[0])
      const total = all.get(index) ?? totalOf(index)
      if (total === undefined) continue
      total.count += sign * Number(fields[1])
      for (let i = 0; i < total.sums.length; i++) {
        if (fields[i + 2] === '=') fields[i + 2] = fields[i] as string
        addRawSum(total.sums[i] as Sum, fields[i + 2] ?? '', sign)
      }
    }
  }
  return {
    add: (text) => change(text, 1),
    remove: (text) => change(text, -1),
    addParts(parts) {
      for (let i = 0; i < parts.length; i++) {
        const { group, count, sums } = parts[i] as Part
        const total = all.get(group.index) ?? totalOf(group.index)
        if (total === undefined) continue
        total.count += count
        for (let side = 0; side < sums.length; side++) addSum(total.sums[side] as Sum, sums[side] as Sum)
      }
    },
    text: () => textOf([...all.values()]),
    all: () => all.values(),
    expected: () =>
      [...all.values()]
        .filter(({ count }) => count !== 0)
        .map((total) => ({ key: JSON.stringify([total.group.list, total.group.values]), total }))
        .sort(({ key: a }, { key: b }) => (a < b ? -1 : 1))
        .map(({ total: { group, count, sums } }) => ({
          list: group.list,
          group: group.values,
          count,
          debit: sideOf(group, sums, 0),
          credit: sideOf(group, sums, 1),
        })),
  }
}

const sideOf = ({ amounts }: Group, sums: readonly Sum[], side: 0 | 1): Record<string, string> =>
  Object.fromEntries(
    amounts.map((name, i) => {
      const sum = sumText(sums[2 * i + side] ?? newSum())
      // credit is a sum of negatives
      return [name, side === 0 ? sum : negate(sum)]
    }),
  )

/** One figure that differs between what was delivered and what is stored. */
export interface TotalsDifference {
  readonly list: string
  readonly group: readonly (string | null)[]
  /** `count`, or `debit amount`, `credit amount_ledger`. */
  readonly figure: string
  readonly delivered: string
  readonly stored: string
}

/** Two rows of what is one group: null and empty text. */
function together(one: StoredTotal, other: StoredTotal): StoredTotal {
  const added = (side: 'debit' | 'credit') =>
    Object.fromEntries(
      Object.entries(one[side]).map(([name, sum]) => [name, addDecimals(sum, other[side][name] ?? '0')]),
    )
  return { ...one, count: one.count + other.count, debit: added('debit'), credit: added('credit') }
}

/**
 * Compares one table's totals as stored with those delivered; empty when they tie. Groups may come in any order; null and empty
 * text are one.
 */
export function compareTotals(
  table: TableTotals,
  stored: readonly StoredTotal[],
  expected: readonly StoredTotal[],
): readonly TotalsDifference[] {
  const pairs = new Map<string, { group: StoredTotal['group']; stored?: StoredTotal; expected?: StoredTotal }>()
  const collect = (totals: readonly StoredTotal[], side: 'stored' | 'expected') => {
    for (const total of totals) {
      if (total.list !== table.list) continue
      const group = total.group.map((value) => value || null)
      const key = JSON.stringify(group)
      const pair = pairs.get(key) ?? { group }
      pairs.set(key, { ...pair, [side]: pair[side] ? together(pair[side], total) : total })
    }
  }
  collect(stored, 'stored')
  collect(expected, 'expected')
  const found: TotalsDifference[] = []
  for (const pair of pairs.values()) {
    const tell = (figure: string, delivered: string, inTarget: string) => {
      if (delivered !== inTarget)
        found.push({ list: table.list, group: pair.group, figure, delivered, stored: inTarget })
    }
    tell('count', String(pair.expected?.count ?? 0), String(pair.stored?.count ?? 0))
    for (const name of table.amounts)
      for (const side of ['debit', 'credit'] as const)
        tell(
          `${side} ${name}`,
          normalise(pair.expected?.[side][name] ?? '0'),
          normalise(pair.stored?.[side][name] ?? '0'),
        )
  }
  return found
}

/** The differences in words, the first three in full: `gl_entry.lines, company C1, ledger legal: count 10 delivered, 9 stored`. */
export function differencesText(entity: string, table: TableTotals, found: readonly TotalsDifference[]): string {
  const place = table.list === '' ? entity : `${entity}.${table.list}`
  const texts = found.slice(0, 3).map(({ group, figure, delivered, stored }) => {
    const where = group.map((value, i) => `, ${table.by[i]} ${value ?? '(none)'}`).join('')
    return `${place}${where}: ${figure} ${delivered} delivered, ${stored} stored`
  })
  const more = found.length > 3 ? [`and ${found.length - 3} more`] : []
  return [...texts, ...more].join('; ')
}

/** Debit and credit over all groups of one currency, as a run's summary shows them: the first amount of each table, the ledger currency where there is one. */
export function currencyTotals(
  plan: readonly TableTotals[],
  totals: readonly StoredTotal[],
): Record<string, { debit: string; credit: string }> {
  const table =
    plan.find(({ list, amounts }) => list !== '' && amounts.length > 0) ??
    plan.find(({ amounts }) => amounts.length > 0)
  if (table === undefined) return {}
  const ledger = table.amounts.includes('amount_ledger') && table.by.includes('ledger_currency')
  const amount = ledger ? 'amount_ledger' : (table.amounts[0] as string)
  const column = table.by.indexOf(ledger ? 'ledger_currency' : 'currency')
  const sums = new Map<string, { debit: Sum; credit: Sum }>()
  for (const total of totals) {
    if (total.list !== table.list) continue
    const currency = total.group[column] ?? ''
    const sum = sums.get(currency) ?? { debit: newSum(), credit: newSum() }
    sums.set(currency, sum)
    addTo(sum.debit, total.debit[amount] ?? '0')
    addTo(sum.credit, total.credit[amount] ?? '0')
  }
  return Object.fromEntries(
    [...sums]
      .sort()
      .map(([currency, { debit, credit }]) => [currency, { debit: sumText(debit), credit: sumText(credit) }]),
  )
}
