/** The source's keys and stamps as it showed them last, which a sweep compares. */

/** A key as the source showed it last, kept once what was sent of it is accounted for at every sink. */
export interface KnownKey {
  /** `keyText` of the record as the source gave it, before any mapping. */
  readonly key: string
  readonly read: number
  /** The source's change stamp as received. */
  readonly stamp: string | null
  /** A deletion: the key is forgotten. */
  readonly gone?: boolean
}

/** Keys that another source, folder or filter before left in the targets. */
export interface LeftKeys {
  /** What was read before, in words. */
  readonly by: string
  /** Keys known under read numbers up to this one are of it. */
  readonly read: number
  /** Undefined: they were not counted yet. */
  readonly count: number | undefined
}

/** What is known of a source's keys. */
export interface KnownKeys {
  /**
   * Some of the keys of a sweep's listing: those known are marked as seen by it. Gives back which are not known, or known
   * with another stamp. `sweep`: the sweep's first read number. `targets`: how many `recallKeys` was called for; what not
   * each of them has under its key is given back too, since a mapping may have written it under another.
   */
  compareKeys(
    sync: string,
    entity: string,
    sweep: number,
    listed: readonly Pick<KnownKey, 'key' | 'stamp'>[],
    targets?: number,
  ): Promise<readonly string[]>
  /** How many keys were known when the sweep began, and how many of these it has not seen. */
  countUnseen(sync: string, entity: string, sweep: number): Promise<{ readonly known: number; readonly unseen: number }>
  /** Keys that were known when the sweep began and that it has not seen, in order behind `after`. */
  unseenKeys(
    sync: string,
    entity: string,
    sweep: number,
    after: string | null,
    limit: number,
  ): Promise<readonly string[]>
  /** They are in the targets already, brought there by a ledger before this one. Those that are known stay as they are. */
  learnKeys(sync: string, entity: string, keys: readonly Pick<KnownKey, 'key' | 'stamp'>[]): Promise<void>
  /** Keys as a target holds them, for one sweep. */
  recallKeys(sync: string, entity: string, keys: readonly KnownKey[]): Promise<void>
  /** Forgets what was recalled and not listed: only the sweep that asked for it knows how to take it. */
  forgetRecalled(sync: string, entity: string): Promise<void>
  /** Forgets the keys that do not begin so, and says how many they were. */
  forgetOtherKeys(sync: string, entity: string, beginning: string): Promise<number>
  /** They are about to be sent: whatever becomes of that, a target may have them from now on. Those that are known stay as they are. */
  expectKeys(sync: string, entity: string, keys: readonly KnownKey[]): Promise<void>
  /** Keys behind `after`, in order. `through`: known under read numbers up to this one. */
  knownKeys(
    sync: string,
    entity: string,
    after: string | null,
    limit: number,
    through?: number,
  ): Promise<readonly string[]>
  /** How many keys are known, and how many of them under read numbers up to this one. */
  countKnown(sync: string, entity: string, through: number): Promise<{ readonly known: number; readonly old: number }>
  /** Their deletion is about to be written: until that is settled nobody knows what the target has, so no stamp is theirs. */
  doubtKeys(sync: string, entity: string, keys: readonly string[]): Promise<void>
  /** Another source, folder or filter stands behind the name: what was known until now was left by the one before, `by` its identity. */
  leaveKeys(sync: string, entity: string, by: string, read: number): Promise<void>
  /** What the one before left and nothing has read since: `count` of them as `countLeft` counted last. Undefined: nothing. */
  leftKeys(sync: string, entity: string): Promise<LeftKeys | undefined>
  /** Counts them anew, names some, and forgets that there was one before where there are none. */
  countLeft(sync: string, entity: string): Promise<readonly string[]>
}
