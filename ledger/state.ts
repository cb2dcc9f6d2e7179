/** What of a sync is not over, and what people decided, as the ledger keeps it (`standing.ts`). */

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
  readonly since: string
  readonly closed?: { readonly at: string; readonly by: string; readonly reason: string }
}

/** What a person decided about records, kept longer than they are. */
export interface Decision {
  readonly id: string
  readonly at: string
  readonly by: string
  readonly reason: string
  readonly kind: 'discard' | 'in-doubt' | 'difference' | 'identity' | 'mass-deletion'
  readonly sync: string
  readonly entity: string
  /** Who held, or where it is written. */
  readonly sink: string
  /** The key, the batch and the answer, or the difference. */
  readonly about: string
}

export type NewDecision = Omit<Decision, 'id' | 'at'>

/** Who decides, and why. */
export type Who = Pick<Decision, 'by' | 'reason'>

/** Something of a sync that is not over: records held (or on their way by a replay), left out by a person, in doubt, to be read again; rows lost; a difference. */
export interface OpenItem {
  readonly entity: string
  readonly kind: 'held' | 'replaying' | 'left-out' | 'in-doubt' | 'again' | 'unfound' | 'lost' | 'difference'
  /** Where; null: at every sink of the entity. */
  readonly address: string | null
  readonly sinkName: string | null
  /** Records. */
  readonly count: number
  readonly problem?: string
}
