import type { TaxKind } from './taxes.ts'

/** What an invoice is like. Every case comes once in each round of all of them. */
export interface Case {
  readonly name: string
  /** Rows of an order that it was matched with, or rows that somebody coded. */
  readonly from: 'order' | 'hand'
  readonly tax: TaxKind
  readonly credit?: true
  /** In a currency that is not the company's. */
  readonly foreign?: true
  /** Its state at the beginning, `WaitingForTransfer` unless told. */
  readonly state?: string
  /** What else is odd about it; see `twists.ts`. */
  readonly twist?: Twist
}

export type Twist =
  | 'negativeRow'
  | 'centOff'
  | 'otherCoding'
  | 'unknownCentre'
  | 'inactiveCentre'
  | 'inactiveAccount'
  | 'noAccount'
  | 'hostileText'
  | 'longest'
  | 'manyRows'
  | 'unmappedCompany'
  | 'paymentBlock'
  | 'noVoucherDate'
  | 'oldPeriod'
  | 'sameNumber'
  | 'unreadOrder'
  | 'twoOrders'
  | 'great'
  | 'prebooked'
  | 'typedVoucher'
  | 'enrichment'
  | 'mixedTax'
  | 'nothingToPay'

export const CASES: readonly Case[] = [
  { name: 'matched order', from: 'order', tax: 'normal' },
  { name: 'coded by hand', from: 'hand', tax: 'normal' },
  { name: 'reverse charge', from: 'hand', tax: 'reverse' },
  { name: 'partial deduction', from: 'hand', tax: 'partial' },
  { name: 'negative row', from: 'hand', tax: 'normal', twist: 'negativeRow' },
  { name: 'credit note', from: 'hand', tax: 'normal', credit: true },
  { name: 'one cent of rounding', from: 'hand', tax: 'normal', twist: 'centOff' },
  { name: 'foreign currency', from: 'hand', tax: 'exempt', foreign: true },
  { name: 'other coding than the order', from: 'order', tax: 'normal', twist: 'otherCoding' },
  { name: 'credit note on an order', from: 'order', tax: 'normal', credit: true },
  { name: 'several taxes', from: 'hand', tax: 'normal', twist: 'mixedTax' },
  { name: 'hostile texts', from: 'hand', tax: 'reduced', twist: 'hostileText' },
  { name: 'many rows', from: 'hand', tax: 'normal', twist: 'manyRows' },
  { name: 'matched order in foreign currency', from: 'order', tax: 'reverse', foreign: true },
  { name: 'payment block', from: 'hand', tax: 'normal', twist: 'paymentBlock' },
  { name: 'no voucher date', from: 'order', tax: 'normal', twist: 'noVoucherDate' },
  { name: 'unknown cost centre', from: 'hand', tax: 'normal', twist: 'unknownCentre' },
  { name: 'inactive cost centre', from: 'hand', tax: 'normal', twist: 'inactiveCentre' },
  { name: 'inactive account', from: 'hand', tax: 'normal', twist: 'inactiveAccount' },
  { name: 'no account', from: 'hand', tax: 'normal', twist: 'noAccount' },
  { name: 'company that the ERP does not have', from: 'hand', tax: 'normal', twist: 'unmappedCompany' },
  { name: 'period of a year ago', from: 'hand', tax: 'normal', twist: 'oldPeriod' },
  { name: "another invoice's number", from: 'hand', tax: 'normal', twist: 'sameNumber' },
  { name: 'order that the API does not have', from: 'order', tax: 'normal', twist: 'unreadOrder' },
  { name: 'order that the API has twice', from: 'order', tax: 'normal', twist: 'twoOrders' },
  { name: 'great amount', from: 'hand', tax: 'exempt', twist: 'great' },
  { name: 'every text as long as it may be', from: 'hand', tax: 'normal', twist: 'longest' },
  { name: 'rows that cancel out', from: 'hand', tax: 'normal', twist: 'nothingToPay' },
  { name: 'transferred before', from: 'hand', tax: 'normal', state: 'Transferred', twist: 'typedVoucher' },
  { name: 'in transfer, by somebody else', from: 'hand', tax: 'normal', state: 'TransferInProgress' },
  { name: 'prebooked', from: 'hand', tax: 'normal', twist: 'prebooked' },
  { name: 'voucher number typed in Basware', from: 'hand', tax: 'normal', twist: 'typedVoucher' },
  { name: 'enrichment', from: 'hand', tax: 'normal', state: 'WaitingForEnrichmentTransfer', twist: 'enrichment' },
  { name: 'returned', from: 'hand', tax: 'normal', state: 'Returned' },
  { name: 'waits for prebooking', from: 'hand', tax: 'normal', state: 'WaitingForPrebook' },
]
