/** Records that could not be delivered. */

import type { ErrorCause } from '../../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import type { Amounts } from '../../sync/contract/summary.ts'

export type HeldState = 'open' | 'replaying' | 'delivered' | 'superseded' | 'discarded'

/** A record that could not be delivered, as it was received at the place that holds it. */
export interface HeldRecord {
  readonly id: string
  /** Who holds: a target's address, `map:<node id>`, or `source:<sync>`. At most one open held record for (who, key). Stored as `sink`. */
  readonly heldBy: string
  /** What its node is called. */
  readonly sinkName: string
  readonly stage: 'source' | 'map' | 'sink' | 'flow'
  readonly key: string
  /** The source's own key of what is to be posted; absent: not known. */
  readonly sourceKey?: string
  readonly sync: string
  readonly run: string
  readonly entity: string
  readonly sourceAddress: string
  readonly read: number
  readonly record: DataRecord
  readonly schema: Schema
  readonly cause: ErrorCause & { readonly message: string }
  /** Somebody changed it in the flow before it was held: it is no more what was read. */
  readonly changed?: true
  /** The one amount of it that is told; absent: not known. */
  readonly amounts?: Amounts | undefined
  readonly state: HeldState
  readonly attempts: number
  readonly heldAt: string
  /** The edit of a person, with who and when; the original stays in `record`. */
  readonly edited?: { readonly record: DataRecord; readonly by: string; readonly at: string; readonly reason: string }
  /** Who left it out, when and why; `stays`: it is a deletion, and its record stays in the target. */
  readonly discarded?: { readonly by: string; readonly at: string; readonly reason: string; readonly stays?: true }
  /** What it held is older than the retention, and gone: key, amounts and reason are left. */
  readonly emptied?: true
}

/** A held record without what it holds, which is encrypted. */
export type HeldHead = Pick<
  HeldRecord,
  'id' | 'heldBy' | 'sinkName' | 'stage' | 'key' | 'sync' | 'entity' | 'cause' | 'amounts' | 'state' | 'heldAt'
>

/** Which held records: all of a sync, of one who holds (`HeldRecord.heldBy`, or the name of its node), of an entity, or by id. */
export interface HeldFilter {
  readonly sync?: string
  readonly heldBy?: string
  readonly entity?: string
  readonly ids?: readonly string[]
  readonly limit?: number
  /** Only those that were held behind the one with this id. */
  readonly after?: string | undefined
}

/** Held records. */
export interface HeldRecords {
  held(filter: HeldFilter & { readonly states?: readonly HeldState[] }): Promise<readonly HeldRecord[]>
  /** The heads of them, in the order in which they were held: quick, however many they are. */
  heldHeads(filter: HeldFilter & { readonly states?: readonly HeldState[] }): Promise<readonly HeldHead[]>
  countHeld(filter: HeldFilter): Promise<number>
  /** Read number of the open held record of each key at one who holds (`HeldRecord.heldBy`), for telling what is older; keys without one are left out. */
  heldReads(heldBy: string, keys: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Oldest change stamp or read number among open held and in-doubt records of a sync and entity, for the mark's floor. */
  oldestHeld(
    sync: string,
    entity: string,
  ): Promise<{ readonly heldAt: string; readonly stamp: string | null } | undefined>
  claimHeld(filter: HeldFilter, run: string): Promise<readonly HeldRecord[]>
  /** Gives claimed records back (`open`), or ends them. */
  releaseHeld(ids: readonly string[], as: Exclude<HeldState, 'replaying' | 'discarded'>): Promise<void>
  /** Once after an upgrade: what is told of records that were held before it was. `of` gives undefined where it is not known. */
  fillAmounts(of: (schema: Schema, record: DataRecord) => Amounts | undefined): Promise<void>
}
