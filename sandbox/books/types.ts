/**
 * The demo company's books: what is true in the ERP at a moment, in the words of accounting and of no vendor.
 * The sandboxes of the ERPs put it on their wires, the comparer holds it against the target's tables.
 */

/** Decimal as text (`"1234.50"`), never a number. */
export type Decimal = string
/** `YYYY-MM-DD`. */
export type DateText = string

/** What every stored thing has: its own change stamps, ISO 8601 UTC to the second; `updated` null where the ERP left it empty. */
export interface Stamped {
  created: string
  updated: string | null
  /** Not to be seen before this moment of the ERP's clock (a transaction that commits late). */
  visibleFrom?: string
}

export interface BusinessPartner extends Stamped {
  code: string
  name: string
  shortName: string
  vatNumber: string
  country: string
  language: string
  currency: string
  isSupplier: boolean
  isCustomer: boolean
  bankAccounts: string[]
}

/** Name, tax number, country and language stand on the business partner of the same code. */
export interface Supplier extends Stamped {
  code: string
  category: string
  currency: string
  payTo: string
  billBy: string
  active: boolean
}

export interface Customer extends Stamped {
  code: string
  category: string
  currency: string
  active: boolean
}

export interface Product extends Stamped {
  code: string
  description: string
  status: string
  stockUnit: string
  upc: string
  basePrice: Decimal
}

export interface Account extends Stamped {
  chart: string
  code: string
  title: string
  active: boolean
}

export interface Dimension extends Stamped {
  type: string
  code: string
  title: string
  active: boolean
}

export interface PurchaseOrderLine extends Stamped {
  line: number
  sequence: number
  product: string
  description: string
  unit: string
  quantity: Decimal
  receivedQuantity: Decimal
  grossPrice: Decimal
  discount: Decimal
  /** Closed by itself, in an order that is open. */
  closed?: 'yes'
}

export interface PurchaseOrder extends Stamped {
  number: string
  company: string
  site: string
  supplier: string
  orderDate: DateText
  orderType: string
  currency: string
  internalReference: string
  receiptSite: string
  invoiceSite: string
  expectedReceiptDate: DateText | null
  paymentTerm: string
  closed: 'no' | 'yes'
  receiptStatus: string
  signatureStatus: string
  /** Receipts that were corrected without the order. */
  receipts?: { updated: string; note: string }
  lines: PurchaseOrderLine[]
}

export interface SupplierInvoiceLine extends Stamped {
  line: number
  site: string
  product: string
  description: string
  unit: string
  quantity: Decimal
  grossPrice: Decimal
  orderNumber: string | null
  orderLine: number | null
}

/** One document on two nodes in X3: `updated` is the invoice's stamp, `headerUpdated` that of its joined header. */
export interface SupplierInvoice extends Stamped {
  number: string
  headerUpdated: string
  category: string
  invoiceType: string
  company: string
  site: string
  supplier: string
  payTo: string
  accountingDate: DateText
  sourceDocument: string
  sourceDocumentDate: DateText
  currency: string
  paymentTerm: string
  status: string
  paymentApproval: string
  debitOrCredit: 1 | -1
  amountWithoutTax: Decimal
  amountWithTax: Decimal
  amountWithoutTaxCompany: Decimal
  amountWithTaxCompany: Decimal
  lines: SupplierInvoiceLine[]
}

export interface SalesInvoiceLine extends Stamped {
  line: number
  product: string
  description: string
  unit: string
  quantity: Decimal
  grossPrice: Decimal
  amountWithoutTax: Decimal
}

export interface SalesInvoice extends Stamped {
  number: string
  category: string
  invoiceType: string
  company: string
  site: string
  customer: string
  soldTo: string
  invoiceDate: DateText
  currency: string
  status: string
  internalReference: string
  sourceDocument: string
  lines: SalesInvoiceLine[]
}

/** One analytical split of a journal line; `dimensions` maps a type to a code. Amount positive, the line's sign applies. */
export interface AnalyticalLine {
  split: number
  site: string
  amount: Decimal
  quantity: Decimal
  dimensions: Record<string, string>
}

/** A journal line exists once per ledger; `sign` 1 debit, -1 credit, amounts positive. */
export interface JournalLine extends Stamped {
  ledger: string
  line: number
  site: string
  accountingDate: DateText
  chart: string
  account: string
  controlAccount: string | null
  businessPartner: string | null
  sign: 1 | -1
  currency: string
  amount: Decimal
  ledgerCurrency: string
  ledgerAmount: Decimal
  quantity: Decimal
  description: string
  matchingCode: string | null
  matchingDate: DateText | null
  tax: string | null
  analytical: AnalyticalLine[]
}

