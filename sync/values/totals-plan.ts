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

/** Numbers for texts, the same for ever. */
export interface GroupNumbers {
  groupNumber(text: string): number
  groupText(group: number): string | undefined
}

/** `numbers`: of a ledger; without it they are those of this book alone. */
export function createGroups(numbers: GroupNumbers = ownNumbers()): GroupBook {
  const all = new Map<number, Group>()
  const at = (index: number): Group | undefined => {
    const known = all.get(index)
    const text = known === undefined ? numbers.groupText(index) : undefined
    if (text === undefined) return known
    const [list, by, amounts, values] = JSON.parse(text) as [string, string[], string[], (string | null)[]]
    const group = { index, list, by, amounts, values }
    all.set(index, group)
    return group
  }
  return {
    at,
    of: ({ list, by, amounts }, values) => {
      const index = numbers.groupNumber(JSON.stringify([list, by, amounts, values]))
      return at(index) as Group
    },
  }
}

function ownNumbers(): GroupNumbers {
  const texts: string[] = []
  const known = new Map<string, number>()
  return {
    groupText: (group) => texts[group],
    groupNumber(text) {
      const number = known.get(text) ?? texts.push(text) - 1
      known.set(text, number)
      return number
    },
  }
}
