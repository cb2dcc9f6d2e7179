/** Any thrown thing as a catch node shall get it: a text for people, `code`, and a plain-object `cause`. */
import { asSyncError, type ErrorCause, type SyncError, withHint } from '../../sync/contract/errors.ts'

export { asSyncError, withHint } from '../../sync/contract/errors.ts'

/** What `done` gets: Node-RED hands on `toString()`, `code` and `cause`; the stack stays out of messages. */
export function forDone(error: unknown): Error {
  const ours = asSyncError(error)
  const out = new Error(withHint(ours.message, ours.cause.hint)) as SyncError
  out.name = ''
  out.code = ours.code
  out.cause = JSON.parse(JSON.stringify(ours.cause)) as SyncError['cause']
  // Node-RED's debug list shows the cause of an error as text.
  Object.defineProperty(out.cause, 'toString', { value: () => causeText(ours.cause), enumerable: false })
  delete out.stack
  return out
}

/** What is known of an error besides its message, in one line. */
function causeText({ class: cls, code, entity, key, field, vendorCode, vendorText }: ErrorCause): string {
  const about = [entity, key, field && `field ${field}`].filter(Boolean).join(' ')
  const vendor = [vendorCode, vendorText].filter(Boolean).join(' ')
  return [`${code} (${cls})`, about, vendor].filter(Boolean).join(': ')
}

/** What a status line says of an error in the place of its beginning. */
const told = new WeakMap<object, string>()

/** The status line shows `text` for it, whole. */
export function saying<E extends Error>(error: E, text: string): E {
  told.set(error, text)
  return error
}

/** Characters that a status line has room for beside the next node. */
const ROOM = 60

/**
 * A few words for a status line, the point of the message: its first sentence, without what stands before colons as far as there is
 * no room for it, and never cut within a word.
 */
export function shortReason(error: unknown): string {
  const whole = typeof error === 'object' && error !== null ? told.get(error) : undefined
  if (whole !== undefined) return whole
  const text = asSyncError(error).message.replace(/\s+/g, ' ').trim()
  if (text.length <= ROOM) return text
  let point = text.replace(/(\S)\. [A-Z].*$/, '$1').replace(/\.$/, '')
  for (let at = point.indexOf(': '); point.length > ROOM && at > 0; at = point.indexOf(': '))
    point = point.slice(at + 2)
  if (point.length <= ROOM) return point
  const end = point.lastIndexOf(' ', ROOM - 1)
  return `${point.slice(0, end > 0 ? end : ROOM - 1)}…`
}
