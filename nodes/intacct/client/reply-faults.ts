/** Bodies that are no reply of the gateway, in the words of Intacct. */
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { OverLimit } from '../../../vendor/limits.ts'
import { bodyError as bodyFault, tooMuchXml, type XmlWords } from '../../../vendor/xml-faults.ts'

export const WORDS: XmlWords = {
  prefix: 'intacct',
  vendor: 'Intacct',
  sizeClass: 'transient',
  sizeHint:
    'It is asked for in smaller pages; a single record that is over the limit is held. If it stays: find out what alters the answers of Intacct.',
  stays: 'look at the status page of Sage Intacct',
  shorter: 'choose a smaller page size',
  textError: throttled,
}

/** An answer that was given up since it is over a limit. */
export const tooMuch = (over: OverLimit, what: string): SyncError => tooMuchXml(over, WORDS, what)

/** A fault of the body itself, which the next attempt may not have. */
export const bodyError = (code: string, what: string, text: string, hint: string): SyncError =>
  bodyFault(WORDS, code, what, text, hint)

function throttled(what: string, whole: string): SyncError | undefined {
  if (!/API rate limit exceeded/i.test(whole)) return undefined
  const text = whole.slice(0, 120)
  return syncError(
    'throttled',
    'intacct.throttled',
    `${what}: Intacct takes no more requests at the moment (${text})`,
    {
      vendorText: text,
      hint: 'Let fewer systems ask at a time, or ask Sage for a higher performance tier.',
    },
  )
}

export const notGateway = (what: string, tag: string) =>
  bodyError(
    'foreign',
    what,
    `the answer is no answer of the XML gateway but <${tag.slice(0, 40)}>`,
    'Check the address of the gateway: it ends in /ia/xml/xmlgw.phtml.',
  )
