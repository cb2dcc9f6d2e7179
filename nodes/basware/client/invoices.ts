/** What is asked of invoices at Basware: lists by state, one by its id, an acknowledgement. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import { withRetry } from '../../../sync/contract/retry.ts'
import type { BaswareConnection } from './connection.ts'
import { type Invoice, recordsIn } from './replies.ts'

const PATH = '/v1/accountingDocuments'
const READ = 'accountingDocuments.read'
export const WRITE = 'accountingDocuments.write'

/** With what a run, or a question beside it, reads. */
export interface Reading {
  readonly connection: BaswareConnection
  readonly signal: AbortSignal
  readonly waiting?: ((what: string) => void) | undefined
}

const pathOf = (id: string, below = ''): string => `${PATH}/${encodeURIComponent(id)}${below}`

/**
 * The pages of a company's invoices in a state, to the last one that Basware names: a page may be short before the end.
 * Smaller ones where a page is too large.
 */
export async function* listInvoices(
  { connection, signal, waiting }: Reading,
  company: string,
  state: string,
  pageSize: number,
): AsyncGenerator<Invoice[]> {
  const what = `Invoices of ${company}, ${state}`
  let size = pageSize
  let continuation: string | null | undefined
  while (continuation !== null) {
    const query = { ProcessingStatus: state, companyCode: company, pageSize: String(size) }
    try {
      const ask = { what, signal, scope: READ, query, waiting }
      const found = await connection.get(PATH, { ...ask, continuation: continuation ?? null })
      continuation = found?.continuation ?? null
      if (found) yield recordsIn('accountingDocuments', found.data, what).filter((one) => isWanted(one, company, state))
    } catch (error) {
      if (!isTooLarge(error) || size === 1) throw error
      // A token belongs to its question: smaller pages begin anew.
      size = Math.max(1, Math.floor(size / 4))
      continuation = undefined
    }
  }
}

/** A filter that was not understood would give everything; what is not wanted is never touched. */
const isWanted = (invoice: Invoice, company: string, state: string): boolean =>
  invoice.companyCode === company && invoice.processingStatus === state

export const isTooLarge = (error: unknown): boolean =>
  isSyncError(error) && /^basware\.(too-large|depth)$/.test(error.code)

/** An invoice as it is now; undefined: Basware does not have it. `onAttempt` takes the read number. */
export async function readInvoice(
  { connection, signal, waiting }: Reading,
  id: string,
  onAttempt?: () => void,
): Promise<Invoice | undefined> {
  const what = `Invoice ${id}`
  const found = await connection.get(pathOf(id), {
    what,
    signal,
    scope: READ,
    waiting,
    ...(onAttempt && { onAttempt }),
  })
  return found && recordsIn('accountingDocuments', found.data, what).find(({ invoiceId }) => invoiceId === id)
}

/**
 * Acknowledges one. `taken`: this request made it ours. `refused`: it is not waiting any more (405). `gone`: there is none.
 * `unknown`: nobody knows. Throws what keeps every request from being answered, and whatever else Basware refuses.
 */
export async function acknowledge(
  { connection, signal, waiting = () => undefined }: Reading,
  id: string,
): Promise<'taken' | 'refused' | 'gone' | 'unknown'> {
  const ask = { what: `Acknowledging invoice ${id}`, signal, scope: WRITE }
  const send = () => connection.post(pathOf(id, '/acknowledge'), undefined, ask)
  try {
    const { status, refusal } = await withRetry(send, { signal, waiting, idempotent: false }, connection.retry)
    if (status === 405) return 'refused'
    if (status === 404) return 'gone'
    if (refusal) throw refusal
    return 'taken'
  } catch (error) {
    if (isSyncError(error) && error.cause.class === 'unknown-outcome') return 'unknown'
    throw error
  }
}

/** Says what became of one. Throws as `BaswareConnection.post`. */
export const respond = ({ connection, signal }: Reading, id: string, body: object) =>
  connection.post(pathOf(id, '/transferResponses'), body, { what: `Answering invoice ${id}`, signal, scope: WRITE })
