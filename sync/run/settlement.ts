/**
 * The state of the runs that are going on in this process: which batches are on their way, which sink answered for which
 * row, and how far each entity is settled. The border between reading (`poll`, `replay`) and delivering (`deliver`).
 *
 * What a sink does for a message with `msg.sync`, in this order: `received`, `alive` now and then, `target` (after
 * `Target.prepare`, before the first look-up), `settle` one or more times; or `fail`. For a message without `msg.sync` it
 * takes a `SyncInfo` from `beginPush` first and ends with `endPush`.
 */
import type { Commit, Ledger } from '../../ledger/ledger.ts'
import type { SinkRef } from '../contract/engine.ts'
import { classOf, isSyncError, type SyncError, syncError } from '../contract/errors.ts'
import type { Schema, SyncInfo } from '../contract/message.ts'
import type { OutcomeCounts, RunSummary } from '../contract/summary.ts'
import type { Target, WriteContext } from '../contract/target.ts'
import { type Claim, claimRows, type EndedRuns, noSuchBatch, rememberEnded } from './claimed-rows.ts'
import { checkMark } from './marks.ts'
import type { Answer } from './progress.ts'
import {
  advance,
  apply,
  countable,
  countsOf,
  finished,
  knownBetween,
  markReceived,
  sinkSide,
  walksAt,
} from './progress.ts'
import {
  type EntityRun,
  newEntity,
  newRun,
  type Reached,
  type RunStart,
  type RunState,
  type TotalsCheck,
  tallyOf,
} from './state.ts'
import { summarize } from './summary.ts'

/** What a sink adds to the settlement of rows; run, entity, sink, outcomes and position are filled in. */
export type SettleCommit = Pick<Commit, 'address' | 'deliveries' | 'held' | 'rows' | 'intent' | 'filled'>

export type { Reached }

export interface Settlement {
  /** The sink has these rows (`_row`) of the batch. Counts as a sign of life. `target`: whose statements the run counts. */
  received(sync: SyncInfo, ref: SinkRef, rows: Iterable<number>, target?: Pick<Target, 'statements'>): void
  /**
   * The source's own key (`keyText` before any mapping) of each `_row` of the batch. Undefined where it is not known: in a
   * push run, for a record that was held at a sink, and once all the rows of the batch are settled.
   */
  sourceKeys(sync: SyncInfo): (row: number) => string | undefined
  /**
   * The sink has these rows, each under the key it writes. Gives those that came before, in another message. Throws a `config`
   * error where a row is not of the batch, comes twice or under a second key, or where the run has no such batch; before
   * `received`, so that nothing of the message counts. Nothing is said for a run that ended long ago, and for an entity that
   * failed, of which nothing is written any more.
   */
  claim(sync: SyncInfo, ref: SinkRef, claims: readonly Claim[]): ReadonlySet<number>
  /** A sign of life, with what the sink waits for. */
  alive(sync: SyncInfo, ref: SinkRef, waiting?: string): void
  /**
   * Registers where the entity is written, once for each run, entity and sink, and checks the target's mark: throws a
   * `config` error when another ledger or sync writes the table. `empty`: the table of the header has no row.
   */
  target(
    sync: SyncInfo,
    ref: SinkRef,
    reached: {
      readonly target: Target
      readonly schema: Schema
      readonly empty: boolean
      readonly source?: string | undefined
    },
    context: WriteContext,
  ): Promise<Reached>
  /**
   * Records what became of rows and moves the position over the contiguous settled prefix, in one ledger transaction.
   * Rows that the batch does not have, and rows answered before by this sink, are recorded but not counted. For a run that
   * has ended everything is recorded and nothing settled. Throws what the ledger throws; nothing is settled then.
   */
  settle(sync: SyncInfo, ref: SinkRef, answers: readonly Answer[], commit: SettleCommit): Promise<void>
  /** A sink could not deliver its rows of a batch: the entity's run fails, what is settled stays. */
  fail(sync: SyncInfo, ref: SinkRef, error: unknown): void
  /** Does this run still count, and has its entity not failed? A batch for which it is not so may be given up. */
  lives(sync: SyncInfo): boolean
  /** A run of its own for a message without `msg.sync` (`count` records with `_row` from 0, in `rows` rows). */
  beginPush(ref: SinkRef, entity: string, count: number, rows: number): Promise<SyncInfo>
  /** Ends it: writes the mark-less summary; an error makes it a failed run. `checks`: what comparing said, by `checkKey`. */
  endPush(sync: SyncInfo, error?: unknown, checks?: ReadonlyMap<string, TotalsCheck>): Promise<RunSummary>
}

/** The reading side's view of the same object. */
export interface RunKeeper extends Settlement {
  readonly runs: ReadonlyMap<string, RunState>
  open(start: RunStart): RunState
  /** The run counts no longer. */
  end(run: RunState): void
  /** Writes down that the walks ended where no batch was left to say so. */
  finish(run: RunState, entity: EntityRun): Promise<void>
  /** Rows that never came count as filtered. */
  filter(run: RunState, entity: EntityRun, batch: number, ref: SinkRef, rows: readonly number[]): Promise<void>
  failEntity(run: RunState, entity: EntityRun, error: SyncError): void
}

