import { type Employee, employees } from '../../books/staff.ts'
import type { BusinessPartner, Customer, Product, Supplier } from '../../books/types.ts'
import { type FieldList, fieldsOf, type ObjectSpec, statusCodes } from '../model.ts'
import { createRecords, seconds, secondsOrNull, visibleOf } from '../records.ts'
import { type CompanyView, object, still, users } from './company.ts'
import { single, stampFields } from './dimensions.ts'
import { plain } from './payable-fields.ts'

const entity = 'MEGAENTITYKEY:INTEGER MEGAENTITYID MEGAENTITYNAME'
const status = ({ active }: { active: boolean }): string => (active ? 'active' : 'inactive')

interface Partner<T> {
  readonly no: number
  readonly own: T
  readonly partner: BusinessPartner | undefined
  readonly active: boolean
  readonly created: string
  readonly updated: string | null
}

/** A vendor holds its name itself: what changes the partner changes it. One that an upgrade left without a stamp gets its first then. */
function lastOf(
  { begun }: CompanyView['books'],
  own: { updated: string | null },
  partner: BusinessPartner | undefined,
): string | null {
  const other = partner?.updated ?? ''
  if (own.updated === null) return other > begun ? other : null
  return [own.updated, other].sort()[1] ?? null
}

/** VENDOR and CUSTOMER: a role of a business partner. */
function role<N extends 'supplier' | 'customer'>(company: CompanyView, name: N) {
  const { books } = company
  const records = createRecords(
    books,
    name,
    ['one'],
    (thing: Supplier | Customer, no, key) => ({
      one: [
        {
          ...{ no, key, sub: 0, created: seconds(thing.created), entity: null, parent: 0, visible: visibleOf(thing) },
          modified: secondsOrNull(lastOf(books, thing, books.tables.businessPartner.get(key))),
        },
      ],
    }),
    ['businessPartner'],
  )
  return {
    entries: () => records.of('one'),
    load(entry: { no: number; key: string }): Partner<Supplier | Customer> | undefined {
      const own = company.thing(name, entry.key)
      const partner = company.thing('businessPartner', entry.key)
      const { active = true, created = '' } = own ?? {}
      return own && { no: entry.no, own, partner, active, created, updated: lastOf(books, own, partner) }
    },
  }
}

const commonFields = ({ books }: CompanyView): FieldList<Partner<Supplier | Customer>> => ({
  ...stampFields(),
  NAME: ['TEXT', ({ partner }) => partner?.name, { required: true }],
  TAXID: ['TEXT', ({ partner }) => partner?.vatNumber],
  CURRENCY: ['TEXT', ({ own }) => own.currency],
  STATUS: ['ENUM', status, { codes: statusCodes }],
  ONHOLD: ['BOOLEAN', () => false],
  'DISPLAYCONTACT.CONTACTNAME': ['TEXT', ({ partner }) => partner?.name],
  'DISPLAYCONTACT.PRINTAS': ['TEXT', ({ partner }) => partner?.shortName],
  'DISPLAYCONTACT.MAILADDRESS.COUNTRYCODE': ['TEXT', ({ partner }) => partner?.country],
  'DISPLAYCONTACT.MAILADDRESS.COUNTRY': ['TEXT', ({ partner }) => books.codes.country?.[partner?.country ?? '']],
})

const vendorFields = (company: CompanyView): FieldList<Partner<Supplier>> => ({
  ...(commonFields(company) as FieldList<Partner<Supplier>>),
  VENDORID: ['TEXT', ({ own }) => own.code, { required: true }],
  VENDTYPE: ['TEXT', ({ own }) => own.category],
  'PAYTOCONTACT.CONTACTNAME': ['TEXT', ({ own }) => own.payTo],
  ONETIME: ['BOOLEAN', () => false],
  TOTALDUE: ['CURRENCY', () => '0'],
  ACHACCOUNTNUMBER: ['TEXT', ({ partner }) => partner?.bankAccounts[0]],
  LANGUAGE_CODE: ['TEXT', ({ partner }) => partner?.language, { custom: true, label: 'Language' }],
})

const customerFields = (company: CompanyView): FieldList<Partner<Customer>> => ({
  ...(commonFields(company) as FieldList<Partner<Customer>>),
  CUSTOMERID: ['TEXT', ({ own }) => own.code, { required: true }],
  CUSTTYPE: ['TEXT', ({ own }) => own.category],
  TOTALDUE: ['CURRENCY', () => '0'],
})

