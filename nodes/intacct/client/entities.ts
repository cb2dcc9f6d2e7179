/** The entities Intacct gives, masters before facts: which object each is, and which column comes from which field (docs/entities.md). Plain data. */
import type { ColumnType } from '../../../sync/contract/message.ts'

/** One column. `field`: its field, or several behind `|`, of which the first that holds something is taken. */
export interface ColumnDef {
  readonly name: string
  readonly type: ColumnType
  readonly field?: string
  /** The same for every record. */
  readonly constant?: string | boolean
  /** Repeats the document's column of this name. */
  readonly header?: string
  /** `YYYY-MM` of this date column of the same row. */
  readonly period?: string
  /** Field that holds the sign of an amount: 1 debit, -1 credit. */
  readonly sign?: string
  readonly sensitive?: true
  readonly description?: string
}

/** An object with its own key and change stamp. */
export interface ObjectDef {
  readonly object: string
  /** Ascending key of pages. */
  readonly record: string
  readonly stamp: string
  /** Stamp of creation, for records whose change stamp is empty. */
  readonly created: string
}

export interface LinesDef extends ObjectDef {
  /** Field with the record number of the document. */
  readonly parent: string
  readonly key: readonly string[]
  readonly columns: readonly ColumnDef[]
  /** Columns `dim_<type>` by object of the dimension; `GLDIM<object>` of user-defined ones comes with them. */
  readonly dimensions?: Readonly<Record<string, string>>
}

export interface EntityDef {
  readonly entity: string
  readonly key: readonly string[]
  /** Absent: all dimensions, each an object of its own. */
  readonly of?: ObjectDef
  readonly columns: readonly ColumnDef[]
  readonly lines?: LinesDef
  /** Date field of the document, for a backfill between two dates. */
  readonly dateField?: string
  /** Column of the key that tells records of one object apart, and its field: keys are looked up by it. */
  readonly code: { readonly column: string; readonly field: string }
}

export const AMOUNT = 'decimal(28,8)' as const

const master = (object: string): ObjectDef => ({
  object,
  record: 'RECORDNO',
  stamp: 'WHENMODIFIED',
  created: 'WHENCREATED',
})
/** On documents WHENCREATED is the date of the document. */
const document = (object: string): ObjectDef => ({
  object,
  record: 'RECORDNO',
  stamp: 'WHENMODIFIED',
  created: 'AUWHENCREATED',
})

export const SOURCE: ColumnDef = { name: 'source', type: 'string', description: 'Name of the connection' }
const ACTIVE: ColumnDef = { name: 'active', type: 'boolean', field: 'STATUS' }
const text = (name: string, field: string, description?: string): ColumnDef => ({
  name,
  type: 'string',
  field,
  ...(description ? { description } : {}),
})
const date = (name: string, field: string, description?: string): ColumnDef => ({
  ...text(name, field, description),
  type: 'date',
})
const amount = (name: string, field: string, description?: string): ColumnDef => ({
  ...text(name, field, description),
  type: AMOUNT,
})
const header = (types: Readonly<Record<string, ColumnType>>): ColumnDef[] =>
  Object.entries(types).map(([name, type]) => ({ name, type, header: name }))

const COUNTRY = text('country', 'DISPLAYCONTACT.MAILADDRESS.COUNTRYCODE')

const supplier: EntityDef = {
  entity: 'supplier',
  key: ['source', 'code'],
  of: master('VENDOR'),
  code: { column: 'code', field: 'VENDORID' },
  columns: [
    SOURCE,
    text('code', 'VENDORID'),
    text('name', 'NAME'),
    text('vat_number', 'TAXID'),
    COUNTRY,
    text('category', 'VENDTYPE'),
    text('currency', 'CURRENCY'),
    text('payment_term', 'TERMNAME'),
    ACTIVE,
    { ...text('bank_account', 'ACHACCOUNTNUMBER'), sensitive: true },
  ],
}

const customer: EntityDef = {
  entity: 'customer',
  key: ['source', 'code'],
  of: master('CUSTOMER'),
  code: { column: 'code', field: 'CUSTOMERID' },
  columns: [
    SOURCE,
    text('code', 'CUSTOMERID'),
    text('name', 'NAME'),
    text('vat_number', 'TAXID'),
    COUNTRY,
    text('category', 'CUSTTYPE'),
    text('currency', 'CURRENCY'),
    ACTIVE,
  ],
}

const product: EntityDef = {
  entity: 'product',
  key: ['source', 'code'],
  of: master('ITEM'),
  code: { column: 'code', field: 'ITEMID' },
  columns: [
    SOURCE,
    text('code', 'ITEMID'),
    text('description', 'NAME'),
    text('status', 'STATUS'),
    text('stock_unit', 'UOMGRP'),
    text('upc', 'UPC', 'Bar code'),
    amount('base_price', 'BASEPRICE'),
  ],
}

