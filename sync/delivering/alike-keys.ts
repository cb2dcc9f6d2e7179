/** New keys that a target takes for one with a key it has, since it compares texts less exactly than the ERP. */
import type { Deliveries } from '../../ledger/ledger.ts'
import { type SyncError, syncError } from '../contract/errors.ts'
import { isDeletion } from '../contract/message.ts'
import type { Entry } from '../run/entry.ts'
import type { Refused } from './isolate-bad-records.ts'
import type { Job, Known } from './job.ts'

/** Keys that are looked at in one go. */
const AT_ONCE = 5000

/** Those that are held: what would count as a version of another record. Only new keys cost a look at those delivered. */
export async function refuseAlike(
  ledger: Pick<Deliveries, 'deliveries' | 'deliveredKeys'>,
  job: Job,
  entries: readonly Entry[],
  { deliveries }: Known,
): Promise<readonly Refused[]> {
  const { target } = job.options
  const fold = target.foldOf?.()
  if (fold === undefined) return []
  const refused: Refused[] = []
  const news = new Map<string, Entry>()
  for (const entry of entries) {
    if (isDeletion(entry.record) || deliveries.get(entry.key)?.hash) continue
    const other = news.get(fold(entry.key))
    if (other === undefined) news.set(fold(entry.key), entry)
    else refused.push({ entry, error: alike(job, entry, other.key) })
  }
  const found: { readonly entry: Entry; readonly key: string }[] = []
  for (const source of news.size > 0 ? job.sources : [])
    for (let after = ''; ; ) {
      const keys = await ledger.deliveredKeys(target.address, source, after, AT_ONCE)
      for (const { key } of keys) {
        const entry = news.get(fold(key))
        if (entry && entry.key !== key) found.push({ entry, key })
      }
      if (keys.length < AT_ONCE) break
      after = keys.at(-1)?.key ?? ''
    }
  const there = await ledger.deliveries(
    target.address,
    found.map(({ key }) => key),
  )
  for (const { entry, key } of found) if (there.get(key)?.hash) refused.push({ entry, error: alike(job, entry, key) })
  return refused
}

const alike = ({ batch, options: { ref } }: Job, { key, row }: Entry, other: string): SyncError =>
  syncError(
    'data',
    'sync.keys-alike',
    `${batch.schema.entity} ${key}: ${ref.name} compares texts without case and without blanks at the end, and would take it for ${other}, which it has.`,
    {
      entity: batch.schema.entity,
      key,
      row,
      hint: 'Give one of the two another code, or let the node make a dataset of another name: in those made now all keys are told apart.',
    },
  )
