/** State of one run and its entities while it goes on in this process. */
import type { Position } from '../../ledger/ledger.ts'
import type { SinkRef, Wait } from '../contract/engine.ts'
import type { SyncError } from '../contract/errors.ts'
import type { Schema, SyncInfo } from '../contract/message.ts'
import type { EntityPlan } from '../contract/source.ts'
import type { EntitySummary, OutcomeCounts, ResultFigures, RunSummary, SweepCounts } from '../contract/summary.ts'
import type { Mark, Target, WriteContext } from '../contract/target.ts'
import { createQueue, type Queue } from '../values/queue.ts'
import type { ChangedInFlow, Foreign } from './arrivals.ts'
import { newReadSums, type ReadSums } from './as-read.ts'
import { newPace, type Pace } from './pace.ts'
import type { BatchState, Prefix } from './progress.ts'

/** Read numbers above are not whole any more when one is added. */
export const HIGHEST_NUMBER = Number.MAX_SAFE_INTEGER - 2 ** 40

/** A sink that an entity of a run reached, with what the checks at the end need. */
export interface Reached {
  readonly ref: SinkRef
  readonly target: Target
  readonly sync: SyncInfo
  readonly schema: Schema
  /** The run reads everything anew: the memory of deliveries of a merge sink was cleared for it. */
  readonly full: boolean
  /** Source name of what is written there. */
  readonly source: string | undefined
  readonly place: MarkPlace
  /** Set by whoever delivers: compares what is stored with what was delivered. Called once, when a run that wrote ends. */
  check?: (context: WriteContext) => Promise<TotalsCheck>
  /** Set by whoever delivers: compares whole tables with what the ledger knows of them. When a run that wrote ends. */
  whole?: (context: WriteContext) => Promise<readonly WholeCheck[]>
  /** Set by whoever delivers: finds the records of which tables of one source (`lists`) hold something else than was delivered. */
  differing?: (source: string, lists: readonly string[], context: WriteContext) => Promise<Differing>
}

/** Records that a target holds otherwise than they were delivered. */
export interface Differing {
  /** Keys there. */
  readonly keys: readonly string[]
  /** The source's own keys of these. */
  readonly sourceKeys: readonly string[]
  /** Of `keys`: nobody knows which record of the source they are. */
  readonly untraced: number
  /** Of `keys`: nothing was delivered under them. */
  readonly foreign: number
}

export interface CheckedTable {
  readonly list: string
  /** Why it does not agree, in words. */
  readonly problem?: string
  /** Rows that no sync wrote under the source's name, in words. */
  readonly others?: string
}

/** What comparing the tables of one source said. */
export interface WholeCheck {
  readonly source: string
  /** `unknown`: the ledger does not know all that was delivered there, and it does not agree. */
  readonly kind: 'agrees' | 'differs' | 'unknown' | 'not verified'
  /** Why it is not verified, in words. */
  readonly problem?: string
  /** By table (`''` the header's, else the list's name), those that do not agree among them. */
  readonly tables: readonly CheckedTable[]
  /** Where the memory is not whole: per cent of the keys that were read again. */
  readonly share: number
  /** Rows of the header as they were counted, and the highest read number that a table holds. */
  readonly rows: number
  readonly highest: number
  /** When, as ISO time. */
  readonly at: string
  /** Statements that it took, and milliseconds. */
  readonly statements: number
  readonly ms: number
  /** Where every version is kept: rows of the header, and records of which the newest one counts. */
  readonly kept?: { readonly versions: number; readonly records: number }
}

/** Where in a target the mark of a sync and entity belongs. */
export interface MarkPlace {
  readonly sourceAddress: string
  /** Marks that its next one takes the place of; `older`: whatever is older, since the table was found empty. */
  readonly replaced: readonly Mark[] | 'older'
}

/** What the comparison with the target's own sums said. */
export interface TotalsCheck {
  readonly kind: 'ties' | 'differs' | 'not verified'
  readonly amounts: EntitySummary['amounts']
  /** Where it ties: what was compared, in words (`SUMS_OF_RUN`). */
  readonly by?: readonly string[]
  /** Where it does not tie: why, in words. */
  readonly problem?: string
  /** Two stages: what became of what the run delivered. */
  readonly results?: ResultFigures
  /** What comparing whole tables said; absent: they were not asked. */
  readonly whole?: WholeSaid
}

/** What all checks of whole tables at one sink said together. */
export interface WholeSaid extends NonNullable<EntitySummary['whole']> {
  /** What differs, in words. */
  readonly problem?: string
  /** What keeps it open, in words. */
  readonly open: readonly string[]
}

