/**
 * What a site publishes on api1: classes of the table dictionary under representations of its own making. Columns are those of
 * the dictionary; local menus are numbers from 1, booleans 1 = No and 2 = Yes, empty dates the database's own, blanks ''.
 */
import { invoiceStatus, lineDetails, receiptsOf } from '../../books/purchasing.ts'
import type {
  Books,
  BookTables,
  JournalEntry,
  JournalLine,
  PurchaseOrder,
  PurchaseOrderLine,
  Stamped,
  TableName,
} from '../../books/types.ts'
import { enums } from '../enums.ts'
import { nodesOf } from '../folder.ts'
import { decimal } from '../model.ts'

/** A JSON number written digit by digit; JavaScript would round what is longer than it can hold. */
export class Digits {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export interface PublishedClass {
  readonly name: string
  readonly representation: string
  readonly table?: TableName
  /** The node whose right it needs. */
  readonly right?: string
  /** What of a company's books it is, in plain words; `order.lines` where it has the lines of orders. */
  readonly holds: readonly string[]
  /** Columns of the key, in its order. */
  readonly key: readonly string[]
  /** Rows with their stamps, in the order of the key. */
  rows(books: Books): Iterable<PublishedRow>
  /** The row with these parts of the key; absent: it is looked for. */
  find?(parts: readonly string[], books: Books): PublishedRow | undefined
}

export interface PublishedRow {
  readonly item: Readonly<Record<string, unknown>>
  /** Of the details alone. */
  readonly lists?: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
  readonly stamp: Pick<Stamped, 'updated' | 'created' | 'visibleFrom'>
}

export const EMPTY_DATE = '1599-12-31'

const menu = (members: readonly string[], member: string): number => members.indexOf(member) + 1
const flag = (on: boolean): number => (on ? 2 : 1)
const number = (text: string): Digits => new Digits(decimal(text))
const date = (text: string | null): string => text ?? EMPTY_DATE

const of = <N extends TableName>(
  table: N,
  head: Pick<PublishedClass, 'name' | 'representation' | 'key' | 'holds'>,
  row: (thing: BookTables[N], books: Books) => Omit<PublishedRow, 'stamp'>,
): PublishedClass => ({
  ...head,
  table,
  right: nodesOf[table][0],
  *rows(books) {
    for (const thing of books.tables[table].walk())
      yield { ...row(thing as BookTables[N], books), stamp: thing as unknown as Stamped }
  },
  find(parts, books) {
    const thing = books.tables[table].get(parts.join('|'))
    return thing && { ...row(thing as BookTables[N], books), stamp: thing as unknown as Stamped }
  },
})

const partner = (books: Books, code: string) => {
  const found = books.tables.businessPartner.get(code)
  const { name = '', shortName = '', vatNumber = '', country = '', language = '', bankAccounts = [] } = found ?? {}
  return { EECNUM: vatNumber, CRY: country, LAN: language, BIDNUM: bankAccounts[0] ?? '', name, shortName }
}

/** Everything that can be published. */
export const publishedClasses = (): PublishedClass[] => [...masters(), ...documents()]

const masters = (): PublishedClass[] => [
  of(
    'businessPartner',
    { name: 'BPARTNER', holds: ['supplier.joined', 'customer.joined'], representation: 'YBPR', key: ['BPRNUM'] },
    (p) => ({
      item: {
        BPRNUM: p.code,
        BPRNAM: p.name,
        BPRSHO: p.shortName,
        EECNUM: p.vatNumber,
        CRY: p.country,
        LAN: p.language,
      },
    }),
  ),
  of('supplier', { name: 'BPSUPPLIER', holds: ['supplier'], representation: 'YBPS', key: ['BPSNUM'] }, (s, books) => {
    const { name, shortName, ...rest } = partner(books, s.code)
    return {
      item: {
        ...{ BPSNUM: s.code, BPSNAM: name, BPSSHO: shortName, ...rest, BSGCOD: s.category, CUR: s.currency },
        ...{ BPRPAY: s.payTo, BPSINV: s.billBy, ENAFLG: flag(s.active) },
      },
    }
  }),
  of('customer', { name: 'BPCUSTOMER', holds: ['customer'], representation: 'YBPC', key: ['BPCNUM'] }, (s, books) => {
    const { name, shortName, BIDNUM: _, ...rest } = partner(books, s.code)
    return {
      item: {
        ...{ BPCNUM: s.code, BPCNAM: name, BPCSHO: shortName, ...rest, BCGCOD: s.category, CUR: s.currency },
        BPCSTA: flag(s.active),
      },
    }
  }),
  of('product', { name: 'ITMMASTER', holds: ['product'], representation: 'YITM', key: ['ITMREF'] }, (p) => ({
    item: {
      ...{ ITMREF: p.code, ITMDES1: p.description, ITMSTA: menu(enums.ProductStatus, p.status), STU: p.stockUnit },
      ...{ EANCOD: p.upc, BASPRI: number(p.basePrice) },
    },
  })),
  of('account', { name: 'GACCOUNT', holds: ['gl_account'], representation: 'YGAC', key: ['COA', 'ACC'] }, (a) => ({
    item: { COA: a.chart, ACC: a.code, DES: a.title, ENAFLG: flag(a.active) },
  })),
  of(
    'dimension',
    { name: 'CACCE', holds: ['dimension', 'cost_centre'], representation: 'YCCE', key: ['DIE', 'CCE'] },
    (d) => ({
      item: { DIE: d.type, CCE: d.code, DES: d.title, ENAFLG: flag(d.active) },
    }),
  ),
  {
    ...{ name: 'GDIE', holds: ['dimension_type'], representation: 'YDIE', key: ['DIE'] },
    *rows(books) {
      for (const code of Object.keys(books.codes.dimensionType ?? {}).sort())
        yield { item: { DIE: code }, stamp: { created: '2019-01-01T06:00:00Z', updated: '2019-01-01T06:00:00Z' } }
    },
  },
]

const documents = (): PublishedClass[] => [
  of(
    'purchaseOrder',
    { name: 'PORDER', holds: ['purchase_order'], representation: 'YPOH', key: ['POHNUM'] },
    (o, books) => ({
      item: {
        ...{
          POHNUM: o.number,
          CPY: o.company,
          POHFCY: o.site,
          BPSNUM: o.supplier,
          ORDDAT: o.orderDate,
          CUR: o.currency,
        },
        ...{ POHTYP: menu(enums.PurchaseOrderType, o.orderType), ORDREF: o.internalReference, RCPFCY: o.receiptSite },
        ...{ INVFCY: o.invoiceSite, EXTRCPDAT1: date(o.expectedReceiptDate), PTE: o.paymentTerm },
        ...{ CLEFLG: menu(enums.LineStatus, o.closed), RCPFLG: menu(enums.ReceiptStatus, o.receiptStatus) },
        APPFLG: menu(enums.SignatureStatus, o.signatureStatus),
        INVFLG: menu(enums.ReceiptStatus, invoiceStatus(o)),
      },
      lists: {
        POHLIN: [...o.lines]
          .sort((a, b) => a.line - b.line || a.sequence - b.sequence)
          .map((l) => ({
            ...{ POPLIN: l.line, POQSEQ: l.sequence, ITMREF: l.product, ITMDES: l.description, UOM: l.unit },
            ...{ QTYUOM: number(l.quantity), RCPQTYSTU: number(l.receivedQuantity), GROPRI: number(l.grossPrice) },
            ...orderLineDetails(o, l, Object.keys(books.codes.dimensionType ?? {})),
          })),
      },
    }),
  ),
  linesOf('PORDERQ', 'purchase_order.lines', 'YPOQ', ['POHNUM', 'POPLIN', 'POQSEQ'], 'purchaseOrder', (o) =>
    o.lines.map((l) => [{ POHNUM: o.number, POPLIN: l.line, POQSEQ: l.sequence }, l]),
  ),
  receipts(),
  of(
    'supplierInvoice',
    { name: 'PINVOICE', holds: ['supplier_invoice'], representation: 'YPIH', key: ['NUM'] },
    (i) => ({
      item: {
        ...{
          NUM: i.number,
          INVTYP: menu(enums.InvoiceType, i.category),
          PIVTYP: i.invoiceType,
          CPY: i.company,
          FCY: i.site,
        },
        ...{ BPR: i.supplier, BPRPAY: i.payTo, ACCDAT: i.accountingDate, BPRVCR: i.sourceDocument, CUR: i.currency },
        ...{ BPRDAT: i.sourceDocumentDate, PTE: i.paymentTerm, STA: menu(enums.PurchasingInvoiceStatus, i.status) },
        ...{ PAZ: menu(enums.PaymentApprovalType, i.paymentApproval), SNS: i.debitOrCredit },
        ...{ AMTNOT: number(i.amountWithoutTax), AMTATI: number(i.amountWithTax) },
        ...{ AMTNOTL: number(i.amountWithoutTaxCompany), AMTATIL: number(i.amountWithTaxCompany) },
      },
      lists: {
        PIDLIN: [...i.lines]
          .sort((a, b) => a.line - b.line)
          .map((l) => ({
            ...{ PIDLIN: l.line, FCYLIN: l.site, ITMREF: l.product, ITMDES: l.description, UOM: l.unit },
            ...{ QTYUOM: number(l.quantity), GROPRI: number(l.grossPrice), NUMORI: l.orderNumber ?? '' },
            LINORI: l.orderLine ?? 0,
          })),
      },
    }),
  ),
  headersOf(),
  linesOf('PINVOICED', 'supplier_invoice.lines', 'YPID', ['NUM', 'PIDLIN'], 'supplierInvoice', (i) =>
    i.lines.map((l) => [{ NUM: i.number, PIDLIN: l.line }, l]),
  ),
  of('salesInvoice', { name: 'SINVOICEV', holds: ['sales_invoice'], representation: 'YSIH', key: ['NUM'] }, (i) => ({
    item: {
      ...{
        NUM: i.number,
        INVTYP: menu(enums.InvoiceType, i.category),
        SIVTYP: i.invoiceType,
        CPY: i.company,
        FCY: i.site,
      },
      ...{ BPR: i.customer, BPCORD: i.soldTo, INVDAT: i.invoiceDate, CUR: i.currency, INVREF: i.internalReference },
      ...{ STA: menu(enums.InvoiceStatus, i.status), SIHORINUM: i.sourceDocument },
    },
    lists: {
      SIDLIN: [...i.lines]
        .sort((a, b) => a.line - b.line)
        .map((l) => ({
          ...{ SIDLIN: l.line, ITMREF: l.product, ITMDES: l.description, SAU: l.unit, QTY: number(l.quantity) },
          ...{ GROPRI: number(l.grossPrice), AMTNOTLIN: number(l.amountWithoutTax) },
        })),
    },
  })),
  linesOf('SINVOICED', 'sales_invoice.lines', 'YSID', ['NUM', 'SIDLIN'], 'salesInvoice', (i) =>
    i.lines.map((l) => [{ NUM: i.number, SIDLIN: l.line }, l]),
  ),
  journals(),
  linesOf('GACCENTRYD', 'gl_entry.lines', 'YGED', ['TYP', 'NUM', 'LIN', 'LEDTYP'], 'journalEntry', (e) =>
    e.lines.map((l) => [lineOf(e, l), l]),
  ),
  linesOf('GACCENTRYA', 'gl_entry.analytical', 'YGEA', ['TYP', 'NUM', 'LIN', 'LEDTYP', 'ANALIN'], 'journalEntry', (e) =>
    e.lines.flatMap((l) => l.analytical.map(({ split }) => [{ ...lineOf(e, l), ANALIN: split }, l] as const)),
  ),
]

function orderLineDetails(order: PurchaseOrder, line: PurchaseOrderLine, axes: readonly string[]) {
  const { discounts, dimensions, ...details } = lineDetails(order, line)
  return {
    ...Object.fromEntries(discounts.map((percent, index) => [`DISCRGVAL${index + 1}`, number(percent)])),
    ...{ NETPRI: number(details.netPrice), LINAMT: number(details.netAmount), VAT1: details.tax },
    ...{ STU: details.stockUnit, QTYSTU: number(details.quantityStock) },
    ...{ LINSTA: menu(enums.PurchaseOrderLineStatus, details.status), LINCLEFLG: flag(details.closed === 'yes') },
    ...{ DIE: axes, CCE: axes.map((axis) => dimensions[axis] ?? '') },
  }
}

/** Lines of receipts, each with the order that it is of; no class of orders has them. */
const receipts = (): PublishedClass => ({
  ...{ name: 'PRECEIPTD', holds: ['purchase_order.receipts'], representation: 'YPTD', key: ['PTHNUM', 'PTDLIN'] },
  table: 'purchaseOrder',
  *rows(books) {
    const all = [...books.tables.purchaseOrder.walk()].flatMap((order) =>
      receiptsOf(order as PurchaseOrder).map((receipt) => ({ order: order as PurchaseOrder, receipt })),
    )
    const rows = all.map(({ order, receipt }) => ({
      item: {
        ...{ PTHNUM: receipt.number, PTDLIN: receipt.line, RCPDAT: receipt.date, PRHFCY: receipt.site },
        ...{ POHNUM: order.number, POPLIN: receipt.orderLine, POQSEQ: receipt.orderSequence, ITMREF: receipt.product },
        ...{ UOM: receipt.unit, QTYUOM: number(receipt.quantity), QTYSTU: number(receipt.quantityStock) },
        ...{ NETPRI: number(receipt.netPrice), BPSNDE: receipt.deliveryNote },
      },
      stamp: receipt,
    }))
    yield* rows.sort((a, b) => compareKeys(['PTHNUM', 'PTDLIN'], a.item, b.item))
  },
})

const lineOf = (e: JournalEntry, l: JournalLine) => ({
  ...{ TYP: e.entryType, NUM: e.number, LIN: l.line, LEDTYP: ledger(l.ledger) },
})

const ledger = (name: string): number => menu(enums.GeneralLedgerTypes, name)

/** Lines as a class of their own: their key and their stamps. */
function linesOf<N extends TableName>(
  name: string,
  held: string,
  representation: string,
  key: readonly string[],
  table: N,
  lines: (doc: BookTables[N]) => (readonly [Readonly<Record<string, unknown>>, Stamped])[],
): PublishedClass {
  return {
    ...{ name, representation, key, table, holds: [held], right: nodesOf[table][name === 'GACCENTRYA' ? 2 : 1] ?? '' },
    *rows(books) {
      for (const doc of books.tables[table].walk())
        for (const [item, stamp] of lines(doc as BookTables[N]).sort(([a], [b]) => compareKeys(key, a, b)))
          yield { item, stamp: { ...stamp, ...visible(doc) } }
    },
  }
}

const visible = (doc: object): Pick<Stamped, 'visibleFrom'> => {
  const { visibleFrom } = doc as Stamped
  return visibleFrom === undefined ? {} : { visibleFrom }
}

/** The joined header of a supplier invoice, whose stamp is its own. */
const headersOf = (): PublishedClass => ({
  ...{
    name: 'PINVOICEH',
    holds: ['supplier_invoice.joined'],
    representation: 'YPIJ',
    key: ['NUM'],
    table: 'supplierInvoice',
    right: 'SupplierInvoiceHeader',
  },
  *rows(books) {
    for (const i of books.tables.supplierInvoice.walk())
      yield { item: { NUM: i.number }, stamp: { ...visible(i), created: i.created, updated: i.headerUpdated } }
  },
})

function journals(): PublishedClass {
  return of(
    'journalEntry',
    { name: 'GACCENTRY', holds: ['gl_entry'], representation: 'YGAE', key: ['TYP', 'NUM'] },
    (e, books) => {
      const axes = Object.keys(books.codes.dimensionType ?? {})
      return {
        item: {
          ...{ TYP: e.entryType, NUM: e.number, CPY: e.company, FCY: e.site, JOU: e.journal, ACCDAT: e.accountingDate },
          ...{ STA: menu(enums.AccountingJournalStatus, e.status), DACDIA: e.transaction, CUR: e.currency },
          ...{ REF: e.references?.free ?? '', REFINT: e.references?.internal ?? '' },
          ...{ BPRVCR: e.references?.document ?? '' },
        },
        lists: {
          GAELIN: [...e.lines]
            .sort((a, b) => a.line - b.line || ledger(a.ledger) - ledger(b.ledger))
            .map((l) => ({
              ...{ LIN: l.line, LEDTYP: ledger(l.ledger), ACCDAT: l.accountingDate, FCYLIN: l.site, COA: l.chart },
              ...{
                SAC: l.controlAccount ?? '',
                ACC: l.account,
                BPR: l.businessPartner ?? '',
                SNS: l.sign,
                CUR: l.currency,
              },
              ...{
                AMTCUR: number(l.amount),
                CURLED: l.ledgerCurrency,
                AMTLED: number(l.ledgerAmount),
                QTY: number(l.quantity),
              },
              ...{ DES: l.description, MTC: l.matchingCode ?? '', MTCDAT: date(l.matchingDate), TAX: l.tax ?? '' },
              GAALIN: l.analytical.map((split) => ({
                ...{
                  ANALIN: split.split,
                  FCYLIN: split.site,
                  AMTCUR: number(split.amount),
                  QTY: number(split.quantity),
                },
                DIE: axes,
                CCE: axes.map((axis) => split.dimensions[axis] ?? ''),
              })),
            })),
        },
      }
    },
  )
}

/** Keys compare by their characters, numbers as numbers. */
export function compareKeys(
  key: readonly string[],
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): number {
  for (const name of key) {
    const [x, y] = [a[name] as string | number, b[name] as string | number]
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}
