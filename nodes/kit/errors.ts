/** Any thrown thing as a catch node shall get it: a text for people, `code`, and a plain-object `cause`. */
import { isSyncError, type SyncError, syncError, withHint } from '../../sync/contract/errors.ts'

export { withHint } from '../../sync/contract/errors.ts'

/** Ours stays what it is; a fault of the programme becomes a `config` error that says so. */
export function asSyncError(error: unknown): SyncError {
  if (isSyncError(error)) return error
  const text = error instanceof Error ? error.message : String(error)
  return syncError('config', 'tieout.unexpected', `Unexpected: ${text}`, {
    hint: 'This is a fault of the programme or of the flow, not of the data. The log has the details.',
  })
}

/** What `done` gets: Node-RED hands on `toString()`, `code` and `cause`; the stack stays out of messages. */
export function forDone(error: unknown): Error {
  const ours = asSyncError(error)
  const out = new Error(withHint(ours.message, ours.cause.hint)) as SyncError
  out.name = ''
  out.code = ours.code
  out.cause = JSON.parse(JSON.stringify(ours.cause)) as SyncError['cause']
  delete out.stack
  return out
}

/** A few words for a status line: the code's meaning is in the message, so the message's beginning. */
export function shortReason(error: unknown, length = 40): string {
  const text = asSyncError(error).message.replace(/\s+/g, ' ')
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
