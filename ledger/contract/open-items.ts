/** What of a sync is not over. */

import type { Amounts } from '../../sync/contract/summary.ts'
import type { Who } from './decisions.ts'

/** What stored sums or counts said that is not what was delivered; open until a full run of the entity ties or a person closes it. */
export interface Difference {
  readonly id: string
  readonly sync: string
  readonly entity: string
  /** The target's. */
  readonly address: string
  readonly sinkName: string
  /** The run that saw it; empty where an older version did. */
  readonly run: string
  readonly problem: string
  /**
   * The source and table that differ as a whole: `erp|lines`, the header's without a name. There is one for each until a check
   * of that table agrees. Absent: sums of one run do; it ends when a full reading ties.
   */
  readonly part?: string
  /** Rows under the source's name that no sync wrote; open until they are gone, or a person takes them as they are. Absent: a difference. */
  readonly kind?: 'others'
  readonly since: string
  readonly closed?: { readonly at: string; readonly by: string; readonly reason: string }
}

/** Where a table differs as a whole. */
export type DifferingPart = Pick<Difference, 'sync' | 'entity' | 'address'> & { readonly part: string }

/** Something of a sync that is not over: records held (or on their way by a replay), left out by a person, one too many in a target (its deletion could not be taken there, and a person lets it stay), standing there in an older version (`older`: the newest has another key, or went elsewhere), pushed under its source name by messages of no run (what a person has allowed is no longer open, and told), left by another source, folder or filter before, in doubt, to be read again; rows lost; a difference; drafts, vouchers that the source was not told of, vouchers that a person must look at, documents of which a person must say whose they are; accepted by a target whose result is open (`pending`) or that warned. */
export interface OpenItem {
  readonly entity: string
  readonly kind:
    | 'held'
    | 'replaying'
    | 'left-out'
    | 'too-many'
    | 'older'
    | 'left'
    | 'pushed'
    | 'pushed-allowed'
    | 'in-doubt'
    | 'again'
    | 'unfound'
    | 'lost'
    | 'difference'
    | 'draft'
    | 'unanswered'
    | 'aside'
    | 'asked'
    | 'others'
    | 'unwhole'
    | 'pending'
    | 'warned'
  /** Where; null: at every sink of the entity. */
  readonly address: string | null
  readonly sinkName: string | null
  /** Records; of a memory that is not whole (`unwhole`) the per cent that were read again. */
  readonly count: number
  /** Amounts of its records, to be added. Absent: nothing is told of amounts. */
  readonly amounts?: readonly Amounts[]
  /** Records whose amount is not known. */
  readonly unknown?: number
  readonly problem?: string
}

/** What stands open, and differences that a check found. */
export interface OpenItems {
  /** What of a sync is not over. */
  openItems(sync: string): Promise<readonly OpenItem[]>
  differences(filter: { readonly sync?: string; readonly open?: boolean }): Promise<readonly Difference[]>
  /**
   * Each run compares rows of its own, so that what it finds is a difference of its own; of a `part` the one that is open changes.
   * Rows of others that a person took as they are stay so until their number or amount is another.
   */
  saveDifference(difference: Omit<Difference, 'id' | 'since' | 'closed'>): Promise<void>
  /** A repair of the table begins; how many there were before for the difference that is open. */
  countRepair(place: DifferingPart): Promise<number>
  /** A person decides. Gives back the one that was open. */
  closeDifference(id: string, who: Who): Promise<Difference | undefined>
  /** A run has compared everything at that place. */
  closeDifferences(
    place: Pick<Difference, 'sync' | 'entity' | 'address' | 'part' | 'kind'>,
    by: string,
    reason: string,
  ): Promise<void>
}
