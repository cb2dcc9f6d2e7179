/** Two stages: what a target that accepts first and processes later says of requests and records, and when it is asked. */

/** A request that a target with two stages has taken; what it makes of each record it says later. */
export interface Accepted {
  /** Its number, by which its results are asked for. `null`: there was nothing to send for these records, and they are processed. */
  readonly request: string | null
  readonly records: readonly {
    /** `WriteRecord.key`. */
    readonly key: string
    /** Names under which the results tell of what was sent for it (external codes); kept and given back to `follow`. */
    readonly items: readonly string[]
  }[]
}

/** A record that was accepted and whose result is open. */
export interface PendingResult {
  readonly key: string
  readonly read: number
  /** It was sent with `WriteRecord.again`. */
  readonly again: boolean
  /** All requests that took some of it, in the order in which they were told. */
  readonly requests: readonly { readonly request: string; readonly items: readonly string[] }[]
  /** ISO time at which it was accepted. */
  readonly since: string
}

/**
 * What became of an accepted record, over all of its requests and items; the first that holds:
 * `failed`: some of it was refused. `data`: it is the record's fault (or that of one it names); `technical`: the target's.
 * `unknown`: the target does not know one of its requests. In the first hour it may not know it yet, and it counts as pending.
 * `pending`: some of it is not through.
 * `superseded`: the target says that a newer version overtook it (RecordExpired).
 * `warning`: it is in, and the target says something of it.
 * `unchanged`: all of it was skipped as identical with what was sent before (NotProcessed).
 * `processed`: it is in; `skipped`: some of its items were skipped as identical.
 */
export type RecordResult =
  | { readonly kind: 'failed'; readonly code: string; readonly text: string; readonly cause: 'data' | 'technical' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'warning'; readonly text: string; readonly skipped?: boolean }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'processed'; readonly skipped?: boolean }

/** When results are asked for. Seconds. */
export interface ResultRules {
  /** How long a run waits for the results of what it sent. */
  readonly waitSeconds: number
  /** When they are asked for within a run, counted from the last write; after the last one at its distance from the one before. */
  readonly lookSeconds: readonly number[]
  /** How often whatever is open is asked for, with or without a run. */
  readonly everySeconds: number
  /** A request that the target does not know counts as lost from then on. */
  readonly unknownSeconds: number
  /** Without a result after that a record is sent again. */
  readonly lostSeconds: number
}

export const resultRules: ResultRules = {
  waitSeconds: 120,
  lookSeconds: [2, 5, 10, 20, 35],
  everySeconds: 300,
  unknownSeconds: 3600,
  lostSeconds: 3 * 86_400,
}
