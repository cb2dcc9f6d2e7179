/** The comparer of a flow that posts: Basware's approved invoices beside X3's journals, each of which must be there once. */
import { createGround, type Ground } from '../sandbox/basware/company/ground.ts'
import type { Books } from '../sandbox/books/types.ts'
import type { Voucher } from './accountant.ts'
import { expectedJournal, foundJournal, type Invoice, type LedgerLine } from './expected-postings.ts'

/** A journal with its lines, as they stand in the books of the sandbox. */
export interface Posted extends Voucher {
  readonly entry?: { readonly lines: readonly LedgerLine[]; readonly currency: string; readonly company: string }
}

export interface PostingComparison {
  /** Invoices that were approved, and journals that were looked at. */
  readonly invoices: number
  readonly journals: number
  /** Posted and answered; held by Tieout with a reason. */
  readonly posted: number
  readonly held: number
  /** Approved, and neither in X3 nor held; in X3 and not answered. */
  readonly missing: number
  /** Journals that no invoice has as its voucher: doubled ones among them. */
  readonly extra: number
  /** Other accounts, cost centres, amounts or currencies, or not final. */
  readonly different: number
  readonly examples: readonly string[]
}

export function comparePostings(given: {
  readonly books: Books
  readonly seed: number
  /** Whose coding orders have; see the sandbox. */
  readonly ordersFrom?: 'tenant' | 'erp'
  /** Ids of those that waited for transfer in a company that the flow reads. */
  readonly approved: ReadonlySet<string>
  /** All invoices as P2P has them now. */
  readonly invoices: readonly Invoice[]
  readonly posted: readonly Posted[]
  /** Ids of held invoices, with the reason. */
  readonly held: ReadonlyMap<string, string>
}): PostingComparison {
  const { approved, invoices, posted, held } = given
  const ground = createGround(given.books, given.seed, given.ordersFrom)
  const journals = new Map(posted.map((one) => [one.key, one]))
  const used = new Map<string, string>()
  const examples: string[] = []
  const counts = { posted: 0, held: 0, missing: 0, different: 0 }
  for (const invoice of invoices.filter(({ invoiceId }) => approved.has(invoiceId))) {
    const { invoiceId, voucherNumber1, voucherNumber2, processingStatus } = invoice
    const key = `${voucherNumber2}|${voucherNumber1}`
    const journal = processingStatus === 'Transferred' ? journals.get(key) : undefined
    if (journal) {
      used.set(key, invoiceId)
      const wrong = differences(ground, invoice, journal)
      counts[wrong.length === 0 ? 'posted' : 'different']++
      if (wrong.length > 0) examples.push(`${invoiceId} ${key}: ${wrong.join('; ')}`)
    } else if (held.has(invoiceId)) counts.held++
    else {
      counts.missing++
      examples.push(
        `${invoiceId} is ${processingStatus} with voucher ${voucherNumber1 ?? 'none'}, and neither answered nor held`,
      )
    }
  }
  const extra = posted.filter(({ key }) => !used.has(key))
  for (const { key, status } of extra) examples.push(`${key} (${status}) is the voucher of no invoice`)
  return {
    invoices: approved.size,
    journals: posted.length,
    ...counts,
    extra: extra.length,
    examples: examples.slice(0, 20),
  }
}

function differences(ground: Ground, invoice: Invoice, { status, entry }: Posted): string[] {
  if (!entry) return ['it was deleted in X3']
  const wanted = expectedJournal(ground, invoice)
  const found = foundJournal(entry.lines, entry.currency, ({ analytical }) => analytical[0]?.dimensions?.CCT ?? '')
  const places = new Set([...wanted.keys(), ...found.keys()])
  const amount = (minor = 0n): string => `${minor} smallest units of ${entry.currency}`
  return [
    ...(status === 'final' ? [] : [`it is ${status}`]),
    ...(entry.currency === invoice.currencyCode ? [] : [`currency ${entry.currency}, not ${invoice.currencyCode}`]),
    ...(entry.company === invoice.companyCode ? [] : [`company ${entry.company}, not ${invoice.companyCode}`]),
    ...[...places]
      .filter((place) => wanted.get(place) !== found.get(place))
      .map((place) => `${place}: ${amount(found.get(place))}, not ${amount(wanted.get(place))}`),
  ]
}
