/** The durable record of runs, windows, batches, deliveries, held records, intents, totals and alerts. */

import type { ErrorCause } from '../sync/contract/errors.ts'
import type { DataRecord, Outcome, Schema } from '../sync/contract/message.ts'
import type { RunSummary } from '../sync/contract/summary.ts'
import type { Owners } from './owners.ts'

export type { TableOwner } from './owners.ts'

import type { Decision, Difference, NewDecision, OpenItem, Who } from './state.ts'

export type { Decision, Difference, NewDecision, OpenItem, Who }

/** The last version of a key that is accounted for at an address. */
export interface Delivery {
  readonly key: string
  readonly read: number
  /** 32 hex digits; null after a record was closed without a write. */
  readonly hash: string | null
  /** Hash of the original of an edited record, so that reading the same original again does not undo the edit. */
  readonly originalHash?: string | null
  /** Contribution to the control totals, as JSON text, so that a later version in the same run can be taken off. */
  readonly totals?: string | null
  /** The last run that accounted for it. */
  readonly run: string
  /**
   * Hash of the source's own key that this run got it under (a whole number), where it is another than `key`; null: it is this
   * one, or the row is older than this column.
   */
  readonly source?: number | null
  /** The source's own key as text, where it is known and another: what was held under it is over. Not kept. */
  readonly sourceKey?: string | undefined
}

export type HeldState = 'open' | 'replaying' | 'delivered' | 'superseded' | 'discarded'

/** A record that could not be delivered, as it was received at the place that holds it. */
export interface HeldRecord {
  readonly id: string
  /** Who holds: a target's address, `map:<node id>`, or `source:<sync>`. At most one open held record for (sink, key). */
  readonly sink: string
  readonly sinkName: string
  readonly stage: 'source' | 'map' | 'sink' | 'flow'
  readonly key: string
  readonly sync: string
  readonly run: string
  readonly entity: string
  readonly sourceAddress: string
  readonly read: number
  readonly record: DataRecord
  readonly schema: Schema
  readonly cause: ErrorCause & { readonly message: string }
  readonly state: HeldState
  readonly attempts: number
  readonly heldAt: string
  /** The edit of a person, with who and when; the original stays in `record`. */
  readonly edited?: { readonly record: DataRecord; readonly by: string; readonly at: string }
  /** Who left it out, when and why. */
  readonly discarded?: { readonly by: string; readonly at: string; readonly reason: string }
}

export interface AlertRecord {
  readonly id: string
  readonly sync: string
  /** `run-failed not-received held in-doubt no-success zero-records no-tie future-stamp stopped identity sweep call-budget lost-rows` */
  readonly kind: string
  readonly entity?: string
  readonly message: string
  readonly raised: string
  readonly cleared?: string
}

/** Position of one walk of one entity of one sync. */
export interface WindowState {
  readonly from: string | null
  readonly bound: string | null
  /** What *read through* becomes when the window is finished. */
  readonly through: string | null
  /** Our own clock when the source's clock was asked for this window. */
  readonly at: string
  /** Cursor of the last settled record of each walk that is under way; `null`: not begun; a finished walk is `true`. */
  readonly walks: Readonly<Record<string, string | true | null>>
}

export interface Position {
  /** Identity of what was read: source address, entity, filter. */
  readonly identity: string
  readonly readThrough: string | null
  /** Our own clock when the source's clock gave `readThrough`: shows later whether the source's clock was set back meanwhile. */
  readonly readAt?: string | null
  readonly window: WindowState | null
}

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

