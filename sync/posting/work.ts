/** A batch at a sink that posts: what was posted is never posted again, the rest is posted one by one. */
import type { Posting } from '../../ledger/ledger.ts'
import { type SyncError, syncError } from '../contract/errors.ts'
import type { OutcomeCounts } from '../contract/summary.ts'
import type { PostWork } from '../delivering/deliver.ts'
import { reportsOf, rowsIn } from '../delivering/job.ts'
import type { Entry } from '../run/entry.ts'
import type { RowReport } from '../run/progress.ts'
import type { SettleCommit } from '../run/settlement.ts'
import { noCounts } from '../run/state.ts'
import { compileHasher } from '../values/fingerprint.ts'
import { toldAmount } from '../values/told-amount.ts'
import type { Answers } from './answers.ts'
import { type PostingDeps, type PostJob, postContext } from './deps.ts'
import type { Followed } from './follow.ts'
import { type Became, type PostTask, postRecord, questions } from './post-record.ts'
import { type Gate, gateOf } from './proof.ts'
import { type GiveBack, sendBackListed } from './send-back.ts'
import { about, type Held, type Sorted, sortRecords } from './sort.ts'
import type { Answering, Sources } from './sources.ts'
import { countPosted } from './verified.ts'

/** So many refusals with one text in a row are no matter of single records. */
const ALIKE = 3

export interface PostParts {
  readonly sources: Sources
  readonly answers: Answers
  readonly followed: Followed
  readonly inHand: Set<string>
  readonly giveBack: GiveBack
}

export function createPostWork(deps: PostingDeps, parts: PostParts): PostWork {
  /** By address: the run in which its gate was found open, and what it refused in a row. */
  const places = new Map<string, Place>()
  const post: PostWork = async (given, newest, older) => {
    const { settlement } = deps
    const { sync, options } = given
    const { target, ref } = options
    given.waiting = undefined
    const entity = settlement.runs.get(sync.run)?.entities.get(sync.entity)
    if (entity?.error) {
      settlement.fail(sync, ref, entity.error)
      return noCounts()
    }
    entity?.addresses.set(ref.id, target.address)
    const job: PostJob = { ...given, retry: { ...deps.retry, ...target.retry } }
    const counts = noCounts()
    const sorted = await sortRecords(deps, job, newest)
    await settleOld(deps, job, sorted, older, counts)
    if (newest.length === 0) return counts
    await parts.sources.with(sync.name, job.context.signal, async (source) => {
      try {
        if (sorted.post.length > 0) {
          const before = places.get(target.address)
          const isOpen = before?.run === sync.run
          const gate: Gate = isOpen ? { open: true } : await gateAt(deps, job)
          const place: Place = isOpen ? before : { run: sync.run, text: '', refused: 0 }
          if (gate.open) places.set(target.address, place)
          const { originals } = sorted
          const posting: PostingBatch = { deps, parts, job, source, counts, place, originals }
          if (gate.open) await postAll(posting, sorted.post)
          else await holdWaiting(posting, sorted.post, gate)
        }
      } finally {
        await parts.answers.give(sync.name, source, job.context.signal)
      }
    })
    return counts
  }
  return async (job, newest, older) => {
    const run = deps.settlement.runs.get(job.sync.run)
    const entity = run?.entities.get(job.sync.entity)
    if (entity) entity.posting++
    try {
      return await post(job, newest, older)
    } finally {
      if (entity) entity.posting--
      run?.changed()
    }
  }
}

interface Place {
  readonly run: string
  /** What was said of the last records, and of how many. */
  text: string
  refused: number
}

/** One batch while it is posted. */
interface PostingBatch {
  readonly deps: PostingDeps
  readonly parts: PostParts
  readonly job: PostJob
  readonly source: Answering
  readonly counts: OutcomeCounts
  readonly place: Place
  readonly originals: ReadonlyMap<string, string>
}

async function gateAt(deps: PostingDeps, job: PostJob): Promise<Gate> {
  const { target } = job.options
  const { sync } = job
  const gate = await gateOf(
    deps.ledger,
    target,
    postContext(deps, target, job.context),
    questions(job.again, job.retry),
  )
  const about = { sync: sync.name, kind: 'posting', entity: sync.entity }
  if (gate.open) await deps.ledger.clearAlerts(about)
  else
    await deps.ledger.raiseAlert({
      ...about,
      message: `Nothing of ${sync.entity} is posted: ${gate.why}. ${gate.hint}`,
    })
  return gate
}

/** What was known before, and what does not fit: nothing of it is posted. */
async function settleOld(
  deps: PostingDeps,
  job: PostJob,
  { unchanged, superseded, inDoubt, held }: Sorted,
  older: readonly Entry[],
  counts: OutcomeCounts,
): Promise<void> {
  const { target } = job.options
  const known = await deps.ledger.postings(
    target.address,
    unchanged.map(({ key }) => key),
  )
  const reports = [
    ...reportsOf(unchanged, 'unchanged'),
    ...reportsOf([...superseded, ...older], 'superseded'),
    ...reportsOf(inDoubt, 'inDoubt'),
  ]
  // What is held under these keys is over with this read.
  const deliveries = unchanged.flatMap(({ key, read, sourceKey }) => {
    const posting = known.get(key)
    return posting ? [{ key, read, hash: posting.hash, run: job.sync.run, sourceKey }] : []
  })
  await settle(deps, job, reports, { deliveries }, counts)
  for (const one of held) await hold(deps, job, one, counts)
}

async function settle(
  { settlement }: PostingDeps,
  job: PostJob,
  reports: readonly RowReport[],
  commit: SettleCommit,
  counts: OutcomeCounts,
): Promise<void> {
  if (reports.length === 0) return
  const { sync, options } = job
  await settlement.settle(sync, options.ref, reports, { address: options.target.address, ...commit })
  for (const { outcome } of reports) counts[outcome]++
}

