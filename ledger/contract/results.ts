/** Two stages: what was accepted and whose result is open, what was said of it, and what is known of the content sent last. */

import type { ErrorCause } from '../../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import type { PendingResult } from '../../sync/contract/results.ts'
import type { Amounts, ResultFigures } from '../../sync/contract/summary.ts'
import type { Who } from './decisions.ts'

/** A record that was accepted: one for each address and key, that of the latest read. */
export interface AcceptedRecord extends PendingResult {
  readonly address: string
  readonly sync: string
  readonly run: string
  readonly entity: string
  readonly sinkName: string
  /** 32 hex digits; `''`: a deletion. */
  readonly hash: string
  /** Hash of what was sent before it, where that came through; null: that is not known. */
  readonly before: string | null
}

/** What is stored in the transaction that settles it. */
export interface NewAccepted extends PendingResult {
  readonly hash: string
  readonly before: string | null
  readonly sourceAddress: string
  /** The source's own key; absent: not known. */
  readonly sourceKey?: string | undefined
  /** Kept, encrypted, until the result is there. */
  readonly record: DataRecord
  readonly schema: Schema
  /** The one amount of it that is told; absent: not known. */
  readonly amounts?: Amounts | undefined
  /** `false`: nobody sent it, as the deletion of a former key; it is in no figure. */
  readonly counted?: boolean
}

/** What was sent last under a key. */
export interface LastSent {
  readonly hash: string
  /** A result says that it is in. */
  readonly through: boolean
}

/** What became of an accepted record. Without effect where a later version was accepted meanwhile. */
export type ResultEnd = { readonly key: string; readonly read: number } & (
  | { readonly as: 'processed' }
  /**
   * It is in, and the target says something of it: open until a later version is processed, or a person has seen it. Once a record of
   * an entity of `needs` comes through of which no success was known, it is read and sent again.
   */
  | { readonly as: 'warned'; readonly text: string; readonly needs?: readonly string[] }
  /**
   * The memory of its delivery is gone. `held`: it is held with this cause; a run after `retryAt`, or one after a record of an
   * entity of `needs` was processed, reads it again. `again`: the next run reads it again; held where its source's key is not known.
   */
  | {
      readonly as: 'held' | 'again'
      readonly cause: ErrorCause & { readonly message: string }
      readonly retryAt: string
      readonly needs?: readonly string[]
    }
)

/** An accepted record as people see it. */
export interface OpenResult extends Pick<AcceptedRecord, 'address' | 'sync' | 'entity' | 'sinkName' | 'key' | 'since'> {
  readonly state: 'pending' | 'warned'
  readonly read: number
  /** Numbers of its requests. */
  readonly requests: readonly string[]
  /** Of a warning what the target said. */
  readonly text?: string
  readonly amounts?: Amounts
}

/** Results that are open, and what follows from those that are there. */
export interface Results {
  lastSent(address: string, keys: readonly string[]): Promise<ReadonlyMap<string, LastSent>>
  /** They are about to be sent: until a result says so none of it came through. */
  sending(
    address: string,
    records: readonly { readonly key: string; readonly read: number; readonly hash: string }[],
  ): Promise<void>
  /** Those of an address whose result is open, oldest first, behind the one given. */
  pendingResults(
    address: string,
    limit: number,
    after?: Pick<AcceptedRecord, 'since' | 'key'>,
  ): Promise<readonly AcceptedRecord[]>
  /** Where results are open; `pending`: how many. */
  resultPlaces(): Promise<
    readonly { readonly address: string; readonly entity: string; readonly sync: string; readonly pending: number }[]
  >
  /** All of them in one transaction. */
  endResults(address: string, ends: readonly ResultEnd[]): Promise<void>
  /** What became of what a run has sent to an address, so far. */
  resultFigures(run: string, entity: string, address: string): Promise<ResultFigures>
  /** For a list: the oldest first. `after`: only those behind this one. */
  openResults(filter: {
    readonly sync?: string
    readonly limit?: number
    readonly after?: Pick<OpenResult, 'since' | 'key' | 'address'> | undefined
  }): Promise<readonly OpenResult[]>
  /** How many there are, with those of which the target warned. */
  countResults(): Promise<number>
  /** A person has seen the warnings of these keys. Gives back how many there were. */
  seenWarnings(address: string, keys: readonly string[], who: Who): Promise<number>
  /** Refused records whose time has come, and those that were taken without something that is there now, are queued to be read again by the next run of the sync. Gives back their entities. */
  retryRefused(sync: string): Promise<readonly string[]>
}
