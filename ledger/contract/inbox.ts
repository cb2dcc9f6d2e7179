/** Documents that sources handed over, until they are answered. */

import type { Inbox, InboxItem, InboxState } from '../../sync/contract/inbox.ts'
import type { PostResult } from '../../sync/contract/posting.ts'
import type { Who } from './decisions.ts'

/** A document, with whose it is. */
export interface InboxEntry extends InboxItem {
  /** Address of the source. */
  readonly source: string
  readonly sync: string
  /** Why a person sends it back; null: nobody does. */
  readonly sentBack: string | null
}

/** What is to be said to a source of one of its documents. */
export interface Unanswered {
  /** The key of the record: the document's with its revision. */
  readonly key: string
  readonly answerId: string | null
  readonly answered: boolean
  readonly say: { readonly posted: PostResult } | { readonly sentBack: string }
}

/** The inboxes. */
export interface Inboxes {
  /** As a source gets it; `behind` stops all posting of this ledger. */
  inbox(of: { readonly source: string; readonly sync: string; readonly entity: string }): Inbox
  inboxEntries(filter: {
    readonly source?: string
    readonly sync?: string
    readonly states?: readonly InboxState[]
    readonly keys?: readonly string[]
    readonly limit?: number
  }): Promise<readonly InboxEntry[]>
  /** Documents that the source waits for an answer about and that have no final voucher which nothing is wrong with, oldest first. */
  unposted(sync?: string): Promise<readonly InboxEntry[]>
  /** Its records, by the keys that they have with the revision, are on their way. */
  handOn(source: string, recordKeys: readonly string[]): Promise<void>
  /** A final voucher that nothing is wrong with, or a person's word to send it back, which the source has not confirmed yet. */
  unanswered(sync: string, source: string): Promise<readonly Unanswered[]>
  /** Documents that were acknowledged before then, and that the source has not confirmed. */
  overdue(sync: string, source: string, before: string): Promise<readonly string[]>
  /** The answer's id, before it is given for the first time. */
  beginAnswers(source: string, answerIds: ReadonlyMap<string, string>): Promise<void>
  /** By the key of the record. */
  saveAnswers(source: string, became: ReadonlyMap<string, 'answered' | 'confirmed'>): Promise<void>
  /** A person says whether a document is ours. Gives back whether it was asked. */
  decideInbox(source: string, key: string, as: 'ours' | 'not-ours', who: Who): Promise<boolean>
  /** A person sends a document back. Gives back whether there is one that is not answered. */
  sendBack(source: string, recordKey: string, who: Who): Promise<boolean>
  /** A person has a document handed on again under the next revision. Gives back that revision; undefined: it is not there. */
  raiseRevision(source: string, recordKey: string, who: Who): Promise<number | undefined>
}
