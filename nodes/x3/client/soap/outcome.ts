/**
 * What became of a `save`. A journal that may be in X3 is never taken for one that is not: only a clear refusal is one, and
 * everything else that brings no number is unknown.
 */
import { isSyncError, type SyncError, syncError } from '../../../../sync/contract/errors.ts'
import type { XmlElement } from '../../../../vendor/xml.ts'
import { answerError, isHtml } from '../errors.ts'
import { answerOf, type Received } from '../http.ts'
import { readReply, type SoapMessage, type SoapReply } from './envelope.ts'
import { objectOf, readResultXml, type X3Object } from './object.ts'

export type SaveOutcome =
  /** It is in X3 under this number. */
  | {
      readonly kind: 'saved'
      readonly number: string
      readonly object: X3Object
      readonly messages: readonly SoapMessage[]
    }
  /** It is not in X3, for certain. */
  | { readonly kind: 'refused'; readonly error: SyncError }
  /** It may be in X3: the look-up tells. */
  | { readonly kind: 'unknown'; readonly error: SyncError }

/** Messages of a result as one text. */
export const messageText = (messages: readonly SoapMessage[]): string =>
  messages
    .map(({ text }) => text.replace(/\s+/g, ' ').trim())
    .filter(Boolean)
    .join('; ')
    .slice(0, 500)

export const unknownOutcome = (code: string, said: string, vendorText?: string): SaveOutcome => ({
  kind: 'unknown',
  error: syncError('unknown-outcome', `x3.${code}`, said, {
    ...(vendorText ? { vendorText } : {}),
    hint: 'It may stand in X3: it is looked up by its reference before anything else is done with it.',
  }),
})

/** What an answer says of a `save`. */
export function saveOutcome(received: Received, what: string): SaveOutcome {
  if (received.status === 401) return { kind: 'refused', error: answerError(answerOf(received), what) }
  const reply = replyIn(received, what)
  if (received.status !== 200 || reply?.kind !== 'result')
    return unknownOutcome(
      String(received.status),
      `${what}: X3 answered with ${reply?.kind === 'fault' ? `the fault "${reply.text}"` : isHtml(answerOf(received)) ? 'a web page' : 'no result'} (HTTP ${received.status})`,
      reply?.kind === 'fault' ? reply.text : undefined,
    )
  const { status, messages, resultXml } = reply
  const text = messageText(messages)
  const root = resultXml === '' ? undefined : readable(resultXml, what)
  const number = root && numberIn(root)
  if (status === '1' && root && number) return { kind: 'saved', number, object: objectOf(root), messages }
  if (status === '0' && !number && (resultXml === '' || root))
    return {
      kind: 'refused',
      error: syncError('data', 'x3.refused', `${what}: X3 refused the journal: ${text || 'it gave no reason'}`, {
        ...(text ? { vendorText: text } : {}),
        hint: refusalHint(text),
      }),
    }
  return unknownOutcome(
    number ? 'status-with-number' : 'no-number',
    `${what}: X3 answered status ${status} ${number ? `and the number ${number}` : 'and no number'}${text ? `: ${text}` : ''}`,
    text,
  )
}

/** A failure before there was an answer: only a connection that nobody took is a refusal, since nothing was sent then. */
export function saveFailure(error: unknown, what: string): SaveOutcome {
  if (isSyncError(error) && error.cause.vendorCode === 'ECONNREFUSED') return { kind: 'refused', error }
  const said = isSyncError(error) ? error.message : `${what}: it was stopped while X3 worked on it`
  return unknownOutcome(isSyncError(error) ? error.code.replace(/^x3\./, '') : 'stopped', said)
}

/** Undefined: the body is no answer of the web services. */
function replyIn(received: Received, what: string): SoapReply | undefined {
  try {
    return readReply(received.body, what)
  } catch (error) {
    if (isSyncError(error)) return undefined
    throw error
  }
}

function readable(resultXml: string, what: string): XmlElement | undefined {
  try {
    return readResultXml(resultXml, what)
  } catch (error) {
    if (isSyncError(error)) return undefined
    throw error
  }
}

/** The number that X3 gave, wherever it stands in the result. */
function numberIn(element: XmlElement): string | undefined {
  const { attributes, text, name } = element
  if (name === 'FLD' && (attributes.NAME ?? attributes.NAM) === 'NUM' && text.trim() !== '') return text.trim()
  for (const child of element.children) {
    const found = numberIn(child)
    if (found) return found
  }
  return undefined
}

/** What to do about a refusal, as far as its words tell. */
function refusalHint(text: string): string {
  if (/period|clos|p[ée]riode|clôtur/i.test(text))
    return 'Nothing is moved to another period by itself: open the period in X3, or choose another date in Basware.'
  if (/dimension|CCE\d|section/i.test(text))
    return 'Correct the cost centre or dimension in Basware or in the code table, or activate it in X3.'
  if (/account|ACC1|compte/i.test(text))
    return 'Correct the account in Basware or in the code table, or activate it in X3.'
  return 'Correct what X3 names, in Basware, in the tables of the node or in X3; then replay the invoice.'
}
