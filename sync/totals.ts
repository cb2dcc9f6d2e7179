/** Control totals: what a run delivered, by company, ledger, period and currency, in exact decimals. */
import type { DataRecord, Row, Schema, TableSchema } from './message.ts'
import { addTo, negate, newSum, normalise, type Sum, sumText } from './money.ts'
import type { EntityPlan } from './source.ts'
import type { StoredTotal } from './target.ts'

/** What is summed in one table. */
export interface TableTotals {
  /** `''` the header table, else the list's name. */
  readonly list: string
  readonly amounts: readonly string[]
  readonly by: readonly string[]
}

const groupColumns = ['company', 'ledger', 'period', 'currency', 'ledger_currency']

/**
 * The tables of a schema with what is summed and grouped in each: amounts are the decimal columns whose names start
 * with `amount`, groups those of company, ledger, period, currency and ledger currency that the table has. A table
 * without amounts is only counted. `setting` replaces the rule for one table.
 */
export function totalsPlan(schema: Schema, setting?: EntityPlan['totals']): readonly TableTotals[] {
  const tables: [string, TableSchema][] = [['', schema], ...Object.entries(schema.lists ?? {})]
  return tables.map(([list, table]) => {
    if (setting?.list === list) return { list, amounts: setting.amounts, by: setting.by }
    const names = new Set(table.columns.map(({ name }) => name))
    return {
      list,
      amounts: table.columns
        .filter(({ name, type }) => name.startsWith('amount') && type.startsWith('decimal'))
        .map(({ name }) => name)
        .sort(),
      by: groupColumns.filter((name) => names.has(name)),
    }
  })
}

/** One group of one table as a contribution's JSON text has it: list, group values, count, then debit and credit of each amount in the plan's order. */
type Part = readonly [list: string, group: readonly (string | null)[], count: number, ...amounts: string[]]

interface Group {
  readonly list: string
  readonly values: readonly (string | null)[]
  count: number
  /** Debit and credit of each amount, in the plan's order. */
  readonly sums: readonly Sum[]
}

/**
 * What one record adds to the totals of the run that delivers it, as compact JSON text. It is kept beside the record's
 * delivery, so that a later version in the same run takes its place. A deletion adds nothing: null.
 * The values are checked before (`compileChecker`).
 */
export function contribution(plan: readonly TableTotals[], record: DataRecord): string | null {
  if (record._op === 'delete') return null
  const parts: Part[] = []
  for (const table of plan) {
    const rows = table.list === '' ? [record] : record[table.list]
    if (!Array.isArray(rows) || rows.length === 0) continue
    // Most documents have one group: compared with the last line's before it is looked up.
    const groups: Group[] = []
    let last: Group | undefined
    for (const row of rows as Row[]) {
      if (last === undefined || !inGroup(last, table.by, row)) {
        last = groups.find((group) => inGroup(group, table.by, row))
        if (last === undefined) {
          last = newGroup(table, row)
          groups.push(last)
        }
      }
      last.count++
      for (let i = 0; i < table.amounts.length; i++) {
        const amount = row[table.amounts[i] as string]
        if (typeof amount === 'string') addTo(last.sums[amount.charCodeAt(0) === 45 ? 2 * i + 1 : 2 * i] as Sum, amount)
      }
    }
    for (const group of groups) parts.push([group.list, group.values, group.count, ...group.sums.map(sidedText)])
  }
  return JSON.stringify(parts)
}

const newGroup = ({ list, amounts, by }: TableTotals, row: Row): Group => ({
  list,
  values: by.map((name) => groupText(row[name])),
  count: 0,
  sums: Array.from({ length: amounts.length * 2 }, newSum),
})

const groupText = (value: unknown): string | null => (value === null || value === undefined ? null : String(value))

function inGroup({ values }: Group, by: readonly string[], row: Row): boolean {
  for (let i = 0; i < by.length; i++) if (values[i] !== groupText(row[by[i] as string])) return false
  return true
}

/** Debit as it is; credit, a sum of negatives, without its sign. */
const sidedText = (sum: Sum, index: number): string => (index % 2 === 0 ? sumText(sum) : negate(sumText(sum)))

/** Running totals of one run at one address. */
export interface Totals {
  /** Adds the contribution of a record that was delivered. */
  add(contribution: string | null | undefined): void
  /** Takes it off again: a later version of the record was delivered. */
  remove(contribution: string | null | undefined): void
  /** What must be stored, group by group, sorted; groups without a row are left out. */
  expected(): readonly StoredTotal[]
}

export function createTotals(plan: readonly TableTotals[]): Totals {
  const amounts = new Map(plan.map(({ list, amounts: names }) => [list, names]))
  const groups = new Map<string, Group>()
  const book = (text: string | null | undefined, sign: 1 | -1) => {
    if (text === null || text === undefined) return
    for (const [list, values, count, ...parts] of JSON.parse(text) as Part[]) {
      const key = JSON.stringify([list, values])
      let group = groups.get(key)
      if (group === undefined) {
        group = { list, values, count: 0, sums: parts.map(newSum) }
        groups.set(key, group)
      }
      group.count += sign * count
      for (const [i, sum] of group.sums.entries()) {
        const part = parts[i]
        if (part !== undefined) addTo(sum, sign === 1 ? part : negate(part))
      }
    }
  }
  return {
    add: (text) => book(text, 1),
    remove: (text) => book(text, -1),
    expected: () =>
      [...groups.entries()]
        .filter(([, { count }]) => count !== 0)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { list, values, count, sums }]) => {
          const side = (offset: number) =>
            Object.fromEntries(
              (amounts.get(list) ?? []).map((name, i) => [name, sumText(sums[2 * i + offset] ?? newSum())]),
            )
          return { list, group: values, count, debit: side(0), credit: side(1) }
        }),
  }
}

/** One figure that differs between what was delivered and what is stored. */
export interface TotalsDifference {
  readonly list: string
  readonly group: readonly (string | null)[]
  /** `count`, or `debit amount`, `credit amount_ledger`. */
  readonly figure: string
  readonly delivered: string
  readonly stored: string
}

/** Compares one table's totals as stored with those delivered; empty when they tie. Groups may come in any order. */
export function compareTotals(
  table: TableTotals,
  stored: readonly StoredTotal[],
  expected: readonly StoredTotal[],
): readonly TotalsDifference[] {
  const pairs = new Map<string, { group: StoredTotal['group']; stored?: StoredTotal; expected?: StoredTotal }>()
  const collect = (totals: readonly StoredTotal[], side: 'stored' | 'expected') => {
    for (const total of totals) {
      if (total.list !== table.list) continue
      const key = JSON.stringify(total.group)
      const pair = pairs.get(key) ?? { group: total.group }
      pairs.set(key, { ...pair, [side]: total })
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
