/** Follows what was posted: attempts of unknown outcome, drafts, and what the look-up has still to find; with or without a run. */
import type { PostAttempt, Posting } from '../../ledger/ledger.ts'
import type { PostingSink } from '../contract/engine.ts'
import { asSyncError } from '../contract/errors.ts'
import {
  type Found,
  type PostFacts,
  type PostResult,
  type PostRules,
  type PostTarget,
  postRules,
} from '../contract/posting.ts'
import type { RetryContext, RetryOptions } from '../contract/retry.ts'
import { postsInDoubt } from '../run/alerts.ts'
import { createQueue } from '../values/queue.ts'
import type { Answers } from './answers.ts'
import { type PostingDeps, type PostJob, postContext, tellAside } from './deps.ts'
import { lookUp, questions } from './post-record.ts'
import { proofOf } from './proof.ts'
import type { Sources } from './sources.ts'
import { type Standing, standingOf } from './standing.ts'

export interface Followed {
  attend(sink: PostingSink): () => void
  sinks(): readonly PostingSink[]
  /** Something is newly in doubt: its first look is earlier than the next round. */
  wake(): void
  /** Looks up what is due, and answers; of one sync, or of all. `all`: due or not. */
  look(options?: { readonly sync?: string | undefined; readonly all?: boolean }): Promise<void>
  /** The second look-up right after a post. */
  confirm(posting: Posting, job: Pick<PostJob, 'context' | 'again' | 'retry' | 'options'>): Promise<Confirmed>
  /** What an attempt was to post stands there. */
  found(attempt: PostAttempt, standing: Extract<Standing, { result: unknown }>): Promise<void>
  close(): Promise<void>
}

/** What a look-up says of what was posted. */
export interface Confirmed {
  /** It was found as it must be. */
  readonly seen: boolean
  /** It is due on another day there. */
  readonly otherDue: boolean
}

export interface FollowParts {
  readonly sources: Sources
  readonly answers: Answers
  readonly inHand: ReadonlySet<string>
}

/** When an attempt is looked up next, in milliseconds since 1970. */
export function nextLook(at: string, last: number | undefined, rules: PostRules): number {
  if (last === undefined) return 0
  const begun = Date.parse(at)
  const times = [...rules.lookAgainSeconds, rules.settleSeconds].map((seconds) => begun + seconds * 1000)
  return Math.min(last + rules.everySeconds * 1000, ...times.filter((time) => time > last))
}

const rulesOf = (target: PostTarget): PostRules => ({ ...postRules, ...target.rules })

export function createFollowed(deps: PostingDeps, parts: FollowParts): Followed {
  const { ledger, clock, log } = deps
  const sinks = new Set<PostingSink>()
  const closed = new AbortController()
  const passes = createQueue()
  /** When each attempt was looked up last, and each address. */
  const looked = new Map<string, number>()
  let woken = Promise.withResolvers<void>()
  let loop: Promise<void> | undefined

  const wake = (): void => {
    woken.resolve()
    woken = Promise.withResolvers()
  }
  const look: Followed['look'] = ({ sync, all = false } = {}) =>
    passes.run(async () => {
      for (const { address, entity } of await ledger.placesToLookUp()) {
        const target = await targetAt(address, entity)
        if (target) await lookAt(target, sync, all)
      }
      for (const name of parts.sources.names())
        if (sync === undefined || sync === name)
          await parts.sources
            .with(name, closed.signal, (source) => parts.answers.give(name, source, closed.signal))
            .catch((error: unknown) => log.warn(`${name}: ${asSyncError(error).message}`))
    })
  const targetAt = async (address: string, entity: string): Promise<PostTarget | undefined> => {
    for (const sink of sinks) {
      const target = await sink.target(entity).catch(() => undefined)
      if (target?.address === address) return target
    }
    return undefined
  }
  const lookAt = async (target: PostTarget, sync: string | undefined, all: boolean): Promise<void> => {
    try {
      await follow(deps, parts, { target, sync, all, looked, signal: closed.signal })
    } catch (error) {
      if (!closed.signal.aborted) log.warn(`${target.address} could not be looked up: ${asSyncError(error).message}`)
    }
  }
  /** Until the engine is closed, as long as there is a sink. */
  const keepLooking = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      await look().catch((error: unknown) => log.warn(`Posts could not be looked up: ${asSyncError(error).message}`))
      const ms = await untilNext().catch(() => postRules.everySeconds * 1000)
      const stop = new AbortController()
      const signal = AbortSignal.any([closed.signal, stop.signal])
      await Promise.race([clock.wait(ms, signal).catch(() => undefined), woken.promise])
      stop.abort()
    }
  }
  const untilNext = async (): Promise<number> => {
    const now = clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const sink of sinks)
      for (const { address, entity } of await ledger.placesToLookUp()) {
        const target = await sink.target(entity).catch(() => undefined)
        if (target?.address !== address) continue
        const rules = rulesOf(target)
        next = Math.min(next, now + rules.everySeconds * 1000)
        for (const { id, at } of await ledger.attempts(address))
          next = Math.min(next, nextLook(at, looked.get(id), rules))
      }
    const most = postRules.everySeconds * 1000
    return Math.max(100, Math.min(most, next - now))
  }

  return {
    attend(sink) {
      sinks.add(sink)
      loop ??= keepLooking()
      wake()
      return () => sinks.delete(sink)
    },
    sinks: () => [...sinks],
    wake,
    look,
    async confirm(posting, job) {
      const { target } = job.options
      const standing = await lookUp(deps, target, posting, posting.facts, job)
      return settlePosting(deps, posting, standing, { another: false, rules: rulesOf(target) })
    },
    found: (attempt, standing) => commitFound(deps, attempt, standing),
    async close() {
      closed.abort()
      wake()
      await loop
      await passes.run(async () => undefined)
    },
  }
}

