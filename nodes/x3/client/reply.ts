/** The body of a success: whole data, or the error that it amounts to. */
import { syncError } from '../../../sync/contract/errors.ts'
import { checkJson, HARMLESS_BYTES, parseExactly } from '../../../vendor/json.ts'
import { DEPTH, isOverLimit, overDepth } from '../../../vendor/limits.ts'
import { type Answer, complaintError, complaintsOf, htmlError, isHtml, noticesOf, tooMuch } from './errors.ts'

/** A success: whole data. Data with errors beside it counts as a failure, because a part of it is missing. */
export interface Reply {
  readonly data: Readonly<Record<string, unknown>>
  readonly notices: readonly string[]
}

/**
 * Throws the `SyncError` of a body that would take too much memory when it is parsed. Pages of the usual size cannot, and
 * are not looked at: what of them is kept is looked at where it is converted.
 */
export function checkBody(body: Buffer, what: string): void {
  if (body.length <= HARMLESS_BYTES) return
  try {
    checkJson(body)
  } catch (error) {
    throw isOverLimit(error) ? tooMuch(error, what) : error
  }
}

/** Throws the `SyncError` of a body that is no data, or that complains beside them. */
export function readReply(answer: Answer, exact: boolean, what: string): Reply {
  try {
    return replyOf(answer, exact, what)
  } catch (error) {
    // The stack ended in something deeply nested.
    throw error instanceof RangeError ? tooMuch(overDepth(DEPTH), what) : error
  }
}

function replyOf(answer: Answer, exact: boolean, what: string): Reply {
  const json = parseBody(answer, what, exact)
  const complaints = complaintsOf(json)
  const data = (json as { data?: unknown } | null)?.data
  if (complaints.length > 0 || typeof data !== 'object' || data === null) {
    throw complaintError(complaints.length > 0 ? complaints : [{ text: 'an answer without data', path: [] }], what)
  }
  return { data: data as Record<string, unknown>, notices: noticesOf(json) }
}

/** A cut body or a web page is `transient`: the next attempt may be whole. */
function parseBody(answer: Answer, what: string, exact: boolean): unknown {
  if (isHtml(answer)) throw htmlError(answer, what, { httpStatus: answer.status })
  try {
    return exact ? parseExactly(answer.text) : JSON.parse(answer.text)
  } catch (error) {
    if (error instanceof RangeError) throw error
    throw syncError(
      'transient',
      'x3.body',
      `${what}: the answer of X3 is cut or no JSON (${answer.text.length} characters)`,
      {
        httpStatus: answer.status,
        hint: 'If it stays, a proxy between here and X3 cuts long answers: choose a smaller page size.',
      },
    )
  }
}
