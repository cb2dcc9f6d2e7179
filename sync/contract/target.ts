/** What a vendor's client gives to the engine so that it can write: no Node-RED, no ledger, no policy in it. */
import type { DataRecord, Row, Schema } from './message.ts'
import type { Accepted, PendingResult, RecordResult, ResultRules } from './results.ts'
import type { RetryOptions } from './retry.ts'

/** A record ready to be written: newest of its key, changed, checked against the schema. */
export interface WriteRecord {
  readonly record: DataRecord
  /** `keyText` of the record. */
  readonly key: string
  readonly read: number
  /** 32 hex digits over the mapped columns; stored on the header row. */
  readonly hash: string
  /** The source's own key (`keyText` before any mapping); undefined: not known. */
  readonly sourceKey?: string | undefined
  /**
   * Two stages: this very content was sent before, and no success of it is known. The target moves one harmless field, so that it
   * is not skipped as identical.
   */
  readonly again?: true
}

export interface WriteBatch {
  /** Unique for ever and the same on every attempt: names staged files. */
  readonly id: string
  readonly sync: string
  readonly run: string
  readonly entity: string
  readonly schema: Schema
  readonly records: readonly WriteRecord[]
  /** ISO time of writing, one for the batch. */
  readonly at: string
}

export interface WriteContext {
  readonly signal: AbortSignal
  /** Says what it waits for, in a few words; a sign of life. */
  readonly waiting: (what: string) => void
  /** Says something that the person who looks at the run should know. */
  readonly tell?: (text: string) => void
  /** Two stages: called in `write` with each request that the target has taken, as soon as it has answered. */
  readonly accepted?: (taken: Accepted) => void
  /** Told what the target calls a statement or request of ours that wrote. */
  readonly traced?: (kind: 'statement' | 'request', id: string) => void
}

/** What a target gets to know when it prepares its tables. */
export interface PrepareContext extends WriteContext {
  readonly run: string
  /** The run reads everything anew. */
  readonly full: boolean
  /** A person has said that it is emptied for that, if it cannot take back what it got. */
  readonly clear?: boolean
  /** Tables that rows were delivered into, as far as the ledger knows: `''` the header's, else the list's name. */
  readonly filled: ReadonlySet<string>
  /** Text that the ledger keeps under the target's address, such as the ids of what the target made; on disk when `save` resolves. */
  readonly note: { read(): Promise<string | undefined>; save(text: string): Promise<void> }
}

/** A table of a target as it was found. */
export interface FoundTable {
  /** `''` the header's, else the list's name. */
  readonly list: string
  /** As people call it: `main.finance.gl_entry_line`. */
  readonly name: string
  /** `new`: made now. `empty`: it was there, without a row. `filled`: it has rows, or nobody can tell. */
  readonly state: 'new' | 'empty' | 'filled'
}

/** What of a target's tables there already was. */
export interface Prepared {
  /** All tables of the entity, asked now: an answer of another run is not good any more. */
  readonly tables: readonly FoundTable[]
  /** It emptied its tables itself, to load them anew: intents of this address are forgotten too. */
  readonly cleared?: boolean
  /** Batches that turned out to be in twice, since a first attempt that was given up came late: listed as in doubt. */
  readonly doubled?: readonly { readonly id: string; readonly records: readonly { key: string; read: number }[] }[]
  readonly notices?: readonly string[]
}

/** What became of an append: `unknown` is asked again, `in-doubt` and `repeat` are never to be known (a person looks; it is sent again, and listed). */
export type Resolution = 'delivered' | 'absent' | 'unknown' | 'in-doubt' | 'repeat'

/** What the target says of itself: up to where everything is in, written by which ledger. */
export interface Mark {
  readonly sync: string
  readonly entity: string
  readonly sourceAddress: string
  /** Source name of its records; absent: the version that wrote it did not say. */
  readonly source?: string
  readonly ledger: string
  readonly run: string
  /** Highest read number delivered. */
  readonly read: number
  /** Read through, but not later than the oldest open held or in-doubt record; null: nothing yet. */
  readonly floor: string | null
}

/** A record as a table holds it: its key as `keyText` of the schema asked for, the source's stamp and the read number stored. */
export interface StoredKey {
  readonly key: string
  readonly stamp: string | null
  readonly read: number
  /** `_row_hash`; where every version is kept that of the newest one. */
  readonly hash?: string | null
}

