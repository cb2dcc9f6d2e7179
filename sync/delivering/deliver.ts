/** The sink's side of a batch, from the message to its counts (docs/architecture.md, "Settling and delivering"). */

import type { DeliverOptions } from '../contract/engine.ts'
import { asSyncError, type SyncError, syncError } from '../contract/errors.ts'
import type { Log } from '../contract/log.ts'
import type { SyncInfo } from '../contract/message.ts'
import type { PostTarget } from '../contract/posting.ts'
import { stopped } from '../contract/retry.ts'
import type { OutcomeCounts } from '../contract/summary.ts'
import type { Target } from '../contract/target.ts'
import { checkReadNumbers, isOfKnownRun, recordsFromOutside } from '../run/believe-version.ts'
import { checkSinks } from '../run/close-entity.ts'
import type { Entry } from '../run/entry.ts'
import { raisePushed } from '../run/pushed-alert.ts'
import { noCounts } from '../run/state.ts'
import { type ParsedBatch, parseBatch } from '../values/parse-message.ts'
import { createFifo, type Fifo } from '../values/queue.ts'
import { entriesOf, type Newest, newestOfEachKey, rowsOf } from './deduplicate.ts'
import { type BatchWork, createBatchWork } from './deliver-batch.ts'
import type { DeliverDeps } from './deps.ts'
import { refuseFolded } from './folded-keys.ts'
import type { Job } from './job.ts'
import { jobMaker } from './make-job.ts'
import { ownersOf } from './pushed.ts'
import { createResumeAppends, type ResumeAppends } from './resume-appends.ts'
import { createTakeOlder, type TakeOlder } from './take-older.ts'
import { stageAhead } from './write.ts'

type AnyTarget = Target | PostTarget
type AnyOptions = DeliverOptions<AnyTarget>

/** What does a batch at a sink that posts. */
export type PostWork = (
  job: Job<PostTarget>,
  newest: readonly Entry[],
  older: readonly Entry[],
) => Promise<OutcomeCounts>

interface Parts {
  readonly deps: DeliverDeps
  readonly fifo: Fifo
  readonly work: BatchWork
  readonly post: PostWork
  readonly newJob: (options: AnyOptions, batch: ParsedBatch, sync: SyncInfo) => Job<AnyTarget>
}

const isPosting = (job: Job<AnyTarget>): job is Job<PostTarget> => job.options.target.mode === 'post'
const isWriting = (job: Job<AnyTarget>): job is Job => job.options.target.mode !== 'post'

export interface Delivering {
  deliver(options: AnyOptions): Promise<OutcomeCounts>
  readonly resumeAppends: ResumeAppends
  readonly takeOlder: TakeOlder
}

/**
 * Makes the delivering of an engine. Batches for one address go one after the other. What is delivered, unchanged,
 * superseded and held is committed and settled in one ledger transaction; when the batch cannot be delivered
 * (`config`, `auth`, retries used up) nothing is held, the entity's run fails and the error is thrown.
 */
export function createDelivering(deps: DeliverDeps & { readonly log: Log }, post: PostWork): Delivering {
  const fifo = createFifo()
  const parts: Parts = { deps, fifo, work: createBatchWork(deps, fifo), post, newJob: jobMaker(deps) }
  const deliver = async (options: AnyOptions): Promise<OutcomeCounts> => {
    const batch = parseBatch(options.message)
    const { sync } = batch
    if (sync === undefined) return push(parts, options, batch)
    if (sync.to !== undefined && sync.to !== options.ref.id && sync.to !== options.target.address) return noCounts()
    if (sync.ledger !== deps.ledger.id) throw anotherLedger(options, batch, sync)
    if (!(await isOfKnownRun(deps, sync))) return push(parts, options, batch)
    checkReadNumbers(batch, deps.ledger.lastRead())
    return counted(parts, options, batch, sync)
  }
  return {
    deliver,
    resumeAppends: createResumeAppends(deps, fifo),
    takeOlder: createTakeOlder({ deps, fifo, work: parts.work, newJob: jobMaker(deps) }),
  }
}

const anotherLedger = ({ ref }: Pick<AnyOptions, 'ref'>, { schema }: ParsedBatch, { name }: SyncInfo): SyncError =>
  syncError(
    'config',
    'sync.ledger',
    `The batch of the sync "${name}" counts in another ledger than that of ${ref.name}.`,
    {
      entity: schema.entity,
      hint: 'Choose the same sync-ledger in the source and in every node that its records reach.',
    },
  )