export interface SettlementDeps {
  readonly ledger: Ledger
  /** ISO time of now. */
  readonly now: () => string
  /** Milliseconds, only growing. */
  readonly tick: () => number
}

/** Any error as one of ours; what is not ours is a fault of the programme or the flow. */
export function asSyncError(error: unknown): SyncError {
  if (isSyncError(error)) return error
  const text = error instanceof Error ? error.message : String(error)
  return syncError('config', 'sync.unexpected', text, {
    hint: 'This is a fault in the flow or in the programme: see the log, and report it with the run number.',
  })
}

export const needsError = (entity: string, need: string): SyncError =>
  syncError('config', 'sync.needs', `${entity} was not read, because it needs ${need}, which failed.`, {
    entity,
    hint: `See what ${need} failed of; both are read again by the next run.`,
  })

export function createSettlement({ ledger, now, tick }: SettlementDeps): RunKeeper {
  const runs = new Map<string, RunState>()
  const ended: EndedRuns = new Map()

  const find = (sync: SyncInfo) => {
    const run = runs.get(sync.run)
    const entity = run?.entities.get(sync.entity)
    const batch = entity?.batches[sync.batch]
    return run && entity && batch ? { run, entity, batch } : undefined
  }

  const sign = (sync: SyncInfo, ref: SinkRef, waiting: string | undefined, rows?: Iterable<number>) => {
    const found = find(sync)
    if (!found) return
    if (rows) markReceived(found.batch, ref.id, rows)
    const side = sinkSide(found.batch, ref.id)
    side.lastSign = tick()
    side.waiting = waiting
    found.run.changed()
  }

  /** One after the other for each entity, so that each looks at what the one before has written. */
  const inTurn = <T>(entity: EntityRun, work: () => Promise<T>): Promise<T> => {
    const turn = entity.turn.then(work)
    entity.turn = turn.catch(() => undefined)
    return turn
  }

  const settle = async (
    sync: SyncInfo,
    ref: SinkRef,
    answers: readonly Answer[],
    commit: SettleCommit,
    counting: (answers: readonly Answer[]) => readonly Answer[] = (all) => all,
  ): Promise<void> => {
    const base = { run: sync.run, sync: sync.name, entity: sync.entity, sink: ref.id, sinkName: ref.name }
    const first = find(sync)
    if (!first) return ledger.commit({ ...base, ...commit, batch: sync.batch, outcomes: {} })
    return inTurn(first.entity, async () => {
      const found = find(sync)
      if (!found) return ledger.commit({ ...base, ...commit, batch: sync.batch, outcomes: {} })
      const { run, entity, batch } = found
      const news = countable(batch, ref.id, counting(answers))
      const outcomes = countsOf(batch, ref.id, news)
      const rule = { answer: run.answer, sinks: entity.sinks.map((sink) => sink.id) }
      const rows = new Set(news.map((answer) => answer.row))
      const to = advance(entity.batches, entity.prefix, rule, { batch: batch.index, sink: ref.id, rows })
      const whole = entity.readDone && to.batch >= entity.batches.length
      let position = entity.position
      if (position?.window && (whole || to.batch !== entity.prefix.batch || to.row !== entity.prefix.row)) {
        const walks = walksAt(position.window.walks, entity.batches, entity.prefix, to)
        position = whole ? finished(position) : { ...position, window: { ...position.window, walks } }
      }
      const known = knownBetween(entity.batches, entity.prefix, to)
      await ledger.commit({
        ...base,
        ...commit,
        batch: batch.index,
        outcomes,
        ...(known.length > 0 ? { known } : {}),
        ...(position && position !== entity.position ? { position: { entity: entity.name, position } } : {}),
      })
      apply(batch, ref.id, news)
      for (const done of entity.batches.slice(entity.prefix.batch, to.batch)) done.known = undefined
      entity.prefix = to
      entity.position = position
      sinkSide(batch, ref.id).lastSign = tick()
      const tally = tallyOf(entity, ref)
      tally.rows += commit.rows ?? 0
      for (const [outcome, n] of Object.entries(outcomes)) tally.counts[outcome as keyof OutcomeCounts] += n
      for (const { read } of commit.deliveries ?? []) if (read > tally.highestRead) tally.highestRead = read
      run.changed()
    })
  }

  const failEntity = (run: RunState, entity: EntityRun, error: SyncError) => {
    if (!entity.error) {
      entity.error = error
      entity.stop.abort(error)
      for (const other of run.entities.values())
        if (other.needs.includes(entity.name) && !other.readDone)
          failEntity(run, other, needsError(other.name, entity.name))
    }
    run.changed()
  }

  return {
    runs,
    received(sync, ref, rows, target) {
      // Targets of one connection share its counter.
      const counters = runs.get(sync.run)?.counters
      if (target && counters && !counters.has(target.statements)) counters.set(target.statements, target.statements())
      sign(sync, ref, undefined, rows)
    },
    sourceKeys(sync) {
      const known = find(sync)?.batch.known
      return (row) => known?.[row]?.key
    },
    claim(sync, ref, claims) {
      const run = runs.get(sync.run)
      const entity = run?.entities.get(sync.entity)
      if (entity?.error) return new Set()
      const batch = (entity?.batches ?? ended.get(sync.run)?.get(sync.entity))?.[sync.batch]
      if (!batch && run) throw noSuchBatch(sync)
      if (!batch) return new Set()
      return claimRows(batch, ref.id, sync.entity, claims)
    },
    alive: (sync, ref, waiting) => sign(sync, ref, waiting),
    settle: (sync, ref, answers, commit) => settle(sync, ref, answers, commit),

    async target(sync, ref, { target, schema, empty, source }, context) {
      const run = runs.get(sync.run)
      const entity = run?.entities.get(sync.entity)
      if (!run || !entity)
        return { ref, target, sync, schema, full: false, source, place: { sourceAddress: '', replaced: [] } }
      const known = entity.reached.get(ref.id)
      if (known) return known
      const made = (async () => {
        if (target.mode === 'merge' && run.full) await ledger.clearDeliveries(target.address)
        const place = await checkMark({ ledger, run, sync, target, empty, source, context })
        return { ref, target, sync, schema, full: run.full, source, place }
      })()
      entity.reached.set(ref.id, made)
      entity.addresses.set(ref.id, target.address)
      // What may pass is asked again; what a mark forbids stays forbidden for the run.
      made.catch((error) => {
        if (classOf(error) !== 'config') entity.reached.delete(ref.id)
      })
      return made
    },

    fail(sync, ref, error) {
      const found = find(sync)
      if (!found) {
        const run = runs.get(sync.run)
        const entity = run?.entities.get(sync.entity)
        if (run && entity) failEntity(run, entity, asSyncError(error))
        return
      }
      const side = sinkSide(found.batch, ref.id)
      // Nothing more comes of these rows.
      side.received.set(side.answers.map((answer) => (answer ? 1 : 0)))
      side.outstanding = 0
      failEntity(found.run, found.entity, asSyncError(error))
    },

    lives(sync) {
      const entity = runs.get(sync.run)?.entities.get(sync.entity)
      return entity !== undefined && !entity.error
    },

    open(start) {
      const run = newRun(start)
      runs.set(run.id, run)
      return run
    },

    end(run) {
      runs.delete(run.id)
      rememberEnded(ended, run)
      run.changed()
    },

    finish: (_run, entity) =>
      inTurn(entity, async () => {
        const position = entity.position
        if (!entity.readDone || !position?.window || entity.prefix.batch < entity.batches.length) return
        const done = finished(position)
        await ledger.savePosition(_run.sync, entity.name, done)
        entity.position = done
      }),

    filter(run, entity, batch, ref, rows) {
      const sync: SyncInfo = {
        name: run.sync,
        run: run.id,
        entity: entity.name,
        batch,
        readNumber: 0,
        ledger: ledger.id,
        mode: 'poll',
      }
      const answers = rows.map((row): Answer => ({ row, outcome: 'filtered' }))
      // While this waited for its turn a sink may have answered or begun on some of them: those it must not touch.
      return settle(sync, ref, answers, {}, (all) => {
        const side = entity.batches[batch]?.sinks.get(ref.id)
        return all.filter(({ row }) => !side?.answers[row] && !side?.received[row])
      })
    },

    failEntity,

    async beginPush(ref, entity, count, rows) {
      const readNumber = ledger.nextRead()
      const run = newRun({
        id: `push-${readNumber.toString(36)}`,
        sync: `push:${ref.name}`,
        mode: 'push',
        at: now(),
        answer: 'every',
        mayFilter: false,
        receiptMs: Number.POSITIVE_INFINITY,
        full: false,
        memory: true,
      })
      await ledger.beginRun({ id: run.id, sync: run.sync, mode: run.mode, at: run.started })
      runs.set(run.id, run)
      const state = newEntity(run, { name: entity, sinks: [ref] })
      state.batches.push({ index: 0, count, rows, bytes: 0, sentAt: tick(), segments: [], sinks: new Map() })
      state.read = count
      state.readDone = true
      return { name: run.sync, run: run.id, entity, batch: 0, readNumber, ledger: ledger.id, mode: 'push' }
    },

    async endPush(sync, error, checks) {
      const run = runs.get(sync.run)
      if (!run) throw syncError('config', 'sync.no-run', `There is no push run ${sync.run}.`)
      const entity = run.entities.get(sync.entity)
      if (error !== undefined && entity) failEntity(run, entity, asSyncError(error))
      runs.delete(run.id)
      const open = await ledger.openItems(run.sync)
      const summary = summarize(run, { ended: now(), open, ...(checks ? { checks } : {}) })
      await ledger.endRun(summary)
      return summary
    },
  }
}
