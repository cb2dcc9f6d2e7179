/** Settling: what became of rows, and the position over the contiguous settled prefix, in one transaction of the ledger. */
import type { Commits, Deliveries, Position, Positions, StandingKeys, TableOwners } from '../../ledger/ledger.ts'
import type { SinkRef } from '../contract/engine.ts'
import type { SyncInfo } from '../contract/message.ts'
import type { OutcomeCounts } from '../contract/summary.ts'
import { countAsRead } from './as-read.ts'
import { keepElsewhere } from './elsewhere.ts'
import {
  advance,
  apply,
  type BatchState,
  countable,
  countsOf,
  FIELDS,
  finished,
  knownBetween,
  overBetween,
  type Prefix,
  type RowReport,
  sinkSide,
  walksAt,
} from './progress.ts'
import type { Place, Register } from './register.ts'
import type { RunKeeper, SettleCommit } from './settlement.ts'
import { type EntityRun, type RunState, tallyOf } from './state.ts'

export interface SettleDeps {
  readonly ledger: Commits & Positions & Deliveries & TableOwners & StandingKeys & { readonly id: string }
  readonly register: Register
  /** Milliseconds, only growing. */
  readonly tick: () => number
}

export function settlingRows(deps: SettleDeps): Pick<RunKeeper, 'settle' | 'filter' | 'finish'> {
  const { ledger } = deps
  return {
    settle: (sync, ref, reports, commit) => settle(deps, sync, ref, reports, commit),
    filter(run, entity, batch, ref, rows) {
      const { id } = ledger
      const of = { name: run.sync, run: run.id, entity: entity.name, batch }
      const sync: SyncInfo = { ...of, readNumber: 0, ledger: id, mode: 'poll' }
      const reports = rows.map((row): RowReport => ({ row, outcome: 'filtered' }))
      // While this waited a sink may have answered or begun on some of them: those it must not touch.
      return settle(deps, sync, ref, reports, {}, (all) => {
        const side = entity.batches[batch]?.sinks.get(ref.id)
        return all.filter(({ row }) => !side?.reports[row] && !side?.received[row])
      })
    },
    finish: (run, entity) =>
      entity.commits.run(async () => {
        const { position } = entity
        if (!entity.readDone || !position?.window || entity.prefix.batch < entity.batches.length) return
        const done = finished(position)
        await ledger.savePosition(run.sync, entity.name, done)
        entity.position = done
      }),
  }
}

/** `counting`: which of the reports count, looked at when all commits before are through. */
async function settle(
  { ledger, register, tick }: SettleDeps,
  sync: SyncInfo,
  ref: SinkRef,
  reports: readonly RowReport[],
  commit: SettleCommit,
  counting: (reports: readonly RowReport[]) => readonly RowReport[] = (all) => all,
): Promise<void> {
  const { trace, ...more } = commit
  const base = { run: sync.run, sync: sync.name, entity: sync.entity, sinkId: ref.id, sinkName: ref.name, ...more }
  const traced = (mappings: readonly string[]) =>
    trace || more.deliveries?.length ? { trace: { statements: [], requests: [], ...trace, mappings } } : {}
  /** The run has ended: everything is recorded and nothing settled. */
  const record = () => ledger.commit({ ...base, ...traced([]), batch: sync.batch, outcomes: {} })
  const first = register.find(sync)
  if (!first) return record()
  return first.entity.commits.run(async () => {
    const place = register.find(sync)
    if (!place) return record()
    const { run, entity, batch } = place
    const counted = countable(batch, ref.id, counting(reports))
    const outcomes = countsOf(batch, ref.id, counted)
    if (batch.waiting) for (const { row, waits } of counted) if (waits) batch.waiting.add(row)
    const { to, position, known, over } = progressWith(place, ref, counted)
    await keepElsewhere(ledger, run, entity, to, { sink: ref.id, batch: batch.index, reports: counted })
    await ledger.commit({
      ...base,
      ...traced(madeBy(run, batch, ref)),
      batch: batch.index,
      outcomes,
      ...(known.length > 0 ? { known } : {}),
      ...(over.length > 0 && entity.inbox !== undefined && { inbox: { source: entity.inbox, recordKeys: over } }),
      ...(position && position !== entity.position ? { position: { entity: entity.name, position } } : {}),
    })
    countAsRead(tallyOf(entity, ref).sums, batch, ref.id, counted)
    apply(batch, ref.id, counted)
    for (const done of entity.batches.slice(entity.prefix.batch, to.batch)) forgetRows(done)
    entity.prefix = to
    entity.position = position
    sinkSide(batch, ref.id).lastSign = tick()
    count(entity, ref, outcomes, commit)
    run.changed()
  })
}

/** Versions of what made the rows of a batch on their way to a sink. */
function madeBy({ mappings }: RunState, { made = new Map() }: BatchState, ref: SinkRef): string[] {
  const before = mappings?.(ref)
  return [...made].flatMap(([by, version]) => (by === FIELDS || (before?.has(by) ?? true) ? version : [])).sort()
}

/** How far the entity is settled with these reports, and what the ledger gets to know by it. */
function progressWith({ run, entity, batch }: Place, ref: SinkRef, reports: readonly RowReport[]) {
  const rule = { mustReport: run.mustReport, sinks: entity.sinks.map(({ id }) => id) }
  const rows = new Set(reports.map(({ row }) => row))
  const to = advance(entity.batches, entity.prefix, rule, { batch: batch.index, sink: ref.id, rows })
  const { batches, prefix } = entity
  const over = entity.inbox === undefined ? [] : overBetween(batches, prefix, to)
  return { to, position: positionAt(entity, to), known: knownBetween(batches, prefix, to), over }
}

function positionAt({ batches, prefix, position, readDone }: EntityRun, to: Prefix): Position | undefined {
  const isWhole = readDone && to.batch >= batches.length
  if (!position?.window || (!isWhole && to.batch === prefix.batch && to.row === prefix.row)) return position
  if (isWhole) return finished(position)
  return { ...position, window: { ...position.window, walks: walksAt(position.window.walks, batches, prefix, to) } }
}

function count(
  entity: EntityRun,
  ref: SinkRef,
  outcomes: Partial<OutcomeCounts>,
  { rows, deliveries = [] }: SettleCommit,
): void {
  const tally = tallyOf(entity, ref)
  tally.rows += rows ?? 0
  for (const [outcome, n] of Object.entries(outcomes)) tally.counts[outcome as keyof OutcomeCounts] += n
  for (const { read } of deliveries) if (read > tally.highestRead) tally.highestRead = read
}

/** A batch that is settled: what its rows are need not be known any more, only whether one that comes late is the same. */
function forgetRows(batch: BatchState): void {
  batch.known = undefined
  if (batch.read === undefined) return
  batch.read.texts = undefined
  for (const declared of batch.read.declared) declared.texts = undefined
}