const item: FieldList<Product & { no: number }> = {
  ...stampFields(),
  ITEMID: ['TEXT', ({ code }) => code, { required: true }],
  NAME: ['TEXT', ({ description }) => description, { required: true }],
  STATUS: ['ENUM', (one) => (one.status === 'active' ? 'active' : 'inactive'), { codes: statusCodes }],
  ITEMTYPE: ['ENUM', () => 'Inventory', { codes: { Inventory: 'I', 'Non-Inventory': 'NI' } }],
  UOMGRP: ['TEXT', ({ stockUnit }) => stockUnit],
  UPC: ['TEXT', ({ upc }) => upc],
  BASEPRICE: ['DECIMAL', ({ basePrice }) => plain(basePrice)],
}

export function masters(company: CompanyView): ObjectSpec[] {
  const { books } = company
  return [
    object({
      name: 'VENDOR',
      label: 'Vendor',
      fields: fieldsOf(
        vendorFields(company),
        `NAME1099 PARENTKEY:INTEGER PARENTID TERMNAME VENDORACCOUNTNO CREDITLIMIT:CURRENCY APACCOUNT PAYMETHODKEY COMMENTS OBJECTRESTRICTION ACHBANKROUTINGNUMBER ${entity}`,
      ),
      keyField: 'VENDORID',
      auditKey: 'business',
      ...role(company, 'supplier'),
    }),
    object({
      name: 'CUSTOMER',
      label: 'Customer',
      fields: fieldsOf(
        customerFields(company),
        `PARENTKEY:INTEGER PARENTID TERMNAME CREDITLIMIT:CURRENCY COMMENTS OBJECTRESTRICTION ${entity}`,
      ),
      keyField: 'CUSTOMERID',
      auditKey: 'business',
      upper: true,
      ...role(company, 'customer'),
    }),
    object({
      name: 'ITEM',
      label: 'Item',
      fields: fieldsOf(item, `EXTENDED_DESCRIPTION PRODUCTLINEID GLGROUP COST_METHOD TAXABLE:BOOLEAN ${entity}`),
      keyField: 'ITEMID',
      entries: single(books, 'product'),
      load(entry) {
        const product = company.thing('product', entry.key)
        return product && { ...product, no: entry.no }
      },
    }),
    staff(company),
    ...['WAREHOUSE', 'TASK', 'CONTRACT', 'ARINVOICE'].map((name) =>
      object({
        name,
        label: name.charAt(0) + name.slice(1).toLowerCase(),
        fields: fieldsOf(stampFields(), `${name}ID NAME STATUS`),
        keyField: `${name}ID`,
        // The role of the API user leaves sales out.
        closed: name === 'ARINVOICE',
        entries: () => [],
        load: () => undefined,
      }),
    ),
  ]
}

function staff(company: CompanyView): ObjectSpec {
  const at = Math.floor(seconds(company.books.begun)) - 800 * 86_400
  const stamp = (time: number): string => `${new Date(time * 1000).toISOString().slice(0, 19)}Z`
  // One of them was brought over by an upgrade that left its stamp empty.
  const entries = still(employees.length, at, [7])
  type Row = Employee & { no: number; created: string; updated: string | null }
  const fields: FieldList<Row> = {
    ...stampFields(),
    EMPLOYEEID: ['TEXT', ({ code }) => code, { required: true }],
    'PERSONALINFO.CONTACTNAME': ['TEXT', ({ name }) => name],
    TITLE: ['TEXT', ({ title }) => title],
    DEPARTMENTID: ['TEXT', ({ department }) => department],
    LOCATIONID: ['TEXT', ({ site }) => site],
    STARTDATE: ['DATE', ({ start }) => start],
    STATUS: ['ENUM', status, { codes: statusCodes }],
    CREATEDBYLOGIN: ['TEXT', () => users.admin.login, { custom: true }],
  }
  return object({
    name: 'EMPLOYEE',
    label: 'Employee',
    fields: fieldsOf(fields, `SSN BIRTHDATE:DATE ENDDATE:DATE GENDER SUPERVISORID ${entity}`),
    keyField: 'EMPLOYEEID',
    entries: () => entries,
    load(entry): Row | undefined {
      const found = employees[Number(entry.key)]
      const updated = entry.modified === null ? null : stamp(entry.modified)
      return found && { ...found, no: entry.no, created: stamp(entry.created), updated }
    },
  })
}
