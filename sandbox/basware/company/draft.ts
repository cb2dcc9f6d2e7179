import type { Company } from '../../books/codes.ts'
import type { Case } from './cases.ts'
import type { TaxKind } from './taxes.ts'

/** A row while an invoice is being made up; `net` in minor units, with the sign of an invoice. */
export interface DraftRow {
  readonly net: number
  readonly tax: TaxKind
  readonly account: string
  readonly accountName: string
  readonly costCentre: string
  readonly project: string
  readonly text: string
  /** What it was matched with. */
  readonly match?: {
    readonly order: string
    readonly line: number
    readonly quantity: string
    readonly ordered: string
    readonly coding: number
    readonly receipt: string | undefined
  }
}

export interface Draft {
  readonly index: number
  readonly like: Case
  readonly company: Company
  readonly supplier: string
  readonly currency: string
  readonly rows: readonly DraftRow[]
  readonly number: string
  readonly description: string
  /** Minor units by which the header's tax differs from the sum of its rows'. */
  readonly centsOff: number
  /** Days before the books' first day. */
  readonly age: number
  /** Fields of the header that are as no rule makes them. */
  readonly header: Readonly<Record<string, unknown>>
}
