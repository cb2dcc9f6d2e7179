/** The inbox of a source that hands documents over: written down before they are acknowledged there, kept until they are answered. */

/**
 * How far a document is: `asked`: a person must say whether it is ours. `recorded`: written down, not acknowledged at the source.
 * `acknowledged`: ours. `handed on`: on its way in a message. `settled`: every sink has said what became of it. `answered`: the
 * source took the answer. `confirmed`: it has done it. `dropped`: not ours, or it went away before it was.
 */
export type InboxState =
  | 'asked'
  | 'recorded'
  | 'acknowledged'
  | 'handed on'
  | 'settled'
  | 'answered'
  | 'confirmed'
  | 'dropped'

/**
 * One document. The key of the record that is handed on is `keyText` of the document's own key and, as its last part, the
 * revision: an integer that only a person raises, when what was posted before is gone or reversed.
 */
export interface InboxItem {
  /** `keyText` of the document, source part included, without the revision. */
  readonly key: string
  readonly revision: number
  readonly entity: string
  /** As it was recorded. */
  readonly document: unknown
  readonly state: InboxState
  /** ISO times at which it came to each state. */
  readonly times: Readonly<Partial<Record<InboxState, string>>>
  /** When an acknowledge was begun for the first time; null: none was. With state `recorded`: its reply never came. */
  readonly acknowledging: string | null
  /** Id of the answer, made before it is given for the first time. */
  readonly answerId: string | null
  /** What a person is asked, or why it was dropped. */
  readonly why: string | null
}

/**
 * The inbox of one source address, as the engine hands it to `Source.plan`. On disk when a promise resolves. What becomes of a
 * document after it was handed on is written by the engine.
 */
export interface Inbox {
  /** Writes documents down, in their order, with revision 0. One that is known keeps its state; its document is replaced until it is acknowledged. */
  record(items: readonly { readonly key: string; readonly document: unknown }[]): Promise<void>
  /** The source handed documents over once more that were settled before, or dropped: they begin anew as `recorded`, with their revision and a new answer. */
  reopen(items: readonly { readonly key: string; readonly document: unknown }[]): Promise<void>
  /** An acknowledge is about to be sent: if its reply is lost, this tells it from one that was never sent. */
  acknowledging(keys: readonly string[]): Promise<void>
  acknowledged(keys: readonly string[]): Promise<void>
  /** Not ours after all, or gone before it was acknowledged. */
  dropped(items: readonly { readonly key: string; readonly why: string }[]): Promise<void>
  /**
   * Lists documents for a person, who says whether they are ours; then they are `acknowledged` or `dropped`. Those that were
   * asked or answered before stay as they are.
   */
  ask(items: readonly { readonly key: string; readonly document: unknown; readonly why: string }[]): Promise<void>
  /** What this sync must still hand on, oldest first: recorded, acknowledged, and handed on by a run that ended before it was settled. */
  open(): Promise<readonly InboxItem[]>
  /** What is known of keys; whichever sync recorded them. Unknown ones are left out. */
  find(keys: readonly string[]): Promise<ReadonlyMap<string, InboxItem>>
  /** What of this sync is acknowledged and not confirmed, oldest first. */
  unanswered(): Promise<readonly InboxItem[]>
  /**
   * The source is ahead of this inbox, which therefore is an old copy: nothing is posted any more until a person has said so.
   * `why` names the document; the same words stop it only once.
   */
  behind(why: string): Promise<void>
}
