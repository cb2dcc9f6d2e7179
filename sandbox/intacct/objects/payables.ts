import {
  type BillLine,
  billLines,
  billTotals,
  companyOf,
  dueDate,
  isPaid,
  lastChange,
  type Payment,
  paymentOf,
} from '../../books/payables.ts'
import type { SupplierInvoice } from '../../books/types.ts'
import { type Entry, type FieldList, fieldsOf, type ObjectSpec } from '../model.ts'
import { createRecords, seconds, secondsOrNull, visibleOf } from '../records.ts'
import { type CompanyView, entityFields, locationNo, object, users } from './company.ts'
import { userDimension, userDimensionId } from './dimensions.ts'

interface Bill {
  readonly no: number
  readonly invoice: SupplierInvoice
}

interface BillRow extends Bill {
  readonly line: BillLine
}

interface PaymentRow extends Bill {
  readonly payment: Payment
}

interface DetailRow extends PaymentRow {
  readonly line: BillLine
}

/** Lines of document `no` have numbers of their own, with room for more. */
const perDocument = 8_192
export const lineNo = (no: number, line: number): number => no * perDocument + line
/** Payments are numbered apart from bills. */
const firstPayment = 1_000_000

export const plain = (value: string): string => (value.includes('.') ? value.replace(/\.?0+$/, '') : value)

