import type { Counts } from '../../ledger/ledger.ts'
import type { WriteRecord } from '../contract/target.ts'

/** A record of a batch on its way through a sink. */
export interface Entry extends WriteRecord {
  /** `_row`, by which it is settled. */
  readonly row: number
  /** Its values fit the schema for certain. */
  readonly sound: boolean
  /** What tells it from the source's other records, as long as the run lasts: the source's key, where it is known. */
  readonly origin: string | undefined
  /** What it adds to the control totals, as it arrived (`Contribution.text`); empty for a deletion. */
  contribution: string
  /** Where it was not read so: what it added then, and what it would add as our own nodes made it. */
  otherwise?: Pick<Counts, 'read' | 'declared'> | undefined
  /** Somebody changed it on the way here. */
  changed?: true
  /** Nobody sent it: a deletion of what was delivered under another key before. The record's key now. Its `row` is `NO_ROW`. */
  readonly instead?: string
  /** Deletions that go with it, in the same batch or not at all. */
  along?: readonly Entry[] | undefined
}

/** Of an entry that no message brought: nothing is settled by it. */
export const NO_ROW = -1
