/** What people decided. */

import type { DataRecord } from '../../sync/contract/message.ts'
import type { Amounts } from '../../sync/contract/summary.ts'
import type { Intent } from './intents.ts'

/** What a person decided about records, kept longer than they are. */
export interface Decision {
  readonly id: string
  readonly at: string
  readonly by: string
  readonly reason: string
  readonly kind:
    | 'discard'
    | 'deletion-taken-back'
    | 'deletion-stays'
    | 'edit'
    | 'code'
    | 'replay'
    | 'in-doubt'
    | 'difference'
    | 'identity'
    | 'mass-deletion'
    | 'clear'
    | 'pushed'
    | 'posting'
    | 'inbox'
    | 'warning'
  readonly sync: string
  readonly entity: string
  /** Who held it (`HeldRecord.heldBy`), or the address that it is written to. */
  readonly sink: string
  /** The key, the batch and the answer, or the difference. */
  readonly about: string
  /** What is told of the records that it is about; absent: not known. */
  readonly amounts?: Amounts | undefined
}

/** What a person says of a held deletion: it was made in the target by hand, or its record stays there, one too many. */
export type DeletionAnswer = 'taken-back' | 'stays'

export type NewDecision = Omit<Decision, 'id' | 'at'>

/** Who decides, and why. */
export type Who = Pick<Decision, 'by' | 'reason'>

/** Decisions of people, kept for years, and what follows from them. */
export interface Decisions {
  /** The latest first. `about`: only those about one of these keys. */
  decisions(filter: {
    readonly sync?: string
    readonly about?: readonly string[]
    readonly limit?: number
  }): Promise<readonly Decision[]>
  /** Writes down what a person decided. */
  decide(decision: NewDecision): Promise<void>
  /**
   * A person leaves open held records out; they stay listed until a later version of theirs is accounted for. Of a deletion
   * `answer` says what stands in the target: what was taken back is over, what stays is listed as one too many there. Gives
   * back how many there were; throws `ledger.deletion` where a deletion is among them and nothing is said of it.
   */
  discardHeld(ids: readonly string[], who: Who, answer?: DeletionAnswer): Promise<number>
  /** A person corrects an open held record; the original stays beside it. `amounts`: what is told of it now. */
  editHeld(id: string, record: DataRecord, who: Who, amounts?: Amounts): Promise<void>
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
}
