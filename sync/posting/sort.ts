/** What is to be done with the records of a batch: what was posted, is on its way or in doubt is never posted again. */
import type { Posting } from '../../ledger/ledger.ts'
import { type SyncError, syncError } from '../contract/errors.ts'
import { isDeletion } from '../contract/message.ts'
import { originalsOf } from '../delivering/sort-batch.ts'
import type { Entry } from '../run/entry.ts'
import type { PostingDeps, PostJob } from './deps.ts'

export interface Held {
  readonly entry: Entry
  readonly error: SyncError
  readonly waits?: true
}

/** What is to be done with each record. */
export interface Sorted {
  readonly post: readonly Entry[]
  readonly unchanged: readonly Entry[]
  readonly superseded: readonly Entry[]
  readonly inDoubt: readonly Entry[]
  readonly held: readonly Held[]
  readonly originals: ReadonlyMap<string, string>
}

export async function sortRecords(deps: PostingDeps, job: PostJob, newest: readonly Entry[]): Promise<Sorted> {
  const { ledger } = deps
  const { address } = job.options.target
  const keys = newest.map(({ key }) => key)
  const [postings, attempts, heldReads, originals] = await Promise.all([
    ledger.postings(address, keys),
    ledger.attempts(address),
    ledger.heldReads(address, keys),
    originalsOf(ledger, job),
  ])
  const doubtful = new Map(attempts.map((one) => [one.key, one]))
  const sorted = {
    post: [] as Entry[],
    unchanged: [] as Entry[],
    superseded: [] as Entry[],
    inDoubt: [] as Entry[],
    held: [] as Held[],
    originals,
  }
  for (const entry of newest) {
    const known = postings.get(entry.key) ?? doubtful.get(entry.key)
    const isEqual = known !== undefined && (entry.hash === known.hash || entry.hash === known.originalHash)
    if (isDeletion(entry.record)) {
      if (known) sorted.held.push({ entry, error: gone(job, entry) })
      else sorted.unchanged.push(entry)
    } else if (known) {
      if (!isEqual) sorted.held.push({ entry, error: changed(job, entry, postings.get(entry.key)) })
      else if (postings.has(entry.key)) sorted.unchanged.push(entry)
      else sorted.inDoubt.push(entry)
    } else if (entry.read <= (heldReads.get(entry.key) ?? -1)) sorted.superseded.push(entry)
    else {
      const error = entry.sound ? undefined : job.compiled.check(entry.record)
      if (error) sorted.held.push({ entry, error })
      else if (entry.sourceKey === undefined) sorted.held.push({ entry, error: unknownSource(job, entry) })
      else sorted.post.push(entry)
    }
  }
  return sorted
}

/** Which record an error is about. */
export const about = ({ sync }: PostJob, { key, row }: Entry) => ({ entity: sync.entity, key, row })

const changed = (job: PostJob, entry: Entry, posting: Posting | undefined): SyncError =>
  syncError(
    'data',
    'sync.changed-after-posting',
    `${job.sync.entity} ${entry.key} was changed after posting: ${posting ? `${posting.result.number} was posted with other content` : 'an attempt with other content is in doubt'}. It is not posted again.`,
    {
      ...about(job, entry),
      hint: 'Correct the voucher in the target by hand, or reverse it and have the record posted anew; then discard this.',
    },
  )

const gone = (job: PostJob, entry: Entry): SyncError =>
  syncError(
    'data',
    'sync.no-delete',
    `${job.sync.entity} ${entry.key} is gone at the source, and what was posted cannot be taken back.`,
    { ...about(job, entry), hint: 'Reverse it in the target by hand, then discard.' },
  )

const unknownSource = (job: PostJob, entry: Entry): SyncError =>
  syncError(
    'data',
    'sync.post-key',
    `${job.sync.entity} ${entry.key}: nobody knows which record of the source it is, and it is not posted.`,
    { ...about(job, entry), hint: 'Keep msg.sync and each _row on the way from the source; have it read again.' },
  )