export interface RunStart {
  readonly id: string
  readonly sync: string
  readonly mode: RunSummary['mode']
  /** ISO time of its begin. */
  readonly at: string
  readonly mustReport: 'every' | 'one'
  readonly mayFilter: boolean
  /** Amounts may be changed in the flow: what is not as it was read makes nothing differ. */
  readonly mayChange?: boolean
  /** Older versions at sinks to which the newest did not come are deleted there. */
  readonly takesOlder?: boolean
  /** Entities of which a person says that what is gone is gone, however much it is. */
  readonly confirmed?: readonly string[]
  /** Nodes of others on the way to a sink, as people call them. */
  readonly foreign?: Foreign
  /** Ids of the mapping nodes on the way to a sink; undefined: whichever had a batch. */
  readonly mappings?: (sink: SinkRef) => ReadonlySet<string> | undefined
  /** Milliseconds without a sign of life after which rows count as lost on the way. */
  readonly receiptMs: number
  readonly full: boolean
  /** Targets that cannot take back are emptied for it. */
  readonly clear?: boolean
  /** The ledger had delivered something of the sync before this run. */
  readonly memory?: boolean
  readonly sourceAddress?: string
  /** Says what the run waits for once everything is settled. */
  readonly tell?: (waiting: string) => void
  /** A person has said that the source stands at another address now. */
  readonly moved?: boolean
  /** A person has said that this sync goes on in the place of others that wrote its tables. */
  readonly takesOver?: boolean
  /** What the source waits for now. */
  readonly waits?: (() => Wait | undefined) | undefined
}

/** One sink's counts of one entity. */
export interface Tally {
  readonly ref: SinkRef
  readonly counts: OutcomeCounts
  rows: number
  /** Highest read number accounted for. */
  highestRead: number
  /** What was held or is in doubt, by its key: which record of the source it is (`Entry.origin`). */
  readonly unwritten: Map<string, string>
  /** What somebody changed on the way here. */
  changed: ChangedInFlow | undefined
  /** What became of what was read, in amounts. */
  readonly sums: ReadSums
}

/** What was posted at a sink: how many the look-up has still to find, how many have another due date there, and their amounts. */
export interface PostedHere {
  readonly unseen: number
  readonly otherDue: number
  readonly amounts: EntitySummary['amounts']
}

export interface EntityRun {
  readonly name: string
  /** Who must answer. */
  readonly sinks: readonly SinkRef[]
  readonly batches: BatchState[]
  readonly tallies: Map<string, Tally>
  readonly reached: Map<string, Promise<Reached>>
  /** Addresses of the sinks that were reached, by the sink's id. */
  readonly addresses: Map<string, string>
  /** Where all its sinks write, by their id, where they can tell it; asked once. */
  sinkTargets: (() => Promise<ReadonlyMap<string, Target>>) | undefined
  /** Sinks at which older versions were deleted. */
  readonly tookOlder: Set<string>
  /** Why older versions were not deleted: they are too many. */
  tooManyOlder: string | undefined
  /** Aborted when the entity failed: its reading stops. */
  readonly stop: AbortController
  /** Everything up to here is settled. */
  prefix: Prefix
  /** As the ledger has it; undefined for runs that move no window. */
  position: Position | undefined
  /** Version of the fields that are read of it. */
  fields: string
  /** Entities that it needs read. */
  needs: readonly string[]
  readonly posted: Map<string, PostedHere>
  /** Batches that are being posted: what follows a row's settlement (its look-up, the answer) is a part of the run. */
  posting: number
  /** Address of the source, where it has an inbox. */
  inbox: string | undefined
  /** What the plan says about control totals. */
  totals: EntityPlan['totals']
  readDone: boolean
  /** Its reading failed; it fails when what was read before is settled. */
  readError: SyncError | undefined
  /** Records read, those refused by the source among them. */
  read: number
  /** Rows of the batches that were filled. */
  rows: number
  /** Rows read, those among them that wait for their batch. */
  rowsRead: number
  /** Records that its walks have in all, as far as the source has said. */
  total: number | undefined
  /** Records seen that are stamped later than the bound. */
  future: number
  /** Lower bound of the window; null: everything. */
  from: string | null
  /** A new ledger goes on from here, as the mark of a target says; undefined: from its own memory, or from the beginning. */
  adopted: string | undefined
  /** Records held at the source. */
  refused: number
  /** The sweep asked the targets what they hold. */
  targetsAsked: boolean
  /** All of them told what they hold. */
  targetsTold: boolean
  /** Whether its runs sweep it where that is due; undefined: a run that reads only some of it. */
  sweeps: boolean | undefined
  /**
   * Rows that were delivered were not in the target any more (`Ledger.loseRows`). `found`: while this run delivered;
   * `read`: since then everything listed was read again.
   */
  lost: 'found' | 'read' | undefined
  /** Which of these keys the source still has; undefined: it cannot be asked by key. */
  stillThere: ((keys: readonly string[], signal: AbortSignal) => Promise<ReadonlySet<string>>) | undefined
  /** Records can be read by key, so that tables may be mended. */
  mendable: boolean
  /** Where and for which source the sweep reads again what is in no sum; undefined: it did not look. */
  summing: { readonly source: string; readonly schema: Schema; readonly targets: readonly Target[] } | undefined
  /** What a target holds otherwise than it was delivered is to be read again: in this same run, once. */
  repair: 'due' | 'done' | undefined
  /** Keys that were read again because a person said that they are missing; forgotten once everything is settled. */
  again: readonly string[]
  /** What the sweep found. */
  sweep: SweepCounts | undefined
  /** When the sweep began that counts once everything is settled. */
  sweptAt: string | undefined
  error: SyncError | undefined
  /** Everything of it is over, results that were waited for among it. */
  closed: boolean
  /** Its commits, one after the other, so that each looks at what the one before has written. */
  readonly commits: Queue
}

