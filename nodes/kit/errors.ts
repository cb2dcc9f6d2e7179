/** Any thrown thing as a catch node shall get it: a text for people, `code`, and a plain-object `cause`. */
import { asSyncError, type SyncError, withHint } from '../../sync/contract/errors.ts'

export { asSyncError, withHint } from '../../sync/contract/errors.ts'

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
