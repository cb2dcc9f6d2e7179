/** What a journal is made by: the tables and choices of the node. Plain data. */

/**
 * `tax`: to be paid to the supplier and taken back, on a tax account. `cost`: it goes into the cost of its row. `reverse`: the
 * buyer owes it: taken back on one account and owed on another. `none`: there is none.
 */
export const TREATMENTS = ['tax', 'cost', 'reverse', 'none'] as const
export type Treatment = (typeof TREATMENTS)[number]

export interface TaxRule {
  /** Tax code of the invoice. */
  readonly code: string
  /** Tax code of X3; empty: none is sent. */
  readonly x3Code: string
  readonly treatment: Treatment
  /** `tax`, `reverse`: the account of the tax that is taken back. */
  readonly account: string
  /** `reverse`: the account of the tax that is owed. */
  readonly owedAccount: string
  /** `reverse`: percent of the net amount, where the invoice does not say the tax itself. Empty: the invoice's own percentage. */
  readonly rate: string
  /** Percent of the tax that is taken back; the rest goes into the cost of its row. */
  readonly deductible: string
  /** It may be posted without a tax code, where X3 publishes no field for one. */
  readonly accountOnly: boolean
}

/**
 * Whether a document of a type is an invoice, or a credit note, and with which sums those come: positive (debit and credit are
 * turned) or negative (the sign turns them).
 */
export const SIDES = ['invoice', 'credit-positive', 'credit-negative'] as const
export type Sides = (typeof SIDES)[number]

export interface TypeRule {
  /** Type of the invoice; empty: one that has no type. */
  readonly type: string
  readonly entryType: string
  /** Empty: what X3 takes for the entry type. */
  readonly journal: string
  readonly sides: Sides
}

export interface CompanyRule {
  /** Company of the invoice. */
  readonly company: string
  /** Site of X3 that its journals belong to. */
  readonly site: string
  /** Account of goods received and not invoiced, where the site books receipts; empty: it does not. */
  readonly accrual: string
  /** Account for differences of rounding; empty: any difference holds the invoice. */
  readonly rounding: string
}

export interface SupplierRule {
  /** `*`: of every company whose own rows do not name the supplier. */
  readonly company: string
  /** `*`: every other one. */
  readonly supplier: string
  /** Its control account. */
  readonly account: string
}

export interface DimensionRule {
  /** Column of the coding row (`cost_centre`, `project`, `dim_1`). */
  readonly column: string
  /** Field of a line of X3 (`CCE1`). */
  readonly field: string
}

export interface PostingRules {
  readonly taxes: readonly TaxRule[]
  readonly types: readonly TypeRule[]
  readonly companies: readonly CompanyRule[]
  readonly suppliers: readonly SupplierRule[]
  readonly dimensions: readonly DimensionRule[]
  /** Which date the journal gets: each falls back on the next. */
  readonly date: 'voucher' | 'invoice' | 'today'
  /** Most that the rows may differ from the gross amount, in smallest units of the document's currency. */
  readonly roundingUnits: number
  /** Field of the journal for a payment block, and what is sent in it; empty: an invoice with a block is held. */
  readonly blockField: string
  readonly blockValue: string
  /** Field of the journal for the due date; empty: X3 works it out. */
  readonly dueDateField: string
  /** Amounts of the document that are not posted, by their column's or custom field's name. */
  readonly notPosted: readonly string[]
}