export function payables(company: CompanyView): ObjectSpec[] {
  const { books } = company
  const records = createRecords(books, 'supplierInvoice', ['bill', 'item', 'payment', 'detail'], (invoice, no, key) => {
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
  const partner = (code: string) => company.thing('businessPartner', code)
  const totals = ({ invoice }: Bill) => billTotals(invoice)
  const paidPart = (bill: Bill, amount: string): string => (isPaid(bill.invoice) ? amount : '0')
  const duePart = (bill: Bill, amount: string): string => (isPaid(bill.invoice) ? '0' : amount)
  const posted = ({ invoice }: Bill): boolean => invoice.status === 'posted'

  const common: FieldList<Bill> = {
    VENDORID: ['TEXT', ({ invoice }) => invoice.supplier, { required: true }],
    VENDORNAME: ['TEXT', ({ invoice }) => partner(invoice.supplier)?.name],
    BASECURR: ['TEXT', ({ invoice }) => companyOf(invoice.company).currency],
    CURRENCY: ['TEXT', ({ invoice }) => invoice.currency],
    MODULEKEY: ['TEXT', () => '3.AP'],
    AUWHENCREATED: ['TIMESTAMP', ({ invoice }) => invoice.created, { readOnly: true, index: 'created' }],
    WHENMODIFIED: ['TIMESTAMP', ({ invoice }) => lastChange(invoice), { readOnly: true, index: 'modified' }],
    CREATEDBY: ['INTEGER', () => users.buyer.no],
    MODIFIEDBY: ['INTEGER', () => users.buyer.no],
    ...entityFields(({ invoice }: Bill) => invoice.company, books),
  }

  const bill: FieldList<Bill> = {
    RECORDNO: ['INTEGER', ({ no }) => no, { readOnly: true, index: 'no' }],
    RECORDTYPE: ['TEXT', () => 'pi', { readOnly: true }],
    RECORDID: ['TEXT', ({ invoice }) => invoice.sourceDocument, { label: 'Bill number' }],
    STATE: [
      'ENUM',
      (one) => (isPaid(one.invoice) ? 'Paid' : posted(one) ? 'Posted' : 'Submitted'),
      { codes: { Draft: 'D', Submitted: 'S', 'Partially Approved': 'PA', Posted: 'A', Paid: 'U' } },
    ],
    RAWSTATE: ['TEXT', (one) => (posted(one) ? 'A' : 'S')],
    DOCNUMBER: ['TEXT', ({ invoice }) => invoice.number, { label: 'Reference number' }],
    DESCRIPTION: ['TEXT', ({ invoice }) => `${invoice.invoiceType} ${invoice.number}`],
    TERMNAME: ['TEXT', ({ invoice }) => invoice.paymentTerm],
    WHENCREATED: ['DATE', ({ invoice }) => invoice.sourceDocumentDate, { label: 'Date', required: true }],
    WHENPOSTED: ['DATE', ({ invoice }) => invoice.accountingDate],
    WHENDUE: ['DATE', ({ invoice }) => dueDate(invoice)],
    WHENPAID: ['DATE', ({ invoice }) => (isPaid(invoice) ? invoice.accountingDate : null)],
    ONHOLD: ['BOOLEAN', ({ invoice }) => invoice.paymentApproval === 'delayed'],
    TOTALENTERED: ['CURRENCY', (one) => plain(totals(one).amountCompany)],
    TOTALSELECTED: ['CURRENCY', () => '0'],
    TOTALPAID: ['CURRENCY', (one) => plain(paidPart(one, totals(one).amountCompany))],
    TOTALDUE: ['CURRENCY', (one) => plain(duePart(one, totals(one).amountCompany))],
    TRX_TOTALENTERED: ['CURRENCY', (one) => plain(totals(one).amount)],
    TRX_TOTALSELECTED: ['CURRENCY', () => '0'],
    TRX_TOTALPAID: ['CURRENCY', (one) => plain(paidPart(one, totals(one).amount))],
    TRX_TOTALDUE: ['CURRENCY', (one) => plain(duePart(one, totals(one).amount))],
    BILLTOPAYTOCONTACTNAME: ['TEXT', ({ invoice }) => partner(invoice.payTo || invoice.supplier)?.name],
    PRBATCH: ['TEXT', ({ invoice }) => `Bills: ${invoice.accountingDate.replaceAll('-', '/')} Batch`],
    PRBATCHKEY: ['INTEGER', ({ invoice }) => Math.floor(seconds(invoice.accountingDate) / 86_400)],
    SYSTEMGENERATED: ['BOOLEAN', () => 'F'],
    DUE_IN_DAYS: [
      'INTEGER',
      ({ invoice }) => Math.floor((Date.parse(dueDate(invoice)) - company.now()) / 86_400_000),
      { readOnly: true },
    ],
    ...common,
    PAYMENT_APPROVAL: ['ENUM', ({ invoice }) => invoice.paymentApproval, { label: 'Payment approval', custom: true }],
    APPROVAL_ROUTES: [
      'TEXT',
      ({ invoice }) => (invoice.category === 'invoice' ? 'Buyer#~#Controller' : null),
      { label: 'Approval routes', custom: true },
    ],
  }

  const item: FieldList<BillRow> = {
    RECORDNO: ['INTEGER', ({ no, line }) => lineNo(no, line.line), { readOnly: true, index: 'no' }],
    RECORDKEY: ['INTEGER', ({ no }) => no, { readOnly: true, index: 'parent' }],
    RECORDTYPE: ['TEXT', () => 'pi', { readOnly: true }],
    LINE_NO: ['INTEGER', ({ line }) => line.line],
    ACCOUNTNO: ['TEXT', ({ line }) => line.account, { required: true }],
    AMOUNT: ['CURRENCY', ({ line }) => plain(line.amountCompany)],
    TRX_AMOUNT: ['CURRENCY', ({ line }) => plain(line.amount), { required: true }],
    ENTRYDESCRIPTION: ['TEXT', ({ line }) => line.description],
    DEPARTMENTID: ['TEXT', ({ line }) => line.dimensions.CCT],
    LOCATIONID: ['TEXT', ({ line }) => line.site],
    LOCATIONKEY: ['INTEGER', ({ line }) => locationNo(line.site)],
    LOCATIONNAME: ['TEXT', ({ line }) => books.codes.site?.[line.site]],
    PROJECTID: ['TEXT', ({ line }) => line.dimensions.PRO],
    CLASSID: ['TEXT', ({ line }) => line.tax],
    ITEMID: ['TEXT', ({ line }) => line.product],
    [`GLDIM${userDimension.toUpperCase()}`]: ['INTEGER', ({ line }) => userDimensionId(books, line.dimensions.PRD)],
    ...(common as FieldList<BillRow>),
    AUWHENCREATED: ['TIMESTAMP', ({ line }) => line.created, { readOnly: true, index: 'created' }],
    WHENMODIFIED: ['TIMESTAMP', ({ line }) => line.updated, { readOnly: true, index: 'modified' }],
    STATE: ['TEXT', (one) => (posted(one) ? 'A' : 'S')],
  }

  const states = { Complete: 'C', Draft: 'D', Approved: 'A', Voided: 'V', Submitted: 'S' }
  const payment: FieldList<PaymentRow> = {
    RECORDNO: ['INTEGER', ({ no }) => firstPayment + no, { readOnly: true, index: 'no' }],
    RECORDTYPE: ['TEXT', () => 'pp', { readOnly: true }],
    FINANCIALENTITY: ['TEXT', ({ payment }) => payment.bank],
    STATE: ['ENUM', ({ payment }) => (payment.voided ? 'Voided' : 'Complete'), { codes: states }],
    RAWSTATE: ['TEXT', ({ payment }) => (payment.voided ? 'V' : 'C')],
    PAYMENTMETHOD: ['TEXT', ({ payment }) => payment.method],
    DOCNUMBER: ['TEXT', ({ payment }) => payment.number],
    WHENCREATED: ['DATE', ({ payment }) => payment.date, { label: 'Date' }],
    PAYMENTDATE: ['DATE', ({ payment }) => payment.date],
    WHENPAID: ['DATE', ({ payment }) => payment.date],
    TOTALENTERED: ['CURRENCY', ({ payment }) => plain(payment.amountCompany)],
    TRX_TOTALENTERED: ['CURRENCY', ({ payment }) => plain(payment.amount)],
    TOTALPAID: ['CURRENCY', ({ payment }) => (payment.voided ? '0' : plain(payment.amountCompany))],
    TRX_TOTALPAID: ['CURRENCY', ({ payment }) => (payment.voided ? '0' : plain(payment.amount))],
    ...(common as FieldList<PaymentRow>),
  }

  const detail: FieldList<DetailRow> = {
    RECORDNO: ['INTEGER', ({ no, line }) => lineNo(firstPayment + no, line.line), { readOnly: true, index: 'no' }],
    PAYMENTKEY: ['INTEGER', ({ no }) => firstPayment + no, { readOnly: true, index: 'parent' }],
    RECORDKEY: ['INTEGER', ({ no }) => no, { readOnly: true }],
    ENTRYKEY: ['INTEGER', ({ no, line }) => lineNo(no, line.line), { readOnly: true }],
    PAYMENTAMOUNT: ['CURRENCY', ({ line }) => plain(line.amountCompany)],
    TRX_PAYMENTAMOUNT: ['CURRENCY', ({ line }) => plain(line.amount)],
    ...(common as FieldList<DetailRow>),
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
        bill,
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
      fields: fieldsOf(item, 'ACCOUNTLABEL CUSTOMERID EMPLOYEEID TASKID FORM1099 BILLABLE:BOOLEAN'),
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
      fields: fieldsOf(payment, 'DESCRIPTION FINANCIALENTITYTYPE CLEARED:BOOLEAN SUPDOCID'),
      relations: [vendor],
      entries: () => records.of('payment'),
      load: withPayment,
      owned: { list: 'APPYMTDETAILS', line: 'appymtdetail', object: 'APPYMTDETAIL' },
    }),
    object({
      name: 'APPYMTDETAIL',
      label: 'AP payment detail',
      fields: fieldsOf(detail, 'POSADJKEY:INTEGER DISCOUNTDATE:DATE'),
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