const employee: EntityDef = {
  entity: 'employee',
  key: ['source', 'code'],
  of: master('EMPLOYEE'),
  code: { column: 'code', field: 'EMPLOYEEID' },
  columns: [
    SOURCE,
    text('code', 'EMPLOYEEID'),
    text('title', 'TITLE'),
    text('department', 'DEPARTMENTID'),
    text('location', 'LOCATIONID'),
    date('start_date', 'STARTDATE'),
    ACTIVE,
    { ...text('name', 'PERSONALINFO.CONTACTNAME'), sensitive: true },
  ],
}

const glAccount: EntityDef = {
  entity: 'gl_account',
  key: ['source', 'chart', 'code'],
  of: master('GLACCOUNT'),
  code: { column: 'code', field: 'ACCOUNTNO' },
  columns: [
    SOURCE,
    { name: 'chart', type: 'string', constant: 'GL', description: 'Intacct has one chart of accounts' },
    text('code', 'ACCOUNTNO'),
    text('title', 'TITLE'),
    text('account_type', 'ACCOUNTTYPE'),
    text('normal_balance', 'NORMALBALANCE'),
    ACTIVE,
  ],
}

const costCentre: EntityDef = {
  entity: 'cost_centre',
  key: ['source', 'code'],
  of: master('DEPARTMENT'),
  code: { column: 'code', field: 'DEPARTMENTID' },
  columns: [SOURCE, text('code', 'DEPARTMENTID'), text('title', 'TITLE'), text('parent', 'PARENTID'), ACTIVE],
}

/** Its columns; the fields differ with the object, see `dimensionOf`. */
const dimension: EntityDef = {
  entity: 'dimension',
  key: ['source', 'type', 'code'],
  code: { column: 'code', field: '' },
  columns: [
    SOURCE,
    { name: 'type', type: 'string', description: "The dimension's object, in capitals" },
    { name: 'code', type: 'string' },
    { name: 'title', type: 'string' },
    { name: 'parent', type: 'string' },
    { name: 'active', type: 'boolean' },
  ],
}

/** The standard dimensions; the others are entities of their own, or further objects to pick. */
export const DIMENSIONS: ReadonlySet<string> = new Set(['DEPARTMENT', 'LOCATION', 'CLASS', 'PROJECT'])
const TITLES: Readonly<Record<string, string>> = { DEPARTMENT: 'TITLE' }

/** How one dimension's object fills `dimension`; undefined for those that are entities of their own. */
export function dimensionOf(
  object: string,
  userDefined: boolean,
): { of: ObjectDef; code: string; columns: ColumnDef[] } | undefined {
  const type = object.toUpperCase()
  const of = userDefined ? custom(object) : master(object)
  if (!userDefined && !DIMENSIONS.has(type)) return undefined
  const code = userDefined ? 'id' : `${type}ID`
  return {
    of,
    code,
    columns: [
      SOURCE,
      { name: 'type', type: 'string', constant: type },
      text('code', code),
      text('title', userDefined ? 'name' : (TITLES[type] ?? 'NAME')),
      userDefined ? { name: 'parent', type: 'string' } : text('parent', 'PARENTID'),
      userDefined ? { name: 'active', type: 'boolean', constant: true } : ACTIVE,
    ],
  }
}

const supplierInvoice: EntityDef = {
  entity: 'supplier_invoice',
  key: ['source', 'number'],
  of: document('APBILL'),
  code: { column: 'number', field: 'RECORDNO' },
  dateField: 'WHENCREATED',
  columns: [
    SOURCE,
    text('number', 'RECORDNO', "Intacct's own number: that of the bill is the vendor's and not unique"),
    text('reference', 'DOCNUMBER'),
    text('company', 'MEGAENTITYID'),
    text('supplier', 'VENDORID'),
    date('accounting_date', 'WHENPOSTED'),
    text('source_document', 'RECORDID', "The vendor's number of the bill"),
    date('source_document_date', 'WHENCREATED', 'Date of the bill'),
    date('due_date', 'WHENDUE'),
    text('currency', 'CURRENCY'),
    text('payment_term', 'TERMNAME'),
    text('status', 'STATE'),
    amount('amount_with_tax', 'TRX_TOTALENTERED'),
    amount('amount_with_tax_company', 'TOTALENTERED'),
    amount('amount_paid', 'TRX_TOTALPAID'),
    amount('amount_due', 'TRX_TOTALDUE'),
  ],
  lines: {
    ...document('APBILLITEM'),
    parent: 'RECORDKEY',
    key: ['source', 'number', 'line'],
    columns: [
      ...header({ source: 'string', number: 'string' }),
      { name: 'line', type: 'integer', field: 'LINE_NO' },
      ...header({ company: 'string', supplier: 'string', accounting_date: 'date', currency: 'string' }),
      text('site', 'LOCATIONID'),
      text('account', 'ACCOUNTNO'),
      text('product', 'ITEMID'),
      text('description', 'ENTRYDESCRIPTION'),
      amount('amount', 'TRX_AMOUNT'),
      amount('amount_company', 'AMOUNT'),
    ],
    dimensions: { DEPARTMENT: 'DEPARTMENTID', CLASS: 'CLASSID', PROJECT: 'PROJECTID' },
  },
}

