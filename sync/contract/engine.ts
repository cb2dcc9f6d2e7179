/** The engine as the nodes see it: one for each ledger, held by the sync-ledger config node. */
import type { HeldFilter, Ledger, PostPlace, Who } from '../../ledger/ledger.ts'
import type { ErrorCause } from './errors.ts'
import type { BatchMessage, DataRecord, Schema, SyncInfo } from './message.ts'
import type { PostTarget } from './posting.ts'
import type { Source } from './source.ts'
import type { OutcomeCounts, RunSummary } from './summary.ts'
import type { Target } from './target.ts'

/** A sink, a mapping or a source, as who answers for records. */
export interface SinkRef {
  /** Node id. */
  readonly id: string
  /** What people call it: the node's name or type. */
  readonly name: string
}

/** Progress for a status line. */
export interface Progress {
  readonly entity?: string
  readonly records: number
  readonly rows: number
  /** What it waits for (`throttled, 30 s`), if anything. */
  readonly waiting?: string
  /** What it does where it is not rows that it counts (`sweep, 12000 keys`). */
  readonly doing?: string
}

/** What somebody waits for on the way of a run. */
export interface Wait {
  readonly entity?: string
  /** The sink that waits, as people call it; absent: the source. */
  readonly sink?: string
  /** What for, and how long still, in words. */
  readonly what: string
  /** Since when without a break, ISO. */
  readonly since: string
}

/** One entity of a run that goes on. */
export interface LiveEntity {
  readonly entity: string
  /** Records and rows read so far. */
  readonly read: number
  readonly rows: number
  /** Records that everybody has answered for. */
  readonly settled: number
  /** Records that are to be read, where the source has said so. */
  readonly total?: number
  readonly state: 'reading' | 'delivering' | 'done' | 'failed'
  /** Why it failed. */
  readonly problem?: string
}

/** A run that goes on in this process. */
export interface LiveRun {
  readonly sync: string
  readonly run: string
  readonly mode: 'poll' | 'replay'
  /** ISO. */
  readonly started: string
  /** Rows read a second, over the last minute at most. */
  readonly rowsASecond: number
  readonly entities: readonly LiveEntity[]
  readonly waits: readonly Wait[]
  /** What has not come in time and may still come, in words. */
  readonly late?: string
  stop(): void
}

export interface PollOptions {
  /** Name of the sync, unique within the ledger. */
  readonly name: string
  readonly ref: SinkRef
  readonly source: Source
  /** In order, masters first. */
  readonly entities: readonly string[]
  /** Text that belongs to the identity of what is read besides the source's address: the filters by entity. */
  readonly filters?: Readonly<Record<string, string>>
  /** Sinks that records of an entity can reach, found by walking the wires. */
  readonly sinks: (entity: string) => readonly SinkRef[]
  /**
   * The targets behind those sinks, for a sync whose ledger knows nothing yet: their marks say where to go on. Absent:
   * everything is read, and the marks are looked at on the first delivery.
   */
  readonly targets?: (entity: string) => Promise<readonly { readonly ref: SinkRef; readonly target: Target }[]>
  /** `every` sink must answer for each record, or at least `one`. */
  readonly mustReport: 'every' | 'one'
  /** Records may be filtered in the flow: what never reached a sink counts as filtered. */
  readonly mayFilter: boolean
  /** Amounts may be changed in the flow: what does not arrive as it was read is told, and nothing differs for it. */
  readonly mayChange?: boolean
  /** What a sink holds of a record whose newest version went elsewhere, or was filtered, is deleted there; absent: it is listed. */
  readonly takesOlder?: boolean
  /** Nodes of others on the way to a node of ours, as people call them; undefined: no wire leads there. */
  readonly foreign?: (sink: SinkRef) => readonly string[] | undefined
  /** Ids of the mapping nodes on the way to a sink; undefined: whichever had a batch. */
  readonly mappings?: (sink: SinkRef) => ReadonlySet<string> | undefined
  /** Ids of the mapping nodes that records of the sync can come by, replayed ones too; undefined: nobody knows. */
  readonly standing?: () => ReadonlySet<string> | undefined
  /** Seconds without a sign of life after which a batch counts as dropped. */
  readonly receiptSeconds: number
  /** Rows and bytes of one batch, and of all that is on its way. */
  readonly limits?: {
    readonly batchRows?: number
    readonly batchBytes?: number
    readonly windowRows?: number
    readonly windowBytes?: number
  }
  /** `full` reads everything anew (`clear`: a person has said that targets that cannot take back are emptied for it); `backfill` reads between two dates beside the window; `keys` reads the keys given. */
  readonly scope?:
    | { readonly kind: 'changes' }
    | { readonly kind: 'full'; readonly clear?: boolean }
    | { readonly kind: 'backfill'; readonly from: string; readonly to: string }
    | { readonly kind: 'keys'; readonly entity: string; readonly keys: readonly string[] }
  /**
   * A sweep after the windows, of each entity whose last one began before `since` (ISO; null: whenever it was). `confirm`
   * names entities of which a person says that what is not listed is really gone, however much it is. Absent: none.
   */
  readonly sweep?: { readonly since: string | null; readonly confirm?: readonly string[] }
  /**
   * The source address, folder or filter behind this name changed: start anew or keep the position. Absent: the run stops and asks.
   * `take over` keeps it, and what other ledgers or syncs wrote in its tables under its source name is its own from now on.
   */
  readonly identityChange?: 'anew' | 'keep' | 'take over'
  readonly send: (message: BatchMessage) => void
  readonly progress: (progress: Progress) => void
  /** What the source waits for now. */
  readonly waits?: () => Omit<Wait, 'sink'> | undefined
  /** Aborted by stop message, redeploy or close: what is settled is kept. */
  readonly signal: AbortSignal
}

