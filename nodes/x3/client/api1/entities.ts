/**
 * What an entity is on REST api1: columns of the table dictionary (x3.md facts, 6). No class, representation or name of a
 * collection is certain; a customer's file of the same form takes the place of what stands here.
 */
import { z } from 'zod'

/** A field, or one with a local menu (its members from 1), or one whose 0 means that there is none. */
const column = z.union([
  z.string().min(1),
  z.object({ field: z.string().min(1), menu: z.array(z.string()).optional(), zero: z.literal('none').optional() }),
])
const columns = z.record(z.string(), column)

const list = z.object({
  /** Name of the array in the details. */
  collection: z.string().min(1),
  columns,
  /** Field with 1 for debit and -1 for credit. */
  sign: z.string().optional(),
  /** Arrays of dimension types and of their codes, in the same order. */
  dimensions: z.object({ types: z.string(), codes: z.string() }).optional(),
})
const entity = z.object({
  /** Class that is proposed, where the site publishes it under any representation. */
  proposed: z.string(),
  /** Fields of the key, in its order. */
  key: z.array(z.string()).min(1),
  columns,
  /** Field with 1 for debit and -1 for credit, which the document's amounts are multiplied with. */
  sign: z.string().optional(),
  /** Date of the document, where no stamp can be compared. */
  date: z.string().optional(),
  lists: z.record(z.string(), list).default({}),
  /** Lists inside of a list, by the outer one's name. */
  inner: z.record(z.string(), z.record(z.string(), list)).default({}),
  /** Lists that are a class of their own: each element names its document by the field `by`. */
  apart: z
    .record(z.string(), z.object({ proposed: z.string(), key: z.array(z.string()).min(1), by: z.string(), columns }))
    .default({}),
  /** Classes whose stamps lead to records of this one: by the fields of its key. */
  watch: z.array(z.object({ walk: z.string(), proposed: z.string(), by: z.array(z.string()).min(1) })).default([]),
})
export const api1File = z.record(z.string(), entity)
export type Api1Entity = z.output<typeof entity>
export type Api1List = z.output<typeof list>
export type Api1Column = z.output<typeof column>

/** Of the dimension types. */
export const DIMENSION_TYPES = { name: 'dimension_type', proposed: 'GDIE', field: 'DIE' }

const INVOICES = ['invoice', 'creditMemo', 'debitNote', 'creditNote', 'proforma']
const POSTED = ['notPosted', 'posted', 'notUsed']
const DEGREE = ['no', 'inPart', 'inFull', 'notManaged', 'automatic']
const LEDGERS = ['legal', 'analytical', 'ias', ...[4, 5, 6, 7, 8, 9, 10].map((number) => `ledger${number}`)]

const PARTNER = { vat_number: 'EECNUM', country: 'CRY', language: 'LAN', currency: 'CUR' }
const CODED = { title: 'DES', active: 'ENAFLG' }

