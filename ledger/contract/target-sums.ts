/** What the tables of an address must hold, and whether the ledger knows all that is in there. */

/** A table of an address, as the deliveries of one source have filled it. */
export interface TableSum {
  /** `''` the header's, else the list's name. */
  readonly list: string
  readonly rows: number
  /** Header: of the first 32 bits of `_row_hash`; list: of `_sync_read`. */
  readonly sum: bigint
}

/** What the ledger knows of one source at an address. */
export interface TargetMemory {
  /** All that is there was counted. Not: it was cleared, taken over from a mark, put back from a copy, or written by a version before. */
  readonly whole: boolean
  readonly tables: readonly TableSum[]
}

/** Running sums of what was delivered, kept in the transactions that settle it. */
export interface TargetSums {
  /** Names of an address's lists in the order in which rows are counted; those that are new come last. */
  tableLists(address: string, names: readonly string[]): Promise<readonly string[]>
  /** `source`: the first part of the keys, as it is stored. Undefined: nothing was counted. */
  targetMemory(address: string, source: string): Promise<TargetMemory | undefined>
  /** Anew from all deliveries of the source, after they were matched with what a table has. */
  recountTargets(address: string, source: string): Promise<void>
  saveWhole(address: string, source: string, whole: boolean): Promise<void>
}
