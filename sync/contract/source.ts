/** What a vendor's client gives to the engine so that it can read: no Node-RED, no ledger, no policy in it. */
import type { Inbox } from './inbox.ts'
import type { DataRecord, Schema } from './message.ts'
import type { Answer, Answered } from './posting.ts'

/** A span of change stamps, both ends inclusive, as the vendor writes them. Open ends: everything. */
export interface StampWindow {
  readonly from: string | null
  readonly bound: string | null
}

export interface PageRequest {
  /** One of the plan's walks. */
  readonly walk: string
  readonly window: StampWindow
  /** Where to go on: a cursor that a page of this walk gave, or null for the beginning. */
  readonly cursor: string | null
  /** Takes the next read number; called once for every request for data, before it is sent. */
  readonly nextRead: () => number
  readonly signal: AbortSignal
}

/** A record that was found but may not go on: incomplete, unbalanced, too large. It is held with this reason. */
export interface RefusedRecord {
  readonly record: DataRecord
  readonly code: string
  readonly message: string
  readonly hint?: string
}

export interface Page {
  /** Whole records, each with `_read` and `_stamp`; `_row` is set later by the engine. */
  readonly records: readonly DataRecord[]
  /** For each record the cursor behind it; where absent, a batch that ends inside the page resumes at the page's beginning. */
  readonly cursors?: readonly string[]
  readonly refused?: readonly RefusedRecord[]
  /**
   * Keys (texts of `keyText`, source part included) of records that the source says were deleted (an audit history). The
   * engine reads them by key (`readKeys`, which must be there): what is still there, or there again, goes on as a record,
   * the rest as a deletion under the page's first read number. A client that is certain may put a deletion among the
   * records itself: the key's columns, `_op: 'delete'` and the number of the request that told it as `_read`.
   */
  readonly gone?: readonly string[]
  /** Cursor behind the page; null: the walk is at its end. */
  readonly cursor: string | null
  /** How many records seen are stamped later than the bound. */
  readonly future?: number
  /** How many records the walk has in all, where the source says it beside its first page. */
  readonly total?: number
  /** What a person should know of this page (a field dropped, a warning of the vendor). */
  readonly notices?: readonly string[]
}

/** One page of an entity's listing: keys and change stamps, nothing else. */
export interface Listing {
  /** Texts of `keyText` (source part included), each with the stamp that a whole read of the record would have as `_stamp`. */
  readonly keys: readonly { readonly key: string; readonly stamp: string | null }[]
  /** How many there are in all, as the source says with this page: less than that listed means an incomplete listing. */
  readonly total: number
  /** Cursor behind the page; null: the listing is at its end. */
  readonly cursor: string | null
  readonly notices?: readonly string[]
}

/** How one entity is read. Made at the beginning of a run; asks the live system for what it needs. */
export interface EntityPlan {
  readonly entity: string
  readonly schema: Schema
  /** The first part of every key (the `source` column), so that a table can be asked for what it holds of this source even where the source has nothing left. */
  readonly source?: string
  /** Walks in order; each has its own cursor, all share the window. `empty` and `dates` walks ignore it. */
  readonly walks: readonly string[]
  /** Walks of a backfill, whose window is two dates of the document; absent: the walks that go by stamps. */
  readonly backfill?: readonly string[]
  /** `day`: no bound; the next window starts at the day before. `none`: no change stamp, every run reads everything. */
  readonly granularity: 'second' | 'day' | 'none'
  /** Lag of the entity in seconds: the bound stays so far behind the source's clock. */
  readonly lagSeconds: number
  /** Overlap in seconds: the next window starts so much before the last one's bound. */
  readonly overlapSeconds: number
  /** Entities that must have been read without failure before this one is. */
  readonly needs?: readonly string[]
  /** Decimal columns and group columns of control totals, by table (`''` the header, else the list). */
  readonly totals?: { readonly list: string; readonly amounts: readonly string[]; readonly by: readonly string[] }
  /** Fields dropped because the system does not know them, in words. */
  readonly notices?: readonly string[]
  readPage(request: PageRequest): Promise<Page>
  /**
   * Asked when a window begins: up to where (ISO, the source's clock) another entity of the run has read the same records,
   * if one has. The window then ends there, and what the other got serves this one too. Only where granularity is `second`.
   */
  until?(): string | undefined
  /**
   * Lists keys and stamps of every record that the entity's walks would read (the same filters), in pages as large as the
   * system gives, walked by its own cursor. For the sweep, which needs `readKeys` too; absent: deletions are found only
   * where a page tells them (`Page.gone`).
   */
  list?(request: Pick<PageRequest, 'cursor' | 'nextRead' | 'signal'>): Promise<Listing>
  /** Reads the records with these keys (texts of `keyText`, source part included) whole; missing ones are left out. */
  readKeys?(keys: readonly string[], nextRead: () => number, signal: AbortSignal): Promise<Page>
}

/** Calls that the vendor bills, as the source counts them. */
export interface CallBudget {
  /** Whose bill: all sources with the same one are counted together. */
  readonly meter: string
  /** By month (`2026-11`) and object, since the last time this was asked. */
  readonly calls: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** The source's own time, milliseconds since 1970. */
  readonly at: number
  /** Calls a month that the plan allows; 0: not known. */
  readonly allowance: number
  /** Share of it above which an alert is raised. */
  readonly alertShare: number
}

/** A record still waits for us (with its amount as the source has it now, where it tells one); or why not, in words. */
export type StillOurs = true | { readonly amount: string } | string

export interface Source {
  /** Product, host and folder, as the identity of what was read: `x3://host:8124/SEED`. */
  readonly address: string
  /**
   * By which of the system's interfaces it is read; absent: its first. The records are the same by each, but cursors and the
   * text of stamps are not: after a change the next window begins anew and a day earlier, and a sweep is due.
   */
  readonly door?: string
  /**
   * An entity may be read while the one before still is: the system answers several requests at a time, and no plan asks how
   * far another entity has got (`EntityPlan.until`).
   */
  readonly readsAhead?: boolean
  /** The source's own clock, ISO to the second (a reply's `Date`). */
  clock(signal: AbortSignal): Promise<string>
  /** `inbox`: given to a source that answers; what it reads is recorded there before it is acknowledged. */
  plan(entity: string, signal: AbortSignal, inbox?: Inbox): Promise<EntityPlan>
  /**
   * The first witness before anything is posted: whether records (by the source's own keys) wait for us there still, without a
   * successful answer. A text: why not; a key that is missing: nobody knows. Asked right before each post.
   */
  stillOurs?(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, StillOurs>>
  /**
   * Tells the source what became of its records; the same answer under the same id until it is confirmed. A key that is missing
   * is asked again. Called by the engine, also without a run.
   */
  answer?(answers: readonly Answer[], signal: AbortSignal): Promise<ReadonlyMap<string, Answered>>
  /** Requests sent so far, for the run's summary. */
  requests(): number
  /** Where calls are billed: what was called since the last time this was asked. */
  budget?(): CallBudget
  close?(): Promise<void>
}
