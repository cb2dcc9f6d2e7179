/** One batch at its turn: sorted by what the ledger knows, checked, written, and settled in one transaction. */

import type { RetryOptions } from '../contract/retry.ts'
import type { OutcomeCounts } from '../contract/summary.ts'
import type { Target } from '../contract/target.ts'
import { refuseChanged } from '../run/claimed-rows.ts'
import type { Entry } from '../run/entry.ts'
import type { Answer } from '../run/progress.ts'
import { noCounts, type Reached, tallyOf } from '../run/state.ts'
import { compileHasher } from '../values/fingerprint.ts'
import type { Fifo } from '../values/queue.ts'
import { totalsPlan } from '../values/totals.ts'
import { sift } from './deduplicate.ts'
import { cannotTakeBack, withoutVainDeletions } from './deletions.ts'
import type { DeliverDeps } from './deps.ts'
import { foldedWith, refuseFolded, sourceHash } from './folded-keys.ts'
import { type AppendDeps, resolveIntents, withoutDoubtful } from './intents.ts'
import { checkAlike, type Refused } from './isolate-bad-records.ts'
import { answer, deliveryOf, firstRows, type Job, type Known, rowsIn } from './job.ts'
import { createMeetings, type Meeting } from './prepare-tables.ts'
import { createRunTotals } from './run-totals.ts'
import { createOwnerCheck } from './table-owners.ts'
import { writeRecords } from './write.ts'

/** What is to be done with a batch: by what the ledger knows of its keys, and what does not fit. */
interface Turn {
  readonly known: Known
  readonly bad: readonly Refused[]
  /** Where it is written, if the run was there. */
  readonly reached: Reached | undefined
}

/**
 * What does a batch at its turn, given the newest of each of its keys and those that they supersede. Throws when the batch
 * cannot be delivered; what was written before is settled all the same.
 */