/** Everything one settled batch changes, in one transaction. */
export interface Commit {
  readonly run: string
  readonly sync: string
  readonly entity: string
  readonly sink: string
  readonly sinkName: string
  /** Absent for a push run. */
  readonly batch?: number
  readonly address?: string
  readonly deliveries?: readonly Delivery[]
  readonly held?: readonly Omit<HeldRecord, 'id' | 'state' | 'attempts' | 'heldAt'>[]
  readonly outcomes: Partial<Record<Outcome, number>>
  readonly rows?: number
  /** Progress that this settlement allows: the contiguous prefix reached so far. */
  readonly position?: { readonly entity: string; readonly position: Position }
  /** Keys of the rows that this settlement brings into the contiguous prefix. */
  readonly known?: readonly KnownKey[]
  /** Intent that these deliveries close. */
  readonly intent?: string
  /** A person decided so. */
  readonly decision?: NewDecision
  /** Tables of the address that got a row by these deliveries: `''` the header's, else the list's name. */
  readonly filled?: readonly string[]
  readonly state?: 'received' | 'settled'
}

export interface Intent {
  readonly id: string
  readonly address: string
  readonly sync: string
  readonly run: string
  readonly entity: string
  readonly schema: Schema
  readonly records: readonly {
    readonly key: string
    readonly read: number
    readonly hash: string
    readonly totals?: string | null
    /** The source's own key; absent: not known. */
    readonly source?: string
  }[]
  /** `repeated`: sent again though nobody knows what became of the first attempt; listed like those in doubt, but holds nothing back. */
  readonly state: 'open' | 'in-doubt' | 'repeated'
  readonly at: string
}

/** A table of an address that rows were delivered into, and the entity of a sync that did. */
export interface Filled {
  /** `''` the header's, else the list's name. */
  readonly list: string
  readonly sync: string
  readonly entity: string
}

/** What an append target's table has newest of some keys: all of those behind `after` and up to `through`, in the order of their bytes. */
export interface StoredRange {
  readonly after: string
  readonly through: string
  readonly stored: readonly {
    readonly key: string
    readonly stamp: string | null
    readonly read: number
    /** Of the newest version. */
    readonly hash?: string | null
  }[]
}

/** Work of another ledger that this one took over from the target's mark. */
export interface Adoption {
  readonly sync: string
  readonly entity: string
  /** Id of the other ledger. */
  readonly ledger: string
  /** Highest read number in its mark then. */
  readonly read: number
}

export interface Ledger extends Owners {
  /** Random id made when the ledger was created. */
  readonly id: string
  /** The next read number: microseconds since 1970 or the last one plus 1, whichever is greater; survives restarts and clocks set back. */
  nextRead(): number
  /** No record can have been read under a higher number: the last one given, or what the clock would give now. */
  lastRead(): number
  /** Makes every later number greater than this one (the highest of a target's mark). */
  raiseRead(above: number): void

  position(sync: string, entity: string): Promise<Position | undefined>
  savePosition(sync: string, entity: string, position: Position): Promise<void>
  clearPositions(sync: string): Promise<void>
  /** Has the ledger delivered anything for this sync, in the runs that it still knows? */
  hasMemory(sync: string): Promise<boolean>
  adopted(sync: string): Promise<readonly Adoption[]>
  adopt(adoption: Adoption): Promise<void>

  /** Begins a run and takes the lease of the sync; a `config` error names the run that has it. Leases of earlier processes are void. */
  beginRun(run: {
    readonly id: string
    readonly sync: string
    readonly mode: string
    readonly at: string
  }): Promise<void>
  endRun(summary: RunSummary): Promise<void>
  runs(filter: { readonly sync?: string; readonly limit?: number }): Promise<readonly RunSummary[]>
  /** Is it a run of this ledger, going on or ended? */
  knowsRun(id: string): Promise<boolean>
  /** End of the last run that succeeded. */
  lastSuccess(sync: string): Promise<string | undefined>

