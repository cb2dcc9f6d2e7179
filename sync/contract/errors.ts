/** Errors that say what to do (docs/architecture.md, "Held records, errors, totals"): the class decides, the message is for people. */

/**
 * `transient` and `throttled` are tried again, `auth` renews the token once, `data` holds the record,
 * `config` fails the entity and alerts, `unknown-outcome` asks the target before anything is sent again.
 */
export type ErrorClass = 'transient' | 'throttled' | 'auth' | 'data' | 'config' | 'unknown-outcome'

/** The plain-object `cause` of an error, as a catch node gets it. Never a secret. */
export interface ErrorCause {
  class: ErrorClass
  /** Stable code for flows to switch on, such as `x3.21` or `databricks.42P01`. */
  code: string
  entity?: string
  /** Key of the record as text. */
  key?: string
  field?: string
  /** The vendor's own code and text. */
  vendorCode?: string
  vendorText?: string
  /** What to do next, a sentence. */
  hint?: string
  /** Milliseconds to wait before the next attempt, as the vendor said. */
  retryAfterMs?: number
  httpStatus?: number
  /** Position in the batch (`_row`) of the record at fault, where it is known. */
  row?: number
  /** Of a `field` in a list (`lines.account`): position of the line in it, from 0, where it is known. */
  line?: number
  /** Codes that the code tables do not have, each once. */
  codes?: readonly MissingCode[]
}

/** A code that its code table does not have on a day (`YYYY-MM-DD`). */
export interface MissingCode {
  readonly table: string
  readonly code: string
  readonly day: string
}

export interface SyncError extends Error {
  code: string
  cause: ErrorCause
}

/** Makes an error whose `code` and `cause` survive the way to a catch node. */
export function syncError(
  cls: ErrorClass,
  code: string,
  message: string,
  details: Omit<ErrorCause, 'class' | 'code'> = {},
): SyncError {
  const error = new Error(message) as SyncError
  error.name = 'SyncError'
  error.code = code
  error.cause = { class: cls, code, ...details }
  return error
}

/** By shape, not by `instanceof`: the compiled and the source copy of this file may meet in one process. */
export function isSyncError(error: unknown): error is SyncError {
  return error instanceof Error && typeof (error.cause as ErrorCause | undefined)?.class === 'string'
}

/** A message and what to do next as one text, for a place that shows one: a catch node, an alert, a dialog. Nothing is said twice. */
export const withHint = (message: string, hint: string | undefined): string =>
  !hint || message.includes(hint) ? message : `${message.replace(/[.\s]+$/, '')}. ${hint}`

/** Of the message as much as goes before what is done about it: its first line, without a full stop. */
export function inShort({ message }: Error, length = 100): string {
  const line = (message.split('\n', 1)[0] ?? '').trim().replace(/[.\s]+$/, '')
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`
}

/** Class of any error; what is not ours is a fault of the programme or the flow: `config`. */
export const classOf = (error: unknown): ErrorClass => (isSyncError(error) ? error.cause.class : 'config')

/** Ours stays what it is; anything else that is thrown is a fault of the programme or the flow, and becomes a `config` error that says so. */
export function asSyncError(error: unknown): SyncError {
  if (isSyncError(error)) return error
  const text = error instanceof Error ? error.message : String(error)
  return syncError('config', 'tieout.unexpected', `Unexpected: ${text}`, {
    hint: 'This is a fault of the programme or of the flow, not of the data. The log has the details.',
  })
}
