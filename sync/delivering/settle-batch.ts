/** What became of a batch, for the ledger: all of it in one transaction. */
import type { Delivery, NewAccepted } from '../../ledger/ledger.ts'
import { isDeletion } from '../contract/message.ts'
import type { OutcomeCounts } from '../contract/summary.ts'
import { type Entry, NO_ROW } from '../run/entry.ts'
import type { RowReport } from '../run/progress.ts'
import type { SettleCommit } from '../run/settlement.ts'
import { noCounts } from '../run/state.ts'
import { toldContribution } from '../values/told.ts'
import { toldAmount } from '../values/told-amount.ts'
import { totalsPlan } from '../values/totals-plan.ts'
import type { Accepting } from './accepting.ts'
import type { Delivering } from './delivering.ts'
import type { DeliverDeps } from './deps.ts'
import { sourceHash } from './folded-keys.ts'
import { countsOf, groupChange } from './group-change.ts'
import type { Refused } from './isolate-bad-records.ts'
import { deliveryOf, firstRows, type Job, reportsOf, rowsIn, storedOf } from './job.ts'
import { pushedOf } from './pushed.ts'
import type { RunTotals } from './run-totals.ts'

interface Settling {
  readonly settlement: DeliverDeps['settlement']
  readonly totals: Pick<RunTotals, 'account'>
}

/** Settles all of it, with what is held, in doubt, unchanged and superseded. */
export async function settleBatch(
  settling: Settling,
  delivering: Delivering,
  bad: readonly Refused[],
): Promise<OutcomeCounts> {
  const { job, older, append, unwritten, sorted } = delivering
  const { unchanged, superseded } = sorted.known.deduplicated
  const held = bad.map(({ entry }) => entry)
  const doubtful = [...sorted.known.inDoubt, ...job.inDoubt]
  for (const { key, origin } of [...held, ...doubtful]) if (origin !== undefined) unwritten.set(key, origin)
  const others = [
    ...reportsOf(held, 'held'),
    ...reportsOf(doubtful, 'inDoubt'),
    ...reportsOf(
      unchanged.map(({ entry }) => entry),
      'unchanged',
    ),
    ...reportsOf([...superseded, ...older], 'superseded'),
  ]
  const commit = { deliveries: unchangedOf(delivering), held: heldOf(settling, delivering, bad) }
  const reports = await settle(settling, delivering, others, commit)
  for (const { entry, error } of bad) job.options.held?.(entry.record, { ...error.cause, message: error.message })
  const counts = noCounts()
  for (const { outcome } of reports) counts[outcome]++
  // What was appended is settled by the part.
  if (append !== undefined) counts.delivered += reportsOf(job.written, 'delivered').length
  return counts
}

/** What of a batch that fails is in the target. */
export async function settleWritten(settling: Settling, delivering: Delivering): Promise<void> {
  if (mergedOf(delivering).length > 0) await settle(settling, delivering, [], {})
}

/** Written and not settled yet. */
const mergedOf = ({ job, append }: Delivering): readonly Entry[] => (append === undefined ? job.written : [])

async function settle(
  { settlement, totals }: Settling,
  delivering: Delivering,
  others: readonly RowReport[],
  { deliveries = [], ...more }: SettleCommit,
): Promise<readonly RowReport[]> {
  const { job, sorted } = delivering
  const { sync, options } = job
  const { address } = options.target
  const merged = mergedOf(delivering)
  const reports = [...others, ...reportsOf(merged, 'delivered')]
  const written = merged.map((entry) => deliveryOf(job, entry, sorted.known))
  await settlement.settle(sync, options.ref, reports, {
    address,
    rows: rowsIn(job, merged),
    filled: firstRows(job, merged),
    ...(job.accepting && { accepted: acceptedOf(settlement, job, job.accepting, merged) }),
    ...more,
    deliveries: [...written, ...deliveries],
    pushed: pushedOf(job, merged),
    trace: job.trace,
    sums: groupChange(settlement.groups, [...written, ...deliveries], sorted.known.deliveries, job.arrived),
  })
  totals.account({ run: sync.run, address }, merged, sorted.known.deliveries, job.arrived)
  return reports
}

/** What the ledger keeps of them until their results are there. */
function acceptedOf(
  { runs }: Settling['settlement'],
  { batch: { schema }, sync }: Job,
  accepting: Accepting,
  merged: readonly Entry[],
): NewAccepted[] {
  const sourceAddress = runs.get(sync.run)?.sourceAddress ?? ''
  return merged.map(({ key, read, hash, record, sourceKey, row }) => ({
    ...accepting.of(key),
    counted: row !== NO_ROW,
    ...{ key, read, hash, record, schema, sourceKey, sourceAddress },
    amounts: toldAmount(schema, record),
  }))
}

/** The versions before stay, as this run found them. */
const unchangedOf = ({ job, sorted }: Delivering): Delivery[] =>
  sorted.known.deduplicated.unchanged.map(({ entry, last }) => ({
    ...last,
    counts: countsOf(entry),
    before: last.stored,
    stored: last.stored === undefined ? storedBefore(job, entry, last, sorted.known.lists) : last.stored,
    run: job.sync.run,
    source: sourceHash(entry),
    sourceKey: entry.sourceKey,
    read: entry.read,
    originalHash: sorted.known.originals.get(entry.key) ?? last.originalHash ?? null,
  }))

/** What a version before delivered and the target still has: of a table without lists, and where nothing but rows is counted, the read number does not count. */
function storedBefore(
  { options }: Job,
  entry: Entry,
  last: Delivery,
  lists: readonly string[] | undefined,
): Delivery['stored'] {
  const { hash, written } = last
  const isNumbered = lists !== undefined && lists.length > 0 && !options.target.countsOnly
  if (!hash || !lists || (written === undefined && isNumbered)) return undefined
  const stored = storedOf(entry, lists)
  return stored && { ...stored, hash, read: written ?? last.read }
}

function heldOf(
  { settlement }: Settling,
  { job, sorted }: Delivering,
  bad: readonly Refused[],
): NonNullable<SettleCommit['held']> {
  const { sync, batch, options } = job
  const run = settlement.runs.get(sync.run)
  const sourceAddress = run?.sourceAddress ?? ''
  const plan = totalsPlan(batch.schema, run?.entities.get(sync.entity)?.totals)
  /** A deletion has only the key: it is told by what the target got of the record. */
  const amountsOf = ({ key, record }: Entry) =>
    isDeletion(record)
      ? toldContribution(plan, settlement.groups, sorted.known.deliveries.get(key)?.counts?.delivered)
      : toldAmount(batch.schema, record)
  return bad.map(({ entry, error }) => ({
    heldBy: options.target.address,
    sinkName: options.ref.name,
    stage: 'sink',
    key: entry.key,
    ...(entry.sourceKey !== undefined && entry.instead === undefined && { sourceKey: entry.sourceKey }),
    sync: sync.name,
    run: sync.run,
    entity: sync.entity,
    sourceAddress,
    read: entry.read,
    record: entry.record,
    schema: batch.schema,
    amounts: amountsOf(entry),
    ...(entry.changed && { changed: true as const }),
    cause: { ...error.cause, message: error.message },
  }))
}