/** Records with the shape that they have. */
export interface Payload {
  readonly payload: readonly DataRecord[]
  readonly schema: Schema
}

export interface DeliverOptions<T = Target> {
  readonly ref: SinkRef
  readonly target: T
  readonly message: {
    readonly payload: DataRecord[]
    readonly schema: Schema
    readonly sync?: SyncInfo
    readonly topic?: string
  }
  readonly progress: (progress: Progress) => void
  /** Deletions are taken from a message of no run too; absent: such a message is refused. */
  readonly mayDelete?: boolean
  /** Called for each record that was held, after the ledger has it. */
  readonly held?: (record: DataRecord, cause: ErrorCause & { message: string }) => void
  readonly signal: AbortSignal
}

/** A sink that posts, as it is deployed. */
export interface PostingSink {
  readonly ref: SinkRef
  readonly target: (entity: string) => Promise<PostTarget>
}

/** A sink that may append, as it is deployed. `target`: undefined for an entity that is not for it. */
export interface AppendingSink {
  readonly ref: SinkRef
  readonly target: (entity: string) => Promise<Target | PostTarget | undefined>
  readonly signal: AbortSignal
}

/** A sink whose targets have two stages, as it is deployed. */
export interface FollowingSink {
  readonly ref: SinkRef
  readonly target: (entity: string) => Promise<Target>
}

/** The source of a sync, as it is deployed. */
export interface AnsweringSource {
  readonly sync: string
  /** A source for a while, closed after it. */
  open(signal: AbortSignal): Promise<Source>
}

/** Where a sync posts an entity. */
export interface PostingPlace {
  readonly sync: string
  readonly entity: string
  /** Absent: the only one. */
  readonly address?: string | undefined
}

/** Who decides, and why. */
interface Deciding {
  readonly by: string
  readonly reason: string
}

/** What people do about posting. Each throws a `config` error that says why it cannot be done; what is decided is kept for years. */
export interface PostingDesk {
  /** Looks up what is due, and answers; of one sync, or of all. */
  look(sync?: string): Promise<void>
  /** Where the deployed sinks post an entity, and whether this ledger may. */
  places(entity: string): Promise<readonly PostPlace[]>
  /** This ledger may post there. Refused where the look-up has not proved itself. */
  start(place: PostingPlace, who: Deciding): Promise<void>
  /** Final vouchers, or drafts, from now on. */
  postAs(place: PostingPlace, as: 'draft' | 'final', who: Deciding): Promise<void>
  /** *Test posting*. Gives back what a person must know, in words. `who`: kept where it is given. */
  test(place: PostingPlace, who: Deciding): Promise<string>
  /**
   * An attempt in doubt. `posted`: it stands there, as the look-up finds it, or else under this number. `again`: it is posted once
   * more by the next run, if the look-up, which must be proved, does not find it. `held`: it is held.
   */
  settle(
    attempt: string,
    as:
      | { readonly posted: { readonly number?: string | undefined; readonly type?: string | undefined } }
      | 'again'
      | 'held',
    who: Deciding,
  ): Promise<string>
  /** A held record, or one that was left out, stands in the target already, as the look-up finds it, or else under this number. */
  stands(
    held: string,
    as: { readonly number: string; readonly type?: string | undefined },
    who: Deciding,
  ): Promise<string>
  /** A held record, or one that was left out, is sent back to its source. Refused where the look-up finds it, or cannot be trusted, and while it is in doubt. */
  sendBack(held: string, who: Deciding): Promise<string>
  /** Held records were left out: what of them stands in a target all the same is told by an alert, since no source hears of it. */
  leftOut(held: readonly string[]): Promise<void>
  /** A held record whose voucher was reversed, or whose draft was deleted, is posted anew, under the next revision. */
  anew(held: string, who: Deciding): Promise<string>
  /** A posting that was set aside stands as it is: it is answered. */
  accept(address: string, key: string, who: Deciding): Promise<string>
  /** A posting that is gone or reversed is sent back to its source. Refused where the look-up finds it standing. */
  sendBackPosted(address: string, key: string, who: Deciding): Promise<string>
  /** A posting that is gone or reversed is posted anew, under the next revision. Refused where the look-up finds it standing. */
  revise(address: string, key: string, who: Deciding): Promise<string>
}

