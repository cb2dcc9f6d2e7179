/** What stands in targets beside the newest versions that a sync delivered there. */

import type { Amounts } from '../../sync/contract/summary.ts'
import type { Who } from './decisions.ts'

/** A key under which something else stands than the newest version that a sync read. */
export interface StandingKey {
  readonly address: string
  /** Of the target. */
  readonly key: string
  /**
   * `pushed`: a message without `msg.sync` wrote or deleted it under the source name of the sync. `older`: an earlier version, the
   * newest of which went to another sink or was filtered.
   */
  readonly kind: 'pushed' | 'older'
  readonly sync: string
  readonly entity: string
  readonly sinkName: string
  /** A version of the sync with this read number or a later one takes its place. */
  readonly read: number
  /** What is told of what stands there; absent: not known. */
  readonly amounts?: Amounts | undefined
}

export interface StandingKeys {
  standing(filter: { readonly sync?: string; readonly address?: string }): Promise<readonly StandingKey[]>
  /** Until a version of the sync is accounted for under the key. */
  keepStanding(keys: readonly StandingKey[]): Promise<void>
  /** The tables hold what was delivered and nothing else: what is not among it is gone. */
  forgetGone(address: string): Promise<void>
  /** A person allows what is pushed under the source name of a sync, from now on too. Gives back how many records that are. */
  allowPushed(sync: string, who: Who): Promise<number>
}
