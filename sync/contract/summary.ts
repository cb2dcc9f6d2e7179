/** What a run says at its end, and what the ledger keeps of it. */
import type { ErrorCause } from './errors.ts'
import type { Outcome } from './message.ts'

/** Exact sums by currency, as told in sentences; none for a record without amounts, such as a supplier. */
export type Amounts = Readonly<Record<string, string>>

/** What is told of several records. */
export interface Told {
  readonly sums: Amounts
  /** Records whose amount is not known: of them nobody may say 0.00. */
  readonly unknown: number
}

/** Counts of records by what became of them. */
export type OutcomeCounts = Record<Outcome, number>

/** What a sweep found. */
export interface SweepCounts {
  /** Keys listed. */
  swept: number
  /** Missing in the ledger or known with another stamp: read by key. */
  missed: number
  /** Deletions sent. */
  gone: number
  /** Not listed, but still found by key. */
  foundAgain: number
  /** Why nothing was deleted, in words. */
  problem?: string
}

/**
 * What may be said of an entity at a sink, or of a run: the first that holds. `open`: something is not over (records held, left
 * out, in doubt), or could not be verified. `ties`: everything is accounted for, and what is stored is what was delivered.
 */
export type Verdict = 'failed' | 'differs' | 'open' | 'ties' | 'nothing new'

/** Records that were changed on the way by nodes that are not ours. */
export interface ChangedInFlow {
  readonly records: number
  /** Arrived less read, of the amount that is told of the entity, by currency. */
  readonly amounts: Readonly<Record<string, string>>
  /** The sync allows it; else it differs. */
  readonly allowed: boolean
  /** In words. */
  readonly text: string
}

/** Records, the rows of tables that they fill, and the amount that is told of their entity, by currency. */
export interface Figures {
  readonly records: number
  readonly rows: number
  readonly amounts: Readonly<Record<string, string>>
  /** Records whose amounts are not known: held by the source, incomplete or too large. Absent: none. */
  readonly unknown?: number
}

/** What was read, and what became of it, by outcome; those of no record are left out. All as it was read. */
export type AsRead = Readonly<{ read: Figures } & Partial<Record<Outcome, Figures>>>

/** What becomes of records that a target with two stages has accepted: in, in with a word from it, overtaken by a later version, held, to be read again, open. */
export type ResultOutcome = 'processed' | 'warned' | 'superseded' | 'held' | 'again' | 'pending'

/** Of what was accepted: accepted = processed + warned + superseded + held + again + pending. */
export type ResultFigures = Readonly<Record<'accepted' | ResultOutcome, Told & { readonly records: number }>>

/** One entity of one run at one sink. */
export interface EntitySummary extends OutcomeCounts {
  readonly entity: string
  readonly sink: string
  readonly read: number
  readonly rows: number
  /** Absent in what a version before wrote. */
  readonly verdict?: Verdict
  /** Whatever is open, in words: `52 held, EUR 468,962.42`, `not verified: queries are not allowed`. Absent: nothing. */
  readonly open?: readonly string[]
  /** By what it ties: `sums of this run`. Absent: nothing was compared. */
  readonly by?: readonly string[]
  /** What the sync allows and is no fault, in words: `3 record(s) filtered in the flow, allowed`. */
  readonly allowed?: readonly string[]
  /** All of it in one sentence, as it is shown everywhere: `ties: sums of this run, 03:12`. */
  readonly says?: string
  /** The verdict is *ties* or *nothing new*. */
  readonly ties: boolean
  /** Sums of the amounts as delivered, over all groups of one currency: currency -> {debit, credit}. */
  readonly amounts: Readonly<Record<string, { readonly debit: string; readonly credit: string }>>
  /** What was read and what became of it here, in amounts as they were read. Absent in what a version before wrote. */
  readonly asRead?: AsRead
  /** What arrived here less what was read, by currency, where our own nodes made it so. Absent: they did not. */
  readonly arrived?: {
    readonly mapped?: Readonly<Record<string, string>>
    /** By a person, in a held record. */
    readonly corrected?: Readonly<Record<string, string>>
  }
  /** Two stages: what became of what the run delivered here. Absent: it delivered nothing, or its target has one stage. */
  readonly results?: ResultFigures
  /** What arrived at this sink otherwise than it was read or mapped: somebody changed it in the flow. Absent: nothing. */
  readonly changed?: ChangedInFlow
  /** Why it failed or does not tie, in words. */
  readonly problem?: string
  /** When its whole tables were compared (ISO), and the statements and milliseconds that it took. Absent: they were not. */
  readonly whole?: {
    readonly at: string
    readonly statements: number
    readonly ms: number
    /** Where every version is kept: how many rows of its header are there, and of how many records the newest one counts. Told, never judged by. */
    readonly kept?: { readonly versions: number; readonly records: number }
  }
  /** What a sweep found; the same at every sink. Absent: the run did not sweep the entity. */
  readonly sweep?: Readonly<SweepCounts>
}

export interface RunSummary {
  readonly run: string
  readonly sync: string
  readonly mode: 'poll' | 'replay' | 'push'
  readonly started: string
  readonly ended: string
  /** `died`: its process ended before it did; the counts are those of what was settled. */
  readonly state: 'done' | 'failed' | 'stopped' | 'died'
  readonly entities: readonly EntitySummary[]
  /** The first that holds over all entities and sinks, those of the sync that this run did not read among them. Absent in what a version before wrote. */
  readonly verdict?: Verdict
  /** What is open of the whole sync, in words: `gl_entry: 52 held, EUR 468,962.42`. Absent: nothing. */
  readonly open?: readonly string[]
  /** The word and what it stands on in one sentence, as it is shown everywhere: `open: gl_entry: 52 held, EUR 468,962.42`. */
  readonly says?: string
  readonly ties: boolean
  readonly requests: number
  readonly statements: number
  readonly notices: readonly string[]
  /** Where the source's calls are billed. */
  readonly calls?: CallUsage
  /** One for each entity that failed. */
  readonly errors: readonly (ErrorCause & { readonly message: string })[]
}

/** Calls of a vendor that bills them, in the month of the run. */
export interface CallUsage {
  /** `2026-11` */
  readonly month: string
  readonly used: number
  readonly thisRun: number
  /** What is to be expected by the end of the month. */
  readonly forecast: number
  readonly objects: Readonly<Record<string, number>>
  readonly allowance?: number
  /** More is used than the share of the allowance at which somebody wants to know. */
  readonly alert?: true
}
