/** Whether a journal balances: sources check it before they send, because an entry read by halves shows first here. */
import {
  type DataRecord,
  isDeletion,
  memberOf,
  propertyName,
  type Row,
  type Schema,
  type TableSchema,
} from '../contract/message.ts'
import { addTo, newSum, type Sum, sumText } from './money.ts'

/** A ledger of a company in which a journal does not come to zero. */
export interface Imbalance {
  readonly ledger: string
  readonly company: string
  /** Debit minus credit in the ledger's currency. */
  readonly difference: string
}

/**
 * Compiles, for one schema, where a journal does not balance in `amount_ledger`, per ledger and company: nothing for a journal
 * that does, and for records whose schema has no list with `amount_ledger` and `ledger`. Statistical ledgers, named by their
 * ledger values, are exempt: they carry quantities on one side only. Amounts are decimals in plain notation.
 */
export function compileBalance(
  schema: Schema,
  statistical: readonly string[] = [],
): (record: DataRecord) => readonly Imbalance[] {
  const lists = Object.entries(schema.lists ?? {})
    .filter(([, table]) => has(table, 'amount_ledger') && has(table, 'ledger'))
    .map(([list]) => propertyName(list))
  return (record) => {
    if (isDeletion(record)) return []
    const found: Imbalance[] = []
    for (const list of lists) {
      const lines = memberOf(record, list) as Row[]
      if (!Array.isArray(lines)) continue
      // A document has a few of them at most, and most lines that of the line before.
      const sums: LedgerSum[] = []
      let last: LedgerSum | undefined
      for (let i = 0; i < lines.length; i++) {
        const line = lines[i] as Row
        const amount = memberOf(line, 'amount_ledger')
        if (typeof amount !== 'string') continue
        const ledger = String(memberOf(line, 'ledger') ?? '')
        const company = String(memberOf(line, 'company') ?? memberOf(record, 'company') ?? '')
        if (last?.ledger !== ledger || last.company !== company) {
          last = sums.find((one) => one.ledger === ledger && one.company === company)
          if (last === undefined) {
            last = { ledger, company, sum: newSum() }
            sums.push(last)
          }
        }
        addTo(last.sum, amount)
      }
      for (const { ledger, company, sum } of sums) {
        const difference = sumText(sum)
        if (difference !== '0' && !statistical.includes(ledger)) found.push({ ledger, company, difference })
      }
    }
    return found
  }
}

interface LedgerSum {
  readonly ledger: string
  readonly company: string
  readonly sum: Sum
}

const has = ({ columns }: TableSchema, column: string): boolean => columns.some(({ name }) => name === column)

/** The same in words, for the error of a held journal; undefined when it balances. */
export function imbalanceText(found: readonly Imbalance[]): string | undefined {
  if (found.length === 0) return undefined
  return `does not balance: ${found
    .map(
      ({ ledger, company, difference }) =>
        `ledger ${ledger || '(none)'} of company ${company || '(none)'} is off by ${difference}`,
    )
    .join('; ')}`
}