/** A record as it stands in a target's tables, of the schema's columns those that are there. */
export interface StandingRecord {
  /** With its lists, as arrays under their names. Whatever is stored as text, JSON as it is. */
  readonly record: Row
  /** The version that stands there, and who wrote it, as far as the tables say it. */
  readonly read: string | null
  readonly run: string | null
  /** ISO, or as the target says it. */
  readonly at: string | null
  /** Lists that have more rows than were asked for. */
  readonly cut: readonly string[]
  /** Where every version is kept: how many of it there are. */
  readonly versions?: number
  /** What else is to be said of it, a sentence each. */
  readonly says?: readonly string[]
  /** Columns of what is shown, where they are not those that were written: by it the sensitive ones are known. */
  readonly schema?: Schema
}

/** What a target gets that is asked for one record: it may be asked before any run has prepared it. */
export interface StandingContext extends WriteContext {
  readonly note: PrepareContext['note']
}

/** The rows of a document in the table of a list. */
export interface StoredLines {
  readonly key: string
  readonly rows: number
  /** Of their `_sync_read`. */
  readonly sum: bigint
}

/** A sum as stored: one group of one table of one run. Amounts are exact decimals as text. */
export interface StoredTotal {
  /** `''` the header table, else the list's name. */
  readonly list: string
  /** Values of the group columns, in the order asked. */
  readonly group: readonly (string | null)[]
  readonly count: number
  readonly debit: Readonly<Record<string, string>>
  readonly credit: Readonly<Record<string, string>>
}

export interface TotalsQuestion {
  /** The rows that this run wrote. */
  readonly run: string
  /** In their place the rows of this source that no run wrote. */
  readonly others?: string
  readonly schema: Schema
  readonly list: string
  readonly amounts: readonly string[]
  readonly by: readonly string[]
}

/** A table as it stands now, of one source: what a run wrote, and what others did. */
export interface WholeTable {
  /** `''` the header table, else the list's name. */
  readonly list: string
  /** As people call it. */
  readonly name: string
  /** Rows that a sync wrote (they have a `_sync_run`). */
  readonly rows: number
  /** Of these rows: for the header of the first 32 bits of `_row_hash`, for a list of `_sync_read`; absent: it cannot be told. */
  readonly sum?: bigint
  /** Highest `_sync_read`; 0: there is none. */
  readonly highest: number
  /** Rows that no sync wrote. */
  readonly others: number
  /** Where every version is kept: how many there are; `rows` counts keys, `sum` is that of the newest version of each. */
  readonly versions?: number
}

/** A record the target would not take, found by asking it. */
export interface Rejection {
  /** Index in `batch.records`. */
  readonly index: number
  readonly field?: string
  readonly code: string
  readonly message: string
}

/** A batch whose rows are where the target reads them from, and in no table yet. */
export interface StagedBatch {
  /** As `Target.write`; once. */
  write(context: WriteContext): Promise<void>
  /** Takes the rows away again, without waiting; after `write` there is nothing to do. */
  drop(): void
}

/** A table that a target writes. */
export interface TargetTable {
  /** `''` the header's, else the list's name. */
  readonly list: string
  /** Host and table, the same text for the same table in every target. */
  readonly address: string
}

/**
 * The second stage of a target that merges: `write` has brought a record as far as *accepted*; whether it is *processed* the target
 * says later. What is not processed is never called delivered for good: it is open, or held.
 */
export interface Results {
  readonly rules?: Partial<ResultRules>
  /**
   * Entities whose records those of this one name (an order its supplier). Within a run nothing is written here before their
   * results are there, or waited for long enough; and what was refused here is tried again once one of them is processed.
   */
  readonly needs?: readonly string[]
  /**
   * What became of records, oldest first, up to 10,000 in one call, all of this target's entity: asks by lists as far as it
   * can, never once for each. A key that is missing in the answer is pending. Throws `SyncError`s; nothing is lost then.
   */
  follow(pending: readonly PendingResult[], context: WriteContext): Promise<ReadonlyMap<string, RecordResult>>
}

