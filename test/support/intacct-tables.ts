import type { Cell, TargetReader } from '../../demo/compare.ts'
import type { IntacctFixture } from './intacct.ts'

/** How a column comes out of the fields of a record: a field's name, or how it is worked out. */
type From = string | ((row: Record<string, string>, header: Record<string, string>) => Cell)

interface Reading {
  object: string
  /** The header's object, and the field that leads to it. */
  header?: { object: string; by: string; fields: readonly string[] }
  constants?: Record<string, Cell>
  columns: Record<string, From>
  /** Fields that columns need which are worked out. */
  fields?: readonly string[]
}

const date =
  (field: string): From =>
  (row) => {
    const [month, day, year] = (row[field] ?? '').split('/')
    return row[field] ? `${year}-${month}-${day}` : null
  }
const active: From = (row) => row.STATUS === 'active'
const ofHeader =
  (field: string): From =>
  (_, header) =>
    header[field] || null
const dateOfHeader =
  (field: string): From =>
  (_, header) =>
    (date(field) as (row: Record<string, string>, header: Record<string, string>) => Cell)(header, {})
const signed =
  (field: string): From =>
  (row) => {
    const amount = row[field] ?? ''
    if (row.TR_TYPE === '1') return amount
    return amount.startsWith('-') ? amount.slice(1) : `-${amount}`
  }
const partner = { country: 'DISPLAYCONTACT.MAILADDRESS.COUNTRYCODE', vat_number: 'TAXID', currency: 'CURRENCY' }
const axis = (object: string, code: string, title: string, parent: From = () => null): Reading => ({
  object,
  constants: { type: object.toUpperCase() },
  fields: object === 'product_line' ? [] : ['STATUS'],
  columns: { code, title, parent, active: object === 'product_line' ? () => true : active },
})
const bill = {
  object: 'APBILL',
  by: 'RECORDKEY',
  fields: ['RECORDNO', 'MEGAENTITYID', 'VENDORID', 'WHENPOSTED', 'CURRENCY'],
}
const payment = {
  ...{ object: 'APPYMT', by: 'PAYMENTKEY' },
  fields: ['RECORDNO', 'MEGAENTITYID', 'VENDORID', 'PAYMENTDATE', 'CURRENCY'],
}
const batch = { object: 'GLBATCH', by: 'BATCHNO', fields: ['RECORDNO', 'BASELOCATION_NO', 'JOURNAL', 'STATE'] }

