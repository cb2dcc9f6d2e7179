/** One record that may be posted: both witnesses, the intent, the post within its time, and a look-up where the answer is not clear. */
import type { NewPosting } from '../../ledger/ledger.ts'
import { asSyncError, classOf, isSyncError, type SyncError, syncError } from '../contract/errors.ts'
import type { PostFacts, PostOutcome, PostTarget } from '../contract/posting.ts'
import { type RetryContext, type RetryOptions, triedAgain, withRetry } from '../contract/retry.ts'
import { backoffMs, waitSaying } from '../contract/wait.ts'
import type { Entry } from '../run/entry.ts'
import { normalise } from '../values/money.ts'
import { toldAmount, toldOf } from '../values/told-amount.ts'
import { between, type PostingDeps, type PostJob, postContext, sendContext, tellAside } from './deps.ts'
import type { Answering } from './sources.ts'
import { type Standing, standingOf } from './standing.ts'

/** Nothing is sent later than this after its intent, and no witness counts that is older. */
export const SEND_WITHIN_MS = 30_000
/** Times that one record is tried in a run where nothing was sent. */
const MOST_TRIES = 3

export interface PostTask {
  readonly job: PostJob
  readonly entry: Entry & { readonly sourceKey: string }
  readonly source: Answering
  readonly as: 'draft' | 'final'
  /** Fingerprint of the original, where a person has edited the record. */
  readonly originalHash: string | null
  /** Attempts that this process has in its hands. */
  readonly inHand: Set<string>
}

/** `waits`: it is not the record's own fault. `refused`: the target's own words. */
export type Became =
  | { readonly kind: 'posted'; readonly posting: NewPosting; readonly read: number; readonly attempt?: string }
  | { readonly kind: 'held'; readonly error: SyncError; readonly waits?: true; readonly refused?: true }
  | { readonly kind: 'doubt' }

export const questions =
  (again: RetryContext, retry: Partial<RetryOptions>) =>
  <T>(work: () => Promise<T>) =>
    withRetry(work, { ...again, idempotent: true }, retry)

/** Throws what is not the record's: the entity fails then. */
export async function postRecord(deps: PostingDeps, task: PostTask): Promise<Became> {
  const { job, entry } = task
  const { target } = job.options
  const { context } = job
  let facts: PostFacts
  try {
    facts = await target.check(entry, postContext(deps, target, context))
  } catch (error) {
    if (classOf(error) !== 'data') throw error
    return { kind: 'held', error: asSyncError(error) }
  }
  let isRenewed = false
  for (let tries = 1; ; tries++) {
    context.signal.throwIfAborted()
    const asked = deps.now()
    const known = await witnesses(deps, task, facts)
    if (known !== undefined) return known
    const isOld = between(deps.now(), asked) > SEND_WITHIN_MS
    const became = isOld ? tooLate(job.sync.entity, entry.key) : await attempt(deps, task, facts)
    if (!(became instanceof Error)) return became
    context.signal.throwIfAborted()
    const cls = classOf(became)
    if (cls === 'data') return { kind: 'held', error: became, refused: true }
    if (cls === 'auth' && target.renew && !isRenewed) {
      isRenewed = true
      await target.renew()
    } else if ((cls === 'transient' || cls === 'throttled') && tries < MOST_TRIES) {
      const { firstDelayMs = 500, maxDelayMs = 30_000 } = { ...deps.retry, ...target.retry }
      const ms = became.cause.retryAfterMs ?? backoffMs(tries, firstDelayMs, maxDelayMs)
      await waitSaying(ms, triedAgain(became), context, deps.clock)
    } else throw became
  }
}

/** What keeps it from being posted; undefined: it waits at the source, and does not stand in the target. */
async function witnesses(deps: PostingDeps, task: PostTask, facts: PostFacts): Promise<Became | undefined> {
  const { job, entry, source } = task
  const { key, sourceKey } = entry
  const { signal } = job.context
  const ask = questions(job.again, job.retry)
  const [ours, standing] = await Promise.all([
    ask(() => source.stillOurs([sourceKey], signal)),
    lookUp(deps, job.options.target, { key, at: null }, facts, job),
  ])
  const about = { entity: job.sync.entity, key, row: entry.row }
  const held = (code: string, message: string, hint: string): Extract<Became, { kind: 'held' }> => ({
    kind: 'held',
    error: syncError('data', code, `${job.sync.entity} ${key}: ${message}.`, { ...about, hint }),
  })
  if (standing.kind === 'ours')
    return { kind: 'posted', read: entry.read, posting: postingOf(task, facts, standing, deps.now(), deps.now()) }
  if (standing.kind === 'person') {
    const { address } = job.options.target
    await tellAside(deps, { sync: job.sync.name, entity: job.sync.entity, key, address }, standing.why)
    return held(
      'sync.post-other',
      standing.why,
      'Look at it in the target. What stands there right is told to the source with "stands there as"; else send it back.',
    )
  }
  if (standing.kind === 'unknown')
    return {
      ...held(
        'sync.post-lookup',
        `it could not be looked up (${standing.why}), and is not posted`,
        'The next run looks again.',
      ),
      waits: true,
    }
  const word = ours.get(sourceKey)
  if (word === true) return undefined
  if (typeof word === 'object') {
    const [here, there] = [sizeOf(facts.amount), sizeOf(word.amount)]
    if (here === undefined || here === there) return undefined
    return held(
      'sync.changed-amount',
      `it comes to ${here} as it would be posted, and to ${there} at its source`,
      'It is not posted. See what changes the amount between the source and this node; if it was changed at the source, have it handed over once more.',
    )
  }
  if (word === undefined)
    return {
      ...held(
        'sync.post-witness',
        'its source did not say whether it still waits, and it is not posted',
        'The next run asks again.',
      ),
      waits: true,
    }
  return held(
    'sync.post-not-ours',
    `its source says: ${word}`,
    'It is not posted. If another system has dealt with it, discard it with a reason.',
  )
}