export function createBatchWork(
  deps: DeliverDeps,
  fifo: Fifo,
): (job: Job, newest: readonly Entry[], older: readonly Entry[]) => Promise<OutcomeCounts> {
  const { ledger, settlement, newId, retry = {} } = deps
  const patience = (target: Target): Partial<RetryOptions> => ({ ...retry, ...target.retry })
  /** Addresses whose mark was looked at since the ledger was opened. */
  const met = new Set<string>()
  const totals = createRunTotals(settlement.runs, fifo)

  const entityOf = ({ sync }: Job) => settlement.runs.get(sync.run)?.entities.get(sync.entity)
  const meetings = createMeetings(deps)
  const checkOwners = createOwnerCheck(deps)

  const meet = async (job: Job): Promise<Meeting> => {
    const meeting = await meetings.meet(job)
    met.add(job.options.target.address)
    return meeting
  }

  const recall = async (job: Job, newest: readonly Entry[], append: AppendDeps | undefined): Promise<Known> => {
    const { address } = job.options.target
    const keys = newest.map(({ key }) => key)
    const [deliveries, heldReads, originals] = await Promise.all([
      ledger.deliveries(address, keys),
      ledger.heldReads(address, keys),
      originalsOf(job),
    ])
    const sifted = withoutVainDeletions(job, sift(newest, deliveries, heldReads, job.sync.run), deliveries)
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

  const sort = async (
    job: Job,
    newest: readonly Entry[],
    append: AppendDeps | undefined,
    reached: Reached | undefined,
  ): Promise<Turn> => {
    const known = await recall(job, newest, append)
    return { known, bad: misfits(job, known.sifted.write), reached }
  }

  /** The target is asked only if something is to be written; what it finds there, the ledger may know less than before. */
  const takeTurn = async (job: Job, newest: readonly Entry[], append: AppendDeps | undefined): Promise<Turn> => {
    const { target, ref } = job.options
    await checkOwners(job, newest)
    // A ledger restored from an old copy must not call anything unchanged: after a start the target's mark comes first.
    const isFirst = newest.length > 0 && (!met.has(target.address) || settlement.runs.get(job.sync.run)?.full)
    const before = isFirst ? (await meet(job)).reached : undefined
    if (append !== undefined) await resolveIntents(ref, append, () => meet(job))
    const turn = await sort(job, newest, append, before)
    if (before !== undefined || turn.known.sifted.write.length <= turn.bad.length) return turn
    const { reached, fresh } = await meet(job)
    return fresh ? sort(job, newest, append, reached) : { ...turn, reached }
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
    const at = { run: sync.run, address: target.address }
    const own = patience(target)
    const append: AppendDeps | undefined =
      target.mode === 'append' ? { ledger, target, context: job.context, again: job.again, retry: own } : undefined
    let turn = await takeTurn(job, newest, append)
    const { reached } = turn
    const unwritten = entity ? tallyOf(entity, ref).unwritten : new Map<string, string>()
    refuseChanged(batch.schema.entity, newest, job.repeats, turn.known.deliveries, sync.run)
    refuseFolded(batch.schema.entity, [...turn.known.sifted.folded, ...foldedWith(unwritten, newest)])
    const plan = totalsPlan(batch.schema, entity?.totals)
    if (reached !== undefined) totals.watch(reached, { target, schema: batch.schema, run: sync.run, plan, retry: own })
    const contribution = totals.contributions(at, plan)
    const writing = { settlement, newId, retry: own, append, totals }
    const merged = append === undefined ? job.written : []
    const settle = async (
      others: readonly Answer[],
      more: Parameters<typeof settlement.settle>[3],
    ): Promise<Answer[]> => {
      const answers = [...others, ...answer(merged, 'delivered')]
      const deliveries = merged.map((entry) => deliveryOf(job, entry, turn.known, contribution))
      const all = { ...more, deliveries: [...deliveries, ...(more.deliveries ?? [])] }
      const written = { address: at.address, rows: rowsIn(job, merged), filled: firstRows(job, merged) }
      await settlement.settle(sync, ref, answers, { ...written, ...all })
      totals.account(at, merged, turn.known.deliveries, contribution)
      return answers
    }
    const write = async (): Promise<readonly Refused[]> => {
      const misfit = new Set(turn.bad.map(({ entry }) => entry))
      const good = turn.known.sifted.write.filter((entry) => !misfit.has(entry))
      if (good.length === 0) return []
      // A version that is written but never settled must not let an equal one before it pass for unchanged.
      const doubtful = good.filter(({ key }) => turn.known.deliveries.get(key)?.hash).map(({ key }) => key)
      if (doubtful.length > 0 && append === undefined) await ledger.doubtDeliveries(target.address, doubtful)
      return writeRecords(job, good, turn.known, contribution, writing)
    }
    /** Once more where a table was lost: what of the batch was written before is lost with it. */
    const writeAgain = async (error: unknown): Promise<readonly Refused[]> => {
      if (!(await meetings.meetAgain(job, error))) throw error
      job.written.length = 0
      job.inDoubt.length = 0
      job.rows = 0
      turn = await sort(job, newest, append, reached)
      return write()
    }
    let bad: readonly Refused[]
    try {
      const refused = await write().catch(writeAgain)
      bad = [...turn.bad, ...refused]
      checkAlike(bad, { entity: batch.schema.entity, total: batch.payload.length })
    } catch (error) {
      // What was written before is in the target: the ledger must know it, though the entity fails.
      if (merged.length > 0) await settle([], {})
      throw error
    }

    const { known } = turn
    const { unchanged, superseded } = known.sifted
    const doubtful = [...known.inDoubt, ...job.inDoubt]
    for (const { key, origin } of [...bad.map(({ entry }) => entry), ...doubtful])
      if (origin !== undefined) unwritten.set(key, origin)
    const answers = await settle(
      [
        ...answer(
          bad.map(({ entry }) => entry),
          'held',
        ),
        ...answer(doubtful, 'inDoubt'),
        ...answer(
          unchanged.map(({ entry }) => entry),
          'unchanged',
        ),
        ...answer([...superseded, ...older], 'superseded'),
      ],
      {
        deliveries: unchanged.map(({ entry, last }) => ({
          ...last,
          run: sync.run,
          source: sourceHash(entry),
          sourceKey: entry.sourceKey,
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
