/** What of a batch is to be written: the newest of each key, not older than what is accounted for, changed since. Pure. */
import type { Delivery } from '../../ledger/ledger.ts'
import { type DataRecord, isDeletion, keyText, memberOf, type Schema } from '../contract/message.ts'
import type { Entry } from '../run/entry.ts'
import type { Fingerprinter } from '../values/fingerprint.ts'
import { areTwo, hasAnotherRow, isOthers } from './folded-keys.ts'

export interface Newest {
  readonly newest: readonly Entry[]
  /** What these supersede. */
  readonly older: readonly Entry[]
  /** Of the older ones, those that one request answered with different content, which a key that is too narrow does. */
  readonly twice: readonly Entry[]
  /** Different records of the source that got one key. */
  readonly folded: readonly Entry[]
}

/**
 * The newest of each key by read number, the later position on a tie. The deletion of a record does not take away what another
 * one has under its key now.
 */
export function newestOfEachKey(entries: readonly Entry[]): Newest {
  const byKey = new Map<string, Entry>()
  const older: Entry[] = []
  const twice: Entry[] = []
  const folded = new Set<Entry>()
  for (const entry of entries) {
    const other = byKey.get(entry.key)
    if (other === undefined) {
      byKey.set(entry.key, entry)
      continue
    }
    let isNewer = entry.read >= other.read
    if (!areTwo(entry, other)) {
      if (entry.read === other.read && entry.hash !== other.hash) twice.push(other)
    } else if (isDeletion(entry.record) !== isDeletion(other.record)) isNewer = isDeletion(other.record)
    else if (!isDeletion(entry.record)) folded.add(other).add(entry)
    if (isNewer) byKey.set(entry.key, entry)
    older.push(isNewer ? other : entry)
  }
  return { newest: [...byKey.values()], older, twice, folded: [...folded] }
}

/** Entries of a batch; records without a whole key get one of their own, so that none hides another. */
export function entriesOf(
  records: readonly DataRecord[],
  schema: Schema,
  fingerprint: Fingerprinter,
  given: {
    readonly readNumber: number
    readonly sourceKey: (row: number) => string | undefined
    /** Stands for the source's key in the run where that is not known. */
    readonly origin?: ((row: number) => string) | undefined
  },
): Entry[] {
  return records.map((record, index) => {
    const whole = schema.key.every((name) => {
      const part = memberOf(record, name)
      return part !== null && part !== undefined && part !== ''
    })
    const { hash, sound } = fingerprint(record)
    const key = keyText(schema, record)
    const row = memberOf(record, '_row')
    const sourceKey = given.sourceKey(row)
    return {
      record,
      key: whole ? key : `${key}#${hash.slice(0, 8) || index}`,
      read: memberOf(record, '_read') ?? given.readNumber,
      hash,
      sourceKey,
      row,
      sound,
      origin: sourceKey ?? given.origin?.(row),
      contribution: '',
      otherwise: undefined,
    }
  })
}

export interface Deduplicated {
  readonly write: readonly Entry[]
  readonly unchanged: readonly { readonly entry: Entry; readonly last: Delivery }[]
  readonly superseded: readonly Entry[]
  /** Their key was given to another record of the source before, in this same run. */
  readonly folded: readonly Entry[]
}

/**
 * Sorts entries by what the ledger knows of their keys at this address: superseded when the key is accounted for with
 * the same or a higher read number (a delivery or an open held record), unchanged when equal to the last version that
 * was delivered, never to an earlier one, or to the original that a person's edit replaced. `run` sends them.
 */
export function deduplicate(
  entries: readonly Entry[],
  deliveries: ReadonlyMap<string, Delivery>,
  heldReads: ReadonlyMap<string, number>,
  run: string,
): Deduplicated {
  const write: Entry[] = []
  const folded: Entry[] = []
  const unchanged: { entry: Entry; last: Delivery }[] = []
  const superseded: Entry[] = []
  for (const entry of entries) {
    const last = deliveries.get(entry.key)
    if (last !== undefined && isDeletion(entry.record) && hasAnotherRow(entry, last)) superseded.push(entry)
    else if (last !== undefined && isOthers(entry, last, run)) {
      // What was deleted has no row any more: the other record has it.
      if (isDeletion(entry.record)) superseded.push(entry)
      else folded.push(entry)
    } else if (entry.read <= (last?.read ?? -1) || entry.read <= (heldReads.get(entry.key) ?? -1))
      superseded.push(entry)
    else if (last && last.hash !== null && (entry.hash === last.hash || entry.hash === last.originalHash))
      unchanged.push({ entry, last })
    else write.push(entry)
  }
  return { write, unchanged, superseded, folded }
}

/** Rows of tables that a record fills: one, and one for each element of its lists; a deletion none. */
export function rowsOf(record: DataRecord, schema: Schema): number {
  if (isDeletion(record)) return 0
  let rows = 1
  for (const list in schema.lists) {
    const lines = memberOf(record, list)
    if (Array.isArray(lines)) rows += lines.length
  }
  return rows
}
