/** Deletions at a target that cannot take back what it got. Pure. */
import type { Delivery } from '../../ledger/ledger.ts'
import { type SyncError, syncError } from '../contract/errors.ts'
import { isDeletion } from '../contract/message.ts'
import type { Entry } from '../run/entry.ts'
import type { Deduplicated } from './deduplicate.ts'
import type { Job } from './job.ts'

/** Code of what a target cannot take back though its record has another key now. */
export const OLDER_STANDS = 'sync.older-stands'

/** Where nothing can be taken back, a deletion of what was never delivered there is nothing to do. */
export function withoutVainDeletions(
  job: Job,
  deduplicated: Deduplicated,
  deliveries: ReadonlyMap<string, Delivery>,
): Deduplicated {
  if (job.options.target.deletes !== false) return deduplicated
  const isVain = ({ record, key }: Entry): boolean => isDeletion(record) && !deliveries.get(key)?.hash
  const vain = deduplicated.write.filter(isVain).map((entry) => ({
    entry,
    last: { key: entry.key, read: entry.read, hash: null, run: job.sync.run },
  }))
  return {
    ...deduplicated,
    write: deduplicated.write.filter((entry) => !isVain(entry)),
    unchanged: [...deduplicated.unchanged, ...vain],
  }
}

export function cannotTakeBack(
  { options: { target, ref }, batch }: Job,
  { record, key, row, instead, sourceKey }: Entry,
): SyncError | undefined {
  if (!isDeletion(record) || target.deletes !== false) return undefined
  const { entity } = batch.schema
  if (instead !== undefined)
    return syncError(
      'data',
      OLDER_STANDS,
      `${entity} ${sourceKey} was delivered as ${key} before and is ${instead} now. ${ref.name} cannot take back what it sent: an older version stands there as ${key}.`,
      { entity, key, hint: 'Take it back in the target by hand (reverse it, or clear and load anew), then discard.' },
    )
  return syncError(
    'data',
    'sync.no-delete',
    `${entity} ${key} was deleted in the source, and ${ref.name} cannot take back what it sent.`,
    {
      entity,
      key,
      row,
      hint: 'Take it back in the target by hand (reverse it, or clear and load anew), then discard.',
    },
  )
}
