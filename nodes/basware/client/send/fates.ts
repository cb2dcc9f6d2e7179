/** What became of requisitions, each of which is made once: by the list of requests, whoever sent them. */
import type { Reading } from '../invoices.ts'
import { pages } from '../pages.ts'
import { recordsIn } from '../replies.ts'

/** P2P refused it whenever it was sent, or it was taken under this request. */
export type Fate = 'refused' | { readonly request: string }

/** By external code. */
export async function readFates(reading: Reading): Promise<ReadonlyMap<string, Fate>> {
  const what = 'Results of requisitions'
  const ask = { what, scope: 'requestStatus.read', group: 'results' } as const
  const found = new Map<string, Fate>()
  const query = { entityType: 'PurchaseRequisition', pageSize: '100' }
  for await (const data of pages(reading, '/v1/requestStatus', { ...ask, query }))
    for (const { requestId: request, systems } of recordsIn('requestStatus', data, what))
      for (const { externalCode, status } of (systems ?? []).flatMap(({ items }) => items ?? [])) {
        if (!externalCode) continue
        // What was taken once was taken, whatever came later.
        if (/^(Success|Warning|InProgress)$/.test(status)) found.set(externalCode, { request })
        else if (/^(Error|Unpublished)$/.test(status) && !found.has(externalCode)) found.set(externalCode, 'refused')
      }
  return found
}
