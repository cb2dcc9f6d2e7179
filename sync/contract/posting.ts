/**
 * What a client gives to the engine so that it can post: one record at a time, each at most once, whatever happens. A post
 * cannot be taken back, so that nothing is sent that the look-up (`find`) could not find again. No ledger, no policy in it.
 */
import type { SyncError } from './errors.ts'
import type { RetryOptions } from './retry.ts'
import type { PrepareContext, StandingContext, StandingRecord, WriteContext, WriteRecord } from './target.ts'

/** What tells one posting from another besides its key. Amounts are exact decimals as text, in the document's currency. */
export interface PostFacts {
  readonly amount?: string
  readonly currency?: string
  /** Supplier or customer, as the target writes it. */
  readonly party?: string
  /** When it is due, `YYYY-MM-DD`; several after one another. Absent: it was not sent, or the target does not tell. */
  readonly due?: string
}

/** What stands in the target under a key, as read there by the reference that is made of the key. */
export interface PostResult extends PostFacts {
  /** The voucher's number, given by the target. */
  readonly number: string
  /** The voucher's type; absent: the target has none. */
  readonly type?: string
  /** `draft`: may still be changed or deleted there. `reversed`: it was final, and another voucher takes it back. */
  readonly status: 'draft' | 'final' | 'reversed'
  /** Whether its payment is blocked there. */
  readonly paymentBlock?: boolean
  /** What a person should know of it (a due date that differs). */
  readonly notices?: readonly string[]
}

/** A key that is looked up. */
export interface PostKey {
  /** `keyText` of the record, as in `WriteRecord.key`. */
  readonly key: string
  /** ISO time of the newest intent; null: this ledger has none. */
  readonly at: string | null
}

/**
 * What the look-up says of a key. `twice`: more than one voucher has its reference. `absent`: the look-up was answered, and
 * there is none. `unknown`: it was not answered, or not in a way that can be believed.
 */
export type Found =
  | { readonly kind: 'posted'; readonly result: PostResult }
  | { readonly kind: 'twice'; readonly results: readonly PostResult[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly why: string }

/**
 * What became of a post. `refused`: clearly nothing was posted; the error's class says what follows (`data`: the record is held,
 * `config`: the entity fails, `auth`: renewed and sent once more, `transient` and `throttled`: sent again, behind a new intent).
 * Whatever is neither clearly posted nor clearly refused is `unknown`.
 */
export type PostOutcome =
  | { readonly kind: 'posted'; readonly result: PostResult }
  | { readonly kind: 'refused'; readonly error: SyncError }
  | { readonly kind: 'unknown'; readonly why: string }

/** Whether the look-up can be trusted. `hint`: what a person must do before anything is posted. */
export type Proof =
  | { readonly proved: true; readonly notices?: readonly string[] }
  | { readonly proved: false; readonly why: string; readonly hint: string }

/** The note of an attempt, in the ledger and on disk before anything is sent. */
export interface PostIntent {
  readonly id: string
  /** ISO time; nothing is sent later than 30 s after it. */
  readonly at: string
  /** As a person chose for this target; `draft` until he did. */
  readonly as: 'draft' | 'final'
}

export interface PostContext extends WriteContext {
  /** Text that the ledger keeps under the target's address; on disk when `save` resolves. */
  readonly note: PrepareContext['note']
}

export interface SendContext extends PostContext {
  /**
   * To be called once, right before the first byte of what posts. Throws `sync.send-late` where the intent is too old: nothing
   * may be sent then. Whatever `post` throws before this call was not sent, and is treated by its class; whatever it throws
   * after it is `unknown`.
   */
  readonly sending: () => void
}

/** When an unknown outcome is looked up again, and what follows when nothing is found. Seconds, counted from the intent. */
export interface PostRules {
  /** Besides at once. */
  readonly lookAgainSeconds: readonly number[]
  /** Nothing is called absent before: the target may still be at it. */
  readonly settleSeconds: number
  /** How often everything that is open or in doubt is looked up, with or without a run. */
  readonly everySeconds: number
  /** Still absent after that: a person is asked, or it is posted once more by the next run. */
  readonly whenAbsent: 'ask' | 'again'
  /** Words of refusals that are sent back to the source at once, `*` for anything between them; absent: none are. */
  readonly sendBackWhen?: readonly string[]
}

export const postRules: PostRules = {
  lookAgainSeconds: [60, 300, 900],
  settleSeconds: 1200,
  everySeconds: 300,
  whenAbsent: 'ask',
}

/** A voucher as it is shown. */
export type StandingVoucher = StandingRecord & Required<Pick<StandingRecord, 'schema'>>

/** The place one entity is posted to. Nothing in it tries again by itself: a transport that repeats a post posts twice. */
export interface PostTarget {
  /** Host, folder and what is posted, as in `Target.address`: the memory of what was posted belongs to it. */
  readonly address: string
  readonly mode: 'post'
  readonly rules?: Partial<PostRules>
  /**
   * At the beginning of each run, and before what a person decided is done: whether the look-up works, as far as the target can
   * tell (it is allowed, it answers, the field is there). Besides this the engine asks `find` for what this ledger posted last.
   */
  prove(context: PostContext): Promise<Proof>
  /**
   * *Test posting*, ordered by a person: posts a draft that no record can be, finds it, and deletes it. `left`: the draft could
   * not be deleted, and how to find it. Absent: the target cannot test itself.
   */
  test?(context: SendContext): Promise<Proof & { readonly left?: string }>
  /**
   * Checks a record as far as that goes without posting it, before any witness is asked: throws `data` for what cannot be posted
   * (it is held), `config` for what no record can pass. Gives what a voucher found under its key must be like.
   */
  check(record: WriteRecord, context: PostContext): Promise<PostFacts>
  /** Posts one record. Called once for an intent, after both witnesses. */
  post(record: WriteRecord, intent: PostIntent, context: SendContext): Promise<PostOutcome>
  /** What stands in the target under these keys. A key that is missing in the answer is `unknown`. */
  find(keys: readonly PostKey[], context: PostContext): Promise<ReadonlyMap<string, Found>>
  /**
   * What was posted under a key, as it stands there now, for a person: of each list up to `most` rows, with columns of its own.
   * Undefined: the look-up does not find it. Absent: it cannot be shown.
   */
  standing?(key: string, most: number, context: StandingContext): Promise<StandingVoucher | undefined>
  /** As in `Target`. */
  renew?(): Promise<void>
  /** How often and how long questions (never a post) that fail for a while are asked again. */
  readonly retry?: Partial<RetryOptions>
  /** Requests sent so far to this address's connection. */
  statements(): number
}

/** What the source is told of a record, under its own key. */
export interface Answer {
  /** The source's own key, as its record had it (with the revision where the source has an inbox). */
  readonly key: string
  /** Unique, and the same each time this answer is given. */
  readonly answerId: string
  /** It was taken before; asked is whether it came to be. */
  readonly answered: boolean
  /** What was posted (never a draft); or why a person sends it back. */
  readonly say: { readonly posted: PostResult } | { readonly sentBack: string }
}

/**
 * What became of an answer. `answered`: the source took it and works on it; asked again later. `confirmed`: it is done.
 * `alert`: for a person, such as another voucher that stands there already; the answer stays open.
 */
export type Answered = 'answered' | 'confirmed' | { readonly alert: string }
