/**
 * What a record adds to the control totals of its groups, and a digest of what of it counts: its key, its groups, its accounts and
 * every amount. Taken where it is read; a sink compares the digest of what arrives.
 */
import { type DataRecord, isDeletion, memberOf, propertyName, type Row, type Schema } from '../contract/message.ts'
import { hashAmount, hashText, newSum, rawSum, type Sum } from './money.ts'
import type { Group, GroupBook, TableTotals } from './totals-plan.ts'

/** What one record adds. */
export interface Contribution {
  /**
   * For each group its number in the book, how many rows, and debit and credit of each amount (`rawSum`; `=` where they are
   * those of the amount before), between blanks; `;` between groups. Empty for a deletion.
   */
  readonly text: string
  /** 32 bits over key, groups, accounts and amounts, whatever the order of lines and however a decimal is written. */
  readonly digest: number
}

export interface Contributor {
  readonly groups: GroupBook
  readonly plan: readonly TableTotals[]
  /** Equal ones read the same columns: contributions and digests of the one are those of the other. */
  readonly sign: string
  /** Whether a column of this name is an amount or makes groups. */
  sums(column: string): boolean
  /** Whether it counts at all: that, or one of the key or an account. */
  counts(column: string): boolean
  /** What a record adds, and adds it to `into`. Values need not fit the schema: what is no decimal adds nothing. */
  of(record: DataRecord, into?: { addParts(parts: readonly Part[]): void }): Contribution
  /** The digest alone, in a third of the time. */
  digest(record: DataRecord): number
}

/** A column with the value of the row before: most rows have the same. */
interface Seen {
  readonly name: string
  value: unknown
  hash: number
}

interface SummedTable {
  readonly totals: TableTotals
  readonly by: readonly Seen[]
  /** Those of `by`, then what counts besides: the document's key, an account. */
  readonly columns: readonly Seen[]
  readonly amounts: readonly string[]
  /** Of the row before; undefined: not looked for yet. */
  group: Group | undefined
  /** Those that were met last; most documents have those of the one before. */
  readonly recent: Group[]
}

/** What one record adds to one group. */
export interface Part {
  readonly group: Group
  count: number
  readonly sums: readonly Sum[]
}

const recentGroups = 4

export function compileContribution(schema: Schema, plan: readonly TableTotals[], groups: GroupBook): Contributor {
  const tables = plan.map((totals): SummedTable => {
    const table = totals.list === '' ? schema : schema.lists?.[totals.list]
    const told = totals.list === '' ? schema.key : []
    const account = table?.columns.some(({ name }) => name === ACCOUNT) && !told.includes(ACCOUNT) ? [ACCOUNT] : []
    const by = totals.by.map(seen)
    return {
      totals: { ...totals, list: propertyName(totals.list) },
      by,
      columns: [...by, ...[...told, ...account].map(seen)],
      amounts: totals.amounts.map(propertyName),
      group: undefined,
      recent: [],
    }
  })
  const key = schema.key.map(seen)
  const summed = new Set(plan.flatMap(({ amounts, by }) => [...amounts, ...by]))
  /** Adds up the rows' hashes, and what they add to `parts` where that is asked for. */
  const read = (record: DataRecord, parts: Part[] | undefined): number => {
    if (isDeletion(record)) return deletedHash(key, record)
    let digest = 0
    for (let at = 0; at < tables.length; at++) {
      const table = tables[at] as SummedTable
      const { list } = table.totals
      if (list === '') {
        digest = (digest + readRow(groups, table, record, parts)) | 0
        continue
      }
      const rows = memberOf(record, list) as Row[]
      if (!Array.isArray(rows)) continue
      for (let line = 0; line < rows.length; line++) {
        const row = rows[line] as Row
        if (row !== null && typeof row === 'object') digest = (digest + readRow(groups, table, row, parts)) | 0
      }
    }
    // Never 0, which stands for none.
    return digest >>> 0 || 1
  }
  return {
    groups,
    plan,
    sums: (column) => summed.has(column),
    counts: (column) => summed.has(column) || column === ACCOUNT || schema.key.includes(column),
    sign: JSON.stringify(tables.map(({ totals, columns }) => [totals, columns.map(({ name }) => name)])),
    of(record, into) {
      const parts: Part[] = []
      const digest = read(record, parts)
      into?.addParts(parts)
      return { text: textOf(parts), digest }
    },
    digest: (record) => read(record, undefined),
  }
}

