/** One batch at its turn: sorted by what the ledger knows, checked, written, and settled in one transaction. */
import type { Delivery } from '../ledger/ledger.ts'
import { cannotTakeBack, withoutVainDeletions } from './deletions.ts'
import type { DeliverDeps } from './deliver.ts'
import type { DeliverOptions, OutcomeCounts } from './engine.ts'
import type { Fifo } from './fifo.ts'
import { compileHasher, type Fingerprinter } from './hash.ts'
import {
  type AppendDeps,
  doubledText,
  listDoubled,
  resolveIntents,
  withoutDoubtful,
  writeBehindIntent,
} from './intents.ts'
import { checkAlike, type Refused, writeIsolating } from './isolate.ts'
import type { Outcome, SyncInfo } from './message.ts'
import type { ParsedBatch } from './parse.ts'
import type { Answer } from './progress.ts'
import { type RetryContext, type RetryOptions, withRetry } from './retry.ts'
import { noCounts, type Reached } from './run.ts'
import { type Entry, rowsOf, type Sifted, sift } from './sift.ts'
import type { StagedBatch, Target, WriteBatch, WriteContext } from './target.ts'
import { checkTotals } from './tie.ts'
import { type Contribution, createTotals, type TableTotals, type Totals, totalsPlan } from './totals.ts'
import type { ValueChecker } from './values.ts'

export interface Job {
  readonly options: DeliverOptions
  readonly batch: ParsedBatch
  readonly sync: SyncInfo
  /** Compiled once for a schema. */
  readonly compiled: { readonly fingerprint: Fingerprinter; readonly check: ValueChecker }
  readonly context: WriteContext
  readonly again: RetryContext
  /** ISO time of writing. */
  readonly at: string
  /** Rows that went up while the batch waited, for `newest` as a whole; undefined inside: they could not. */
  ahead?: { readonly count: number; readonly staged: Promise<StagedBatch | undefined> } | undefined
  /** What was written so far, and its rows. */
  readonly written: Entry[]
  readonly inDoubt: Entry[]
  rows: number
  waiting: string | undefined
}

/** What a record adds to the run's totals, worked out once. */
type ContributionOf = (entry: Entry) => Contribution | null

/** What the ledger knows of a batch's keys at its address. */
interface Known {
  readonly sifted: Sifted
  readonly inDoubt: readonly Entry[]
  readonly deliveries: ReadonlyMap<string, Delivery>
  /** Replay: hashes of the originals of edited records, by key. */
  readonly originals: ReadonlyMap<string, string>
}

