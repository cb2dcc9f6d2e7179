/** Pick lists of the dialogs, read from the live system. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { BaswareConnection } from './connection.ts'
import { HEADER } from './entities.ts'
import { recordsIn } from './replies.ts'

export interface Choice {
  readonly value: string
  readonly label?: string
  readonly note?: string
}

/** Pages that are looked at for the companies in them. */
const PAGES = 5

const LISTS: Readonly<Record<string, (connection: BaswareConnection, signal: AbortSignal) => Promise<Choice[]>>> = {
  companies,
  sensitive: async () =>
    HEADER.filter((column) => column.sensitive).map(({ name, field = '' }) => ({ value: name, note: field })),
}

/** Names of the lists. */
export const listNames = Object.keys(LISTS)

export function readList(connection: BaswareConnection, name: string, signal: AbortSignal): Promise<Choice[]> {
  const read = LISTS[name]
  if (!read) throw syncError('config', 'basware.list', `There is no list ${name}`)
  return read(connection, signal)
}

/** Companies that the first few hundred invoices are of, in whatever state, with how many. */
async function companies(connection: BaswareConnection, signal: AbortSignal): Promise<Choice[]> {
  const found = new Map<string, number>()
  const ask = { what: 'Invoices', scope: 'accountingDocuments.read', signal, query: { pageSize: '100' } }
  let continuation: string | null = null
  for (let page = 0; page === 0 || (continuation !== null && page < PAGES); page++) {
    const reply = await connection.get('/v1/accountingDocuments', { ...ask, continuation })
    if (!reply) break
    for (const { companyCode } of recordsIn('accountingDocuments', reply.data, ask.what))
      found.set(companyCode, (found.get(companyCode) ?? 0) + 1)
    continuation = reply.continuation
  }
  return [...found].sort().map(([value, count]) => ({ value, note: `${count} invoice(s) seen` }))
}
