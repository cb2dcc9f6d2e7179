/** Control totals: what a run delivered, by company, ledger, period and currency, in exact decimals. */
import {
  type DataRecord,
  isDeletion,
  memberOf,
  propertyName,
  type Row,
  type Schema,
  type TableSchema,
} from '../contract/message.ts'
import type { EntityPlan } from '../contract/source.ts'
import type { StoredTotal } from '../contract/target.ts'
import { addSum, addTo, negate, newSum, normalise, rawSum, type Sum, sumText, takeRawSum } from './money.ts'

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

interface Group {
  /** Its number in these totals. */
  readonly index: number
  readonly list: string
  readonly values: readonly (string | null)[]
  count: number
  /** Debit and credit of each amount, in the plan's order. */
  readonly sums: readonly Sum[]
}

/** What one record adds to one group. */
interface Part {
  readonly group: Group
  count: number
  readonly sums: readonly Sum[]
}

/** What one record adds to the totals of the run that delivers it. */
export interface Contribution {
  readonly parts: readonly Part[]
  /**
   * The same as text: kept beside the record's delivery, so that a later version in the same run takes its place. Groups
   * are numbers of these totals, which no other run and no later process can read or needs to.
   */
  readonly text: string
}

/** Running totals of one run at one address. */
export interface Totals {
  /** What a record will add; a deletion adds nothing: null. The values are checked before (`compileChecker`). */
  of(record: DataRecord): Contribution | null
  /** Adds it, when the record was delivered. */
  add(contribution: Contribution | null | undefined): void
  /** Takes it off again, by its text: a later version of the record was delivered. */
  remove(text: string | null | undefined): void
  /** What must be stored, group by group, sorted; groups without a row are left out. */
  expected(): readonly StoredTotal[]
}

/** Groups of a table that were met last; most documents have those of the one before. */
const recentGroups = 4

/** One table's part of running totals. */
interface SummedTable {
  readonly list: string
  readonly amounts: readonly string[]
  readonly by: readonly string[]
  readonly recent: Group[]
  oldest: number
}

export function createTotals(plan: readonly TableTotals[]): Totals {
  const byKey = new Map<string, Group>()
  const groups: Group[] = []
  const tables = plan.map(
    ({ list, amounts, by }): SummedTable => ({
      list: propertyName(list),
      amounts: amounts.map(propertyName),
      by: by.map(propertyName),
      recent: [],
      oldest: 0,
    }),
  )

  const groupOf = (table: SummedTable, row: Row): Group => {
    const near = table.recent.find((group) => inGroup(group, table.by, row))
    if (near !== undefined) return near
    const values: (string | null)[] = []
    for (const name of table.by) values.push(groupText(row[name]))
    const key = JSON.stringify([table.list, values])
    let group = byKey.get(key)
    if (group === undefined) {
      group = { index: groups.length, list: table.list, values, count: 0, sums: newSums(table) }
      byKey.set(key, group)
      groups.push(group)
    }
    table.recent[table.oldest] = group
    table.oldest = (table.oldest + 1) % recentGroups
    return group
  }

  const partOf = (table: SummedTable, row: Row, parts: Part[]): Part => {
    const group = groupOf(table, row)
    const known = parts.find((part) => part.group === group)
    if (known !== undefined) return known
    const part = { group, count: 0, sums: newSums(table) }
    parts.push(part)
    return part
  }

  return {
    of(record) {
      if (isDeletion(record)) return null
      const parts: Part[] = []
      for (let at = 0; at < tables.length; at++) {
        const table = tables[at] as SummedTable
        const rows = (table.list === '' ? [record] : memberOf(record, table.list)) as Row[]
        if (!Array.isArray(rows)) continue
        const { by, amounts } = table
        // Most rows share the part of the row before.
        let part: Part | undefined
        for (let line = 0; line < rows.length; line++) {
          const row = rows[line] as Row
          if (part === undefined || !inGroup(part.group, by, row)) part = partOf(table, row, parts)
          part.count++
          for (let i = 0; i < amounts.length; i++) {
            const amount = memberOf(row, amounts[i] as string)
            if (typeof amount === 'string')
              addTo(part.sums[amount.charCodeAt(0) === 45 ? 2 * i + 1 : 2 * i] as Sum, amount)
          }
        }
      }
      return { parts, text: textOf(parts) }
    },
    add(contribution) {
      for (const { group, count, sums } of contribution?.parts ?? []) {
        group.count += count
        for (let i = 0; i < sums.length; i++) addSum(group.sums[i] as Sum, sums[i] as Sum)
      }
    },
    remove(text) {
      for (const part of text ? text.split(';') : []) {
        const [index, count, ...sums] = part.split(' ')
        const group = groups[Number(index)]
        if (group === undefined) continue
        group.count -= Number(count)
        for (const [i, sum] of group.sums.entries()) takeRawSum(sum, sums[i] ?? '')
      }
    },
    expected: () =>
      [...byKey]
        .filter(([, { count }]) => count !== 0)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { list, values, count, sums }]) => {
          const amounts = plan.find((table) => table.list === list)?.amounts ?? []
          const side = (offset: 0 | 1) =>
            Object.fromEntries(
              amounts.map((name, i) => {
                const sum = sumText(sums[2 * i + offset] ?? newSum())
                // credit is a sum of negatives
                return [name, offset === 0 ? sum : negate(sum)]
              }),
            )
          return { list, group: values, count, debit: side(0), credit: side(1) }
        }),
  }
}

function textOf(parts: readonly Part[]): string {
  let text = ''
  for (let i = 0; i < parts.length; i++) {
    const { group, count, sums } = parts[i] as Part
    text += `${i > 0 ? ';' : ''}${group.index} ${count}`
    for (let side = 0; side < sums.length; side++) text += ` ${rawSum(sums[side] as Sum)}`
  }
  return text
}

function newSums({ amounts }: Pick<TableTotals, 'amounts'>): Sum[] {
  const sums = new Array<Sum>(amounts.length * 2)
  for (let i = 0; i < sums.length; i++) sums[i] = newSum()
  return sums
}

const groupText = (value: unknown): string | null =>
  typeof value === 'string' ? value : value === null || value === undefined ? null : String(value)

function inGroup({ values }: Group, by: readonly string[], row: Row): boolean {
  for (let i = 0; i < by.length; i++) if (values[i] !== groupText(memberOf(row, by[i] as string))) return false
  return true
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
