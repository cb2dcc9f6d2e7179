/** A key of a target that a record of the source takes over from another one, in a later run: is it renamed, or are they two? */
import type { Delivery, KnownKeys } from '../../ledger/ledger.ts'
import { syncError } from '../contract/errors.ts'
import { isDeletion } from '../contract/message.ts'
import type { Entry } from '../run/entry.ts'
import type { EntityRun, RunState } from '../run/state.ts'
import { hashOf } from '../values/key-hash.ts'
import { keysBehind } from './differing-keys.ts'
import { NOBODY, sourceHash } from './folded-keys.ts'
import type { Job, Known } from './job.ts'

interface Taken {
  readonly entry: Entry
  /** The source's key of the record that was delivered there before. */
  readonly before: string
}

/**
 * Asks the source for the records whose keys others have now. What is gone there was renamed, and its row is taken over; what is
 * still there is another record: throws a `config` error that names both. A full reading begins anew, and may give all keys anew.
 */
export async function refuseTaken(
  ledger: KnownKeys,
  run: RunState | undefined,
  entity: EntityRun | undefined,
  job: Job,
  { deduplicated: { write, unchanged }, deliveries }: Known,
): Promise<void> {
  const ask = entity?.stillThere
  if (!run || !ask || run.full || run.mode !== 'poll') return
  const going = [...write, ...unchanged.map(({ entry }) => entry)]
  const odd = going.filter((entry) => isOther(entry, deliveries.get(entry.key), run.id))
  if (odd.length === 0) return
  const taken = await namesOf(ledger, run.sync, entity.name, odd, deliveries)
  // What comes under another key in this batch gives its own away.
  const moved = new Set(going.map(({ sourceKey }) => sourceKey))
  const asked = taken.filter(({ before }) => !moved.has(before))
  if (asked.length === 0) return
  const there = await ask([...new Set(asked.map(({ before }) => before))], job.options.signal)
  const both = asked.filter(({ before }) => there.has(before))
  if (both.length > 0) throw refusal(entity.name, both)
  for (const { entry, before } of asked)
    run.notices.push(
      `${entity.name}: ${entry.sourceKey} has the key ${entry.key} now, which ${before} had; that is gone in the source, so its row was taken over.`,
    )
}

/** Was its key delivered for another record, by an earlier run? */
const isOther = (entry: Entry, last: Delivery | undefined, run: string): boolean =>
  entry.sourceKey !== undefined &&
  !isDeletion(entry.record) &&
  last !== undefined &&
  last.hash !== null &&
  last.run !== run &&
  last.source !== NOBODY &&
  sourceHash(entry) !== (last.source ?? null)

/** Who had the keys before: the key itself, or whose hash the ledger keeps. Of what nobody knows any more the source has shown the end. */
async function namesOf(
  ledger: KnownKeys,
  sync: string,
  entity: string,
  odd: readonly Entry[],
  deliveries: ReadonlyMap<string, Delivery>,
): Promise<readonly Taken[]> {
  const hashes = new Set(odd.flatMap(({ key }) => deliveries.get(key)?.source ?? []))
  const names = new Map<number, string>()
  if (hashes.size > 0) for (const key of await keysBehind(ledger, sync, entity, hashes)) names.set(hashOf(key), key)
  return odd.flatMap((entry) => {
    const source = deliveries.get(entry.key)?.source ?? null
    const before = source === null ? entry.key : names.get(source)
    return before === undefined ? [] : { entry, before }
  })
}

const refusal = (entity: string, both: readonly Taken[]) => {
  const some = both.slice(0, 20).map(({ entry, before }) => `${entry.key} (${before}, ${entry.sourceKey})`)
  const more = both.length > some.length ? `; and ${both.length - some.length} more` : ''
  return syncError(
    'config',
    'sync.key-taken',
    `${entity}: the flow gives a key that one record of the source has in the target to another one, and both are still in the source: ${some.join('; ')}${more}.`,
    {
      entity,
      hint: 'Keep the ERP\'s code in the key, and map into another column. Where the mapping gives all keys anew, send msg.tieout = {"full": true}. Nothing of this batch was written; the next run reads it again.',
    },
  )
}