export interface RunState extends Omit<RunStart, 'at'> {
  readonly started: string
  readonly entities: Map<string, EntityRun>
  readonly notices: string[]
  readonly pace: Pace
  /** Nodes of ours that have none of others before them, as far as it was asked. */
  readonly untouched: Map<string, boolean>
  /** What has not come in time, in words, while it may still come. */
  late: string | undefined
  /** Nothing of the run comes to any sink: whatever else it would read fails of the same. */
  broken: SyncError | undefined
  /** Counters of statements (`Target.statements`) with what they showed when the run came to them. */
  readonly counters: Map<() => number, number>
  /** Told of each change, before those who wait. */
  heard: () => void
  /** Wakes up everyone who waits for the run. */
  changed(): void
  /** Resolves with the next change, or after `ms`. */
  next(ms: number): Promise<void>
}

/** `tick`: milliseconds, only growing. */
export function newRun({ at, ...start }: RunStart, tick: number): RunState {
  const waiters = new Set<() => void>()
  const run: RunState = {
    ...start,
    started: at,
    entities: new Map(),
    notices: [],
    pace: newPace(tick),
    late: undefined,
    broken: undefined,
    untouched: new Map(),
    counters: new Map(),
    heard: () => undefined,
    changed() {
      run.heard()
      for (const wake of [...waiters]) wake()
    },
    next: (ms) =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          waiters.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, ms)
        waiters.add(wake)
      }),
  }
  return run
}

export function newEntity(
  run: RunState,
  start: { readonly name: string; readonly sinks: readonly SinkRef[] },
): EntityRun {
  const entity: EntityRun = {
    ...start,
    batches: [],
    tallies: new Map(),
    reached: new Map(),
    addresses: new Map(),
    sinkTargets: undefined,
    tookOlder: new Set(),
    tooManyOlder: undefined,
    stop: new AbortController(),
    prefix: { batch: 0, row: 0 },
    position: undefined,
    fields: '',
    needs: [],
    posted: new Map(),
    posting: 0,
    inbox: undefined,
    totals: undefined,
    readDone: false,
    readError: undefined,
    read: 0,
    rows: 0,
    rowsRead: 0,
    total: undefined,
    future: 0,
    from: null,
    refused: 0,
    adopted: undefined,
    targetsAsked: false,
    targetsTold: false,
    sweeps: undefined,
    lost: undefined,
    stillThere: undefined,
    mendable: false,
    summing: undefined,
    repair: undefined,
    again: [],
    sweep: undefined,
    sweptAt: undefined,
    error: undefined,
    closed: false,
    commits: createQueue(),
  }
  run.entities.set(entity.name, entity)
  return entity
}

export const noCounts = (): OutcomeCounts => ({
  delivered: 0,
  unchanged: 0,
  superseded: 0,
  held: 0,
  inDoubt: 0,
  filtered: 0,
})

export function tallyOf(entity: EntityRun, ref: SinkRef): Tally {
  let tally = entity.tallies.get(ref.id)
  if (!tally) {
    tally = {
      ref,
      counts: noCounts(),
      rows: 0,
      highestRead: 0,
      unwritten: new Map(),
      changed: undefined,
      sums: newReadSums(),
    }
    entity.tallies.set(ref.id, tally)
  }
  return tally
}
