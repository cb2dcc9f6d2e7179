import type { Ledger } from '../../ledger/ledger.ts'
import type { Log } from '../contract/log.ts'
import type { PostContext, PostTarget, SendContext } from '../contract/posting.ts'
import type { RetryOptions } from '../contract/retry.ts'
import type { WriteContext } from '../contract/target.ts'
import type { Clock } from '../contract/wait.ts'
import type { Job } from '../delivering/job.ts'
import type { RunKeeper, Settlement } from '../run/settlement.ts'

/** What every part of posting needs. */
export interface PostingDeps {
  readonly ledger: Ledger
  readonly settlement: Settlement & Pick<RunKeeper, 'runs' | 'failEntity'>
  readonly log: Log
  /** ISO time of now. */
  readonly now: () => string
  readonly clock: Clock
  /** Unique text. */
  readonly newId: () => string
  readonly retry?: Partial<RetryOptions>
}

/** A batch that is posted. */
export interface PostJob extends Job<PostTarget> {
  /** How questions are asked again. */
  readonly retry: Partial<RetryOptions>
}

/** Whoever decides; kept for years. */
export interface Who {
  readonly by: string
  readonly reason: string
}

export const postContext = (
  { ledger }: Pick<PostingDeps, 'ledger'>,
  { address }: PostTarget,
  context: WriteContext,
): PostContext => ({
  ...context,
  note: { read: () => ledger.note(address), save: (text) => ledger.saveNote(address, text) },
})

export const sendContext = (context: PostContext, sending: () => void): SendContext => ({ ...context, sending })

/** Milliseconds between two ISO times, whichever is later: a clock may be set back. */
export const between = (one: string, other: string): number => Math.abs(Date.parse(one) - Date.parse(other))
