/** AP bills and their payments: both are in the books as invoices of suppliers. */
import { type BillLine, billLines, isPaid, lastChange, paymentOf } from '../../books/payables.ts'
import type { SupplierInvoice } from '../../books/types.ts'
import { type Entry, fieldsOf, type ObjectSpec } from '../model.ts'
import { createRecords, seconds, secondsOrNull, visibleOf } from '../records.ts'
import { type CompanyView, object } from './company.ts'
import {
  type Bill,
  billFields,
  detailFields,
  firstPayment,
  itemFields,
  lineNo,
  type PaymentRow,
  paymentFields,
} from './payable-fields.ts'

/** Entries of bills and payments, and of their lines. */
function recordsOf({ books }: CompanyView) {
  return createRecords(books, 'supplierInvoice', ['bill', 'item', 'payment', 'detail'], (invoice, no, key) => {
    const base = { key, entity: invoice.company, visible: visibleOf(invoice), created: seconds(invoice.created) }
    const modified = seconds(lastChange(invoice))
    const items = invoice.lines.map(
      (line): Entry => ({
        ...base,
        no: lineNo(no, Math.round(line.line / 1_000)),
        sub: Math.round(line.line / 1_000),
        modified: secondsOrNull(line.updated),
        created: seconds(line.created),
        parent: no,
      }),
    )
    const paid = isPaid(invoice)
    const payNo = firstPayment + no
    return {
      bill: [{ ...base, no, sub: 0, modified, parent: 0 }],
      item: items,
      payment: paid ? [{ ...base, no: payNo, sub: 0, modified, parent: 0 }] : [],
      detail: paid
        ? items.map((item) => ({
            ...item,
            no: lineNo(payNo, item.sub),
            modified,
            created: base.created,
            parent: payNo,
          }))
        : [],
    }
  })
}

export function payables(company: CompanyView): ObjectSpec[] {
  const records = recordsOf(company)
  const billOf = (entry: Entry, first = 0): Bill | undefined => {
    const invoice = company.thing('supplierInvoice', entry.key)
    const no = entry.parent || entry.no
    return invoice && { no: no - first, invoice }
  }
  // The lines of a bill are worked out once for all of its rows.
  let last: { invoice: SupplierInvoice; lines: BillLine[] } | undefined
  const lineOf = (invoice: SupplierInvoice, sub: number): BillLine | undefined => {
    if (last?.invoice !== invoice) last = { invoice, lines: billLines(invoice) }
    return last.lines.find(({ line }) => line === sub)
  }
  const withPayment = (entry: Entry): PaymentRow | undefined => {
    const one = billOf(entry, firstPayment)
    const payment = one && paymentOf(one.invoice)
    return one && payment && { ...one, payment }
  }
  const vendor = { path: 'VENDOR', object: 'VENDOR', by: 'VENDORID' }
  return [
    object({
      name: 'APBILL',
      label: 'AP bill',
      fields: fieldsOf(
        billFields(company),
        'FINANCIALENTITY FORM1099TYPE FORM1099BOX DESCRIPTION2 TERMKEY:INTEGER TERMVALUE WHENDISCOUNT:DATE RECPAYMENTDATE:DATE PAYMENTPRIORITY EXCH_RATE_DATE:DATE EXCH_RATE_TYPE_ID EXCHANGE_RATE:DECIMAL SCHOPKEY:INTEGER PAYTO.TAXID SUPDOCID',
      ),
      relations: [vendor],
      entries: () => records.of('bill'),
      load: (entry) => billOf(entry),
      owned: { list: 'APBILLITEMS', line: 'apbillitem', object: 'APBILLITEM' },
    }),
    object({
      name: 'APBILLITEM',
      label: 'AP bill detail',
      fields: fieldsOf(itemFields(company), 'ACCOUNTLABEL CUSTOMERID EMPLOYEEID TASKID FORM1099 BILLABLE:BOOLEAN'),
      relations: [{ path: 'APBILL', object: 'APBILL', by: 'RECORDKEY' }, vendor],
      entries: () => records.of('item'),
      ofParents: (parents) => records.ofThings('item', parents),
      load(entry) {
        const one = billOf(entry)
        const line = one && lineOf(one.invoice, entry.sub)
        return one && line && { ...one, line }
      },
    }),
    object({
      name: 'APPYMT',
      label: 'AP payment',
      fields: fieldsOf(paymentFields(company), 'DESCRIPTION FINANCIALENTITYTYPE CLEARED:BOOLEAN SUPDOCID'),
      relations: [vendor],
      entries: () => records.of('payment'),
      load: withPayment,
      owned: { list: 'APPYMTDETAILS', line: 'appymtdetail', object: 'APPYMTDETAIL' },
    }),
    object({
      name: 'APPYMTDETAIL',
      label: 'AP payment detail',
      fields: fieldsOf(detailFields(company), 'POSADJKEY:INTEGER DISCOUNTDATE:DATE'),
      entries: () => records.of('detail'),
      ofParents: (parents) =>
        records.ofThings(
          'detail',
          parents.map((parent) => parent - firstPayment),
        ),
      load(entry) {
        const one = withPayment(entry)
        const line = one && lineOf(one.invoice, entry.sub)
        return one && line && { ...one, line }
      },
    }),
  ]
}
