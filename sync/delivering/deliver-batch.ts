/** One batch whose turn it is at its address: sorted by what the ledger knows, checked, written, and settled in one transaction. */

import type { RetryOptions } from '../contract/retry.ts'
import type { OutcomeCounts } from '../contract/summary.ts'
import { refuseChanged } from '../run/claimed-rows.ts'
import type { Entry } from '../run/entry.ts'
import { type EntityRun, noCounts, tallyOf } from '../run/state.ts'
import type { Fifo } from '../values/queue.ts'
import { totalsPlan } from '../values/totals-plan.ts'
import { beginAccepting, untilNeeded } from './accepting.ts'
import { refuseAlike } from './alike-keys.ts'
import type { Delivering } from './delivering.ts'
import type { DeliverDeps } from './deps.ts'
import { foldedWith, refuseFolded } from './folded-keys.ts'
import { withAlong } from './former-keys.ts'
import { checkAlike, type Refused } from './isolate-bad-records.ts'
import type { Job } from './job.ts'
import { createTablePreparation, type TablePreparation } from './prepare-tables.ts'
import { createRunTotals, type RunTotals } from './run-totals.ts'
import { createSchemaNotes } from './schema-notes.ts'
import { settleBatch, settleWritten } from './settle-batch.ts'
import { type BatchSorter, createBatchSorter } from './sort-batch.ts'
import { refuseTaken } from './taken-keys.ts'
import { createWholeChecks, type WholeChecks } from './whole-checks.ts'
import { writeRecords } from './write.ts'

export type BatchWork = (job: Job, newest: readonly Entry[], older: readonly Entry[]) => Promise<OutcomeCounts>

/** What all batches of an engine share. */
interface Parts {
  readonly deps: DeliverDeps
  readonly tables: TablePreparation
  readonly sorter: BatchSorter
  readonly totals: RunTotals
  readonly whole: WholeChecks
}

/**
 * What does a batch, given the newest of each of its keys and those that they supersede. Throws when the batch cannot be
 * delivered; what was written before is settled all the same.
 */
export function createBatchWork(deps: DeliverDeps, fifo: Fifo): BatchWork {
  const tables = createTablePreparation(deps)
  const parts: Parts = {
    deps,
    tables,
    sorter: createBatchSorter(deps, tables),
    totals: createRunTotals(deps.settlement, fifo),
    whole: createWholeChecks(deps.ledger, fifo, deps.now),
  }
  const keepSchema = createSchemaNotes(deps)
  return async (job, newest, older) => {
    const { settlement } = deps
    const { sync, options } = job
    job.waiting = undefined
    const entity = settlement.runs.get(sync.run)?.entities.get(sync.entity)
    if (entity?.error) {
      // The next run reads these records again.
      settlement.fail(sync, options.ref, entity.error)
      return noCounts()
    }
    if (options.target.results?.needs) await untilNeeded(deps.settlement, job, options.target.results.needs)
    await keepSchema(job)
    const delivering = await begin(parts, entity, job, newest, older)
    const bad = await write(parts, delivering)
    return settleBatch({ settlement, totals: parts.totals }, delivering, bad)
  }
}

/** Sorts it, refuses what no target may get, and has its totals compared when the run ends. */
async function begin(
  { deps, sorter, totals, whole }: Parts,
  entity: EntityRun | undefined,
  job: Job,
  newest: readonly Entry[],
  older: readonly Entry[],
): Promise<Delivering> {
  const { ledger } = deps
  const { options, batch, sync, context, again } = job
  const { target, ref } = options
  const { schema } = batch
  const retry: Partial<RetryOptions> = { ...deps.retry, ...target.retry }
  const append = target.mode === 'append' ? { ledger, target, context, again, retry } : undefined
  const sorted = await sorter.sort(job, newest, append)
  const unwritten = entity ? tallyOf(entity, ref).unwritten : new Map<string, string>()
  refuseChanged(schema.entity, newest, job.repeats, sorted.known.deliveries, sync.run)
  refuseFolded(schema.entity, [...sorted.known.deduplicated.folded, ...foldedWith(unwritten, newest)])
  await refuseTaken(ledger, deps.settlement.runs.get(sync.run), entity, job, sorted.known)
  const plan = totalsPlan(schema, entity?.totals)
  if (sorted.reached !== undefined) {
    totals.watch(sorted.reached, { target, schema, run: sync.run, plan, retry })
    if (sorted.known.lists) whole.watch(sorted.reached, newest, { plan, retry })
  }
  return { job, newest, older, retry, append, unwritten, sorted }
}

/** Gives back what is held. What was written before an error is settled: it is in the target, and the ledger must know it. */
async function write(parts: Parts, delivering: Delivering): Promise<readonly Refused[]> {
  const { job } = delivering
  try {
    const refused = await writeOnce(parts, delivering).catch((error: unknown) => writeAgain(parts, delivering, error))
    const bad = [...delivering.sorted.bad, ...refused]
    checkAlike(bad, { entity: job.batch.schema.entity, total: job.batch.payload.length })
    return bad
  } catch (error) {
    await settleWritten({ settlement: parts.deps.settlement, totals: parts.totals }, delivering)
    throw error
  }
}

async function writeOnce({ deps, totals }: Parts, delivering: Delivering): Promise<readonly Refused[]> {
  const { job, append, retry, sorted } = delivering
  const { settlement, newId } = deps
  const misfit = new Set(sorted.bad.map(({ entry }) => entry))
  const fitting = sorted.known.deduplicated.write.filter((entry) => !misfit.has(entry))
  const alike = await refuseAlike(deps.ledger, job, fitting, sorted.known)
  const held = new Set(alike.map(({ entry }) => entry))
  const good = held.size === 0 ? fitting : fitting.filter((entry) => !held.has(entry))
  if (good.length === 0) return alike
  // A version that is written but never settled must not let an equal one before it pass for unchanged.
  const writing = good.flatMap(withAlong)
  const doubtful = writing.filter(({ key }) => sorted.known.deliveries.get(key)?.hash).map(({ key }) => key)
  if (job.options.target.results) job.accepting = await beginAccepting(deps, job, writing)
  if (doubtful.length > 0 && append === undefined)
    await deps.ledger.doubtDeliveries(job.options.target.address, doubtful)
  const refused = await writeRecords(job, good, sorted.known, { settlement, newId, retry, append, totals })
  return [...alike, ...refused]
}

/** Once more where a table was lost: what of the batch was written before is lost with it. */
async function writeAgain(parts: Parts, delivering: Delivering, error: unknown): Promise<readonly Refused[]> {
  const { job, newest, append, sorted } = delivering
  if (!(await parts.tables.prepareAgain(job, error))) throw error
  job.written.length = 0
  job.inDoubt.length = 0
  job.rows = 0
  delivering.sorted = await parts.sorter.sortAgain(job, newest, append, sorted.reached)
  return writeOnce(parts, delivering)
}
