/** A person's correction of a held record: its columns and lines, and what no correction may break. Pure. */
import { type SyncError, syncError } from '../contract/errors.ts'
import type { DataRecord, Row, Schema, TableSchema } from '../contract/message.ts'
import { compileBalance, imbalanceText } from '../values/balance.ts'
import { addDecimals, isDecimal } from '../values/money.ts'
import { compileChecker } from '../values/types.ts'

/** Columns by name, and by list the columns of some of its lines, each by its position from 0. */
export interface Correction {
  readonly changes: Readonly<Record<string, unknown>>
  readonly lines: Readonly<Record<string, readonly { readonly at: number; readonly changes: Row }[]>>
}

/**
 * The record with some of its columns changed. Throws a `config` error for a column of a key (another key would be another
 * record), one that there is not, a value that the column does not take, and where the header would not fit its lines any more.
 */
export function corrected(schema: Schema, before: DataRecord, { changes, lines }: Correction): DataRecord {
  allowed(schema, changes, Object.keys(schema.lists ?? {}))
  const after: DataRecord = { ...before, ...(changes as Row) }
  const fields = new Set(Object.keys(changes))
  for (const [list, some] of Object.entries(lines)) {
    const table = schema.lists?.[list]
    const rows = after[list]
    if (!table || !Array.isArray(rows)) throw refused(`The record has no list ${list}`, list)
    after[list] = withLines(table, list, rows as Row[], some)
    for (const { changes } of some) for (const name of Object.keys(changes)) fields.add(`${list}.${name}`)
  }
  const fault = compileChecker(schema)(after)
  if (fault?.cause.field !== undefined && fields.has(fault.cause.field)) throw fault
  const why = unfit(schema, before, after)
  if (why) throw refused(why.text, why.field, 'Change the header and its lines alike.')
  return after
}

const refused = (text: string, field: string, hint?: string): SyncError =>
  syncError('config', 'tieout.held', text, { field, ...(hint !== undefined && { hint }) })

function allowed(table: TableSchema, changes: Readonly<Record<string, unknown>>, lists: readonly string[]): void {
  for (const name of Object.keys(changes)) {
    if (table.key.includes(name))
      throw refused(`${name} is part of the key and cannot be changed`, name, 'Correct the record in the ERP.')
    if (!lists.includes(name) && !table.columns.some((column) => column.name === name))
      throw refused(`The record has no column ${name}`, name)
  }
}

function withLines(
  table: TableSchema,
  list: string,
  rows: readonly Row[],
  some: Correction['lines'][string],
): readonly Row[] {
  const copy = [...rows]
  for (const { at, changes } of some) {
    allowed(table, changes, [])
    if (copy[at] === undefined) throw refused(`${list} has no line ${at + 1}`, list)
    copy[at] = { ...copy[at], ...changes }
  }
  return copy
}

/** What held between header and lines before, and does not any more. */
function unfit(
  schema: Schema,
  before: DataRecord,
  after: DataRecord,
): { readonly text: string; readonly field: string } | undefined {
  for (const [list, table] of Object.entries(schema.lists ?? {})) {
    const [old, now] = [before[list], after[list]]
    if (!Array.isArray(old) || !Array.isArray(now)) continue
    for (const { name, type } of schema.columns) {
      if (!table.columns.some((column) => column.name === name)) continue
      if (!fits(before[name], old as Row[], name, type) || fits(after[name], now as Row[], name, type)) continue
      const what = type.startsWith('decimal') ? 'the sum of' : 'that of'
      return { text: `${name} of the header was ${what} its ${list}, and would not be any more`, field: name }
    }
  }
  const balance = compileBalance(schema)
  const off = balance(before).length === 0 ? imbalanceText(balance(after)) : undefined
  return off === undefined ? undefined : { text: `The record balanced, and now ${off}`, field: 'lines' }
}

/** Whether a header's column is what its lines have; of an amount, what they add up to. */
function fits(value: unknown, rows: readonly Row[], name: string, type: string): boolean {
  if (rows.length === 0 || value === null || value === undefined) return false
  if (!type.startsWith('decimal')) return rows.every((row) => row[name] === value)
  const values = [value, ...rows.map((row) => row[name])]
  if (!values.every((one) => typeof one === 'string' && isDecimal(one))) return false
  return addDecimals(...(values.slice(1) as string[])) === addDecimals(value as string)
}

/** One value that a person changed: `line` from 0 where it is in a list. */
export interface Changed {
  readonly field: string
  readonly line?: number
  readonly from: unknown
  readonly to: unknown
}

/** What differs between a record as it was received and as it was corrected. */
export function changesOf(schema: Schema, before: DataRecord, after: DataRecord): readonly Changed[] {
  const differ = (table: TableSchema, old: Row, now: Row, list?: { readonly name: string; readonly line: number }) =>
    table.columns
      .filter(({ name }) => JSON.stringify(old[name] ?? null) !== JSON.stringify(now[name] ?? null))
      .map(
        ({ name, sensitive }): Changed => ({
          field: list ? `${list.name}.${name}` : name,
          ...(list && { line: list.line }),
          from: shown(old[name], sensitive),
          to: shown(now[name], sensitive),
        }),
      )
  const all = [...differ(schema, before, after)]
  for (const [name, table] of Object.entries(schema.lists ?? {})) {
    const [old, now] = [before[name] ?? [], after[name] ?? []] as Row[][]
    for (let line = 0; line < Math.max(old?.length ?? 0, now?.length ?? 0); line++)
      all.push(...differ(table, old?.[line] ?? {}, now?.[line] ?? {}, { name, line }))
  }
  return all
}

const shown = (value: unknown, sensitive: boolean | undefined): unknown =>
  value !== null && value !== undefined && sensitive ? '•••' : (value ?? null)
