/** Master data: one flat record each. Field names from Sage's reference pages (contracts/x3/graphql), see docs/entities.md. */
import { AMOUNT, type ColumnDef, type EntityDef } from './types.ts'

const SOURCE: ColumnDef = { name: 'source', type: 'string', header: 'source', description: 'Name of the connection' }

/**
 * What supplier and customer take from their business partner. In 2021 their code was a text and led nowhere; the name stood on
 * the node itself then, as in 2022, without a number (x3.md facts, 2.1; page xtremX3MasterData/supplier).
 */
const PARTNER: readonly ColumnDef[] = [
  { name: 'code', type: 'string', path: 'code.code|code', description: 'Code of the business partner' },
  {
    name: 'name',
    type: 'string',
    path: 'code.companyName1|companyName1|code.companyName|companyName',
    joined: true,
    description: 'Company name',
  },
  { name: 'short_name', type: 'string', path: 'code.shortCompanyName|shortCompanyName', joined: true },
  { name: 'vat_number', type: 'string', path: 'code.europeanUnionVatNumber|europeanUnionVatNumber', joined: true },
  { name: 'country', type: 'string', path: 'code.country.code|country.code', joined: true },
  { name: 'language', type: 'string', path: 'code.language.code|language.code', joined: true },
  { name: 'category', type: 'string', path: 'category.code' },
  { name: 'currency', type: 'string', path: 'currency.code' },
]
const ACTIVE: ColumnDef = { name: 'active', type: 'boolean', path: 'isActive' }
const BUSINESS_PARTNER = {
  walk: 'joined',
  package: 'MasterData',
  node: 'businessPartner',
  paths: ['code'],
  by: ['code'],
} as const

const supplier: EntityDef = {
  entity: 'supplier',
  package: 'MasterData',
  node: 'supplier',
  key: ['source', 'code'],
  columns: [
    SOURCE,
    ...PARTNER,
    { name: 'pay_to', type: 'string', path: 'payToBusinessPartner.code', description: 'Business partner that is paid' },
    {
      name: 'bill_by',
      type: 'string',
      path: 'billBySupplier.code.code|billBySupplier.code',
      description: 'Supplier that bills',
    },
    ACTIVE,
    {
      name: 'bank_account',
      type: 'string',
      path: 'code.bankDetails[0].bankId',
      joined: true,
      sensitive: true,
      description: 'First bank account of the business partner',
    },
  ],
  watch: [BUSINESS_PARTNER],
}

const customer: EntityDef = {
  entity: 'customer',
  package: 'MasterData',
  node: 'customer',
  key: ['source', 'code'],
  columns: [SOURCE, ...PARTNER, ACTIVE],
  watch: [BUSINESS_PARTNER],
}

const product: EntityDef = {
  entity: 'product',
  package: 'MasterData',
  node: 'product',
  key: ['source', 'code'],
  columns: [
    SOURCE,
    { name: 'code', type: 'string', path: 'code' },
    { name: 'description', type: 'string', path: 'description1|localizedDescription1' },
    { name: 'status', type: 'string', path: 'productStatus' },
    { name: 'stock_unit', type: 'string', path: 'stockUnit.code' },
    { name: 'upc', type: 'string', path: 'upc', description: 'Bar code' },
    { name: 'base_price', type: AMOUNT, path: 'basePrice' },
  ],
}

const glAccount: EntityDef = {
  entity: 'gl_account',
  package: 'FinanceData',
  node: 'account',
  key: ['source', 'chart', 'code'],
  columns: [
    SOURCE,
    {
      name: 'chart',
      type: 'string',
      path: 'chartOfAccounts.code',
      description: 'Chart of accounts; an account code is unique only within it',
    },
    { name: 'code', type: 'string', path: 'code' },
    { name: 'title', type: 'string', path: 'localizedDescription' },
    ACTIVE,
  ],
}

/** The code field differs between releases: `code` or `dimension`. */
const DIMENSION_CODE: ColumnDef = { name: 'code', type: 'string', path: 'code|dimension' }
const DIMENSION: readonly ColumnDef[] = [
  { name: 'title', type: 'string', path: 'localizedDescription' },
  { name: 'parent', type: 'string', description: 'X3 gives none' },
  ACTIVE,
]

const dimension: EntityDef = {
  entity: 'dimension',
  package: 'FinanceData',
  node: 'dimension',
  key: ['source', 'type', 'code'],
  columns: [
    SOURCE,
    { name: 'type', type: 'string', path: 'dimensionType.code', description: 'Axis' },
    DIMENSION_CODE,
    ...DIMENSION,
  ],
}

const costCentre: EntityDef = {
  entity: 'cost_centre',
  package: 'FinanceData',
  node: 'dimension',
  key: ['source', 'code'],
  columns: [SOURCE, DIMENSION_CODE, ...DIMENSION],
  only: { path: 'dimensionType.code', option: 'costCentreType' },
}

export const MASTERS: readonly EntityDef[] = [supplier, customer, product, glAccount, dimension, costCentre]
