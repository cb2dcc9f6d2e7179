/** The one amount of a record that is told in sentences. Pure. */
import { type DataRecord, isDeletion, type Row, type Schema, type TableSchema } from '../contract/message.ts'
import type { Amounts, Told } from '../contract/summary.ts'
import { addDecimals, isDecimal } from './money.ts'
import { amountsText } from './told.ts'

const HEADER = ['amount_with_tax', 'gross_amount', 'amount'] as const
const LINES = ['amount_with_tax', 'amount', 'amount_without_tax'] as const

/**
 * Of a journal the debit in the ledger's currency, in the first of its ledgers; of a document the header's amount with tax (or gross), else
 * the sum of its lines; of a payment its amount. Undefined: not known, as of a document without its lines, or of a deletion.
 */
export function toldAmount(schema: Schema, record: DataRecord): Amounts | undefined {
  const { header, line, journal } = amountsOf(schema)
  if (!hasAmounts(schema)) return {}
  if (isDeletion(record)) return undefined
  if (header !== undefined && isKnown(record[header])) return sumOf([record], header, 'currency')
  const rows = Array.isArray(record.lines) ? (record.lines as Row[]) : []
  if (rows.length === 0) return undefined
  if (!journal) return line === undefined ? undefined : sumOf(rows, line, 'currency', record)
  const ledger = rows[0]?.ledger
  const debits = rows.filter((row) => row.ledger === ledger && !String(row.amount_ledger).startsWith('-'))
  return sumOf(debits, 'amount_ledger', 'ledger_currency', record)
}

/** Whether there is an amount to be told of records of this schema. */
export function hasAmounts(schema: Schema): boolean {
  const { header, line, journal } = amountsOf(schema)
  return header !== undefined || line !== undefined || journal
}

/** Which columns of header and lines are told. */
function amountsOf(schema: Schema) {
  const { lines } = schema.lists ?? {}
  return {
    header: HEADER.find((name) => isAmount(schema, name)),
    line: lines && LINES.find((name) => isAmount(lines, name)),
    journal: lines !== undefined && isAmount(lines, 'amount_ledger'),
  }
}

const isAmount = ({ columns }: TableSchema, name: string): boolean =>
  columns.some((column) => column.name === name && column.type.startsWith('decimal'))

const isKnown = (value: unknown): value is string => typeof value === 'string' && isDecimal(value)

/** A row says its currency itself, or its document does. */
function sumOf(rows: readonly Row[], amount: string, currency: string, header: Row = {}): Amounts | undefined {
  const sums: Record<string, string> = {}
  for (const row of rows) {
    const value = row[amount]
    if (!isKnown(value)) return undefined
    const of = String(row[currency] ?? row.currency ?? header.currency ?? '')
    sums[of] = addDecimals(sums[of] ?? '0', value)
  }
  return sums
}

/** What is told of several records; undefined stands for one whose amount is not known. */
export const toldOf = (all: readonly (Amounts | undefined)[]): Told => ({
  sums: addAmounts(all.filter((one) => one !== undefined)),
  unknown: all.filter((one) => one === undefined).length,
})

/** Exact, by currency: two currencies are never one sum. */
export function addAmounts(all: readonly Amounts[]): Amounts {
  const parts = Map.groupBy(all.flatMap(Object.entries<string>), ([currency]) => currency)
  return Object.fromEntries([...parts].map(([currency, of]) => [currency, addDecimals(...of.map(([, sum]) => sum))]))
}

/** `EUR 468,962.42, USD 1.00`, `EUR 1.00, 3 of unknown amount`, `amount not known`; empty where there is none. */
export function toldInWords({ sums, unknown }: Told): string {
  const words = amountsText(Object.fromEntries(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1))))
  if (unknown === 0) return words
  return words === '' ? 'amount not known' : `${words}, ${unknown} of unknown amount`
}