async function hold(
  deps: PostingDeps,
  job: PostJob,
  { entry, error, waits }: Held,
  counts: OutcomeCounts,
): Promise<void> {
  const { sync, batch, options } = job
  const cause = { ...error.cause, message: error.message }
  const held = {
    heldBy: options.target.address,
    sinkName: options.ref.name,
    stage: 'sink' as const,
    key: entry.key,
    ...(entry.sourceKey !== undefined && { sourceKey: entry.sourceKey }),
    sync: sync.name,
    run: sync.run,
    entity: sync.entity,
    sourceAddress: deps.settlement.runs.get(sync.run)?.sourceAddress ?? '',
    read: entry.read,
    record: entry.record,
    schema: batch.schema,
    amounts: toldAmount(batch.schema, entry.record),
    cause,
  }
  await settle(deps, job, [{ row: entry.row, outcome: 'held', ...(waits && { waits }) }], { held: [held] }, counts)
  options.held?.(entry.record, cause)
}

/** What is held so already stays as it is: each run hands it on again. */
async function holdWaiting(
  { deps, job, counts }: PostingBatch,
  entries: readonly Entry[],
  { code, why, hint }: Extract<Gate, { open: false }>,
): Promise<void> {
  const { entity } = job.sync
  const heldBy = job.options.target.address
  const hash = compileHasher(job.batch.schema)
  const waiting = (await deps.ledger.held({ heldBy, entity, states: ['open'] })).filter(
    ({ cause }) => cause.code === code,
  )
  const known = new Map(waiting.map((held) => [held.key, hash(held.record)]))
  for (const entry of entries) {
    if (known.get(entry.key) === entry.hash) {
      await settle(deps, job, [{ row: entry.row, outcome: 'held', waits: true }], {}, counts)
      continue
    }
    const error = syncError('data', code, `${entity} ${entry.key} is not posted yet: ${why}.`, {
      ...about(job, entry),
      hint,
    })
    await hold(deps, job, { entry, error, waits: true }, counts)
  }
}

async function postAll(posting: PostingBatch, entries: readonly Entry[]): Promise<void> {
  const { deps, parts, job, source, place, originals } = posting
  const { target } = job.options
  const { final } = await deps.ledger.postPlace(target.address)
  // The second look-up of one goes on while the witnesses of the next are asked.
  let confirming: Promise<void> | undefined
  try {
    for (const entry of entries) {
      const { sourceKey } = entry
      if (sourceKey === undefined) continue
      const task: PostTask = {
        job,
        entry: { ...entry, sourceKey },
        source,
        as: final ? 'final' : 'draft',
        originalHash: originals.get(entry.key) ?? null,
        inHand: parts.inHand,
      }
      const became = await postRecord(deps, task)
      await confirming
      confirming = (await settleOne(posting, entry, became))?.()
      // It is waited for; until then it is nobody's.
      confirming?.catch(() => undefined)
      if (became.kind === 'held' && became.refused) {
        refuseAlike(place, job, became.error)
        await sendBackListed(deps, job, { key: entry.key, error: became.error }, parts.giveBack)
      } else if (became.kind === 'posted') place.refused = 0
    }
  } finally {
    await confirming
  }
}

/** Result, delivery and end of the intent are one transaction. Gives the second look-up of what was posted, which is still to be done. */
async function settleOne(
  posting: PostingBatch,
  entry: Entry,
  became: Became,
): Promise<(() => Promise<void>) | undefined> {
  const { deps, parts, job, counts } = posting
  const { sync, options } = job
  if (became.kind === 'held') {
    await hold(deps, job, { entry, ...became }, counts)
    return undefined
  }
  if (became.kind === 'doubt') {
    await settle(deps, job, [{ row: entry.row, outcome: 'inDoubt' }], {}, counts)
    parts.followed.wake()
    return undefined
  }
  const { posting: posted, read, attempt } = became
  const { key, hash, originalHash, sourceKey } = posted
  const delivery = { key, read, hash, originalHash, run: sync.run, sourceKey: sourceKey ?? undefined }
  const rows = rowsIn(job, [entry])
  await settle(
    deps,
    job,
    [{ row: entry.row, outcome: 'delivered' }],
    { deliveries: [delivery], posted: [posted], rows, ...(attempt !== undefined && { intent: attempt }) },
    counts,
  )
  job.written.push(entry)
  job.rows += rows
  const { address } = options.target
  const whole: Posting = {
    ...posted,
    address,
    sync: sync.name,
    entity: sync.entity,
    aside: posted.aside ?? null,
    byHand: false,
  }
  return async () => {
    const confirmed = await parts.followed.confirm(whole, job)
    countPosted(deps.settlement.runs.get(sync.run)?.entities.get(sync.entity), options.ref, posted, confirmed)
    options.progress({ entity: sync.entity, records: job.written.length, rows: job.rows })
  }
}

/** Throws `config` where the target has said the same of several records in a row. */
function refuseAlike(place: Place, { sync, options }: PostJob, error: SyncError): void {
  const text = error.cause.vendorText ?? error.message
  place.refused = place.text === text ? place.refused + 1 : 1
  place.text = text
  if (place.refused < ALIKE) return
  place.refused = 0
  throw syncError(
    'config',
    error.code,
    `${sync.entity}: ${options.ref.name} was told the same of ${ALIKE} records in a row, and posts no more: ${text}`,
    {
      ...error.cause,
      entity: sync.entity,
      hint: `These are held. Correct the cause, replay them and run again. ${error.cause.hint ?? ''}`.trim(),
    },
  )
}