  deliveries(address: string, keys: readonly string[]): Promise<ReadonlyMap<string, Delivery>>
  /**
   * The keys are about to be written: until that is committed nobody knows what the target has, so nothing equals their
   * last version any more. Only those that have one are touched.
   */
  doubtDeliveries(address: string, keys: readonly string[]): Promise<void>
  /**
   * What a table says that it has takes the place of what was remembered: keys that it lacks equal nothing any more, the
   * others what it has newest of them.
   */
  matchDeliveries(address: string, range: StoredRange): Promise<void>
  /** Forgets all deliveries of an address (table created or found empty, full refresh). */
  clearDeliveries(address: string): Promise<void>
  hasDeliveries(address: string): Promise<boolean>
  /** Highest read number ever committed for an address, 0 for an unknown one; clearing the deliveries leaves it. */
  highestRead(address: string): Promise<number>
  /** Makes it at least this (a mark was ahead of the ledger). */
  raiseHighestRead(address: string, read: number): Promise<void>
  commit(commit: Commit): Promise<void>

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
  learnKeys(
    sync: string,
    entity: string,
    sweep: number,
    keys: readonly Pick<KnownKey, 'key' | 'stamp'>[],
  ): Promise<void>
  /** Keys as a target holds them, for one sweep. */
  recallKeys(sync: string, entity: string, keys: readonly KnownKey[]): Promise<void>
  /** Forgets what was recalled and not listed: only the sweep that asked for it knows how to take it. */
  forgetRecalled(sync: string, entity: string): Promise<void>
  /** Forgets the keys that do not begin so, and says how many they were. */
  forgetOtherKeys(sync: string, entity: string, beginning: string): Promise<number>
  /** They are about to be sent: whatever becomes of that, a target may have them from now on. Those that are known stay as they are. */
  expectKeys(sync: string, entity: string, keys: readonly KnownKey[]): Promise<void>
  /** Their deletion is about to be written: until that is settled nobody knows what the target has, so no stamp is theirs. */
  doubtKeys(sync: string, entity: string, keys: readonly string[]): Promise<void>
  /** Another source stands behind the name: its keys have nothing to do with those known. */
  forgetKeys(sync: string, entity: string): Promise<void>
  /** When the last sweep that was carried through began; undefined: none was, or the targets are in doubt since. */
  sweptAt(sync: string, entity: string): Promise<string | undefined>
  /** A target of the entity holds what another ledger wrote, or a newer copy of this one: until the next sweep that is carried through. */
  doubtTargets(sync: string, entity: string): Promise<void>
  areTargetsInDoubt(sync: string, entity: string): Promise<boolean>
  /** It was carried through: nothing is in doubt or lost any more. */
  saveSwept(sync: string, entity: string, at: string): Promise<void>

  /** Tables of an address that rows were delivered into. */
  filled(address: string): Promise<readonly Filled[]>
  saveFilled(address: string, by: readonly Filled[]): Promise<void>
  /**
   * Rows that were delivered to an address are not there any more. What is remembered of its deliveries is forgotten, or, within
   * the run that delivered some of them (`within`), only equals nothing any more. Every entity of a sync that delivered
   * there, `by` among them, has no stamp known any more, so that a sweep, which is due at once, reads all of it again.
   *
   * @param what which tables, in words
   */
  loseRows(
    address: string,
    what: string,
    by: { readonly sync: string; readonly entity: string } | undefined,
    within?: boolean,
  ): Promise<void>
  /** What was lost and not read again since, as `loseRows` was told. */
  lostRows(sync: string, entity: string): Promise<string | undefined>
  /** All of the entity was read and delivered again. */
  saveRepaired(sync: string, entity: string): Promise<void>

  openIntent(intent: Omit<Intent, 'state'>): Promise<void>
  intents(address: string): Promise<readonly Intent[]>
  /** Batches of a sync (absent: of all) that are in doubt or were sent again in doubt, for a person to look at. */
  doubtful(sync?: string): Promise<readonly Intent[]>
  closeIntent(id: string, as: 'absent' | 'in-doubt' | 'repeated'): Promise<void>
  /** The target emptied its tables itself: deliveries and intents of the address have no meaning any more. */
  forgetAddress(address: string): Promise<void>
  /** What a target keeps under its address (ids of what it made); on disk when it returns. */
  note(address: string): Promise<string | undefined>
  saveNote(address: string, text: string): Promise<void>