const ACCOUNT = 'account'

const seen = (name: string): Seen => ({ name: propertyName(name), value: undefined, hash: 0 })

/** Its hash; what it adds goes to the part of its group. The columns keep what they had last, so that most are no work. */
function readRow(groups: GroupBook, table: SummedTable, row: Row, parts: Part[] | undefined): number {
  const { by, columns, amounts } = table
  let hash = 0x811c9dc5
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i] as Seen
    const value = memberOf(row, column.name)
    if (value !== column.value) {
      column.value = value
      column.hash = textHash(value)
      if (i < by.length) table.group = undefined
    }
    hash = Math.imul(hash ^ column.hash, 0x85ebca6b)
  }
  const sums = parts === undefined ? undefined : partOf(groups, table, parts).sums
  for (let i = 0; i < amounts.length; i++) {
    const value = memberOf(row, amounts[i] as string)
    let own = 0
    if (typeof value === 'string') {
      const side = value.charCodeAt(0) === 45 ? 2 * i + 1 : 2 * i
      own = hashAmount(value, sums === undefined ? undefined : sums[side])
    } else if (value !== null && value !== undefined) own = textHash(value)
    hash = Math.imul(hash ^ own, 0x85ebca6b)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35)
  return hash ^ (hash >>> 13)
}

const deletedHash = (key: readonly Seen[], record: DataRecord): number =>
  key.reduce((hash, { name }) => Math.imul(hash ^ textHash(memberOf(record, name)), 0x85ebca6b), 0x2f0b4c47) >>> 0 || 1

/** Null and empty text are one. */
function textHash(value: unknown): number {
  if (value === null || value === undefined || value === '') return 0
  return hashText(typeof value === 'string' ? value : String(value))
}

/** Of the row whose values the columns have; one row more. */
function partOf(groups: GroupBook, table: SummedTable, parts: Part[]): Part {
  table.group ??= groupOf(groups, table)
  const { group } = table
  for (let i = parts.length - 1; i >= 0; i--) {
    const part = parts[i] as Part
    if (part.group !== group) continue
    part.count++
    return part
  }
  const part = { group, count: 1, sums: newSums(table.amounts.length * 2) }
  parts.push(part)
  return part
}

function groupOf(groups: GroupBook, { totals, recent, by }: SummedTable): Group {
  for (let i = 0; i < recent.length; i++) if (isIn(recent[i] as Group, by)) return recent[i] as Group
  const group = groups.of(
    totals,
    by.map(({ value }) => groupText(value)),
  )
  if (recent.push(group) > recentGroups) recent.shift()
  return group
}

function isIn({ values }: Group, by: readonly Seen[]): boolean {
  for (let i = 0; i < by.length; i++) if (values[i] !== groupText((by[i] as Seen).value)) return false
  return true
}

/** Null and empty text are one group: a node of the flow, or a target, may make the one of the other. */
const groupText = (value: unknown): string | null =>
  value === null || value === undefined || value === '' ? null : typeof value === 'string' ? value : String(value)

function newSums(count: number): Sum[] {
  const sums = new Array<Sum>(count)
  for (let i = 0; i < count; i++) sums[i] = newSum()
  return sums
}

/** As text: `Contribution.text`. */
export function textOf(parts: readonly Part[]): string {
  let text = ''
  for (let i = 0; i < parts.length; i++) {
    const { group, count, sums } = parts[i] as Part
    text += `${i > 0 ? ';' : ''}${group.index} ${count}`
    for (let side = 0; side < sums.length; side++)
      text += side > 1 && isSame(sums[side] as Sum, sums[side - 2] as Sum) ? ' =' : ` ${rawSum(sums[side] as Sum)}`
  }
  return text
}

const isSame = (one: Sum, other: Sum): boolean =>
  one.small === other.small && one.scale === other.scale && one.units === other.units