/** The place one entity is written to. */
export interface Target {
  /** Host and table: `databricks://host/catalog.schema.gl_entry`. The memory of deliveries belongs to it. */
  readonly address: string
  /** `merge`: idempotent by key. `append`: an intent is recorded first, and `resolve` must be there. */
  readonly mode: 'merge' | 'append'
  /**
   * `false`: what was sent cannot be taken back (a posting, a push dataset). A deletion of a key that was delivered there
   * is held then, for a person; absent: a deletion is written like any record (`_op: 'delete'`, only the key is filled). A target
   * that deletes by a flag sets it there (`isDeleted`, closed, not active), in a way that needs no more than the key.
   */
  readonly deletes?: false
  /**
   * How it compares keys, where it does so less exactly than text by text (without case): keys that it takes for one have one fold.
   * Asked after `prepare`. Absent, or undefined: it tells all keys apart.
   */
  foldOf?(): ((key: string) => string) | undefined
  /** Every row says under which contract of its entity (`Schema.contract`) it was read, so that rows of several may stand beside each other. */
  readonly namesContract?: true
  /** All the tables that it writes for a schema; absent: the one of its address. */
  tables?(schema: Schema): readonly TargetTable[]
  /** Whether one of these tables has a row; one that is not there has none. Asked only about tables that somebody else wrote before. */
  hasRows?(tables: readonly TargetTable[], schema: Schema, context: WriteContext): Promise<boolean>
  /**
   * Makes the tables of this schema that are missing, adds columns that are missing (a notice names them), refuses one that
   * could not hold every value (`config`; it names table, column and both types), and says which tables have a row. Asked
   * anew each time: a table that was emptied is `empty`, one that was dropped is made again and `new`. Rows take one question
   * for all tables at most, and none about those made now, unless `filled` names some: then whoever may not see a table
   * could have taken it for missing. Nothing of a batch is written. Called once for each run that writes, before its first
   * batch, and again when a table was lost meanwhile (`isLost`).
   */
  prepare(schema: Schema, context: PrepareContext): Promise<Prepared>
  /**
   * Writes all of the batch or nothing. Throws `SyncError`s; retries inside only what it must (a new session). Two stages: every
   * record of the batch is told with `context.accepted` before it resolves, and `parts` makes the batches as small as one
   * request for each kind of thing, so that what is refused is found by few of them.
   */
  write(batch: WriteBatch, context: WriteContext): Promise<void>
  /** Merge: what is written is only accepted, and processed later; absent: what is written is in. */
  readonly results?: Results
  /** Whether this failure of `write` says that a table is gone: it is prepared and written once more then. */
  isLost?(error: unknown): boolean
  /** The first part of `write`, for a batch that waits for its turn. */
  stage?(batch: WriteBatch, context: WriteContext): Promise<StagedBatch>
  /** One question to the target which records of a refused batch do not fit (try_cast); empty: it cannot tell. */
  findRejected?(batch: WriteBatch, context: WriteContext): Promise<readonly Rejection[]>
  /** Append, or two stages: records of a batch in parts, each written by itself (append: behind an intent of its own); absent: all in one. */
  parts?(records: readonly WriteRecord[], schema: Schema): readonly (readonly WriteRecord[])[]
  /**
   * Append: what became of a batch of so many records whose outcome is unknown. `absent` within the process that sent it
   * means that `write` with the same batch goes on where it stopped.
   */
  resolve?(batchId: string, schema: Schema, context: WriteContext, records: number): Promise<Resolution>
  /** Marks of its tables; none where the table is missing or empty. */
  readMark?(context: WriteContext): Promise<readonly Mark[]>
  /** `replaced`: marks of its tables that this one takes the place of. */
  writeMark?(mark: Mark, context: WriteContext, replaced?: readonly Mark[]): Promise<void>
  /**
   * Keys of one source (the first part of the key) that the table holds, in pages of some thousand. Asked by the sweep of a
   * ledger that does not know all that is in there; absent: what the mark's floor says is in counts as known. None where
   * the table is missing. Where every version is kept (append) a full refresh asks too: the newest of each key, with its
   * hash, in the order of the keys' bytes; a key whose newest version is a deletion is not held.
   */
  keys?(schema: Schema, source: string, context: WriteContext): AsyncIterable<readonly StoredKey[]>
  /**
   * One record as it stands there now, for a person: the newest version of it, of each list up to `most` rows. Undefined: it is
   * not there. Only columns of the schema are asked for. Absent: it cannot be asked for one.
   */
  standing?(key: string, schema: Schema, most: number, context: StandingContext): Promise<StandingRecord | undefined>
  /** The documents of one source that have rows in the table of a list which a run wrote, in pages. */
  lines?(schema: Schema, list: string, source: string, context: WriteContext): AsyncIterable<readonly StoredLines[]>
  /** Sums as stored for one table, in one query; a text: why it cannot tell (queries are not allowed there). */
  totals?(question: TotalsQuestion, context: WriteContext): Promise<readonly StoredTotal[] | string>
  /**
   * All tables of the schema as they stand, of the records of one source (the first part of the key), in one statement of a
   * session that writes nothing. A text: why it cannot tell.
   */
  whole?(schema: Schema, source: string, context: WriteContext): Promise<readonly WholeTable[] | string>
  /** Append: `whole` tells how many rows the newest versions have in each table, lists among them, and no sum of anything. */
  readonly countsOnly?: true
  /** Renews the token; called once after an `auth` error, before the last attempt. */
  renew?(): Promise<void>
  /** How often and how long its failures that may pass are tried again, where it differs from the engine's rule. */
  readonly retry?: Partial<RetryOptions>
  /** Statements or posts sent so far to this address's connection. */
  statements(): number
}