  held(filter: HeldFilter & { readonly states?: readonly HeldState[] }): Promise<readonly HeldRecord[]>
  countHeld(filter: HeldFilter): Promise<number>
  /** Read number of the open held record of each key at one who holds (`HeldRecord.sink`), for telling what is older; keys without one are left out. */
  heldReads(sink: string, keys: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Oldest change stamp or read number among open held and in-doubt records of a sync and entity, for the mark's floor. */
  oldestHeld(
    sync: string,
    entity: string,
  ): Promise<{ readonly heldAt: string; readonly stamp: string | null } | undefined>
  claimHeld(filter: HeldFilter, run: string): Promise<readonly HeldRecord[]>
  /** Gives claimed records back (`open`), or ends them. */
  releaseHeld(ids: readonly string[], as: Exclude<HeldState, 'replaying' | 'discarded'>): Promise<void>
  editHeld(id: string, record: DataRecord, by: string): Promise<void>

  /** What of a sync is not over. */
  openItems(sync: string): Promise<readonly OpenItem[]>
  differences(filter: { readonly sync?: string; readonly open?: boolean }): Promise<readonly Difference[]>
  /** Each run compares rows of its own, so that what it finds is a difference of its own. */
  saveDifference(difference: Omit<Difference, 'id' | 'since' | 'closed'>): Promise<void>
  /** A person decides. Gives back the one that was open. */
  closeDifference(id: string, who: Who): Promise<Difference | undefined>
  /** A run has compared everything at that place. */
  closeDifferences(place: Pick<Difference, 'sync' | 'entity' | 'address'>, by: string, reason: string): Promise<void>
  decisions(filter: { readonly sync?: string; readonly limit?: number }): Promise<readonly Decision[]>
  /** Writes down what a person decided. */
  decide(decision: NewDecision): Promise<void>
  /**
   * A person leaves open held records out; they stay listed until a later version of theirs is accounted for. A deletion is
   * over with it: its record is gone in the source. Gives back how many there were.
   */
  discardHeld(ids: readonly string[], who: Who): Promise<number>
  /**
   * A person says that a batch in doubt is not in the target: the intent is gone, and the next run reads its records again by
   * their source's keys (`again`). Without them an older version left its batches: their own keys are the source's where the
   * source has shown them. The others (`unfound`) are open until everything was read, or a sweep has asked the targets, which
   * are doubted. What is held with an edit of a person (`edited`) stays as it is.
   */
  settleAbsent(
    intent: Intent,
    who: Who,
  ): Promise<{ readonly again: number; readonly edited: number; readonly unfound: number }>
  /** Source's keys that the next run reads by key, whatever their stamps. */
  keysToReadAgain(sync: string, entity: string): Promise<readonly string[]>
  /** Gives back how many there were. `all`: those too of which nobody knows the source's key. */
  forgetToReadAgain(sync: string, entity: string, keys: readonly string[] | 'all'): Promise<number>

  raiseAlert(alert: Omit<AlertRecord, 'id' | 'raised' | 'cleared'>): Promise<AlertRecord | undefined>
  clearAlerts(match: {
    readonly sync: string
    readonly kind: string
    readonly entity?: string
  }): Promise<readonly AlertRecord[]>
  alerts(filter: { readonly sync?: string; readonly open?: boolean }): Promise<readonly AlertRecord[]>

  /** Takes out what is older than the retention: runs, batches, closed held records, cleared alerts. Deliveries of merge sinks may be emptied, those of append sinks never. */
  purge(olderThanDays: number): Promise<void>
  close(): Promise<void>
}

/** Which held records: all of a sync, of a sink, of an entity, or by id. */
export interface HeldFilter {
  readonly sync?: string
  readonly sink?: string
  readonly entity?: string
  readonly ids?: readonly string[]
  readonly limit?: number
}
