/** Which approved invoices may be taken over, and what keeps the others. Pure. */
import type { InboxItem } from '../../../sync/contract/inbox.ts'
import type { Invoice } from './replies.ts'

/** Why an invoice is held, for a person. */
export interface Held {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** Under which our answers stand at Basware. */
export const SOURCE_SYSTEM = 'Tieout'

const nameOf = ({ invoiceNumber, invoiceId }: Invoice): string =>
  `Invoice ${String(invoiceNumber ?? '')} (${invoiceId})`

const successes = (list: Invoice['transferResponses']) => (list ?? []).filter(({ success }) => success === true)

/**
 * The voucher of a successful answer that this ledger did not give, or one that somebody typed. Answers under our name count
 * as this ledger's where it knows the invoice.
 */
function foreignVoucher(invoice: Invoice, known: InboxItem | undefined): string | undefined {
  const given = successes(invoice.transferResponses)
  const own = given.filter(({ sourceSystem }) => known !== undefined && sourceSystem === SOURCE_SYSTEM)
  const other = given.find((one) => !own.includes(one))
  if (other) return `a successful answer with the voucher ${other.voucherNumber1 ?? '(none)'}`
  const typed = [invoice.voucherNumber1, invoice.voucherNumber2].filter(Boolean)
  return typed.length > 0 && own.length === 0 ? `the voucher number ${typed.join(', ')}` : undefined
}

/** What keeps an invoice from being taken over; undefined: nothing. `known`: what this ledger has of it. */
export function heldAt(invoice: Invoice, known: InboxItem | undefined): Held | undefined {
  if (invoice.prebooked === true || successes(invoice.prebookResponses).length > 0)
    return {
      code: 'basware.prebooked',
      message: `${nameOf(invoice)} is prebooked: its cost stands in the ERP already`,
      hint: 'Prebooking is not supported. Post it by hand, or have the prebooking taken back in Basware.',
    }
  const foreign = foreignVoucher(invoice, known)
  if (foreign === undefined) return undefined
  return {
    code: 'basware.voucher',
    message: `${nameOf(invoice)} has ${foreign}, of which this ledger does not know`,
    hint: 'It may stand in the ERP already: typed by hand, or posted from another ledger. Look it up there; if it is not, have the number taken away in Basware.',
  }
}

/** What keeps one from being handed on as it is now; undefined: nothing, it is in transfer. */
export function movedTo(invoice: Invoice | undefined, key: string): Held | undefined {
  const state = invoice?.processingStatus
  if (state === 'TransferInProgress') return undefined
  const name = invoice ? nameOf(invoice) : `Invoice ${key}`
  if (state === 'WaitingForTransfer')
    return {
      code: 'basware.waiting',
      message: `${name} waits for transfer at Basware, and is not acknowledged`,
      hint: 'The next run takes it over, unless something else keeps it.',
    }
  return {
    code: 'basware.moved',
    message: `${name} was acknowledged and not answered, but ${state ? `is ${state} there now` : 'is not there any more'}: somebody moved it in Basware. It is not posted`,
    hint: 'If it is to be posted, transfer it again in Basware. If it stands in the ERP already, answer it there by hand.',
  }
}

/** Whether Basware has our successful answer of one that this ledger has not answered: the ledger is an old copy. */
export const isAhead = (invoice: Invoice, { answerId }: InboxItem): boolean =>
  answerId === null &&
  invoice.processingStatus === 'Transferred' &&
  successes(invoice.transferResponses).some(({ sourceSystem }) => sourceSystem === SOURCE_SYSTEM)
