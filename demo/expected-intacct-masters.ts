/** Master records of Sage Intacct as the target must hold them. */
import { companies, sites } from '../sandbox/books/codes.ts'
import { accountNature } from '../sandbox/books/payables.ts'
import { employees } from '../sandbox/books/staff.ts'
import type { Books } from '../sandbox/books/types.ts'
import { type ExpectedOptions, type ExpectedRow, type ExpectedTable, text } from './expected-table.ts'

/** Records of a user-defined dimension are numbered on their own. */
const firstUserRecord = 10_000_000
/** The charts of the legal ledgers are together the company's one chart. */
const charts = ['FRA', 'ENG']

/** What a transaction holds of a product line: the id of its record. */
export function userRecord(books: Books, code: string | undefined): string | null {
  if (code === undefined) return null
  const number = books.tables.dimension.numberOf(`PRD|${code}`)
  return number === undefined ? null : String(firstUserRecord + number)
}

export const masterTables = (books: Books, { source, sensitive = [] }: ExpectedOptions): ExpectedTable[] => [
  ...partners(books, source, sensitive),
  products(books, source),
  staff(source, sensitive),
  accounts(books, source),
  ...dimensions(books, source),
]

function partners(
  { tables: { businessPartner, supplier, customer } }: Books,
  source: string,
  sensitive: readonly string[],
): ExpectedTable[] {
  const partnerOf = (code: string) => {
    const partner = businessPartner.get(code)
    if (partner === undefined) throw new Error(`The books have no business partner ${code}.`)
    return partner
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
  ]
}

const products = ({ tables: { product } }: Books, source: string): ExpectedTable => ({
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
})

const staff = (source: string, sensitive: readonly string[]): ExpectedTable => ({
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
})

const accounts = ({ tables: { account } }: Books, source: string): ExpectedTable => ({
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
})

function dimensions(books: Books, source: string): ExpectedTable[] {
  return [
    {
      name: 'dimension',
      main: true,
      key: ['source', 'type', 'code'],
      types: { active: 'boolean' },
      rows: () => axes(books, source),
    },
    {
      name: 'cost_centre',
      main: true,
      key: ['source', 'code'],
      types: { active: 'boolean' },
      *rows() {
        for (const { type, ...row } of axes(books, source)) if (type === 'DEPARTMENT') yield row
      },
    },
  ]
}

/** Values of all dimensions, each under its type. */
function* axes(books: Books, source: string): Generator<ExpectedRow> {
  const row = (type: string, code: string, title: string, parent: string | null, active: boolean): ExpectedRow => ({
    ...{ source, type, code, title: text(title), parent, active },
  })
  for (const one of books.tables.dimension.walk()) {
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
