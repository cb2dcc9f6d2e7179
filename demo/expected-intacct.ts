/**
 * What the target's tables must hold when the source is Sage Intacct, told from the books and from the section "Sage Intacct"
 * of `docs/entities.md` alone: the same books as X3's, under the names and keys that Intacct gives them.
 */

import { billLines, billTotals, companyOf, dueDate, isPaid, paymentOf } from '../sandbox/books/payables.ts'
import type { Books, Decimal, JournalLine, SupplierInvoice } from '../sandbox/books/types.ts'
import { masterTables, userRecord } from './expected-intacct-masters.ts'
import { type ExpectedOptions, type ExpectedRow, type ExpectedTable, text } from './expected-table.ts'

/** Intacct numbers payments apart from bills, and lines within their document. */
const firstPayment = 1_000_000
const linesPerDocument = 8_192
const modules: Readonly<Record<string, string>> = { BPCIN: '4.AR', BPSIN: '3.AP', GEN: '2.GL', STK: '7.INV' }

/** The tables that the chosen entities fill, masters first. */
export function expectedIntacctTables(books: Books, options: ExpectedOptions): ExpectedTable[] {
  const all = [...masterTables(books, options), ...payableTables(books, options), ...ledgerTables(books, options)]
  const { entities, transform } = options
  const chosen = all.filter(({ name }) => entities === undefined || entities.includes(name.replace(/_line$/, '')))
  if (transform === undefined) return chosen
  return chosen.map((table) => ({
    ...table,
    *rows() {
      for (const row of table.rows()) yield transform(table.name, row)
    },
  }))
}

function payableTables(books: Books, { source }: ExpectedOptions): ExpectedTable[] {
  const { supplierInvoice } = books.tables
  function* bills(): Generator<readonly [SupplierInvoice, number]> {
    for (const invoice of supplierInvoice.walk()) {
      yield [invoice, supplierInvoice.numberOf(supplierInvoice.keyOf(invoice)) as number]
    }
  }
  const header = (invoice: SupplierInvoice): ExpectedRow => ({
    company: invoice.company,
    supplier: text(invoice.supplier),
    currency: text(invoice.currency),
  })
  return [
    {
      name: 'supplier_invoice',
      main: true,
      key: ['source', 'number'],
      types: {
        ...{ accounting_date: 'date', source_document_date: 'date', due_date: 'date', amount_with_tax: 'decimal' },
        ...{ amount_with_tax_company: 'decimal', amount_paid: 'decimal', amount_due: 'decimal' },
      },
      *rows() {
        for (const [invoice, number] of bills()) {
          const { amount, amountCompany } = billTotals(invoice)
          const paid = isPaid(invoice)
          yield {
            source,
            ...header(invoice),
            number: String(number),
            reference: invoice.number,
            accounting_date: invoice.accountingDate,
            source_document: text(invoice.sourceDocument),
            source_document_date: invoice.sourceDocumentDate,
            due_date: dueDate(invoice),
            payment_term: text(invoice.paymentTerm),
            status: paid ? 'Paid' : invoice.status === 'posted' ? 'Posted' : 'Submitted',
            amount_with_tax: amount,
            amount_with_tax_company: amountCompany,
            amount_paid: paid ? amount : '0',
            amount_due: paid ? '0' : amount,
          }
        }
      },
    },
    {
      name: 'supplier_invoice_line',
      main: false,
      key: ['source', 'number', 'line'],
      types: { line: 'integer', accounting_date: 'date', amount: 'decimal', amount_company: 'decimal' },
      *rows() {
        for (const [invoice, number] of bills())
          for (const line of billLines(invoice))
            yield {
              source,
              ...header(invoice),
              number: String(number),
              line: line.line,
              accounting_date: invoice.accountingDate,
              site: text(line.site),
              account: line.account,
              product: text(line.product),
              description: text(line.description),
              amount: line.amount,
              amount_company: line.amountCompany,
              dim_department: text(line.dimensions.CCT ?? null),
              dim_class: line.tax,
              dim_project: text(line.dimensions.PRO ?? null),
              dim_product_line: userRecord(books, line.dimensions.PRD),
            }
      },
    },
    {
      name: 'payment',
      main: true,
      key: ['source', 'number'],
      types: { payment_date: 'date', amount: 'decimal', amount_company: 'decimal' },
      *rows() {
        for (const [invoice, number] of bills()) {
          const payment = paymentOf(invoice)
          if (payment === undefined) continue
          yield {
            source,
            ...header(invoice),
            number: String(firstPayment + number),
            reference: payment.number,
            payment_date: payment.date,
            payment_method: payment.method,
            bank: payment.bank,
            status: payment.voided ? 'Voided' : 'Complete',
            amount: payment.amount,
            amount_company: payment.amountCompany,
          }
        }
      },
    },
    {
      name: 'payment_line',
      main: false,
      key: ['source', 'number', 'line'],
      types: { line: 'integer', payment_date: 'date', amount: 'decimal', amount_company: 'decimal' },
      *rows() {
        for (const [invoice, number] of bills()) {
          const payment = paymentOf(invoice)
          for (const line of payment?.lines ?? [])
            yield {
              source,
              ...header(invoice),
              number: String(firstPayment + number),
              line: (firstPayment + number) * linesPerDocument + line.line,
              payment_date: payment?.date ?? null,
              invoice: String(number),
              invoice_line: String(number * linesPerDocument + line.line),
              amount: line.amount,
              amount_company: line.amountCompany,
            }
        }
      },
    },
  ]
}

