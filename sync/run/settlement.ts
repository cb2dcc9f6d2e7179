/**
 * The state of the runs that are going on in this process: which batches are on their way, which sink answered for which
 * row, and how far each entity is settled. The border between reading (`poll`, `replay`) and delivering (`deliver`).
 *
 * What a sink does for a message with `msg.sync`, in this order: `received`, `alive` now and then, `target` (after
 * `Target.prepare`, before the first look-up), `settle` one or more times; or `fail`. For a message without `msg.sync` it
 * takes a `SyncInfo` from `beginPush` first and ends with `endPush`.
 */
import type { Commit, Counts, Ledger, Trace } from '../../ledger/ledger.ts'
import type { Payload, SinkRef } from '../contract/engine.ts'
import type { SyncError } from '../contract/errors.ts'
import type { DataRecord, Schema, SyncInfo } from '../contract/message.ts'
import type { EntityPlan } from '../contract/source.ts'
import type { RunSummary } from '../contract/summary.ts'
import type { Target, WriteContext } from '../contract/target.ts'
import type { Contributor } from '../values/contribution.ts'
import type { GroupBook } from '../values/totals-plan.ts'
import type { Declared } from './arrivals.ts'
import type { Claim } from './claimed-rows.ts'
import type { RowReport } from './progress.ts'
import type { EntityRun, Reached, RunStart, RunState, TotalsCheck } from './state.ts'

/** What a sink adds to the settlement of rows; run, entity, sink, outcomes and position are filled in. */
export type SettleCommit = Pick<
  Commit,
  'address' | 'deliveries' | 'sums' | 'held' | 'rows' | 'intent' | 'filled' | 'posted' | 'pushed' | 'accepted'
> & {
  /** What the target called what it was sent for the batch so far. */
  readonly trace?: Pick<Trace, 'statements' | 'requests'>
}

/** What records add that arrived together. */
export interface Arrived {
  /** Of each, in their order. */
  readonly contributions: readonly string[]
  /** Of those that were read otherwise, by their place. */
  readonly otherwise: ReadonlyMap<number, Pick<Counts, 'read' | 'declared'>>
  /** Places of those that somebody changed on the way. */
  readonly changed: ReadonlySet<number>
  /** Of a whole batch that arrived as it was read: the sum of all. */
  readonly total: string | undefined
}

export interface Settlement {
  /** The sink has these rows (`_row`) of the batch. Counts as a sign of life. `target`: whose statements the run counts. */
  received(sync: SyncInfo, ref: SinkRef, rows: Iterable<number>, target?: Pick<Target, 'statements'>): void
  /**
   * The source's own key (`keyText` before any mapping) of each `_row` of the batch. Undefined where it is not known: in a
   * push run, for a record that a version before held at a sink, and once all the rows of the batch are settled.
   */
  sourceKeys(sync: SyncInfo): (row: number) => string | undefined
  /**
   * The sink has these rows, each under the key it writes. Gives those that came before, in another message. Throws a `config`
   * error where a row is not of the batch, comes twice or under a second key, or where the run has no such batch; before
   * `received`, so that nothing of the message counts. Nothing is said for a run that ended long ago, and for an entity that
   * failed, of which nothing is written any more.
   */
  claim(sync: SyncInfo, ref: SinkRef, claims: readonly Claim[]): ReadonlySet<number>
  /** Groups of all contributions. */
  readonly groups: GroupBook
  /** Compiled once for a schema. `setting`: what the plan of its entity says. */
  contributorOf(schema: Schema, setting?: EntityPlan['totals']): Contributor
  /**
   * What records of a batch add as they arrive at sinks. Whatever is neither as it was read nor as a node
   * of ours declared it counts as changed in the flow there, once: not for the `_row`s of `repeats`.
   */
  arrive(
    sync: SyncInfo,
    sinks: readonly SinkRef[],
    schema: Schema,
    records: readonly { readonly record: DataRecord; readonly key: string }[],
    repeats: ReadonlySet<number>,
  ): Arrived
  /**
   * A node of ours (undefined: a person) made the one of the other; records belong together by `_row`. Before they are sent on. `touched`: columns
   * that it may have changed, of any table; absent: any.
   */
  declare(
    sync: SyncInfo,
    ref: SinkRef | undefined,
    before: Payload,
    after: Payload,
    how: Declared['how'],
    touched?: readonly string[],
  ): void
  /** A node of ours on the way has the batch: a sign of life of it. `version`: of the rules by which it maps. */
  seen(sync: SyncInfo, ref: SinkRef, version?: string): void
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
  settle(sync: SyncInfo, ref: SinkRef, reports: readonly RowReport[], commit: SettleCommit): Promise<void>
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