const given: z.input<typeof api1File> = {
  supplier: {
    proposed: 'BPSUPPLIER',
    key: ['BPSNUM'],
    columns: {
      ...{ code: 'BPSNUM', name: 'BPSNAM', short_name: 'BPSSHO', ...PARTNER, category: 'BSGCOD', pay_to: 'BPRPAY' },
      ...{ bill_by: 'BPSINV', active: 'ENAFLG', bank_account: 'BIDNUM' },
    },
    watch: [{ walk: 'joined', proposed: 'BPARTNER', by: ['BPRNUM'] }],
  },
  customer: {
    proposed: 'BPCUSTOMER',
    key: ['BPCNUM'],
    columns: {
      ...{ code: 'BPCNUM', name: 'BPCNAM', short_name: 'BPCSHO', ...PARTNER, category: 'BCGCOD', active: 'BPCSTA' },
    },
    watch: [{ walk: 'joined', proposed: 'BPARTNER', by: ['BPRNUM'] }],
  },
  product: {
    proposed: 'ITMMASTER',
    key: ['ITMREF'],
    columns: {
      ...{ code: 'ITMREF', description: 'ITMDES1', stock_unit: 'STU', upc: 'EANCOD', base_price: 'BASPRI' },
      status: {
        field: 'ITMSTA',
        menu: ['active', 'inDevelopment', 'onShortage', 'notRenewed', 'obsolete', 'notUsable'],
      },
    },
  },
  gl_account: { proposed: 'GACCOUNT', key: ['COA', 'ACC'], columns: { chart: 'COA', code: 'ACC', ...CODED } },
  dimension: { proposed: 'CACCE', key: ['DIE', 'CCE'], columns: { type: 'DIE', code: 'CCE', ...CODED } },
  cost_centre: { proposed: 'CACCE', key: ['DIE', 'CCE'], columns: { type: 'DIE', code: 'CCE', ...CODED } },
  purchase_order: {
    proposed: 'PORDER',
    key: ['POHNUM'],
    date: 'ORDDAT',
    columns: {
      ...{
        number: 'POHNUM',
        company: 'CPY',
        site: 'POHFCY',
        supplier: 'BPSNUM',
        order_date: 'ORDDAT',
        currency: 'CUR',
      },
      order_type: { field: 'POHTYP', menu: ['normal', 'contract', 'subcontract'] },
      ...{ internal_reference: 'ORDREF', receipt_site: 'RCPFCY', invoice_site: 'INVFCY', payment_term: 'PTE' },
      expected_receipt_date: 'EXTRCPDAT1',
      closed: { field: 'CLEFLG', menu: ['no', 'yes'] },
      receipt_status: { field: 'RCPFLG', menu: DEGREE },
      signature_status: { field: 'APPFLG', menu: DEGREE },
      invoice_status: { field: 'INVFLG', menu: DEGREE },
    },
    lists: {
      lines: {
        collection: 'POHLIN',
        columns: {
          ...{ line: 'POPLIN', sequence: 'POQSEQ', product: 'ITMREF', description: 'ITMDES', unit: 'UOM' },
          ...{ quantity: 'QTYUOM', received_quantity: 'RCPQTYSTU', gross_price: 'GROPRI', discount: 'DISCRGVAL1' },
          ...Object.fromEntries([2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`discount_${n}`, `DISCRGVAL${n}`])),
          ...{ net_price: 'NETPRI', net_amount: 'LINAMT', tax: 'VAT1', stock_unit: 'STU', quantity_stock: 'QTYSTU' },
          line_status: { field: 'LINSTA', menu: ['pending', 'late', 'closed'] },
          line_closed: { field: 'LINCLEFLG', menu: ['no', 'yes'] },
        },
        dimensions: { types: 'DIE', codes: 'CCE' },
      },
    },
    apart: {
      receipts: {
        proposed: 'PRECEIPTD',
        key: ['PTHNUM', 'PTDLIN'],
        by: 'POHNUM',
        columns: {
          ...{ receipt: 'PTHNUM', receipt_line: 'PTDLIN', line: 'POPLIN', sequence: 'POQSEQ', receipt_date: 'RCPDAT' },
          ...{ site: 'PRHFCY', delivery_note: 'BPSNDE', product: 'ITMREF', unit: 'UOM', quantity: 'QTYUOM' },
          ...{ quantity_stock: 'QTYSTU', net_price: 'NETPRI' },
        },
      },
    },
    watch: [
      { walk: 'lines', proposed: 'PORDERQ', by: ['POHNUM'] },
      { walk: 'receipts', proposed: 'PRECEIPTD', by: ['POHNUM'] },
    ],
  },
  supplier_invoice: {
    proposed: 'PINVOICE',
    key: ['NUM'],
    sign: 'SNS',
    date: 'ACCDAT',
    columns: {
      ...{ number: 'NUM', invoice_type: 'PIVTYP', company: 'CPY', site: 'FCY', supplier: 'BPR', pay_to: 'BPRPAY' },
      category: { field: 'INVTYP', menu: INVOICES },
      ...{ accounting_date: 'ACCDAT', source_document: 'BPRVCR', source_document_date: 'BPRDAT', currency: 'CUR' },
      payment_term: 'PTE',
      status: { field: 'STA', menu: POSTED },
      payment_approval: { field: 'PAZ', menu: ['pending', 'conflict', 'delayed', 'authorizedToPay'] },
      ...{ debit_or_credit: 'SNS', amount_without_tax: 'AMTNOT', amount_with_tax: 'AMTATI' },
      ...{ amount_without_tax_company: 'AMTNOTL', amount_with_tax_company: 'AMTATIL' },
    },
    lists: {
      lines: {
        collection: 'PIDLIN',
        columns: {
          ...{ line: 'PIDLIN', site: 'FCYLIN', product: 'ITMREF', description: 'ITMDES', unit: 'UOM' },
          ...{ quantity: 'QTYUOM', gross_price: 'GROPRI', order_number: 'NUMORI' },
          order_line: { field: 'LINORI', zero: 'none' },
        },
      },
    },
    watch: [
      { walk: 'lines', proposed: 'PINVOICED', by: ['NUM'] },
      { walk: 'joined', proposed: 'PINVOICEH', by: ['NUM'] },
    ],
  },
  sales_invoice: {
    proposed: 'SINVOICEV',
    key: ['NUM'],
    date: 'INVDAT',
    columns: {
      ...{ number: 'NUM', invoice_type: 'SIVTYP', company: 'CPY', site: 'FCY', customer: 'BPR', sold_to: 'BPCORD' },
      category: { field: 'INVTYP', menu: INVOICES },
      ...{ invoice_date: 'INVDAT', currency: 'CUR', internal_reference: 'INVREF', source_document: 'SIHORINUM' },
      status: { field: 'STA', menu: POSTED },
    },
    lists: {
      lines: {
        collection: 'SIDLIN',
        columns: {
          ...{ line: 'SIDLIN', product: 'ITMREF', description: 'ITMDES', unit: 'SAU', quantity: 'QTY' },
          ...{ gross_price: 'GROPRI', amount_without_tax: 'AMTNOTLIN' },
        },
      },
    },
    watch: [{ walk: 'lines', proposed: 'SINVOICED', by: ['NUM'] }],
  },
  gl_entry: {
    proposed: 'GACCENTRY',
    key: ['TYP', 'NUM'],
    date: 'ACCDAT',
    columns: {
      ...{ entry_type: 'TYP', number: 'NUM', company: 'CPY', site: 'FCY', journal: 'JOU', accounting_date: 'ACCDAT' },
      status: { field: 'STA', menu: ['temporary', 'final'] },
      ...{ transaction: 'DACDIA', currency: 'CUR' },
    },
    lists: {
      lines: {
        collection: 'GAELIN',
        sign: 'SNS',
        columns: {
          ledger: { field: 'LEDTYP', menu: LEDGERS },
          ...{ line: 'LIN', accounting_date: 'ACCDAT', site: 'FCYLIN', chart: 'COA', account: 'ACC' },
          ...{ control_account: 'SAC', business_partner: 'BPR', currency: 'CUR', amount: 'AMTCUR' },
          ...{ ledger_currency: 'CURLED', amount_ledger: 'AMTLED', quantity: 'QTY', description: 'DES' },
          ...{ matching_code: 'MTC', matching_date: 'MTCDAT', tax: 'TAX' },
        },
      },
    },
    inner: {
      lines: {
        analytical: {
          collection: 'GAALIN',
          columns: { split: 'ANALIN', site: 'FCYLIN', amount: 'AMTCUR', quantity: 'QTY' },
          dimensions: { types: 'DIE', codes: 'CCE' },
        },
      },
    },
    watch: [
      { walk: 'lines', proposed: 'GACCENTRYD', by: ['TYP', 'NUM'] },
      { walk: 'analytical', proposed: 'GACCENTRYA', by: ['TYP', 'NUM'] },
    ],
  },
}

/** By entity. */
export const API1_ENTITIES: Readonly<Record<string, Api1Entity>> = api1File.parse(given)