/** The tables of the section "Sage Intacct" of docs/entities.md, in the words of its objects. */
const readings: Record<string, readonly Reading[]> = {
  supplier: [
    {
      ...{ object: 'VENDOR', fields: ['STATUS'] },
      columns: { code: 'VENDORID', name: 'NAME', category: 'VENDTYPE', ...partner, active },
    },
  ],
  customer: [
    {
      ...{ object: 'CUSTOMER', fields: ['STATUS'] },
      columns: { code: 'CUSTOMERID', name: 'NAME', category: 'CUSTTYPE', ...partner, active },
    },
  ],
  product: [
    {
      object: 'ITEM',
      columns: {
        ...{ code: 'ITEMID', description: 'NAME', status: 'STATUS', stock_unit: 'UOMGRP', upc: 'UPC' },
        base_price: 'BASEPRICE',
      },
    },
  ],
  employee: [
    {
      ...{ object: 'EMPLOYEE', fields: ['STARTDATE', 'STATUS'] },
      columns: {
        ...{ code: 'EMPLOYEEID', title: 'TITLE', department: 'DEPARTMENTID', location: 'LOCATIONID' },
        ...{ start_date: date('STARTDATE'), active },
      },
    },
  ],
  gl_account: [
    {
      ...{ object: 'GLACCOUNT', fields: ['STATUS'], constants: { chart: 'GL' } },
      columns: {
        code: 'ACCOUNTNO',
        title: 'TITLE',
        account_type: 'ACCOUNTTYPE',
        normal_balance: 'NORMALBALANCE',
        active,
      },
    },
  ],
  dimension: [
    axis('DEPARTMENT', 'DEPARTMENTID', 'TITLE'),
    axis('LOCATION', 'LOCATIONID', 'NAME', 'PARENTID'),
    axis('CLASS', 'CLASSID', 'NAME'),
    axis('PROJECT', 'PROJECTID', 'NAME'),
    axis('product_line', 'id', 'name'),
  ],
  cost_centre: [{ ...axis('DEPARTMENT', 'DEPARTMENTID', 'TITLE'), constants: {} }],
  supplier_invoice: [
    {
      object: 'APBILL',
      fields: ['WHENPOSTED', 'WHENCREATED', 'WHENDUE'],
      columns: {
        ...{ number: 'RECORDNO', reference: 'DOCNUMBER', company: 'MEGAENTITYID', supplier: 'VENDORID' },
        ...{ accounting_date: date('WHENPOSTED'), source_document: 'RECORDID', currency: 'CURRENCY' },
        ...{ source_document_date: date('WHENCREATED'), due_date: date('WHENDUE'), payment_term: 'TERMNAME' },
        ...{ status: 'STATE', amount_with_tax: 'TRX_TOTALENTERED', amount_with_tax_company: 'TOTALENTERED' },
        ...{ amount_paid: 'TRX_TOTALPAID', amount_due: 'TRX_TOTALDUE' },
      },
    },
  ],
  supplier_invoice_line: [
    {
      object: 'APBILLITEM',
      header: bill,
      columns: {
        ...{ number: 'RECORDKEY', line: 'LINE_NO', site: 'LOCATIONID', account: 'ACCOUNTNO', product: 'ITEMID' },
        ...{ company: ofHeader('MEGAENTITYID'), supplier: ofHeader('VENDORID'), currency: ofHeader('CURRENCY') },
        ...{ accounting_date: dateOfHeader('WHENPOSTED'), description: 'ENTRYDESCRIPTION' },
        ...{ amount: 'TRX_AMOUNT', amount_company: 'AMOUNT', dim_department: 'DEPARTMENTID', dim_class: 'CLASSID' },
        ...{ dim_project: 'PROJECTID', dim_product_line: 'GLDIMPRODUCT_LINE' },
      },
    },
  ],
  payment: [
    {
      object: 'APPYMT',
      fields: ['PAYMENTDATE'],
      columns: {
        ...{ number: 'RECORDNO', reference: 'DOCNUMBER', company: 'MEGAENTITYID', supplier: 'VENDORID' },
        ...{ payment_date: date('PAYMENTDATE'), payment_method: 'PAYMENTMETHOD', bank: 'FINANCIALENTITY' },
        ...{ currency: 'CURRENCY', status: 'STATE', amount: 'TRX_TOTALENTERED', amount_company: 'TOTALENTERED' },
      },
    },
  ],
  payment_line: [
    {
      object: 'APPYMTDETAIL',
      header: payment,
      columns: {
        ...{ number: 'PAYMENTKEY', line: 'RECORDNO', invoice: 'RECORDKEY', invoice_line: 'ENTRYKEY' },
        ...{ company: ofHeader('MEGAENTITYID'), supplier: ofHeader('VENDORID'), currency: ofHeader('CURRENCY') },
        ...{ payment_date: dateOfHeader('PAYMENTDATE'), amount: 'TRX_PAYMENTAMOUNT', amount_company: 'PAYMENTAMOUNT' },
      },
    },
  ],
  gl_entry: [
    {
      object: 'GLBATCH',
      constants: { entry_type: 'GLBATCH' },
      fields: ['BATCH_DATE'],
      columns: {
        ...{ number: 'RECORDNO', reference: 'REFERENCENO', batch_number: 'BATCHNO', description: 'BATCH_TITLE' },
        ...{ company: 'BASELOCATION_NO', journal: 'JOURNAL', module: 'MODULE', accounting_date: date('BATCH_DATE') },
        status: 'STATE',
      },
    },
  ],
  gl_entry_line: [
    {
      object: 'GLENTRY',
      header: batch,
      constants: { entry_type: 'GLBATCH', ledger: 'ACCRUAL', chart: 'GL' },
      fields: ['ENTRY_DATE', 'TR_TYPE', 'VENDORID', 'CUSTOMERID', 'TRX_AMOUNT', 'AMOUNT'],
      columns: {
        ...{ number: 'BATCHNO', line: 'LINE_NO', site: 'LOCATION', account: 'ACCOUNTNO', currency: 'CURRENCY' },
        ...{ company: ofHeader('BASELOCATION_NO'), journal: ofHeader('JOURNAL'), status: ofHeader('STATE') },
        accounting_date: date('ENTRY_DATE'),
        period: (row, header) => String((date('ENTRY_DATE') as Exclude<From, string>)(row, header)).slice(0, 7),
        business_partner: (row) => row.VENDORID || row.CUSTOMERID || null,
        ...{ amount: signed('TRX_AMOUNT'), amount_ledger: signed('AMOUNT'), ledger_currency: 'BASECURR' },
        ...{ description: 'DESCRIPTION', dim_department: 'DEPARTMENT', dim_location: 'LOCATION', dim_class: 'CLASSID' },
        ...{ dim_project: 'PROJECTID', dim_product_line: 'GLDIMPRODUCT_LINE' },
      },
    },
  ],
}