export function createBatchWork(
  { ledger, settlement, newId, retry = {} }: DeliverDeps,
  fifo: Fifo,
): (job: Job, newest: readonly Entry[], older: readonly Entry[]) => Promise<OutcomeCounts> {
  const patience = (target: Target): Partial<RetryOptions> => ({ ...retry, ...target.retry })
  /** Addresses whose mark was looked at since the ledger was opened. */
  const met = new Set<string>()
  /** Totals of the runs that go on, by run and address. */
  const sums = new Map<string, Totals>()
  const sumsKey = (run: string, address: string): string => `${run}\n${address}`

  const entityOf = ({ sync }: Job) => settlement.runs.get(sync.run)?.entities.get(sync.entity)

  /** Prepares the target; the first time in a run also looks at its mark, after which the ledger may know less than before. */
  const meet = async (job: Job): Promise<{ reached: Reached; first: boolean }> => {
    const { context, sync, batch, options } = job
    const { target, ref } = options
    const again = { ...job.again, idempotent: true }
    const run = settlement.runs.get(sync.run)
    const { address } = target
    const note = { read: () => ledger.note(address), save: (text: string) => ledger.saveNote(address, text) }
    const preparing = { ...context, run: sync.run, full: run?.full ?? false, note }
    const prepared = await withRetry(() => target.prepare(batch.schema, preparing), again, patience(target))
    run?.notices.push(...(prepared.notices ?? []))
    if (prepared.cleared) await ledger.forgetAddress(address)
    for (const doubled of prepared.doubled ?? []) {
      await listDoubled(doubled, { ledger, sync, schema: batch.schema, address, at: job.at })
      run?.notices.push(doubledText(doubled, address))
    }
    const before = await entityOf(job)?.reached.get(ref.id)
    if (before !== undefined) return { reached: before, first: false }
    if (prepared.empty && (await ledger.hasDeliveries(target.address))) {
      await ledger.clearDeliveries(target.address)
      if (!run?.full)
        run?.notices.push(
          `${target.address} is empty, though records were delivered there before: it was emptied or dropped. Run a full refresh to bring them back.`,
        )
    }
    const reached = await withRetry(
      () => settlement.target(sync, ref, { target, schema: batch.schema, empty: prepared.empty }, context),
      again,
      patience(target),
    )
    met.add(target.address)
    return { reached, first: true }
  }

  const recall = async (job: Job, newest: readonly Entry[], append: AppendDeps | undefined): Promise<Known> => {
    const { address } = job.options.target
    const keys = newest.map(({ key }) => key)
    const [deliveries, heldReads, originals] = await Promise.all([
      ledger.deliveries(address, keys),
      ledger.heldReads(address, keys),
      originalsOf(job),
    ])
    const sifted = withoutVainDeletions(job, sift(newest, deliveries, heldReads), deliveries)
    if (append === undefined) return { sifted, inDoubt: [], deliveries, originals }
    return { ...(await withoutDoubtful(sifted, append)), deliveries, originals }
  }

  const originalsOf = async ({ sync, options }: Job): Promise<Map<string, string>> => {
    if (sync.mode !== 'replay') return new Map()
    const replaying = await ledger.held({ sink: options.target.address, entity: sync.entity, states: ['replaying'] })
    return new Map(
      replaying
        .filter(({ edited }) => edited !== undefined)
        .map(({ key, schema, record }) => [key, compileHasher(schema)(record)]),
    )
  }

  /** Writes what is good; gives back what the target refuses. */
  const write = async (
    job: Job,
    good: readonly Entry[],
    known: Known,
    append: AppendDeps | undefined,
    contribution: ContributionOf,
  ): Promise<readonly Refused[]> => {
    const { batch, sync, options, context, again } = job
    const { target, ref, progress } = options
    const name = nameOf(job, newId)
    let parts = 0
    const packed = (records: readonly Entry[]): WriteBatch => batchOf(job, `${name}-${parts++}`, records)
    const ask = target.findRejected?.bind(target)
    const writePart = async (some: readonly Entry[]): Promise<void> => {
      const part = packed(some)
      const ahead = job.ahead?.count === some.length ? await job.ahead.staged : undefined
      // Once: another attempt begins with rows of its own.
      job.ahead = undefined
      let write = ahead && (() => ahead.write(context))
      const attempt = (): Promise<void> => {
        const first = write
        write = undefined
        return first ? first() : target.write(part, context)
      }
      if (append === undefined) await withRetry(attempt, again, patience(target))
      else if ((await writeBehindIntent(part, (entry) => totalsText(job, contribution(entry)), append)) === 'inDoubt') {
        job.inDoubt.push(...some)
        return
      }
      job.waiting = undefined
      job.written.push(...some)
      job.rows += rowsIn(job, some)
      if (append !== undefined) {
        const deliveries = some.map((entry) => deliveryOf(job, entry, known, contribution))
        await settlement.settle(sync, ref, answer(some, 'delivered'), {
          address: target.address,
          deliveries,
          rows: rowsIn(job, some),
          intent: part.id,
        })
        account(job, some, known, contribution)
      }
      progress({ entity: batch.schema.entity, records: job.written.length, rows: job.rows })
    }
    const isolation = {
      entity: batch.schema.entity,
      total: batch.payload.length,
      sign: context.waiting,
      write: writePart,
      findRejected:
        ask &&
        ((some: readonly Entry[]) =>
          withRetry(() => ask(packed(some), context), { ...again, idempotent: true }, patience(target))),
    }
    // One after another, so that what is in is never sent again for the sake of what is refused.
    const refused: Refused[] = []
    const cut = append === undefined ? undefined : target.parts?.(good, batch.schema)
    for (const some of (cut ?? [good]) as readonly (readonly Entry[])[])
      refused.push(...(await writeIsolating(some, isolation)))
    return refused
  }

  /** Adds what was delivered to the run's totals, and takes the version before off those of the run that delivered it. */
  const account = (job: Job, written: readonly Entry[], known: Known, contribution: ContributionOf): void => {
    const { address } = job.options.target
    const mine = sums.get(sumsKey(job.sync.run, address))
    for (const entry of written) {
      const before = known.deliveries.get(entry.key)?.totals
      if (before) sums.get(sumsKey(runOf(before), address))?.remove(before.slice(before.indexOf('\n') + 1))
      mine?.add(contribution(entry))
    }
  }

  /** The totals of this run at this address. */
  const totalsOf = ({ sync, options }: Job, plan: readonly TableTotals[]): Totals => {
    const own = sumsKey(sync.run, options.target.address)
    const known = sums.get(own)
    if (known !== undefined) return known
    for (const key of sums.keys()) if (!settlement.runs.has(runOf(key))) sums.delete(key)
    const totals = createTotals(plan)
    sums.set(own, totals)
    return totals
  }

  /** Has the totals of this run compared with the target's own when it ends. */
  const watch = (job: Job, reached: Reached, plan: readonly TableTotals[]): void => {
    if (reached.check !== undefined) return
    const { target } = job.options
    const question = { target, schema: job.batch.schema, run: job.sync.run, plan, retry: patience(target) }
    const totals = totalsOf(job, plan)
    reached.check = (context) =>
      fifo.run(target.address, () => checkTotals({ ...question, totals }, context), context.signal)
  }

  return async (job, newest, older) => {
    const { options, batch, sync } = job
    const { target, ref } = options
    job.waiting = undefined
    const run = settlement.runs.get(sync.run)
    const entity = entityOf(job)
    if (entity?.error) {
      // The next run reads these records again.
      settlement.fail(sync, ref, entity.error)
      return noCounts()
    }
    const append: AppendDeps | undefined =
      target.mode === 'append'
        ? { ledger, target, context: job.context, again: job.again, retry: patience(target) }
        : undefined
    // A ledger restored from an old copy must not call anything unchanged: after a start the target's mark comes first.
    let reached: Reached | undefined
    if (newest.length > 0 && (!met.has(target.address) || run?.full)) reached = (await meet(job)).reached
    if (append !== undefined) await resolveIntents(ref, append)
    let known = await recall(job, newest, append)
    let bad = misfits(job, known.sifted.write)
    if (known.sifted.write.length > bad.length && reached === undefined) {
      const meeting = await meet(job)
      reached = meeting.reached
      if (meeting.first) {
        known = await recall(job, newest, append)
        bad = misfits(job, known.sifted.write)
      }
    }
    const plan = totalsPlan(batch.schema, entity?.totals)
    if (reached !== undefined) watch(job, reached, plan)
    const contribution = once((entry: Entry) => totalsOf(job, plan).of(entry.record))
    const badEntries = new Set(bad.map(({ entry }) => entry))
    const good = known.sifted.write.filter((entry) => !badEntries.has(entry))
    const merged = append === undefined ? job.written : []
    const settle = async (
      others: readonly Answer[],
      more: Parameters<typeof settlement.settle>[3],
    ): Promise<Answer[]> => {
      const answers = [...others, ...answer(merged, 'delivered')]
      const deliveries = merged.map((entry) => deliveryOf(job, entry, known, contribution))
      const all = { ...more, deliveries: [...deliveries, ...(more.deliveries ?? [])] }
      await settlement.settle(sync, ref, answers, { address: target.address, rows: rowsIn(job, merged), ...all })
      account(job, merged, known, contribution)
      return answers
    }
    try {
      if (good.length > 0) {
        // A version that is written but never settled must not let an equal one before it pass for unchanged.
        const doubtful = good.filter(({ key }) => known.deliveries.get(key)?.hash).map(({ key }) => key)
        if (doubtful.length > 0 && append === undefined) await ledger.doubtDeliveries(target.address, doubtful)
        bad = [...bad, ...(await write(job, good, known, append, contribution))]
      }
      checkAlike(bad, { entity: batch.schema.entity, total: batch.payload.length })
    } catch (error) {
      // What was written before is in the target: the ledger must know it, though the entity fails.
      if (merged.length > 0) await settle([], {})
      throw error
    }

    const { unchanged, superseded } = known.sifted
    const answers = await settle(
      [
        ...answer(
          bad.map(({ entry }) => entry),
          'held',
        ),
        ...answer([...known.inDoubt, ...job.inDoubt], 'inDoubt'),
        ...answer(
          unchanged.map(({ entry }) => entry),
          'unchanged',
        ),
        ...answer([...superseded, ...older], 'superseded'),
      ],
      {
        deliveries: unchanged.map(({ entry, last }) => ({
          ...last,
          read: entry.read,
          originalHash: known.originals.get(entry.key) ?? last.originalHash ?? null,
        })),
        held: bad.map(({ entry, error }) => ({
          sink: target.address,
          sinkName: ref.name,
          stage: 'sink',
          key: entry.key,
          sync: sync.name,
          run: sync.run,
          entity: sync.entity,
          sourceAddress: run?.sourceAddress ?? '',
          read: entry.read,
          record: entry.record,
          schema: batch.schema,
          cause: { ...error.cause, message: error.message },
        })),
      },
    )
    for (const { entry, error } of bad) options.held?.(entry.record, { ...error.cause, message: error.message })
    const counts = noCounts()
    for (const { outcome } of answers) counts[outcome]++
    if (append !== undefined) counts.delivered += job.written.length
    return counts
  }
}