export interface Engine {
  readonly ledger: Ledger
  /** One whole run: reads, sends, waits until everything is settled, closes with the checks. Throws only a `SyncError` that kept the run from starting; else the summary says what failed. */
  poll(options: PollOptions): Promise<RunSummary>
  /** A run did not even begin: it stands in the list of runs all the same, with its error. `started`: ISO. */
  keepFailedStart(start: { readonly sync: string; readonly started: string; readonly error: unknown }): Promise<void>
  /** The sink's side of one batch: received, newest of each key, superseded, unchanged, checked, written, settled. Resolves with the counts; throws a `SyncError` when the batch could not be delivered (nothing of it is settled then but what the ledger has). */
  deliver(options: DeliverOptions<Target | PostTarget>): Promise<OutcomeCounts>
  /**
   * A node on the way could not deal with a batch at all (a mapping without its table, a sink without its connection): the
   * entity's run fails with this error at once, instead of waiting for records that never come. A `data` error fails nothing:
   * its records are held. Without effect for a message of no run that goes on here.
   */
  fail(options: { readonly ref: SinkRef; readonly sync: SyncInfo | undefined; readonly error: unknown }): void
  /**
   * A transform says what it made of the records of a batch, before it sends them on: they belong together by `_row`. What a
   * sink gets otherwise than it was read or declared counts as changed in the flow.
   */
  declare(options: {
    readonly ref: SinkRef
    readonly message: DeliverOptions['message']
    readonly mapped: Payload
    /** Columns that it may have changed, of any table; absent: any. */
    readonly touched?: readonly string[] | undefined
    /** Of what it does to the entity (`Makings.noteMaking`): by it is found later what made a row. */
    readonly version?: string
  }): void
  /** A transform holds records (an unmapped code) in the name of every sink behind it. */
  hold(options: {
    readonly ref: SinkRef
    readonly sinks: readonly SinkRef[]
    readonly message: DeliverOptions['message']
    readonly stage: 'map' | 'flow'
    readonly records: readonly { readonly record: DataRecord; readonly cause: ErrorCause & { message: string } }[]
  }): Promise<void>
  /** Sends held records again, as a run of its own; resolves when all are settled. `send` gets the batch for held-before-mapping (`map`) or held-at-sink (`sink`). */
  replay(options: {
    readonly name: string
    readonly ref: SinkRef
    readonly filter: HeldFilter
    /** Who has them sent again, and why; absent: nobody decided it (tests). */
    readonly who?: Who
    readonly sinks: (entity: string) => readonly SinkRef[]
    readonly receiptSeconds: number
    /** Whether amounts of a sync may be changed in the flow, and nodes of others on the way to a sink: as for a poll. */
    readonly mayChange?: (sync: string) => boolean
    readonly foreign?: (sink: SinkRef) => readonly string[] | undefined
    readonly mappings?: PollOptions['mappings']
    readonly send: (to: 'map' | 'sink', message: BatchMessage) => void
    /**
     * Has the source of a sync read keys again. What a source held may be incomplete (a document without its lines), so it
     * is never sent as it is, unless a person has edited it.
     */
    readonly readAgain?: (
      sync: string,
      entity: string,
      keys: readonly string[],
      signal: AbortSignal,
    ) => Promise<RunSummary>
    readonly progress: (progress: Progress) => void
    readonly signal: AbortSignal
  }): Promise<RunSummary>
  /** Registers a sync's name for a node; a second node with it is refused by a `config` error. Returns the way back. */
  claimName(name: string, nodeId: string): () => void
  /**
   * A sink that posts is looked after from now on: what became of its posts is looked up at once and every few minutes, with or
   * without a run. Returns the way back.
   */
  attendSink(sink: PostingSink): () => void
  /** What a process that ended had sent to a sink that appends, of unknown outcome, is asked about once. Never throws for the target. */
  resumeAppends(sink: AppendingSink): Promise<void>
  /** Results of what a sink has sent are followed from now on, at once and every few minutes, with or without a run. Returns the way back. */
  followResults(sink: FollowingSink): () => void
  /** *Look again*: asks now for all results of a sync (absent: of all) that are open. Gives back how many are open after it. */
  lookAtResults(sync?: string): Promise<number>
  /** A source that answers: it is asked before anything of its sync is posted, and told afterwards. Returns the way back. */
  attendSource(source: AnsweringSource): () => void
  readonly posting: PostingDesk
  /** Runs that are going on in this process. */
  running(): readonly LiveRun[]
  close(): Promise<void>
}