/** An amount without its sign: sides are turned by the kind of a document. */
const sizeOf = (amount: string | undefined): string | undefined =>
  amount === undefined ? undefined : normalise(amount).replace(/^-/, '')

/** Asks the target about one key; what fails for good is unknown. */
export async function lookUp(
  deps: PostingDeps,
  target: PostTarget,
  key: { readonly key: string; readonly at: string | null },
  facts: PostFacts,
  { context, again, retry }: Pick<PostJob, 'context' | 'again' | 'retry'>,
): Promise<Standing> {
  try {
    const found = await questions(again, retry)(() => target.find([key], postContext(deps, target, context)))
    return standingOf(found.get(key.key), facts)
  } catch (error) {
    if (context.signal.aborted || !isSyncError(error)) throw error
    return { kind: 'unknown', why: error.message }
  }
}

const postingOf = (
  { job, entry, originalHash, source }: PostTask,
  facts: PostFacts,
  standing: Extract<Standing, { result: unknown }>,
  at: string,
  seen: string | null,
): NewPosting => ({
  key: entry.key,
  source: source.address,
  sourceKey: entry.sourceKey,
  hash: entry.hash,
  originalHash,
  result: standing.result,
  facts,
  at,
  seen,
  aside: standing.kind === 'person' ? standing.why : null,
  record: entry.record,
  schema: job.batch.schema,
})

/** Behind an intent; gives back the error of what was surely not posted. */
async function attempt(deps: PostingDeps, task: PostTask, facts: PostFacts): Promise<Became | SyncError> {
  const { ledger } = deps
  const { job, entry, inHand } = task
  const { target, ref } = job.options
  const { sync } = job
  const id = deps.newId()
  const at = deps.now()
  inHand.add(id)
  try {
    await ledger.openAttempt(
      {
        id,
        address: target.address,
        sync: sync.name,
        run: sync.run,
        entity: sync.entity,
        at,
        key: entry.key,
        read: entry.read,
        hash: entry.hash,
        originalHash: task.originalHash,
        source: task.source.address,
        sourceKey: entry.sourceKey,
        facts,
        sinkName: ref.name,
        told: toldOf([toldAmount(job.batch.schema, entry.record)]),
      },
      entry.record,
      job.batch.schema,
    )
    const outcome = await send(deps, task, { id, at, as: task.as })
    if (outcome.kind === 'refused') {
      await ledger.closeIntent(id, 'absent')
      return outcome.error
    }
    const standing: Standing =
      outcome.kind === 'posted'
        ? { kind: 'ours', result: outcome.result }
        : await lookUp(deps, target, { key: entry.key, at }, facts, job)
    if (standing.kind === 'absent' || standing.kind === 'unknown') return { kind: 'doubt' }
    const seen = outcome.kind === 'posted' ? null : deps.now()
    return { kind: 'posted', read: entry.read, posting: postingOf(task, facts, standing, at, seen), attempt: id }
  } finally {
    inHand.delete(id)
  }
}

/** What fails before the first byte was surely not posted; what fails after it is unknown. */
async function send(
  deps: PostingDeps,
  { job, entry }: PostTask,
  intent: { readonly id: string; readonly at: string; readonly as: 'draft' | 'final' },
): Promise<PostOutcome> {
  const { target } = job.options
  let isSent = false
  const sending = (): void => {
    if (between(deps.now(), intent.at) > SEND_WITHIN_MS) throw tooLate(job.sync.entity, entry.key)
    isSent = true
  }
  try {
    const context = sendContext(postContext(deps, target, job.context), sending)
    const outcome = await target.post(entry, intent, context)
    if (outcome.kind === 'refused' && classOf(outcome.error) === 'unknown-outcome')
      return { kind: 'unknown', why: outcome.error.message }
    return outcome
  } catch (error) {
    if (!isSent) return { kind: 'refused', error: asSyncError(error) }
    // The attempt stays open: whoever starts next looks it up.
    job.context.signal.throwIfAborted()
    return { kind: 'unknown', why: asSyncError(error).message }
  }
}

const tooLate = (entity: string, key: string): SyncError =>
  syncError(
    'transient',
    'sync.send-late',
    `${entity} ${key} was not posted: too much time passed before it could be sent.`,
    {
      entity,
      key,
      hint: 'It is asked for once more, at the source and in the target, and posted then.',
    },
  )
