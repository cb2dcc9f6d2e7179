/**
 * What the target's tables must hold when the source is Sage Intacct, told from the books and from the section "Sage Intacct"
 * of `docs/entities.md` alone: the same books as X3's, under the names and keys that Intacct gives them.
 */

import { companies, sites } from '../sandbox/books/codes.ts'
import {
  accountNature,
  billLines,
  billTotals,
  companyOf,
  dueDate,
  isPaid,
  paymentOf,
} from '../sandbox/books/payables.ts'
import { employees } from '../sandbox/books/staff.ts'
import type { Books, Decimal, JournalLine, SupplierInvoice } from '../sandbox/books/types.ts'
import { type ExpectedOptions, type ExpectedRow, type ExpectedTable, text } from './expected-table.ts'

/** Intacct numbers payments apart from bills, lines within their document, records of a user-defined dimension on their own. */
const firstPayment = 1_000_000
const linesPerDocument = 8_192
const firstUserRecord = 10_000_000
/** The charts of the legal ledgers are together the company's one chart. */
const charts = ['FRA', 'ENG']
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

function userRecord(books: Books, code: string | undefined): string | null {
  if (code === undefined) return null
  const number = books.tables.dimension.numberOf(`PRD|${code}`)
  return number === undefined ? null : String(firstUserRecord + number)
}

function masterTables(books: Books, { source, sensitive = [] }: ExpectedOptions): ExpectedTable[] {
  const { businessPartner, supplier, customer, product, account, dimension } = books.tables
  const partnerOf = (code: string) => {
    const partner = businessPartner.get(code)
    if (partner === undefined) throw new Error(`The books have no business partner ${code}.`)
    return partner
  }
  function* axes(): Generator<ExpectedRow> {
    const row = (type: string, code: string, title: string, parent: string | null, active: boolean): ExpectedRow => ({
      ...{ source, type, code, title: text(title), parent, active },
    })
    for (const one of dimension.walk()) {
      if (one.type === 'CCT') yield row('DEPARTMENT', one.code, one.title, null, one.active)
      if (one.type === 'PRO') yield row('PROJECT', one.code, one.title, null, one.active)
      if (one.type === 'PRD') {
        yield row('PRODUCT_LINE', userRecord(books, one.code) ?? '', `${one.code} ${one.title}`, null, true)
      }
    }
    for (const { code } of companies) yield row('LOCATION', code, books.codes.company?.[code] ?? '', null, true)
    for (const { code, company } of sites) {
      yield row('LOCATION', code, books.codes.site?.[code] ?? '', company.code, true)
    }
    for (const [code, title] of Object.entries(books.codes.tax ?? {})) yield row('CLASS', code, title, null, true)
  }
  return [
    {
      name: 'supplier',
      main: true,
      key: ['source', 'code'],
      types: { active: 'boolean' },
      *rows() {
        for (const one of supplier.walk()) {
          const partner = partnerOf(one.code)
          yield {
            source,
            code: one.code,
            name: text(partner.name),
            vat_number: text(partner.vatNumber),
            country: text(partner.country),
            category: text(one.category),
            currency: text(one.currency),
            active: one.active,
            ...(sensitive.includes('supplier.bank_account') && { bank_account: text(partner.bankAccounts[0] ?? null) }),
          }
        }
      },
    },
    {
      name: 'customer',
      main: true,
      key: ['source', 'code'],
      types: { active: 'boolean' },
      *rows() {
        for (const one of customer.walk()) {
          const partner = partnerOf(one.code)
          yield {
            source,
            code: one.code,
            name: text(partner.name),
            vat_number: text(partner.vatNumber),
            country: text(partner.country),
            category: text(one.category),
            currency: text(one.currency),
            active: one.active,
          }
        }
      },
    },
    {
      name: 'product',
      main: true,
      key: ['source', 'code'],
      types: { base_price: 'decimal' },
      *rows() {
        for (const one of product.walk())
          yield {
            source,
            code: one.code,
            description: text(one.description),
            status: one.status === 'active' ? 'active' : 'inactive',
            stock_unit: text(one.stockUnit),
            upc: text(one.upc),
            base_price: one.basePrice,
          }
      },
    },
    {
      name: 'employee',
      main: true,
      key: ['source', 'code'],
      types: { start_date: 'date', active: 'boolean' },
      *rows() {
        for (const one of employees)
          yield {
            source,
            code: one.code,
            title: text(one.title),
            department: one.department,
            location: one.site,
            start_date: one.start,
            active: one.active,
            ...(sensitive.includes('employee.name') && { name: one.name }),
          }
      },
    },
    {
      name: 'gl_account',
      main: true,
      key: ['source', 'chart', 'code'],
      types: { active: 'boolean' },
      *rows() {
        for (const one of account.walk()) {
          if (!charts.includes(one.chart)) continue
          const { balanceSheet, debit } = accountNature(one.code)
          yield {
            source,
            chart: 'GL',
            code: one.code,
            title: text(one.title),
            account_type: balanceSheet ? 'balancesheet' : 'incomestatement',
            normal_balance: debit ? 'debit' : 'credit',
            active: one.active,
          }
        }
      },
    },
    { name: 'dimension', main: true, key: ['source', 'type', 'code'], types: { active: 'boolean' }, rows: axes },
    {
      name: 'cost_centre',
      main: true,
      key: ['source', 'code'],
      types: { active: 'boolean' },
      *rows() {
        for (const { type, ...row } of axes()) if (type === 'DEPARTMENT') yield row
      },
    },
  ]
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