/** Keys of one question. */
const AT_ONCE = 100

interface Pass {
  readonly target: PostTarget
  readonly sync: string | undefined
  readonly all: boolean
  readonly looked: Map<string, number>
  readonly signal: AbortSignal
}

/** One look at what is open at an address. */
async function follow(deps: PostingDeps, { inHand }: FollowParts, pass: Pass): Promise<void> {
  const { ledger, clock } = deps
  const { target, sync, all, looked, signal } = pass
  const { address } = target
  const rules = rulesOf(target)
  const now = clock.now()
  const isDue = (id: string, at: string): boolean => all || nextLook(at, looked.get(id), rules) <= now
  const mine = <T extends { readonly sync: string }>(some: readonly T[]) =>
    some.filter((one) => sync === undefined || one.sync === sync)
  const attempts = mine(await ledger.attempts(address)).filter(({ id, at }) => !inHand.has(id) && isDue(id, at))
  // Drafts and what was not found yet are looked at as often as all else.
  const isRound = all || now - (looked.get(address) ?? Number.NEGATIVE_INFINITY) >= rules.everySeconds * 1000
  const postings = isRound ? mine(await ledger.postingsToLookUp(address)) : []
  if (attempts.length + postings.length === 0) return
  const { context, again, retry } = asking(deps, target, signal)
  const ask = questions(again, retry)
  const newest = await ledger.newestPostings(address, null)
  const keys = new Map([...newest, ...postings, ...attempts].map(({ key, at }) => [key, { key, at }]))
  const found = new Map<string, Found>()
  const wanted = [...keys.values()]
  for (let at = 0; at < wanted.length; at += AT_ONCE) {
    const some = wanted.slice(at, at + AT_ONCE)
    for (const [key, one] of await ask(() => target.find(some, postContext(deps, target, context)))) found.set(key, one)
  }
  for (const one of attempts) {
    looked.set(one.id, now)
    if (!inHand.has(one.id)) await settleAttempt(deps, one, found.get(one.key), { ...pass, ask, context, rules })
  }
  if (isRound) looked.set(address, now)
  for (const posting of postings) {
    const another = [...found].some(([key, { kind }]) => key !== posting.key && kind === 'posted')
    await settlePosting(deps, posting, standingOf(found.get(posting.key), posting.facts), { another, rules })
  }
}

export function asking(deps: PostingDeps, target: PostTarget, signal: AbortSignal) {
  const context = { signal, waiting: () => undefined }
  const again: RetryContext = { ...context, idempotent: true, renew: target.renew?.bind(target) }
  const retry: Partial<RetryOptions> = { ...deps.retry, ...target.retry }
  return { context, again, retry }
}

interface Settling extends Pass {
  readonly ask: <T>(work: () => Promise<T>) => Promise<T>
  readonly context: { readonly signal: AbortSignal; readonly waiting: (what: string) => void }
  readonly rules: PostRules
}