/** A message of the flow's own, or of a run that this ledger does not know: a run of its own. */
async function push(parts: Parts, options: AnyOptions, batch: ParsedBatch): Promise<OutcomeCounts> {
  const { deps } = parts
  const { settlement } = deps
  const { target, ref } = options
  const { entity } = batch.schema
  if (target.mode !== 'merge')
    throw syncError(
      'config',
      'sync.append-push',
      `${ref.name} only ${target.mode === 'post' ? 'posts' : 'appends'} and takes no message without msg.sync: sent twice, it would be in twice.`,
      { entity, hint: 'Wire it behind a source and keep msg.sync on the way, or use a sink that merges.' },
    )
  const payload = recordsFromOutside(batch, options.mayDelete ?? false)
  const rows = payload.reduce((sum, record) => sum + rowsOf(record, batch.schema), 0)
  const owners = await ownersOf(deps.ledger, options, batch.schema)
  const sync = await settlement.beginPush(ref, entity, payload.length, rows)
  let counts: OutcomeCounts
  try {
    counts = await counted(parts, options, { ...batch, payload }, sync, owners)
  } catch (error) {
    await settlement.endPush(sync, error)
    throw error
  }
  const run = settlement.runs.get(sync.run)
  const state = run?.entities.get(entity)
  const checks = run && state ? await checkSinks(deps, run, state, options.signal) : undefined
  await settlement.endPush(sync, undefined, checks)
  for (const name of new Set([...owners.values()].map((owner) => owner.sync))) await raisePushed(deps.ledger, name)
  return counts
}

/** A batch of a run: what goes wrong with it fails the run's entity. */
async function counted(
  parts: Parts,
  options: AnyOptions,
  batch: ParsedBatch,
  sync: SyncInfo,
  owners?: Job['owners'],
): Promise<OutcomeCounts> {
  const { ref, signal } = options
  try {
    const job = parts.newJob(options, batch, sync)
    if (owners !== undefined) job.owners = owners
    return await deliverInOrder(parts, job)
  } catch (error) {
    const known = signal.aborted && error === signal.reason ? stopped() : asSyncError(error)
    known.cause.entity ??= batch.schema.entity
    parts.deps.settlement.fail(sync, ref, known)
    throw known
  }
}

/** Says that the sink has the rows, and delivers them when everything before at the address is through. */
async function deliverInOrder({ deps, fifo, work, post }: Parts, job: Job<AnyTarget>): Promise<OutcomeCounts> {
  const { settlement } = deps
  const { options, sync } = job
  const { target, ref, signal } = options
  const { newest, older } = received(deps, job)
  const isFirstLoad = settlement.runs.get(sync.run)?.entities.get(sync.entity)?.from === null
  if (isWriting(job) && isFirstLoad && fifo.isBusy(target.address)) stageAhead(job, newest, deps.newId)
  const { ahead } = job
  const beat = setInterval(() => settlement.alive(sync, ref, job.waiting), deps.signMs ?? 10_000).unref()
  try {
    if (isPosting(job)) return await fifo.run(target.address, () => post(job, newest, older), signal)
    const writing = job as Job
    return await fifo.run(target.address, () => work(writing, newest, older), signal)
  } finally {
    clearInterval(beat)
    void ahead?.staged.then((staged) => staged?.drop())
  }
}

/** The newest of each key. Throws before anything counts where the rows are not those that were read. */
function received({ settlement }: DeliverDeps, job: Job<AnyTarget>): Newest {
  const { sync, batch, options } = job
  const { entity, key } = batch.schema
  const entries = entriesOf(batch.payload, batch.schema, job.compiled.fingerprint, {
    readNumber: sync.readNumber,
    sourceKey: settlement.sourceKeys(sync),
    // Held records are sent again once each.
    origin: sync.mode === 'replay' ? (row) => `#${sync.batch}|${row}` : undefined,
  })
  job.repeats = settlement.claim(sync, options.ref, entries)
  const { contributions, otherwise, changed, total } = settlement.arrive(
    sync,
    [options.ref],
    batch.schema,
    entries,
    job.repeats,
  )
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry
    entry.contribution = contributions[i] ?? ''
    entry.otherwise = otherwise.get(i)
  }
  for (const at of changed) (entries[at] as Entry).changed = true
  if (total !== undefined) job.arrived = { count: entries.length, total }
  const found = newestOfEachKey(entries)
  refuseFolded(entity, found.folded)
  const { twice } = found
  if (twice.length > 0)
    settlement.runs
      .get(sync.run)
      ?.notices.push(
        `${entity}: ${twice.length} record(s) came twice in one answer with different content, such as ${twice[0]?.key}; the later one was taken. Check that the key (${key.join(', ')}) tells records apart.`,
      )
  const rows = [...found.newest, ...found.older].map(({ row }) => row)
  settlement.received(sync, options.ref, rows, options.target)
  return found
}
