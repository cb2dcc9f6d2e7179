/** Journals as the target must hold them: without those that a correct sync holds. */
import type { AnalyticalLine, Books, Decimal, JournalEntry, JournalLine } from '../sandbox/books/types.ts'
import { type ExpectedOptions, type ExpectedRow, type ExpectedTable, text } from './expected-table.ts'

const lineKey = ['source', 'entry_type', 'number', 'ledger', 'line'] as const

export function entryTables(books: Books, { source, ledgers }: ExpectedOptions): ExpectedTable[] {
  const types = Object.keys(books.codes.dimensionType ?? {})

  /** `dim_<type>` columns of one split; all null where a line has none or several. */
  function dimensionsOf(split: AnalyticalLine | undefined): ExpectedRow {
    const columns: ExpectedRow = {}
    for (const type of types) columns[dimensionColumn(type)] = text(split?.dimensions[type] ?? null)
    return columns
  }

  function* entries(): Generator<JournalEntry> {
    for (const entry of books.tables.journalEntry.walk()) if (entry.mustHold === undefined) yield entry
  }

  function* lines(): Generator<readonly [JournalEntry, JournalLine]> {
    for (const entry of entries())
      for (const line of entry.lines) if (ledgers === undefined || ledgers.includes(line.ledger)) yield [entry, line]
  }

  return [
    {
      name: 'gl_entry',
      main: true,
      key: ['source', 'entry_type', 'number'],
      types: { accounting_date: 'date' },
      *rows() {
        for (const entry of entries())
          yield {
            source,
            entry_type: entry.entryType,
            number: entry.number,
            company: text(entry.company),
            site: text(entry.site),
            journal: text(entry.journal),
            accounting_date: entry.accountingDate,
            status: entry.status,
            transaction: text(entry.transaction),
            currency: text(entry.currency),
          }
      },
    },
    {
      name: 'gl_entry_line',
      main: false,
      key: lineKey,
      types: {
        line: 'integer',
        accounting_date: 'date',
        amount: 'decimal',
        amount_ledger: 'decimal',
        quantity: 'decimal',
        matching_date: 'date',
      },
      *rows() {
        for (const [entry, line] of lines())
          yield {
            source,
            entry_type: entry.entryType,
            number: entry.number,
            ledger: line.ledger,
            line: line.line,
            company: text(entry.company),
            journal: text(entry.journal),
            status: entry.status,
            accounting_date: line.accountingDate,
            period: line.accountingDate.slice(0, 7),
            site: text(line.site),
            chart: text(line.chart),
            account: text(line.account),
            control_account: text(line.controlAccount),
            business_partner: text(line.businessPartner),
            currency: text(line.currency),
            amount: signed(line.sign, line.amount),
            ledger_currency: text(line.ledgerCurrency),
            amount_ledger: signed(line.sign, line.ledgerAmount),
            quantity: line.quantity,
            description: text(line.description),
            matching_code: text(line.matchingCode),
            matching_date: line.matchingDate,
            tax: text(line.tax),
            ...dimensionsOf(line.analytical.length === 1 ? line.analytical[0] : undefined),
          }
      },
    },
    {
      name: 'gl_entry_analytical',
      main: false,
      key: [...lineKey, 'split'],
      types: { line: 'integer', split: 'integer', accounting_date: 'date', amount: 'decimal', quantity: 'decimal' },
      *rows() {
        for (const [entry, line] of lines())
          for (const split of line.analytical)
            yield {
              source,
              entry_type: entry.entryType,
              number: entry.number,
              ledger: line.ledger,
              line: line.line,
              split: split.split,
              company: text(entry.company),
              accounting_date: line.accountingDate,
              account: text(line.account),
              site: text(split.site),
              amount: signed(line.sign, split.amount),
              quantity: split.quantity,
              ...dimensionsOf(split),
            }
      },
    },
  ]
}

export function dimensionColumn(type: string): string {
  return `dim_${type.toLowerCase().replace(/[^a-z0-9]/g, '_')}`
}

/** Sign x amount, in text. */
function signed(sign: 1 | -1, amount: Decimal): Decimal {
  if (sign === 1) return amount
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`
}
