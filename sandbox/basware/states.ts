import type { Entity } from './fields/kinds.ts'
import { paymentResponse, prebookResponse, transferResponse } from './fields/responses.ts'

/** What an acknowledgement makes of an invoice; from every other state it is refused. */
export const ACKNOWLEDGED: Readonly<Record<string, string>> = {
  WaitingForTransfer: 'TransferInProgress',
  WaitingForPrebook: 'PrebookInProgress',
}

/** One kind of answer that an ERP gives. */
export interface Answer {
  readonly entity: Entity
  readonly entityType: string
  /** List of the invoice that keeps them. */
  readonly list: string
  /** States in which it is taken, the acknowledged one first. */
  readonly from: readonly string[]
  readonly done: string
  /** Where it failed; without one the state stays. */
  readonly failed?: string
  /** Fields that a success leaves on the invoice. */
  readonly leaves: readonly string[]
}

export const ANSWERS: Readonly<Record<string, Answer>> = {
  transferResponses: {
    ...{ entity: transferResponse, entityType: 'TransferResponse', list: 'transferResponses' },
    from: ['TransferInProgress', 'WaitingForTransfer', 'TransferFailed'],
    ...{ done: 'Transferred', failed: 'TransferFailed' },
    leaves: ['voucherNumber1', 'voucherNumber2', 'paymentBlock'],
  },
  prebookResponses: {
    ...{ entity: prebookResponse, entityType: 'PrebookResponse', list: 'prebookResponses' },
    from: ['PrebookInProgress', 'WaitingForPrebook', 'PrebookFailed'],
    ...{ done: 'Prebooked', failed: 'PrebookFailed' },
    leaves: ['voucherNumber1', 'voucherNumber2', 'paymentBlock'],
  },
  paymentResponses: {
    ...{ entity: paymentResponse, entityType: 'PaymentResponse', list: 'paymentResponses' },
    from: ['Transferred', 'Paid'],
    done: 'Paid',
    leaves: ['paymentBlock', 'paymentMethod', 'paymentMessage'],
  },
}

/** States that a person in P2P takes an invoice from, by what is done there. */
export const BY_HAND: Readonly<Record<string, { readonly from: readonly string[]; readonly to: string }>> = {
  retransfer: { from: ['Transferred', 'TransferFailed', 'TransferInProgress', 'Paid'], to: 'WaitingForTransfer' },
  prebook: { from: ['WaitingForTransfer', 'PrebookFailed', 'New'], to: 'WaitingForPrebook' },
  release: { from: ['Prebooked', 'New'], to: 'WaitingForTransfer' },
  return: { from: ['WaitingForTransfer', 'TransferInProgress', 'TransferFailed', 'WaitingForPrebook'], to: 'Returned' },
  remove: { from: ['WaitingForTransfer', 'TransferFailed', 'Returned', 'New'], to: 'Removed' },
}
