/** What is summed of an entity, table by table, and by which groups. */
import type { Schema, TableSchema } from '../contract/message.ts'
import type { EntityPlan } from '../contract/source.ts'

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

/** A company, ledger, month and currency of one table, as its rows have them. */
export interface Group {
  /** Its number in the book. */
  readonly index: number
  /** `''` the header table, else the list's name. */
  readonly list: string
  /** Names of the columns that make it. */
  readonly by: readonly string[]
  readonly amounts: readonly string[]
  readonly values: readonly (string | null)[]
}

/** All groups that were met, so that a contribution names them by number. */
export interface GroupBook {
  at(index: number): Group | undefined
  of(table: TableTotals, values: readonly (string | null)[]): Group
}

export function createGroups(): GroupBook {
  const all: Group[] = []
  const byKey = new Map<string, Group>()
  return {
    at: (index) => all[index],
    of({ list, by, amounts }, values) {
      const key = JSON.stringify([list, by, amounts, values])
      const known = byKey.get(key)
      if (known !== undefined) return known
      const group = { index: all.length, list, by, amounts, values }
      all.push(group)
      byKey.set(key, group)
      return group
    },
  }
}
