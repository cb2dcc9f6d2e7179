/** What was delivered last, by address and key. */

import type { Counts } from './group-sums.ts'

/** What a target's tables have of a key. */
export interface Stored {
  /** `_row_hash`: 32 hex digits. */
  readonly hash: string
  /** `_sync_read` of all its rows. */
  readonly read: number
  /** Rows of each list, in the order of `TargetSums.tableLists`, with commas between; `''`: there are no lists. */
  readonly lines: string
}

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
  /** What the target has of it since; null: nothing; absent: not known. */
  readonly stored?: Stored | null | undefined
  /** Where `stored` is not known: the read number that its rows carry there, which was learnt from the target. */
  readonly written?: number
  /** What it had before, which the sums of the tables lose. Not kept. */
  readonly before?: Stored | null | undefined
  /** What it adds to the sums of the address; absent: not known. */
  readonly counts?: Counts | undefined
  /** The source's own key as text, where it is known and another: what was held under it is over. Not kept. */
  readonly sourceKey?: string | undefined
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

/** The memory of deliveries of each address written. */
export interface Deliveries {
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
  /** Forgets all deliveries of an address (table created or found empty), or those of one source name (full refresh). */
  clearDeliveries(address: string, source?: string): Promise<void>
  /** Keys of a source behind `after` that an address has or had, in order, with what is stored of them. */
  deliveredKeys(
    address: string,
    source: string,
    after: string,
    limit: number,
  ): Promise<readonly Pick<Delivery, 'key' | 'stored'>[]>
  /** Has a mapping given some of them other keys than the source's? */
  areMapped(address: string): Promise<boolean>
  /**
   * Keys of an address that still hold what these records of the source were delivered under before, and not under their `key`
   * of now. `source`: `Delivery.source` of the record, 0 where nothing there is mapped; `at`: its place among those given.
   */
  formerKeys(
    address: string,
    records: readonly { readonly key: string; readonly sourceKey: string; readonly source: number }[],
  ): Promise<readonly { readonly at: number; readonly key: string }[]>
  hasDeliveries(address: string): Promise<boolean>
  /** Highest read number ever committed for an address, 0 for an unknown one; clearing the deliveries leaves it. */
  highestRead(address: string): Promise<number>
  /** Makes it at least this (a mark was ahead of the ledger). */
  raiseHighestRead(address: string, read: number): Promise<void>
  /** The target emptied its tables itself: deliveries and intents of the address have no meaning any more. */
  forgetAddress(address: string): Promise<void>
}
