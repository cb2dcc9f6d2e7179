/** What a mapping does to an entity, told so that it can be compared with what it does later. */
import { createHash } from 'node:crypto'
import type { CodeRow } from './codes.ts'
import type { CodeTables } from './gl-mapping.ts'
import type { Rule } from './rules.ts'

/** The rules that count for the entity, and lines of their code tables. */
export interface Made {
  readonly rules: string
  /**
   * Lines of tables without which a record is held: whatever was delivered was made by some of them, and a line that comes to them
   * changes nothing of it. Tables that let a code pass, or have a default for it, count with the rules.
   */
  readonly codes: readonly string[]
}

const known = new WeakMap<readonly Rule[], WeakMap<CodeTables, Map<string, Made>>>()

/** The same object as long as rules and codes are the same objects. */
export function madeOf(rules: readonly Rule[], codes: CodeTables, entity: string): Made {
  const byCodes = known.get(rules) ?? new WeakMap<CodeTables, Map<string, Made>>()
  known.set(rules, byCodes)
  const byEntity = byCodes.get(codes) ?? new Map<string, Made>()
  byCodes.set(codes, byEntity)
  const made = byEntity.get(entity) ?? make(rules, codes, entity)
  byEntity.set(entity, made)
  return made
}

function make(rules: readonly Rule[], { tables, added }: CodeTables, entity: string): Made {
  const own = rules.filter((rule) => rule.entity === '*' || rule.entity === entity)
  const linesOf = (name: string): string[] => {
    const rows = tables.find((table) => table.name === name)?.rows ?? []
    return [...rows, ...added.filter(({ table }) => table === name)].map((row) => digest(lineOf(name, row))).sort()
  }
  const coded = own.filter((rule) => rule.do === 'code')
  const names = (holds: boolean): Set<string> =>
    new Set(coded.filter(({ unmapped }) => (unmapped === 'hold') === holds).map(({ table }) => table))
  return {
    rules: digest(JSON.stringify([own, [...names(false)].map(linesOf)])),
    codes: [...names(true)].flatMap(linesOf),
  }
}

const lineOf = (table: string, { from, to, valid_from, valid_to }: CodeRow): string =>
  JSON.stringify([table, from, to, valid_from, valid_to])

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)
