/** Bodies that are not the XML that was asked for: what is wrong with them, in words. All of it may pass with the next attempt. */
import { type SyncError, syncError } from '../sync/contract/errors.ts'
import type { OverLimit } from './limits.ts'
import { type ConnectionWords, limitError } from './network-error.ts'

/** In which words a vendor's XML is spoken of. */
export interface XmlWords extends Pick<ConnectionWords, 'prefix' | 'vendor' | 'sizeClass' | 'sizeHint'> {
  /** What to do where no XML comes, and goes on not to come: `look at the status page of Sage Intacct`. */
  readonly stays: string
  /** What a proxy that cuts long answers asks for: `choose a smaller page size`. */
  readonly shorter: string
  /** Makes more of a text that came instead of XML, where the vendor's texts are known; undefined: it is none of them. */
  readonly textError?: (what: string, text: string) => SyncError | undefined
}

/** An answer that was given up since it is over a limit. */
export const tooMuchXml = (over: OverLimit, words: XmlWords, what: string): SyncError => limitError(over, words, what)

/** A fault of the body itself, which the next attempt may not have. */
export const bodyError = (words: XmlWords, code: string, what: string, text: string, hint: string): SyncError =>
  syncError('transient', `${words.prefix}.${code}`, `${what}: ${text}`, { hint })

/** A web page, a text or a document with a DOCTYPE never gets to the parser. */
export function refuseForeign(words: XmlWords, what: string, start: string): void {
  if (/^<(?:!doctype\s+html|html|head|body)\b/i.test(start)) throw webPage(words, what, start)
  if (/^(?:<\?[^>]*\?>\s*)?(?:<!--[^>]*-->\s*)*<!doctype/i.test(start)) throw doctype(words, what)
  if (!start.startsWith('<')) throw plainText(words, what, start)
}

function webPage(words: XmlWords, what: string, start: string): SyncError {
  const title = /<title[^>]*>([^<]{1,200})/i.exec(start)?.[1]?.trim()
  const { prefix, vendor, stays } = words
  return syncError(
    'transient',
    `${prefix}.html`,
    `${what}: a web page came instead of an answer of ${vendor}${title ? ` ("${title}")` : ''}`,
    {
      ...(title ? { vendorText: title } : {}),
      hint: `${vendor} is in maintenance, or a proxy stands before it. If it stays: ${stays}.`,
    },
  )
}

function plainText(words: XmlWords, what: string, start: string): SyncError {
  const text = start.replace(/\s+/g, ' ')
  const said = `${words.vendor} gave no XML but the text "${text.slice(0, 120)}"`
  return words.textError?.(what, text) ?? bodyError(words, 'text', what, said, `If it stays: ${words.stays}.`)
}

export const doctype = (words: XmlWords, what: string): SyncError =>
  bodyError(
    words,
    'doctype',
    what,
    `the answer has a DOCTYPE, which ${words.vendor} never sends; it was refused unread`,
    `Find out what stands between here and ${words.vendor} (a proxy, a changed host name) and alters its answers.`,
  )

export const malformed = (words: XmlWords, what: string, text: string): SyncError =>
  bodyError(
    words,
    'malformed',
    what,
    `the answer of ${words.vendor} is no well-formed XML (${text.replace(/\.$/, '')})`,
    'If it stays: a text of one record is the likely cause; tell the support of Sage.',
  )

export const cut = (words: XmlWords, what: string, bytes: number): SyncError =>
  bodyError(
    words,
    'cut',
    what,
    `the answer of ${words.vendor} ends in the middle (${bytes} bytes)`,
    `If it stays: a proxy between here and ${words.vendor} cuts long answers; ${words.shorter}.`,
  )

export const empty = (words: XmlWords, what: string): SyncError =>
  bodyError(words, 'empty', what, `${words.vendor} gave an empty answer`, `If it stays: ${words.stays}.`)
