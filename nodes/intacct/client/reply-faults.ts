/** Bodies that are no reply: what is wrong with them, in words. All of it may pass with the next attempt. */
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { OverLimit } from '../../../vendor/limits.ts'
import { type ConnectionWords, limitError } from '../../../vendor/network-error.ts'

export const SIZE: Pick<ConnectionWords, 'prefix' | 'vendor' | 'sizeClass' | 'sizeHint'> = {
  prefix: 'intacct',
  vendor: 'Intacct',
  sizeClass: 'transient',
  sizeHint:
    'It is asked for in smaller pages; a single record that is over the limit is held. If it stays: find out what alters the answers of Intacct.',
}

/** An answer that was given up since it is over a limit. */
export const tooMuch = (over: OverLimit, what: string): SyncError => limitError(over, SIZE, what)

/** A fault of the body itself, which the next attempt may not have. */
export const bodyError = (code: string, what: string, text: string, hint: string) =>
  syncError('transient', `intacct.${code}`, `${what}: ${text}`, { hint })

/** A web page, a text or a document with a DOCTYPE never gets to the parser. */
export function refuseForeign(what: string, start: string): void {
  if (/^<(?:!doctype\s+html|html|head|body)\b/i.test(start)) throw webPage(what, start)
  if (/^(?:<\?[^>]*\?>\s*)?(?:<!--[^>]*-->\s*)*<!doctype/i.test(start)) throw doctype(what)
  if (!start.startsWith('<')) throw plainText(what, start)
}

function webPage(what: string, start: string) {
  const title = /<title[^>]*>([^<]{1,200})/i.exec(start)?.[1]?.trim()
  return syncError(
    'transient',
    'intacct.html',
    `${what}: a web page came instead of an answer of Intacct${title ? ` ("${title}")` : ''}`,
    {
      ...(title ? { vendorText: title } : {}),
      hint: 'Intacct is in maintenance, or a proxy stands before it. If it stays: look at the status page of Sage Intacct.',
    },
  )
}

function plainText(what: string, start: string) {
  const text = start.replace(/\s+/g, ' ').slice(0, 120)
  if (/API rate limit exceeded/i.test(start))
    return syncError(
      'throttled',
      'intacct.throttled',
      `${what}: Intacct takes no more requests at the moment (${text})`,
      {
        vendorText: text,
        hint: 'Let fewer systems ask at a time, or ask Sage for a higher performance tier.',
      },
    )
  return bodyError(
    'text',
    what,
    `Intacct gave no XML but the text "${text}"`,
    'If it stays: look at the status page of Sage Intacct.',
  )
}

export const doctype = (what: string) =>
  bodyError(
    'doctype',
    what,
    'the answer has a DOCTYPE, which Intacct never sends; it was refused unread',
    'Find out what stands between here and Intacct (a proxy, a changed host name) and alters its answers.',
  )

export const malformed = (what: string, text: string) =>
  bodyError(
    'malformed',
    what,
    `the answer of Intacct is no well-formed XML (${text.replace(/\.$/, '')})`,
    'If it stays: a text of one record is the likely cause; tell the support of Sage.',
  )

export const cut = (what: string, bytes: number) =>
  bodyError(
    'cut',
    what,
    `the answer of Intacct ends in the middle (${bytes} bytes)`,
    'If it stays: a proxy between here and Intacct cuts long answers; choose a smaller page size.',
  )

export const notGateway = (what: string, tag: string) =>
  bodyError(
    'foreign',
    what,
    `the answer is no answer of the XML gateway but <${tag.slice(0, 40)}>`,
    'Check the address of the gateway: it ends in /ia/xml/xmlgw.phtml.',
  )
