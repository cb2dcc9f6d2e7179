/** Codes that a person added to a code table of a flow, because a record was held for it. */
import type { NewDecision } from './decisions.ts'

/** One line of a code table beside those of the flow. */
export interface AddedCode {
  readonly id: string
  /** The node that has the code tables. */
  readonly mapping: string
  readonly table: string
  readonly from: string
  readonly to: string
  /** First and last day (`YYYY-MM-DD`), both inclusive; empty is open. */
  readonly valid_from: string
  readonly valid_to: string
  readonly by: string
  readonly at: string
  readonly reason: string
}

export interface AddedCodes {
  /** In the order in which they were added; `mapping`: of one node's tables. */
  addedCodes(mapping?: string): Promise<readonly AddedCode[]>
  /** With the decision that is kept of it. Throws `ledger.code` where the code was added for one of these days already. */
  addCode(code: Omit<AddedCode, 'id' | 'by' | 'at' | 'reason'>, decision: NewDecision): Promise<void>
  /** Takes one away again; gives it back, or nothing where there is none. */
  removeCode(id: string, decisionOf: (code: AddedCode) => NewDecision): Promise<AddedCode | undefined>
}
