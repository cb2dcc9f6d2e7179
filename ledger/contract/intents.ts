/** Batches for targets that only append: announced before they are sent, and in doubt when nobody knows what became of them. */

import type { Schema } from '../../sync/contract/message.ts'
import type { Told } from '../../sync/contract/summary.ts'

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
    /** Rows of each list (`Stored.lines`); absent: not counted there, or announced by a version before. */
    readonly lines?: string
    /** The source's own key; absent: not known. */
    readonly source?: string
  }[]
  /** `repeated`: sent again though nobody knows what became of the first attempt; listed like those in doubt, but holds nothing back. */
  readonly state: 'open' | 'in-doubt' | 'repeated'
  readonly at: string
  /** It is one attempt to post (`Postings.attempts`). */
  readonly posting?: true
  /** The amounts of its records, once it is in doubt; absent: none is known. */
  readonly told?: Told
}

/** Intents, open or in doubt. */
export interface Intents {
  openIntent(intent: Omit<Intent, 'state'>): Promise<void>
  intents(address: string): Promise<readonly Intent[]>
  /** Where batches of unknown outcome were sent, attempts to post left aside. */
  openPlaces(): Promise<readonly { readonly address: string; readonly entity: string }[]>
  /** Batches of a sync (absent: of all) that are in doubt or were sent again in doubt, for a person to look at. */
  doubtful(sync?: string): Promise<readonly Intent[]>
  /** `told`: the amounts of its records; absent: none is known. */
  closeIntent(id: string, as: 'absent' | 'in-doubt' | 'repeated', told?: Told): Promise<void>
}
