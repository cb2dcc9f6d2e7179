/** A batch on its way to one target, and the forms in which the others of this room want it. */
import type { Delivery, Stored, TableOwner } from '../../ledger/ledger.ts'
import type { DeliverOptions } from '../contract/engine.ts'
import { type DataRecord, isDeletion, memberOf, type Outcome, type Schema, type SyncInfo } from '../contract/message.ts'
import type { RetryContext } from '../contract/retry.ts'
import type { StagedBatch, Target, WriteBatch, WriteContext, WriteRecord } from '../contract/target.ts'
import { type Entry, NO_ROW } from '../run/entry.ts'
import type { RowReport } from '../run/progress.ts'
import type { Fingerprinter } from '../values/fingerprint.ts'
import type { ParsedBatch } from '../values/parse-message.ts'
import type { ValueChecker } from '../values/types.ts'
import type { Accepting } from './accepting.ts'
import { type Deduplicated, rowsOf } from './deduplicate.ts'
import { sourceHash } from './folded-keys.ts'
import { countsOf } from './group-change.ts'
import { totalsText } from './run-totals.ts'

export interface Job<T = Target> {
  readonly options: DeliverOptions<T>
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
  /** Tables that rows were delivered into, as the run knows its target; undefined: it was not asked. */
  filled: Set<string> | undefined
  /** What was written so far, and its rows. */
  readonly written: Entry[]
  readonly inDoubt: Entry[]
  rows: number
  /** Given where the target has two stages, once something is written. */
  accepting?: Accepting
  /** Source names of its records; `['']` for a message of the flow's own. */
  sources: readonly string[]
  /** Of a push: the syncs whose table it writes to, by source name. */
  owners?: ReadonlyMap<string, TableOwner>
  /** `_row`s that came before, in another message of the run. */
  repeats: ReadonlySet<number>
  waiting: string | undefined
  /** What the target called what it was sent. */
  readonly trace: { readonly statements: string[]; readonly requests: string[] }
  /** What all its records add together; undefined: it has to be added up. */
  arrived?: { readonly count: number; readonly total: string }
}

/** What the ledger knows of a batch's keys at its address. */
export interface Known {
  readonly deduplicated: Deduplicated
  readonly inDoubt: readonly Entry[]
  readonly deliveries: ReadonlyMap<string, Delivery>
  /** Replay: hashes of the originals of edited records, by key. */
  readonly originals: ReadonlyMap<string, string>
  /** Lists in the order in which the ledger counts their rows; undefined: what this target has is not counted. */
  readonly lists: readonly string[] | undefined
}

/** A name for what is written at one time. Targets name files by it; what stands in a message must not lead to another path. */
export const nameOf = ({ sync }: Job, newId: () => string): string =>
  `${sync.run}-${sync.entity}-${sync.batch}`
    .replace(/[^\w-]/g, '_')
    .slice(0, 120)
    .concat('-', newId())

/** Records of the job as a target takes them. */
export const batchOf = (
  { sync, batch, at }: Job,
  id: string,
  records: readonly (Entry & Pick<WriteRecord, 'again'>)[],
): WriteBatch => ({
  id,
  sync: sync.name,
  run: sync.run,
  entity: sync.entity,
  schema: batch.schema,
  records,
  at,
})

export const reportsOf = (entries: readonly Entry[], outcome: Outcome): RowReport[] =>
  entries.flatMap(({ row }) => (row === NO_ROW ? [] : { row, outcome }))

/** Rows of all tables that these records have. */
export const rowsIn = ({ batch }: Job<unknown>, entries: readonly Entry[]): number =>
  entries.reduce((sum, { record }) => sum + rowsOf(record, batch.schema), 0)

/** Tables that these records bring rows to for the first time, as far as it is known: `''` the header's, else the list's name. */
export function firstRows({ batch, filled }: Job, entries: readonly Entry[]): readonly string[] {
  if (filled === undefined) return []
  const news = ['', ...Object.keys(batch.schema.lists ?? {})].filter(
    (list) => !filled.has(list) && entries.some(({ record }) => hasRow(record, list)),
  )
  for (const list of news) filled.add(list)
  return news
}

function hasRow(record: DataRecord, list: string): boolean {
  if (isDeletion(record)) return false
  const lines = list === '' ? undefined : memberOf(record, list)
  return list === '' || (Array.isArray(lines) && lines.length > 0)
}

/** What the ledger keeps of a record that was delivered. */
export function deliveryOf(job: Job, entry: Entry, known: Known): Delivery {
  const { originals, deliveries, lists } = known
  return {
    stored: lists && storedOf(entry, lists),
    before: deliveries.get(entry.key)?.stored,
    key: entry.key,
    read: entry.read,
    hash: entry.hash === '' ? null : entry.hash,
    originalHash: originals.get(entry.key) ?? null,
    totals: totalsText(job.sync.run, entry),
    counts: countsOf(entry),
    run: job.sync.run,
    source: sourceHash(entry),
    sourceKey: entry.sourceKey,
  }
}

/** What the target has of a record that was delivered; null: nothing, since it was deleted. */
export function storedOf({ record, hash, read }: Entry, lists: readonly string[]): Stored | null {
  return isDeletion(record) ? null : { hash, read, lines: lists.map((list) => linesIn(record, list)).join(',') }
}

function linesIn(record: DataRecord, list: string): number {
  const lines = memberOf(record, list)
  return Array.isArray(lines) ? lines.length : 0
}

/** Lists whose tables the ledger counts; undefined: it counts none, since rows are told apart by the first part of the key. */
export function countedLists(
  { whole, mode, countsOnly }: Target,
  { key, lists = {} }: Schema,
): readonly string[] | undefined {
  if (whole === undefined || key[0] !== 'source' || key.length < 2) return undefined
  return mode === 'append' && !countsOnly ? [] : Object.keys(lists)
}