const payment: EntityDef = {
  entity: 'payment',
  key: ['source', 'number'],
  of: document('APPYMT'),
  code: { column: 'number', field: 'RECORDNO' },
  dateField: 'PAYMENTDATE',
  columns: [
    SOURCE,
    text('number', 'RECORDNO'),
    text('reference', 'DOCNUMBER'),
    text('company', 'MEGAENTITYID'),
    text('supplier', 'VENDORID'),
    date('payment_date', 'PAYMENTDATE'),
    text('payment_method', 'PAYMENTMETHOD'),
    text('bank', 'FINANCIALENTITY'),
    text('currency', 'CURRENCY'),
    text('status', 'STATE'),
    amount('amount', 'TRX_TOTALENTERED'),
    amount('amount_company', 'TOTALENTERED'),
  ],
  lines: {
    ...document('APPYMTDETAIL'),
    parent: 'PAYMENTKEY',
    key: ['source', 'number', 'line'],
    columns: [
      ...header({ source: 'string', number: 'string' }),
      { name: 'line', type: 'integer', field: 'RECORDNO' },
      ...header({ company: 'string', supplier: 'string', payment_date: 'date', currency: 'string' }),
      text('invoice', 'RECORDKEY', 'Number of the bill'),
      text('invoice_line', 'ENTRYKEY', "Record number of the bill's line"),
      amount('amount', 'TRX_PAYMENTAMOUNT'),
      amount('amount_company', 'PAYMENTAMOUNT'),
    ],
  },
}

const glEntry: EntityDef = {
  entity: 'gl_entry',
  key: ['source', 'entry_type', 'number'],
  of: master('GLBATCH'),
  code: { column: 'number', field: 'RECORDNO' },
  dateField: 'BATCH_DATE',
  columns: [
    SOURCE,
    { name: 'entry_type', type: 'string', constant: 'GLBATCH' },
    text('number', 'RECORDNO'),
    text('reference', 'REFERENCENO'),
    text('batch_number', 'BATCHNO'),
    text('description', 'BATCH_TITLE'),
    text('company', 'BASELOCATION_NO'),
    text('journal', 'JOURNAL'),
    text('module', 'MODULE'),
    date('accounting_date', 'BATCH_DATE'),
    text('status', 'STATE'),
  ],
  lines: {
    ...master('GLENTRY'),
    parent: 'BATCHNO',
    key: ['source', 'entry_type', 'number', 'ledger', 'line'],
    columns: [
      ...header({ source: 'string', entry_type: 'string', number: 'string' }),
      { name: 'ledger', type: 'string', constant: 'ACCRUAL', description: 'Book' },
      { name: 'line', type: 'integer', field: 'LINE_NO' },
      ...header({ company: 'string', journal: 'string', status: 'string' }),
      date('accounting_date', 'ENTRY_DATE'),
      {
        name: 'period',
        type: 'string',
        period: 'accounting_date',
        description: 'Calendar month of the accounting date',
      },
      text('site', 'LOCATION'),
      { name: 'chart', type: 'string', constant: 'GL' },
      text('account', 'ACCOUNTNO'),
      text('business_partner', 'VENDORID|CUSTOMERID'),
      text('currency', 'CURRENCY'),
      { ...amount('amount', 'TRX_AMOUNT', 'Debit positive'), sign: 'TR_TYPE' },
      text('ledger_currency', 'BASECURR'),
      { ...amount('amount_ledger', 'AMOUNT', 'Debit positive'), sign: 'TR_TYPE' },
      text('description', 'DESCRIPTION'),
    ],
    dimensions: { DEPARTMENT: 'DEPARTMENT', LOCATION: 'LOCATION', CLASS: 'CLASSID', PROJECT: 'PROJECTID' },
  },
}

export const ENTITIES: readonly EntityDef[] = [
  supplier,
  customer,
  product,
  employee,
  glAccount,
  dimension,
  costCentre,
  supplierInvoice,
  payment,
  glEntry,
]

/** Custom objects, user-defined dimensions among them, have fields of their own for number and stamps. */
const custom = (object: string): ObjectDef => ({ object, record: 'id', stamp: 'updatedAt', created: 'createdAt' })

/** A further object of Intacct as an entity: a flat table of its fields, by record number. */
export function objectEntity(entity: string, object: string, isCustom: boolean): EntityDef {
  const of = isCustom ? custom(object) : master(object)
  return {
    entity,
    key: ['source', 'record_no'],
    of,
    code: { column: 'record_no', field: of.record },
    columns: [SOURCE, text('record_no', of.record)],
  }
}

export const entityDef = (entity: string): EntityDef | undefined => ENTITIES.find((def) => def.entity === entity)

/** `dim_<type>`: lower case, other characters than letters and digits become `_`. */
export const dimensionColumn = (object: string): string => `dim_${object.toLowerCase().replace(/[^a-z0-9]/g, '_')}`