/** Every record of an object, walked by its number, as field to text. */
export async function readAll(
  fixture: IntacctFixture,
  object: string,
  fields: readonly string[],
): Promise<Record<string, string>[]> {
  const number = object === 'product_line' ? 'id' : 'RECORDNO'
  const all: Record<string, string>[] = []
  for (let last = '0'; ; ) {
    const { rows, attributes } = await fixture.query(
      object,
      [...new Set([number, ...fields])],
      `<filter><greaterthan><field>${number}</field><value>${last}</value></greaterthan></filter><orderby><order><field>${number}</field><ascending/></order></orderby><options><showprivate>true</showprivate></options><pagesize>2000</pagesize>`,
    )
    all.push(...rows)
    if (attributes.numremaining === '0') return all
    last = rows.at(-1)?.[number] ?? ''
  }
}

/** The sandbox read as a sync would, in the form in which a target is read: the two must say the same of the books. */
export function intacctReader(
  fixture: IntacctFixture,
  source: string,
  skip: (header: string) => boolean,
): TargetReader {
  const known = (table: string): readonly Reading[] => readings[table] ?? []
  return {
    async columns(table) {
      const [first] = known(table)
      return first && ['source', ...Object.keys(first.constants ?? {}), ...Object.keys(first.columns)]
    },
    async *rows(table, columns) {
      for (const { object, header, constants = {}, columns: from, fields = [] } of known(table)) {
        const headers = new Map<string, Record<string, string>>()
        for (const row of header ? await readAll(fixture, header.object, header.fields) : []) {
          headers.set(row.RECORDNO ?? '', row)
        }
        const plain = Object.values(from).filter((one) => typeof one === 'string')
        for (const row of await readAll(fixture, object, [...plain, ...fields, ...(header ? [header.by] : [])])) {
          const number = header ? row[header.by] : row.RECORDNO
          if ((header?.object ?? object) === 'GLBATCH' && skip(number ?? '')) continue
          const own = headers.get(number ?? '') ?? {}
          yield columns.map((name): Cell => {
            if (name === 'source') return source
            if (name in constants) return constants[name] ?? null
            const way = from[name]
            if (way === undefined) return null
            return typeof way === 'string' ? row[way] || null : way(row, own)
          })
        }
      }
    },
  }
}
