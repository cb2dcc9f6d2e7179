/** In which words the web services of X3 are spoken of. */
import type { XmlWords } from '../../../../vendor/xml-faults.ts'

export const SOAP_WORDS: XmlWords = {
  prefix: 'x3',
  vendor: "X3's web services",
  sizeClass: 'transient',
  sizeHint: 'If it stays: find out what alters the answers of X3.',
  stays: 'look at the pool and its log in the administration of X3 (Classic SOAP pools configuration)',
  shorter: 'raise its limit',
}
