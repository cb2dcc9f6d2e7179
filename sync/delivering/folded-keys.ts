/** One key of a target for several records of the source, as a mapping can make it: each would take the place of the other. */
import type { Delivery } from '../../ledger/ledger.ts'
import { syncError } from '../contract/errors.ts'
import type { Entry } from '../run/entry.ts'
import { hashOf } from '../values/key-hash.ts'

/** In the place of a hash (`Delivery.source`): nobody knows of which record it is, or it is a deletion, which any record may follow. */
export const NOBODY = 0

/** `Delivery.source` of a record: null where the key is the source's own, as it is without a mapping. */
export function sourceHash({ hash, key, origin }: Entry): number | null {
  if (origin === undefined || hash === '') return NOBODY
  return origin === key ? null : hashOf(origin)
}

/** Was the key given to another record of the source before, in this same run? */
export function isOthers({ key, origin }: Entry, last: Delivery, run: string): boolean {
  if (last.run !== run || origin === undefined || last.source === NOBODY) return false
  return (origin === key ? null : hashOf(origin)) !== (last.source ?? null)
}

/** Has another record of the source the key now, so that the deletion of this one takes nothing away? Of rows of versions before it is not known. */
export function hasAnotherRow(deletion: Entry, { hash, source = null, counts }: Delivery): boolean {
  const { key, origin } = deletion
  if (hash === null || origin === undefined || source === NOBODY) return false
  return source === null ? counts !== undefined && origin !== key : source !== (origin === key ? null : hashOf(origin))
}

/** Are they two records of the source? */
export const areTwo = (one: Entry, other: Entry): boolean =>
  one.origin !== undefined && other.origin !== undefined && one.origin !== other.origin

/** Those whose key another record has that was held or is in doubt since the run began (`Tally.unwritten`). */
export const foldedWith = (unwritten: ReadonlyMap<string, string>, entries: readonly Entry[]): readonly Entry[] =>
  unwritten.size === 0
    ? []
    : entries.filter(
        ({ key, origin, hash }) => hash !== '' && origin !== undefined && (unwritten.get(key) ?? origin) !== origin,
      )

const mostKeys = 20
const mostSources = 5

const listed = (all: readonly string[], most: number, between: string): string =>
  all.length <= most ? all.join(between) : `${all.slice(0, most).join(between)}${between}and ${all.length - most} more`

/** Throws where different records of the source got one key. `folded`: those whose key others have too. */
export function refuseFolded(entity: string, folded: readonly Entry[]): void {
  if (folded.length === 0) return
  const keys = Map.groupBy(folded, ({ key }) => key)
  const list = [...keys].map(([key, some]) => {
    const names = [...new Set(some.map(({ sourceKey, row }) => sourceKey ?? `row ${row}`))]
    const before = names.length > 1 ? names : [...names, 'a record before it']
    return `${key} (${listed(before, mostSources, ', ')})`
  })
  throw syncError(
    'config',
    'sync.keys-folded',
    `${entity}: the flow gives one key to several records of the source, and each would overwrite the other: ${listed(list, mostKeys, '; ')}.`,
    {
      entity,
      hint: "Keep the ERP's code in the key, and map into another column: the rows can be grouped by that one. Nothing of this batch was written; the next run reads it again.",
    },
  )
}
