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

/** What an alert about one record is about. */
interface Aside {
  readonly sync: string
  readonly entity: string
  readonly key: string
}

const asideOf = ({ sync, entity, key }: Aside) => ({ sync, kind: 'posted-aside', entity: `${entity} ${key}` })

/** Something stands at an address under a record's reference that only a person can decide on. */
export async function tellAside(
  { ledger, log }: Pick<PostingDeps, 'ledger' | 'log'>,
  about: Aside & { readonly address: string },
  why: string,
): Promise<void> {
  const { entity, key, address } = about
  const message = `${entity} ${key}: ${why} (${address}). Look at it there, then say what holds.`
  log.warn(message)
  await ledger.raiseAlert({ ...asideOf(about), message })
}

export const clearAside = async ({ ledger }: Pick<PostingDeps, 'ledger'>, about: Aside): Promise<void> =>
  void (await ledger.clearAlerts(asideOf(about)))

/** Milliseconds between two ISO times, whichever is later: a clock may be set back. */
export const between = (one: string, other: string): number => Math.abs(Date.parse(one) - Date.parse(other))
