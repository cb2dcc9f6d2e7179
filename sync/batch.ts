/** One batch at its turn: sorted by what the ledger knows, checked, written, and settled in one transaction. */
import { cannotTakeBack, withoutVainDeletions } from './deletions.ts'
import type { DeliverDeps } from './deliver.ts'
import type { OutcomeCounts } from './engine.ts'
import type { Fifo } from './fifo.ts'
import { compileHasher } from './hash.ts'
import { type AppendDeps, doubledText, listDoubled, resolveIntents, withoutDoubtful } from './intents.ts'
import { checkAlike, type Refused } from './isolate.ts'
import { answer, deliveryOf, type Job, type Known, rowsIn } from './job.ts'
import type { Answer } from './progress.ts'
import { type RetryOptions, withRetry } from './retry.ts'
import { noCounts, type Reached } from './run.ts'
import { createRunTotals } from './run-totals.ts'
import { type Entry, sift } from './sift.ts'
import type { Target } from './target.ts'
import { totalsPlan } from './totals.ts'
import { writeRecords } from './write.ts'

/**
 * What does a batch at its turn, given the newest of each of its keys and those that they supersede. Throws when the batch
 * cannot be delivered; what was written before is settled all the same.
 */
export function createBatchWork(
  { ledger, settlement, newId, retry = {} }: DeliverDeps,
  fifo: Fifo,
): (job: Job, newest: readonly Entry[], older: readonly Entry[]) => Promise<OutcomeCounts> {
  const patience = (target: Target): Partial<RetryOptions> => ({ ...retry, ...target.retry })
  /** Addresses whose mark was looked at since the ledger was opened. */
  const met = new Set<string>()
  const totals = createRunTotals(settlement.runs, fifo)

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
    if (reached !== undefined) totals.watch(reached, { target, schema: batch.schema, run: sync.run, plan, retry: own })
    const contribution = totals.contributions(at, plan)
    const badEntries = new Set(bad.map(({ entry }) => entry))
    const good = known.sifted.write.filter((entry) => !badEntries.has(entry))
    const writing = { settlement, newId, retry: own, append, totals }
    const merged = append === undefined ? job.written : []
    const settle = async (
      others: readonly Answer[],
      more: Parameters<typeof settlement.settle>[3],
    ): Promise<Answer[]> => {
      const answers = [...others, ...answer(merged, 'delivered')]
      const deliveries = merged.map((entry) => deliveryOf(job, entry, known, contribution))
      const all = { ...more, deliveries: [...deliveries, ...(more.deliveries ?? [])] }
      await settlement.settle(sync, ref, answers, { address: at.address, rows: rowsIn(job, merged), ...all })
      totals.account(at, merged, known.deliveries, contribution)
      return answers
    }
    try {
      if (good.length > 0) {
        // A version that is written but never settled must not let an equal one before it pass for unchanged.
        const doubtful = good.filter(({ key }) => known.deliveries.get(key)?.hash).map(({ key }) => key)
        if (doubtful.length > 0 && append === undefined) await ledger.doubtDeliveries(target.address, doubtful)
        bad = [...bad, ...(await writeRecords(job, good, known, contribution, writing))]
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
