/** Master records as the target must hold them. */
import type { Books } from '../sandbox/books/types.ts'
import { type ExpectedOptions, type ExpectedTable, text } from './expected-table.ts'

export function masterTables(books: Books, options: ExpectedOptions): ExpectedTable[] {
  const { source, sensitive = [], costCentreType = 'CCT' } = options
  const { businessPartner, supplier, customer, product, account, dimension } = books.tables
  const bank = sensitive.includes('supplier.bank_account')
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
            status: text(one.status),
            stock_unit: text(one.stockUnit),
            upc: text(one.upc),
            base_price: one.basePrice,
          }
      },
    },
    {
      name: 'gl_account',
      main: true,
      key: ['source', 'chart', 'code'],
      types: { active: 'boolean' },
      *rows() {
        for (const one of account.walk())
          yield { source, chart: one.chart, code: one.code, title: text(one.title), active: one.active }
      },
    },
    {
      name: 'dimension',
      main: true,
      key: ['source', 'type', 'code'],
      types: { active: 'boolean' },
      *rows() {
        for (const one of dimension.walk())
          yield { source, type: one.type, code: one.code, title: text(one.title), parent: null, active: one.active }
      },
    },
    {
      name: 'cost_centre',
      main: true,
      key: ['source', 'code'],
      types: { active: 'boolean' },
      *rows() {
        for (const one of dimension.walk())
          if (one.type === costCentreType)
            yield { source, code: one.code, title: text(one.title), parent: null, active: one.active }
      },
    },
  ]
}
