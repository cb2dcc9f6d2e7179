/** The tables and choices of a tenant by which records become Basware's. */
import type { Place } from './resources.ts'

export interface CompanyRow {
  /** Code in the ERP. */
  readonly company: string
  /** Code in Basware; empty: the same. */
  readonly code: string
  /** Organisation element of its orders; empty: by the rule. */
  readonly organization: string
  /** Chart of accounts whose accounts it has; empty: those of all. */
  readonly chart: string
}

export interface AxisRow {
  /** Dimension type in the ERP. */
  readonly axis: string
  /** Where its values are sent to; empty: nowhere. */
  readonly to:
    | Exclude<Place, 'vendors' | 'accounts' | 'matchingOrders' | 'matchingOrderLines' | 'purchaseRequisitions'>
    | ''
  /** Of a list: columns of code and name. */
  readonly code: string
  readonly name: string
  /** Field of the coding row of an order line; empty: none. */
  readonly coding: string
}

export interface AccountRow {
  /** Company in the ERP; `*`: any. */
  readonly company: string
  /** Product of the order line; `*`: any. */
  readonly product: string
  readonly account: string
}

export interface CodeRow {
  readonly code: string
  readonly theirs: string
}

export interface SendRules {
  /** Part of what P2P knows an order by: it never changes. */
  readonly sourceSystem: string
  /** Languages of names; `en-US` is always among them. */
  readonly languages: readonly string[]
  readonly companies: readonly CompanyRow[]
  /** Organisation element of an order whose company has none in the table. */
  readonly organization: 'company' | 'site'
  readonly axes: readonly AxisRow[]
  readonly accounts: readonly AccountRow[]
  readonly taxes: readonly CodeRow[]
  readonly units: readonly CodeRow[]
  /** Scheme of the VAT number among a vendor's identifiers; empty: it is not sent. */
  readonly vatScheme: string
  readonly paymentTerms: boolean
  /** What a purchase order becomes: an order that invoices are matched with, or a requisition, which is made once and never changed. */
  readonly orders: 'matching' | 'requisition'
  readonly requisitions: {
    /** They are sent to approval; else they are drafts. */
    readonly toProcess: boolean
    /** Login of whom they belong to; empty: nobody is named. */
    readonly owner: string
  }
  /** Invoices are matched with the order, or with its receipts. */
  readonly matching: 'order' | 'receipt'
}

/** Why a record is not sent as it is. */
export interface Refusal {
  readonly code: string
  readonly message: string
  readonly field?: string
}

export const refusal = (code: string, message: string, field?: string): Refusal => ({
  code: `basware.${code}`,
  message,
  ...(field === undefined ? {} : { field }),
})

export const isRefusal = (made: object): made is Refusal => 'message' in made && 'code' in made

export const baswareCode = ({ company, code }: CompanyRow): string => code || company