/** Found: it is posted. Still absent after the settling wait, by a look-up that is proved: a person is asked, or the next run posts it once more. */
async function settleAttempt(
  deps: PostingDeps,
  attempt: PostAttempt,
  found: Found | undefined,
  { target, ask, context, rules }: Settling,
): Promise<void> {
  const { ledger, clock } = deps
  const standing = standingOf(found, attempt.facts)
  if (standing.kind === 'ours' || standing.kind === 'person') return commitFound(deps, attempt, standing)
  if (standing.kind === 'unknown' || attempt.state !== 'open') return
  if (clock.now() - Date.parse(attempt.at) < rules.settleSeconds * 1000) return
  const proof = await proofOf(ledger, target, postContext(deps, target, context), ask)
  if (!proof.proved) return
  if (rules.whenAbsent === 'again')
    return postAgain(deps, attempt, { by: 'setting', reason: 'absent after the settling wait' })
  await ledger.closeIntent(attempt.id, 'in-doubt')
  await tellDoubt(deps, attempt)
}

/** The next run reads it by its source's key, asks both witnesses, and posts it. */
export async function postAgain(
  { ledger }: PostingDeps,
  attempt: PostAttempt,
  who: { readonly by: string; readonly reason: string },
): Promise<void> {
  const { id, address, sync, run, entity, at, key, read, hash, sourceKey } = attempt
  const kept = await ledger.attempted(id)
  if (!kept) return
  const records = [{ key, read, hash, ...(sourceKey !== null && { source: sourceKey }) }]
  await ledger.settleAbsent(
    { id, address, sync, run, entity, at, schema: kept.schema, records, state: 'in-doubt' },
    who,
  )
}

async function commitFound(
  deps: PostingDeps,
  attempt: PostAttempt,
  standing: Extract<Standing, { result: unknown }>,
): Promise<void> {
  const { ledger, now } = deps
  const { id, address, sync, run, entity, key, read, hash, originalHash, source, sourceKey, facts, at } = attempt
  const kept = await ledger.attempted(id)
  if (!kept) return
  const aside = standing.kind === 'person' ? standing.why : null
  const same = { key, source, sourceKey, hash, originalHash, result: standing.result, facts, at, seen: now(), aside }
  const byHand = standing.kind === 'ours' && standing.byHand === true
  await ledger.commit({
    run,
    sync,
    entity,
    sinkId: address,
    sinkName: attempt.sinkName,
    address,
    deliveries: [{ key, read, hash, originalHash, run, sourceKey: sourceKey ?? undefined }],
    posted: [{ ...same, ...kept, byHand }],
    outcomes: {},
    intent: id,
  })
  if (aside !== null) await tellAside(deps, { sync, entity, key, address }, aside)
  await tellDoubt(deps, attempt)
}

async function settlePosting(
  deps: PostingDeps,
  posting: Posting,
  standing: Standing,
  { another, rules }: { readonly another: boolean; readonly rules: PostRules },
): Promise<Confirmed> {
  const { ledger, now, clock } = deps
  const { address, key, result } = posting
  const unseen: Confirmed = { seen: false, otherDue: false }
  if (standing.kind === 'ours') {
    const notice = otherDueOf(posting.facts, standing.result)
    const found = notice === undefined ? standing.result : { ...standing.result, notices: [notice] }
    await ledger.savePosting(address, key, { result: found, seen: now() })
    if (notice !== undefined) deps.log.warn(`${posting.entity} ${key}: ${notice}`)
    return { seen: true, otherDue: notice !== undefined }
  }
  const aside = async (why: string): Promise<Confirmed> => {
    await ledger.savePosting(address, key, { aside: why })
    await tellAside(deps, posting, why)
    return unseen
  }
  if (standing.kind === 'person') return aside(standing.why)
  if (standing.kind === 'unknown' || !another) return unseen
  // The same look found another voucher: the look-up works.
  if (posting.seen !== null) return aside(`the draft ${result.number} was deleted there`)
  if (clock.now() - Date.parse(posting.at) < rules.settleSeconds * 1000) return unseen
  return aside(`${result.number} was posted, and the look-up does not find it`)
}

/** A due date that differs is told and keeps nothing back. */
const otherDueOf = ({ due }: PostFacts, { number, due: there }: PostResult): string | undefined =>
  due === undefined || there === undefined || due === there
    ? undefined
    : `${number} is due on ${there} there, and on ${due} by its record`

/** Raised while something of the entity is in doubt, cleared when nothing is. */
export async function tellDoubt(
  { ledger }: PostingDeps,
  { sync, entity, address }: Pick<PostAttempt, 'sync' | 'entity' | 'address'>,
): Promise<void> {
  const open = (await ledger.attempts(address)).filter(
    (one) => one.sync === sync && one.entity === entity && one.state === 'in-doubt',
  )
  const about = { sync, kind: 'in-doubt', entity }
  if (open.length === 0) await ledger.clearAlerts(about)
  else
    await ledger.raiseAlert({
      ...about,
      message: postsInDoubt(
        { entity, address },
        open.map(({ key }) => key),
      ),
    })
}
