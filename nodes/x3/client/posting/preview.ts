/** A journal as the dialog shows it. */
import type { DataRecord } from '../../../../sync/contract/message.ts'
import { shown } from './amounts.ts'
import { readInvoice } from './invoice.ts'
import { buildJournal, type JournalLine } from './journal.ts'
import type { PostingRules } from './rules.ts'

export interface JournalPreview {
  readonly notices: readonly string[]
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, string>>[]
}

/** Throws the `data` error of an invoice that is held by these rules. */
export function previewJournal(record: DataRecord, rules: PostingRules, today: string): JournalPreview {
  const journal = buildJournal(readInvoice(record), rules, today)
  const { scale, lines } = journal
  const fields = [...new Set(lines.flatMap(({ dimensions }) => Object.keys(dimensions)))].sort()
  const rowOf = ({ account, partner, amount, tax, text, dimensions }: JournalLine) => ({
    ...{ account, partner, text, tax },
    debit: amount.gt(0) ? shown(amount, scale) : '',
    credit: amount.lt(0) ? shown(amount.abs(), scale) : '',
    ...dimensions,
  })
  const { number, supplier, entryType, journal: code, site, date, currency, reference } = journal
  return {
    notices: [
      `Invoice ${number || '(no number)'} of ${supplier}: ${[entryType, code].filter(Boolean).join(', journal ')}, site ${site}, ${date}, ${currency}, reference ${reference}.`,
    ],
    columns: ['account', 'partner', 'debit', 'credit', 'tax', ...fields, 'text'],
    rows: lines.map(rowOf),
  }
}
