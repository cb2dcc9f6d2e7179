/** Approved invoices and tables for tests of posting. */
import { readFileSync } from 'node:fs'
import type { OperationNames } from '../../nodes/x3/client/posting/operation.ts'
import type { PostingRules, TaxRule } from '../../nodes/x3/client/posting/rules.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'

export const HAND = new URL('../fixtures/hand-journals/', import.meta.url)

/** The tables of the journals that were typed by hand. */
export const handRules = JSON.parse(readFileSync(new URL('rules.json', HAND), 'utf8')) as PostingRules

export const taxRule = (code: string, more: Partial<TaxRule> = {}): TaxRule => ({
  ...{ code, x3Code: 'NOR', treatment: 'tax', account: '445660', owedAccount: '', rate: '', deductible: '100' },
  accountOnly: false,
  ...more,
})

/** A row of 100.00 with 20.00 of tax. */
export const codingRow = (more: Row = {}): Row => ({
  ...{ line: 1, row: 'r1', account: '606300', cost_centre: 'CC100' },
  ...{ net_amount: '100.00', tax_amount: '20.00', tax_code: 'FR-S20', ...more },
})

/** An invoice of 120.00 euros with that row. */
export const approved = (more: Row = {}, lines: readonly Row[] = [codingRow()]): DataRecord => ({
  ...{ _row: 0, source: 'basware', id: '8d1f', revision: 0, number: 'F-117', company: 'FR10', supplier: 'AE022' },
  ...{ invoice_type: 'INVOICE', invoice_date: '2026-03-02', voucher_date: '2026-03-05', due_date: '2026-04-30' },
  ...{ currency: 'EUR', net_amount: '100.00', tax_amount: '20.00', gross_amount: '120.00', payment_block: false },
  ...{ description: 'Spare parts', ...more },
  lines: lines.map((line) => ({ ...line })),
})

/** The operations of the sandbox's customer, under the names that he has chosen. */
export const OPERATION: OperationNames = {
  post: { path: 'zTieout.journal.postJournal', input: 'ZJournal_Input' },
  find: { path: 'zTieout.journal.findJournal', input: 'ZFind_Input' },
  remove: { path: 'zTieout.journal.deleteJournal', input: 'ZDelete_Input' },
  header: {
    ...{ FCY: 'site', TYP: 'entryType', NUM: 'number', ACCDAT: 'date', JOU: 'journal', STA: 'status', CUR: 'currency' },
    ...{
      RATDAT: 'rateDate',
      REFINT: 'reference',
      DESVCR: 'description',
      BPRVCR: 'sourceDocument',
      BPRDATVCR: 'sourceDate',
    },
  },
  line: {
    ...{ FCYLIN: 'site', ACC1: 'account', BPR: 'partner', DEB: 'debit', CDT: 'credit', DES: 'text', TAX: 'tax' },
    ...{ CCE1: 'costCentre', CCE3: 'project' },
  },
  lines: 'lines',
  reply: { number: 'journalNumber', type: 'journalType', success: 'created', message: 'message' },
  found: {
    ...{ list: 'journals', number: 'journalNumber', type: 'journalType', reference: 'reference', status: 'status' },
    ...{ final: 'final', currency: 'currency', owed: 'owed', partner: 'partner' },
  },
}

/** The same of one that makes supplier invoices. */
export const INVOICE_OPERATION: OperationNames = {
  ...OPERATION,
  post: { path: 'zTieout.journal.postInvoice', input: 'ZInvoice_Input' },
  remove: { path: 'zTieout.journal.deleteInvoice', input: 'ZDeleteInvoice_Input' },
  header: {
    ...{ FCY: 'site', TYP: 'invoiceType', NUM: 'number', ACCDAT: 'date', STA: 'status', CUR: 'currency' },
    ...{ BPR: 'supplier', BPRVCR: 'supplierNumber', BPRDATVCR: 'supplierDate', DESVCR: 'description' },
    ...{ REFINT: 'reference', AMTNOT: 'withoutTax', AMTTAX: 'tax', AMTATI: 'withTax', DUDDAT: 'dueDate' },
  },
  line: { ACC1: 'account', AMT: 'amount', DES: 'text', TAX: 'taxCode', CCE1: 'costCentre', ORDER: 'orderNumber' },
  ...{ taxes: 'taxes', tax: { TAX: 'code', BASTAX: 'base', AMTTAX: 'amount' } },
}
