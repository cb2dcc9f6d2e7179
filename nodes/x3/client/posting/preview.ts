/** A journal as the dialog shows it. */
import type { DataRecord } from '../../../../sync/contract/message.ts'
import { shown } from './amounts.ts'
import { readInvoice } from './invoice.ts'
import { buildJournal, type Journal, type JournalLine } from './journal.ts'
import type { Document } from './publication.ts'
import type { PostingRules } from './rules.ts'
import { buildSupplierInvoice } from './supplier-invoice.ts'

export interface JournalPreview {
  readonly notices: readonly string[]
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, string>>[]
}

/** Throws the `data` error of an invoice that is held by these rules. */
export function previewDocument(
  document: Document,
  record: DataRecord,
  rules: PostingRules,
  today: string,
): JournalPreview {
  return document === 'journal' ? previewJournal(record, rules, today) : previewInvoice(record, rules, today)
}

function previewInvoice(record: DataRecord, rules: PostingRules, today: string): JournalPreview {
  const invoice = buildSupplierInvoice(readInvoice(record), rules, today)
  const { scale, rows, taxes } = invoice
  const fields = [...new Set(rows.flatMap(({ dimensions }) => Object.keys(dimensions)))].sort()
  const lines = rows.map(({ account, amount, tax, text, order, orderLine, dimensions }) => ({
    ...{ account, tax, text, amount: shown(amount, scale), order: [order, orderLine].filter(Boolean).join(' ') },
    ...dimensions,
  }))
  const ofTax = taxes.map(({ code, base, amount }) => ({
    ...{ account: '', tax: code, text: `tax on ${shown(base, scale)}`, amount: shown(amount, scale), order: '' },
  }))
  const { net, tax, gross, currency } = invoice
  const sums = `without tax ${shown(net, scale)}, tax ${shown(tax, scale)}, with tax ${shown(gross, scale)} ${currency}.`
  return {
    notices: [headOf(invoice), `Supplier invoice: ${sums}`],
    columns: ['account', 'amount', 'tax', ...fields, 'order', 'text'],
    rows: [...lines, ...ofTax],
  }
}

const headOf = ({ number, supplier, entryType, journal, site, date, currency, reference }: Journal): string =>
  `Invoice ${number || '(no number)'} of ${supplier}: ${[entryType, journal].filter(Boolean).join(', journal ')}, site ${site}, ${date}, ${currency}, reference ${reference}.`

function previewJournal(record: DataRecord, rules: PostingRules, today: string): JournalPreview {
  const journal = buildJournal(readInvoice(record), rules, today)
  const { scale, lines } = journal
  const fields = [...new Set(lines.flatMap(({ dimensions }) => Object.keys(dimensions)))].sort()
  const rowOf = ({ account, partner, amount, tax, text, dimensions }: JournalLine) => ({
    ...{ account, partner, text, tax },
    debit: amount.gt(0) ? shown(amount, scale) : '',
    credit: amount.lt(0) ? shown(amount.abs(), scale) : '',
    ...dimensions,
  })
  return {
    notices: [headOf(journal)],
    columns: ['account', 'partner', 'debit', 'credit', 'tax', ...fields, 'text'],
    rows: lines.map(rowOf),
  }
}