/** Targets name files by it; what stands in a message must not lead to another path. */
const nameOf = ({ sync }: Job, newId: () => string): string =>
  `${sync.run}-${sync.entity}-${sync.batch}`
    .replace(/[^\w-]/g, '_')
    .slice(0, 120)
    .concat('-', newId())

const batchOf = ({ sync, batch, at }: Job, id: string, records: readonly Entry[]): WriteBatch => ({
  id,
  sync: sync.name,
  run: sync.run,
  entity: sync.entity,
  schema: batch.schema,
  records,
  at,
})

/**
 * Begins to bring the rows of a batch to the target while others go first. They are used if at its turn the whole batch is to
 * be written, as in a first load.
 */
export function stageAhead(job: Job, newest: readonly Entry[], newId: () => string): void {
  const { target } = job.options
  const staged = target.stage?.(batchOf(job, `${nameOf(job, newId)}-ahead`, newest), job.context)
  // What failed is tried again, and told, in its turn.
  if (staged) job.ahead = { count: newest.length, staged: staged.catch(() => undefined) }
}

/** Records whose values do not fit the schema; throws `config` when too many fail alike. */
function misfits(job: Job, entries: readonly Entry[]): readonly Refused[] {
  const found: Refused[] = []
  for (const entry of entries) {
    const error = cannotTakeBack(job, entry) ?? (entry.sound ? undefined : job.compiled.check(entry.record))
    if (error !== undefined) found.push({ entry, error })
  }
  checkAlike(found, { entity: job.batch.schema.entity, total: job.batch.payload.length })
  return found
}

const answer = (entries: readonly Entry[], outcome: Outcome): Answer[] => entries.map(({ row }) => ({ row, outcome }))

const rowsIn = ({ batch }: Job, entries: readonly Entry[]): number =>
  entries.reduce((sum, { record }) => sum + rowsOf(record, batch.schema), 0)

function deliveryOf(job: Job, entry: Entry, { originals }: Known, contribution: ContributionOf): Delivery {
  return {
    key: entry.key,
    read: entry.read,
    hash: entry.hash === '' ? null : entry.hash,
    originalHash: originals.get(entry.key) ?? null,
    totals: totalsText(job, contribution(entry)),
    run: job.sync.run,
  }
}

/** Works it out at the first asking and keeps it. */
function once<K, V>(work: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>()
  return (key) => {
    let value = known.get(key)
    if (value === undefined) {
      value = work(key)
      known.set(key, value)
    }
    return value
  }
}

/** The contribution as the ledger keeps it: behind the run that it counts in, since an unchanged record moves on to later runs. */
const totalsText = ({ sync }: Job, contribution: Contribution | null): string | null =>
  contribution && `${sync.run}\n${contribution.text}`
const runOf = (totals: string): string => totals.slice(0, totals.indexOf('\n'))