function ledgerTables(books: Books, { source }: ExpectedOptions): ExpectedTable[] {
  const { journalEntry } = books.tables
  const key = ['source', 'entry_type', 'number']
  const constants = { source, entry_type: 'GLBATCH' }
  function* entries() {
    for (const entry of journalEntry.walk()) {
      if (entry.mustHold !== undefined) continue
      const number = String(journalEntry.numberOf(journalEntry.keyOf(entry)))
      const head = {
        company: entry.company,
        journal: text(entry.journal),
        status: entry.status === 'final' ? 'Posted' : 'Draft',
      }
      yield { entry, number, head }
    }
  }
  const split = (line: JournalLine, type: string): string | undefined =>
    line.analytical.length === 1 ? line.analytical[0]?.dimensions[type] : undefined
  return [
    {
      name: 'gl_entry',
      main: true,
      key,
      types: { accounting_date: 'date' },
      *rows() {
        for (const { entry, number, head } of entries())
          yield {
            ...constants,
            number,
            ...head,
            reference: entry.number,
            batch_number: String(BigInt(entry.number.replace(/\D/g, ''))),
            description: `${entry.entryType} ${entry.number}`,
            module: modules[entry.entryType] ?? null,
            accounting_date: entry.accountingDate,
          }
      },
    },
    {
      name: 'gl_entry_line',
      main: false,
      key: [...key, 'ledger', 'line'],
      types: { line: 'integer', accounting_date: 'date', amount: 'decimal', amount_ledger: 'decimal' },
      *rows() {
        for (const { entry, number, head } of entries())
          for (const line of entry.lines) {
            if (line.ledger !== 'legal') continue
            yield {
              ...constants,
              number,
              ...head,
              ledger: 'ACCRUAL',
              line: line.line,
              accounting_date: line.accountingDate,
              period: line.accountingDate.slice(0, 7),
              site: text(line.site),
              chart: 'GL',
              account: line.account,
              business_partner: text(line.businessPartner),
              currency: line.currency,
              amount: signed(line.sign, line.amount),
              ledger_currency: companyOf(entry.company).currency,
              amount_ledger: signed(line.sign, line.ledgerAmount),
              description: text(line.description),
              dim_department: text(split(line, 'CCT') ?? null),
              dim_location: text(line.site),
              dim_class: line.tax,
              dim_project: text(split(line, 'PRO') ?? null),
              dim_product_line: userRecord(books, split(line, 'PRD')),
            }
          }
      },
    },
  ]
}

function signed(sign: 1 | -1, amount: Decimal): Decimal {
  if (sign === 1) return amount
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`
}