export interface JournalEntry extends Stamped {
  entryType: string
  number: string
  company: string
  site: string
  journal: string
  accountingDate: DateText
  status: 'temporary' | 'final'
  transaction: string
  currency: string
  /** References that somebody entered: a free one, an internal one, the number of the document; absent: none. */
  references?: { readonly free: string; readonly internal: string; readonly document: string }
  /** When what is owed falls due, where somebody entered it; absent: by the terms of the partner. */
  dueDate?: DateText
  lines: JournalLine[]
  /** A document that a correct sync must hold, with the reason (an unbalanced journal); it must not reach a target. */
  mustHold?: string
}

/** Everything in the books, by the name of its table. */
export interface BookTables {
  businessPartner: BusinessPartner
  supplier: Supplier
  customer: Customer
  product: Product
  account: Account
  dimension: Dimension
  purchaseOrder: PurchaseOrder
  supplierInvoice: SupplierInvoice
  salesInvoice: SalesInvoice
  journalEntry: JournalEntry
}
export type TableName = keyof BookTables

/**
 * One table, in the order of its keys (plain code-point order of `key`). Nothing is held in memory but what days have changed.
 * Things are snapshots: a later change replaces them and never touches one that somebody holds; nobody may write to them.
 */
export interface BookTable<T> {
  /** How many there are now (deleted ones left out), whether visible yet or not. */
  count(): number
  /** The thing with this key now. Multi-part keys are joined with `|` (`chart|code`, `type|code`, `entryType|number`). */
  get(key: string): T | undefined
  /** Key of a thing. */
  keyOf(thing: T): string
  /** Everything in key order behind `after`. Laziness matters: a page of 200 must not cost the whole table. */
  walk(after?: string): Iterable<T>
  /**
   * Keys in key order behind `after` whose own stamp lies in [from, to] (ISO, inclusive, either open), without building the things themselves.
   * `part` chooses whose stamp: the header's own, the greatest of its lines' (any line in the range counts), the joined header's of a supplier invoice, or those with an empty stamp.
   */
  changed(
    range: { from?: string; to?: string },
    part: 'own' | 'lines' | 'joined' | 'empty',
    after?: string,
  ): Iterable<string>
  /**
   * The thing's own number: those of the beginning are counted from 1 in key order, later ones in the order in which they came.
   * One that is made anew under the key of a removed one has a number of its own. Undefined where there is none now.
   */
  numberOf(key: string): number | undefined
  /** What has happened to the table, from the event at position `since` on, oldest first. */
  events(since?: number): readonly TableEvent<T>[]
}

/** A thing was put (made or changed) or, with the moment at which it was, removed: as it was put, or as it was last. */
export interface TableEvent<T = unknown> {
  readonly key: string
  readonly number: number
  readonly thing: T
  readonly removed?: string
}

export type Size = 'small' | 'medium' | 'large'

export interface BooksOptions {
  seed: number
  /** About 2 thousand, 50 thousand, 1 million rows over all tables; or a number of rows. */
  size: Size | number
  /** The day on which the books stand at the beginning; business dates count back from it. */
  today: DateText
  /** The ERP's clock in ms since 1970, read whenever something is stamped. */
  now(): number
}

/** A change that waits for a reader to be in the middle of a document: the sandbox calls `apply` between two pages of its lines; `finish` applies what is left. */
export interface Ambush {
  table: TableName
  key: string
  apply(): void
}

export interface Books {
  readonly tables: { readonly [N in TableName]: BookTable<BookTables[N]> }
  /** No stamp that the books had at their beginning is later than this (ISO). */
  readonly begun: string
  /** Puts a journal entry that somebody has posted into the books, new or in the place of the one with its key. */
  post(entry: JournalEntry): void
  /** Takes the journal entry with this key away at a moment (ISO). */
  unpost(key: string, at: string): void
  /** Companies, sites, currencies, units, tax codes and so on that references lead to: kind -> code -> title. */
  readonly codes: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** The next business day of changes, stamped between the ERP's clock less 24 hours and the clock; the caller has moved the clock on by a day before. Returns what it did, one name a kind of change. */
  day(): string[]
  /** Changes that wait for a reader; taken away as they are applied. */
  ambushes(): readonly Ambush[]
  /** Node whose right is lost in mid-run of the day just begun (a name such as `purchaseOrder`), or undefined. */
  lostRight(): TableName | undefined
  /** Applies every ambush that is left and gives back the right: after it the books no longer change. */
  finish(): void
  /** The greatest stamp in the books, those in the future and moments of late visibility included (ISO). */
  lastStamp(): string
}
