/** Whether a journal balances: sources check it before they send, because an entry read by halves shows first here. */
import type { DataRecord, Row, Schema, TableSchema } from './message.ts'
import { addTo, newSum, type Sum, sumText } from './money.ts'

/** A ledger of a company in which a journal does not come to zero. */
export interface Imbalance {
  readonly ledger: string
  readonly company: string
  /** Debit minus credit in the ledger's currency. */
  readonly difference: string
}

/**
 * Where a journal does not balance in `amount_ledger`, per ledger and company; empty for a journal that does, and for
 * records whose schema has no list with `amount_ledger` and `ledger`. Statistical ledgers, named by their ledger
 * values, are exempt: they carry quantities on one side only. Amounts are decimals in plain notation.
 */
export function imbalances(record: DataRecord, schema: Schema, statistical: readonly string[] = []): Imbalance[] {
  if (record._op === 'delete') return []
  const found: Imbalance[] = []
  for (const [list, table] of Object.entries(schema.lists ?? {})) {
    const lines = record[list]
    if (!has(table, 'amount_ledger') || !has(table, 'ledger') || !Array.isArray(lines)) continue
    // A document has a few of them at most.
    const sums: { readonly ledger: string; readonly company: string; readonly sum: Sum }[] = []
    for (const line of lines as Row[]) {
      const ledger = String(line.ledger ?? '')
      const company = String(line.company ?? record.company ?? '')
      if (typeof line.amount_ledger !== 'string' || statistical.includes(ledger)) continue
      let entry = sums.find((one) => one.ledger === ledger && one.company === company)
      if (entry === undefined) {
        entry = { ledger, company, sum: newSum() }
        sums.push(entry)
      }
      addTo(entry.sum, line.amount_ledger)
    }
    for (const { ledger, company, sum } of sums) {
      const difference = sumText(sum)
      if (difference !== '0') found.push({ ledger, company, difference })
    }
  }
  return found
}

const has = ({ columns }: TableSchema, column: string): boolean => columns.some(({ name }) => name === column)

/** The same in words, for the error of a held journal; undefined when it balances. */
export function unbalanced(record: DataRecord, schema: Schema, statistical?: readonly string[]): string | undefined {
  const found = imbalances(record, schema, statistical)
  if (found.length === 0) return undefined
  return `does not balance: ${found
    .map(
      ({ ledger, company, difference }) =>
        `ledger ${ledger || '(none)'} of company ${company || '(none)'} is off by ${difference}`,
    )
    .join('; ')}`
}
