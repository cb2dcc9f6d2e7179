/** What was posted, what is on its way there, and whether this ledger may post at all. */

import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import type { PostFacts, PostResult } from '../../sync/contract/posting.ts'
import type { NewDecision, Who } from './decisions.ts'
import type { Intent } from './intents.ts'

/** What stands at an address under a key, once and for ever. */
export interface Posting {
  readonly address: string
  readonly key: string
  readonly sync: string
  readonly entity: string
  /** The source's address, and its own key of the record; null: not known. */
  readonly source: string
  readonly sourceKey: string | null
  /** Fingerprints of what was posted, and of the original where a person had edited it. */
  readonly hash: string
  readonly originalHash: string | null
  readonly result: PostResult
  /** What a voucher under this key must be like. */
  readonly facts: PostFacts
  /** ISO time of its intent, or at which it was found. */
  readonly at: string
  /** When the look-up found it after that; null: it did not yet. */
  readonly seen: string | null
  /** A person gave its number: no look-up finds it. */
  readonly byHand: boolean
  /** Why a person must look at it; nothing is answered meanwhile. */
  readonly aside: string | null
}

export type NewPosting = Omit<Posting, 'address' | 'sync' | 'entity' | 'aside' | 'byHand'> & {
  readonly aside?: string | null
  readonly byHand?: boolean
  /** Kept, encrypted, until it is final and was found. */
  readonly record: DataRecord
  readonly schema: Schema
}

/** An attempt to post one record, open or in doubt. */
export interface PostAttempt extends Omit<Intent, 'schema' | 'records' | 'state'> {
  readonly state: 'open' | 'in-doubt'
  readonly key: string
  readonly read: number
  readonly hash: string
  readonly originalHash: string | null
  readonly source: string
  readonly sourceKey: string | null
  readonly facts: PostFacts
  readonly sinkName: string
}

/** Whether a ledger may post to an address: a person says so, for each. */
export interface PostPlace {
  readonly address: string
  readonly started: { readonly at: string; readonly by: string; readonly reason: string } | null
  /** Why not any more. */
  readonly stopped: string | null
  /** Final vouchers, not drafts. */
  readonly final: boolean
  /** When *Test posting* last found what it had written. */
  readonly tested: string | null
}

/** Postings. */
export interface Postings {
  /**
   * Announces a post: the attempt with its record is in the ledger, and its number outside it, when this resolves. Throws
   * `ledger.installation` where that cannot be written: nothing may be sent then.
   */
  openAttempt(attempt: Omit<PostAttempt, 'state'>, record: DataRecord, schema: Schema): Promise<void>
  /** Open and in doubt, oldest first; of an address, or of all. */
  attempts(address?: string): Promise<readonly PostAttempt[]>
  /** What an attempt was to post. Throws `ledger.sealed` where it cannot be decrypted. */
  attempted(id: string): Promise<{ readonly record: DataRecord; readonly schema: Schema } | undefined>
  postings(address: string, keys: readonly string[]): Promise<ReadonlyMap<string, Posting>>
  /** Newest first: the newest final one, else up to three drafts. Those posted before `since` are left out. */
  newestPostings(address: string, since: string | null): Promise<readonly Posting[]>
  /** Those that the look-up has still to find, and drafts, whose status may change; none that are set aside. */
  postingsToLookUp(address: string): Promise<readonly Posting[]>
  /** Where such postings, or attempts, are. */
  placesToLookUp(): Promise<readonly { readonly address: string; readonly entity: string }[]>
  /** Newest first. `open`: only drafts, those set aside, and those that the look-up has still to find. */
  listPostings(filter: {
    readonly sync?: string
    readonly open?: boolean
    readonly limit?: number
  }): Promise<readonly Posting[]>
  /** How much waits for a person's word: documents that nobody knows whose they are, attempts in doubt, postings set aside. */
  countToDecide(): Promise<number>
  /** What was posted of a record that is still kept; undefined: it is not any more. */
  posted(address: string, key: string): Promise<{ readonly record: DataRecord; readonly schema: Schema } | undefined>
  savePosting(
    address: string,
    key: string,
    change: Partial<Pick<Posting, 'result' | 'facts' | 'seen' | 'aside'>>,
    decision?: NewDecision,
  ): Promise<void>
  postPlace(address: string): Promise<PostPlace>
  postPlaces(): Promise<readonly PostPlace[]>
  /** A person lets this ledger post there. */
  startPosting(address: string, about: { readonly sync: string; readonly entity: string }, who: Who): Promise<void>
  /** A person chooses final vouchers, or drafts. */
  postAs(
    address: string,
    as: 'draft' | 'final',
    about: { readonly sync: string; readonly entity: string },
    who: Who,
  ): Promise<void>
  testedPosting(address: string): Promise<void>
  /** This ledger is an old copy: it posts nowhere until a person says so anew. Gives back where it did. */
  stopPosting(why: string): Promise<readonly string[]>
}
