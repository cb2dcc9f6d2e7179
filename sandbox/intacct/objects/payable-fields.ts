/** Fields of bills, payments and their lines. */
import {
  type BillLine,
  billTotals,
  companyOf,
  dueDate,
  isPaid,
  lastChange,
  type Payment,
} from '../../books/payables.ts'
import type { SupplierInvoice } from '../../books/types.ts'
import type { FieldList } from '../model.ts'
import { seconds } from '../records.ts'
import { type CompanyView, entityFields, locationNo, users } from './company.ts'
import { userDimension, userDimensionId } from './dimensions.ts'

export interface Bill {
  readonly no: number
  readonly invoice: SupplierInvoice
}

export interface BillRow extends Bill {
  readonly line: BillLine
}

export interface PaymentRow extends Bill {
  readonly payment: Payment
}

export interface DetailRow extends PaymentRow {
  readonly line: BillLine
}

/** Lines of document `no` have numbers of their own, with room for more. */
const perDocument = 8_192
export const lineNo = (no: number, line: number): number => no * perDocument + line
/** Payments are numbered apart from bills. */
export const firstPayment = 1_000_000

export const plain = (value: string): string => (value.includes('.') ? value.replace(/\.?0+$/, '') : value)

const totals = ({ invoice }: Bill) => billTotals(invoice)
const paidPart = (bill: Bill, amount: string): string => (isPaid(bill.invoice) ? amount : '0')
const duePart = (bill: Bill, amount: string): string => (isPaid(bill.invoice) ? '0' : amount)
const posted = ({ invoice }: Bill): boolean => invoice.status === 'posted'
const partner = (company: CompanyView, code: string) => company.thing('businessPartner', code)

const commonFields = (company: CompanyView): FieldList<Bill> => ({
  VENDORID: ['TEXT', ({ invoice }) => invoice.supplier, { required: true }],
  VENDORNAME: ['TEXT', ({ invoice }) => partner(company, invoice.supplier)?.name],
  BASECURR: ['TEXT', ({ invoice }) => companyOf(invoice.company).currency],
  CURRENCY: ['TEXT', ({ invoice }) => invoice.currency],
  MODULEKEY: ['TEXT', () => '3.AP'],
  AUWHENCREATED: ['TIMESTAMP', ({ invoice }) => invoice.created, { readOnly: true, index: 'created' }],
  WHENMODIFIED: ['TIMESTAMP', ({ invoice }) => lastChange(invoice), { readOnly: true, index: 'modified' }],
  CREATEDBY: ['INTEGER', () => users.buyer.no],
  MODIFIEDBY: ['INTEGER', () => users.buyer.no],
  ...entityFields(({ invoice }: Bill) => invoice.company, company.books),
})

export const billFields = (company: CompanyView): FieldList<Bill> => ({
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
  BILLTOPAYTOCONTACTNAME: ['TEXT', ({ invoice }) => partner(company, invoice.payTo || invoice.supplier)?.name],
  PRBATCH: ['TEXT', ({ invoice }) => `Bills: ${invoice.accountingDate.replaceAll('-', '/')} Batch`],
  PRBATCHKEY: ['INTEGER', ({ invoice }) => Math.floor(seconds(invoice.accountingDate) / 86_400)],
  SYSTEMGENERATED: ['BOOLEAN', () => 'F'],
  DUE_IN_DAYS: [
    'INTEGER',
    ({ invoice }) => Math.floor((Date.parse(dueDate(invoice)) - company.now()) / 86_400_000),
    { readOnly: true },
  ],
  ...commonFields(company),
  PAYMENT_APPROVAL: ['ENUM', ({ invoice }) => invoice.paymentApproval, { label: 'Payment approval', custom: true }],
  APPROVAL_ROUTES: [
    'TEXT',
    ({ invoice }) => (invoice.category === 'invoice' ? 'Buyer#~#Controller' : null),
    { label: 'Approval routes', custom: true },
  ],
})

export const itemFields = (company: CompanyView): FieldList<BillRow> => ({
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
  LOCATIONNAME: ['TEXT', ({ line }) => company.books.codes.site?.[line.site]],
  PROJECTID: ['TEXT', ({ line }) => line.dimensions.PRO],
  CLASSID: ['TEXT', ({ line }) => line.tax],
  ITEMID: ['TEXT', ({ line }) => line.product],
  [`GLDIM${userDimension.toUpperCase()}`]: [
    'INTEGER',
    ({ line }) => userDimensionId(company.books, line.dimensions.PRD),
  ],
  ...(commonFields(company) as FieldList<BillRow>),
  AUWHENCREATED: ['TIMESTAMP', ({ line }) => line.created, { readOnly: true, index: 'created' }],
  WHENMODIFIED: ['TIMESTAMP', ({ line }) => line.updated, { readOnly: true, index: 'modified' }],
  STATE: ['TEXT', (one) => (posted(one) ? 'A' : 'S')],
})

const states = { Complete: 'C', Draft: 'D', Approved: 'A', Voided: 'V', Submitted: 'S' }

export const paymentFields = (company: CompanyView): FieldList<PaymentRow> => ({
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
  ...(commonFields(company) as FieldList<PaymentRow>),
})

export const detailFields = (company: CompanyView): FieldList<DetailRow> => ({
  RECORDNO: ['INTEGER', ({ no, line }) => lineNo(firstPayment + no, line.line), { readOnly: true, index: 'no' }],
  PAYMENTKEY: ['INTEGER', ({ no }) => firstPayment + no, { readOnly: true, index: 'parent' }],
  RECORDKEY: ['INTEGER', ({ no }) => no, { readOnly: true }],
  ENTRYKEY: ['INTEGER', ({ no, line }) => lineNo(no, line.line), { readOnly: true }],
  PAYMENTAMOUNT: ['CURRENCY', ({ line }) => plain(line.amountCompany)],
  TRX_PAYMENTAMOUNT: ['CURRENCY', ({ line }) => plain(line.amount)],
  ...(commonFields(company) as FieldList<DetailRow>),
})
