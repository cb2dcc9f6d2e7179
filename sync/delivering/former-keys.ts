/** A record of the source that a mapping gives another key than before takes its old row along: else it would be there twice. */
import type { Deliveries, Delivery } from '../../ledger/ledger.ts'
import { deletionOf, keyBeginning } from '../contract/message.ts'
import { type Entry, NO_ROW } from '../run/entry.ts'
import { hashOf } from '../values/key-hash.ts'
import type { Deduplicated } from './deduplicate.ts'
import type { Job } from './job.ts'

interface Sorted {
  readonly deduplicated: Deduplicated
  /** What the ledger knows of the keys, the old ones among them. */
  readonly deliveries: ReadonlyMap<string, Delivery>
}

/**
 * Adds the deletions of old rows to the entries that take their place. A version that is older than what stands under another key is superseded.
 * An old key that another record of the batch brings now is that one's.
 */
export async function takeAlong(
  ledger: Pick<Deliveries, 'areMapped' | 'formerKeys' | 'deliveries'>,
  job: Job,
  deduplicated: Deduplicated,
  deliveries: ReadonlyMap<string, Delivery>,
): Promise<Sorted> {
  const { address, mode } = job.options.target
  const going = [...deduplicated.write, ...deduplicated.unchanged.map(({ entry }) => entry)]
  const areMapped = await ledger.areMapped(address)
  const asked = going.filter(({ key, sourceKey }) => sourceKey !== undefined && (areMapped || sourceKey !== key))
  if (asked.length === 0) return { deduplicated, deliveries }
  // The batch may have been sorted before.
  for (const entry of asked) if (entry.along) entry.along = undefined
  const former = await ledger.formerKeys(
    address,
    asked.map(({ key, sourceKey = '' }) => ({ key, sourceKey, source: areMapped ? hashOf(sourceKey) : 0 })),
  )
  const superseded = olderOf(asked)
  if (former.length === 0 && superseded.size === 0) return { deduplicated, deliveries }
  const old = await ledger.deliveries(
    address,
    former.map(({ key }) => key),
  )
  const taken = new Set(going.map(({ key }) => key))
  const unchanged = new Set(deduplicated.unchanged.map(({ entry }) => entry))
  const alone: Entry[] = []
  for (const { at, key } of former) {
    const [entry, last] = [asked[at], old.get(key)]
    if (entry === undefined || last === undefined || superseded.has(entry)) continue
    // A record of another system may have the same key there.
    if (keyBeginning(key) !== keyBeginning(entry.key)) continue
    if (last.read > entry.read) superseded.add(entry)
    else if (!taken.has(key)) {
      taken.add(key)
      const deletion = deletionFor(job, entry, last, mode)
      // What is not written stands there already.
      if (unchanged.has(entry)) alone.push(deletion)
      else entry.along = [...(entry.along ?? []), deletion]
    }
  }
  // What was brought there ahead is only the batch.
  job.ahead = undefined
  return {
    deliveries: new Map([...old, ...deliveries]),
    deduplicated: {
      ...deduplicated,
      write: [...deduplicated.write.filter((entry) => !superseded.has(entry)), ...alone],
      superseded: [...deduplicated.superseded, ...deduplicated.write.filter((entry) => superseded.has(entry))],
    },
  }
}

/** Of several versions of one record of the source, under keys that differ, those that are not the newest. */
function olderOf(entries: readonly Entry[]): Set<Entry> {
  const newest = new Map<string | undefined, Entry>()
  const older = new Set<Entry>()
  for (const entry of entries) {
    const other = newest.get(entry.sourceKey)
    const isOlder = other !== undefined && other.read > entry.read
    if (other !== undefined) older.add(isOlder ? entry : other)
    if (!isOlder) newest.set(entry.sourceKey, entry)
  }
  return older
}

/** Under a number that whatever else comes to the key is above: of what only appends one higher, since the newest counts there. */
function deletionFor({ batch }: Job, entry: Entry, { key, read: last }: Delivery, mode: 'merge' | 'append'): Entry {
  const read = mode === 'append' && last < entry.read ? last + 1 : last
  const record = deletionOf(batch.schema, key, read)
  return {
    record: { ...record, _row: NO_ROW },
    key,
    read,
    hash: '',
    sourceKey: entry.sourceKey,
    row: NO_ROW,
    sound: true,
    origin: undefined,
    contribution: '',
    instead: entry.key,
  }
}

/** What is written with an entry. */
export const withAlong = (entry: Entry): readonly Entry[] => (entry.along ? [entry, ...entry.along] : [entry])
