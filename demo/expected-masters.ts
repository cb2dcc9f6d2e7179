/** Master records as the target must hold them. */
import type { Books, BusinessPartner } from '../sandbox/books/types.ts'
import { type ExpectedOptions, type ExpectedTable, text } from './expected-table.ts'

/** What a table of one entity must hold. */
type Expected = (books: Books, options: ExpectedOptions) => ExpectedTable

/** Name, tax number, country and language of supplier and customer. */
function partnerOf({ tables }: Books, code: string): BusinessPartner {
  const partner = tables.businessPartner.get(code)
  if (partner === undefined) throw new Error(`The books have no business partner ${code}.`)
  return partner
}

const supplier: Expected = (books, { source, sensitive = [] }) => ({
  name: 'supplier',
  main: true,
  key: ['source', 'code'],
  types: { active: 'boolean' },
  *rows() {
    const bank = sensitive.includes('supplier.bank_account')
    for (const one of books.tables.supplier.walk()) {
      const partner = partnerOf(books, one.code)
      yield {
        source,
        code: one.code,
        name: text(partner.name),
        short_name: text(partner.shortName),
        vat_number: text(partner.vatNumber),
        country: text(partner.country),
        language: text(partner.language),
        category: text(one.category),
        currency: text(one.currency),
        pay_to: text(one.payTo),
        bill_by: text(one.billBy),
        active: one.active,
        ...(bank && { bank_account: text(partner.bankAccounts[0] ?? null) }),
      }
    }
  },
})

const customer: Expected = (books, { source }) => ({
  name: 'customer',
  main: true,
  key: ['source', 'code'],
  types: { active: 'boolean' },
  *rows() {
    for (const one of books.tables.customer.walk()) {
      const partner = partnerOf(books, one.code)
      yield {
        source,
        code: one.code,
        name: text(partner.name),
        short_name: text(partner.shortName),
        vat_number: text(partner.vatNumber),
        country: text(partner.country),
        language: text(partner.language),
        category: text(one.category),
        currency: text(one.currency),
        active: one.active,
      }
    }
  },
})

const product: Expected = (books, { source }) => ({
  name: 'product',
  main: true,
  key: ['source', 'code'],
  types: { base_price: 'decimal' },
  *rows() {
    for (const one of books.tables.product.walk())
      yield {
        source,
        code: one.code,
        description: text(one.description),
        status: text(one.status),
        stock_unit: text(one.stockUnit),
        upc: text(one.upc),
        base_price: one.basePrice,
      }
  },
})

const glAccount: Expected = (books, { source }) => ({
  name: 'gl_account',
  main: true,
  key: ['source', 'chart', 'code'],
  types: { active: 'boolean' },
  *rows() {
    for (const one of books.tables.account.walk())
      yield { source, chart: one.chart, code: one.code, title: text(one.title), active: one.active }
  },
})

const dimension: Expected = (books, { source }) => ({
  name: 'dimension',
  main: true,
  key: ['source', 'type', 'code'],
  types: { active: 'boolean' },
  *rows() {
    for (const one of books.tables.dimension.walk())
      yield { source, type: one.type, code: one.code, title: text(one.title), parent: null, active: one.active }
  },
})

const costCentre: Expected = (books, { source, costCentreType = 'CCT' }) => ({
  name: 'cost_centre',
  main: true,
  key: ['source', 'code'],
  types: { active: 'boolean' },
  *rows() {
    for (const one of books.tables.dimension.walk())
      if (one.type === costCentreType)
        yield { source, code: one.code, title: text(one.title), parent: null, active: one.active }
  },
})

const MASTERS: readonly Expected[] = [supplier, customer, product, glAccount, dimension, costCentre]

export const masterTables = (books: Books, options: ExpectedOptions): ExpectedTable[] =>
  MASTERS.map((expected) => expected(books, options))
