/** What the tables of an address must hold, and whether the ledger knows all that is in there. */

import type { StoredRange } from './deliveries.ts'

type StoredVersion = StoredRange['stored'][number]

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
  /** Where it is not whole: per cent of the source's keys that were read again for it. */
  readonly share: number
  readonly tables: readonly TableSum[]
}

/** Running sums of what was delivered, kept in the transactions that settle it. */
export interface TargetSums {
  /** The tables of an address are counted: names of its lists in the order in which their rows are; those that are new come last. */
  tableLists(address: string, names: readonly string[]): Promise<readonly string[]>
  /** `source`: the first part of the keys, as it is stored. Undefined: nothing was counted. */
  targetMemory(address: string, source: string): Promise<TargetMemory | undefined>
  /** Anew from all deliveries of the source, after they were matched with what a table has. */
  recountTargets(address: string, source: string): Promise<void>
  /** The target may hold what was never counted, with read numbers up to this one. */
  doubtSums(address: string, read: number): Promise<void>
  /** Keys of the source known under read numbers up to this one may be in no sum; 0: the memory is whole. */
  unsummed(address: string, source: string): Promise<number>
  /** A sweep has listed all keys: of those known so far, under numbers up to `read`, what is not summed is read again. */
  beginSumming(address: string, source: string, read: number): Promise<void>
  /** `share`: per cent that were read again; 100 and nothing uncounted makes it whole. Gives whether it is. */
  saveSummed(address: string, source: string, share: number): Promise<boolean>
  /**
   * Read numbers that the rows of a target carry, for what a version before delivered and the target still has as it was
   * delivered. `anew`: also keys that are not known at all, which another ledger delivered, with their hashes.
   */
  learnStored(
    address: string,
    stored: readonly Pick<StoredVersion, 'key' | 'read' | 'hash'>[],
    anew: boolean,
  ): Promise<void>
  /** Of what a version before delivered nothing else is there as it was: it equals nothing any more. */
  doubtUnlearnt(address: string, source: string): Promise<void>
  /** Target and sums agree in everything. */
  saveWhole(address: string, source: string): Promise<void>
}
