/** XML as it arrives, for clients whose vendor speaks it: strict, nothing guessed, everything bounded. */
import { SaxesParser } from 'saxes'
import { DEPTH, overBytes, overDepth, overParts } from './limits.ts'
import { cut, doctype, empty, malformed, refuseForeign, tooMuchXml, type XmlWords } from './xml-faults.ts'
import { createTextCleaner } from './xml-text.ts'

export interface XmlTag {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
}

/** What is built while tags arrive. Called for each of them: hot. */
export interface XmlHandler {
  open(tag: XmlTag): void
  text(part: string): void
  close(): void
  /** Elements that are open. */
  depth(): number
}

export interface XmlStream {
  /** Takes the next part of the body; throws a `SyncError` as soon as something is wrong. */
  write(chunk: Uint8Array): void
  /** Ends it; throws for a body that is cut or empty. Tells how many characters were taken out, and how many were no UTF-8. */
  end(): { readonly removed: number; readonly unreadable: number }
}

/** `what` names the request for messages; `maxBytes` counts the whole body, unpacked. */
export function createXmlStream(what: string, words: XmlWords, maxBytes: number, handler: XmlHandler): XmlStream {
  const decoder = new TextDecoder('utf-8')
  const parser = new SaxesParser({ xmlns: false, position: false })
  const texts = createTextCleaner((text) => malformed(words, what, text))
  let bytes = 0
  let unreadable = 0
  let started = false

  parser.on('error', ({ message }) => texts.fault(message))
  parser.on('doctype', () => {
    throw doctype(words, what)
  })
  parser.on('opentag', (tag) => handler.open(tag))
  const onText = (raw: string): void => handler.text(texts.clean(raw))
  parser.on('text', onText)
  parser.on('cdata', onText)
  parser.on('closetag', () => handler.close())

  return {
    write(chunk) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) throw tooMuchXml(overBytes(maxBytes), words, what)
      let part = decoder.decode(chunk, { stream: true })
      if (!started) {
        part = part.trimStart()
        if (part === '') return
        started = true
        refuseForeign(words, what, part)
      }
      for (let at = part.indexOf('\uFFFD'); at >= 0; at = part.indexOf('\uFFFD', at + 1)) unreadable++
      parser.write(part)
    },
    end() {
      const rest = decoder.decode()
      if (rest !== '') parser.write(rest)
      if (!started) throw empty(words, what)
      try {
        parser.close()
      } catch (error) {
        throw handler.depth() > 0 ? cut(words, what, bytes) : error
      }
      return { removed: texts.removed(), unreadable }
    },
  }
}

/** An element with all that is in it; names without their prefix. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  text: string
  readonly children: XmlElement[]
}

/** Elements of a tree: with their attributes, children and text they take some hundred bytes each. */
const TREE_PARTS = 200_000
/** Bytes that are given to the parser at a time: it takes no more memory than they need. */
const CHUNK = 65_536
const NONE: XmlElement['attributes'] = {}

/** A whole document, which is all here, as a tree: for answers of a few thousand elements. */
export function readXml(body: Uint8Array, what: string, words: XmlWords): XmlElement {
  const root: XmlElement = { name: '', attributes: {}, text: '', children: [] }
  const open = [root]
  let parts = 0
  const stream = createXmlStream(what, words, body.byteLength, {
    open({ name, attributes }) {
      if (open.length > DEPTH) throw tooMuchXml(overDepth(DEPTH), words, what)
      if (++parts > TREE_PARTS) throw tooMuchXml(overParts(TREE_PARTS), words, what)
      const own = Object.keys(attributes).length > 0 ? attributes : NONE
      const element = { name: name.slice(name.indexOf(':') + 1), attributes: own, text: '', children: [] }
      ;(open.at(-1) as XmlElement).children.push(element)
      open.push(element)
    },
    text(part) {
      ;(open.at(-1) as XmlElement).text += part
    },
    close: () => void open.pop(),
    depth: () => open.length - 1,
  })
  for (let at = 0; at === 0 || at < body.byteLength; at += CHUNK) stream.write(body.subarray(at, at + CHUNK))
  stream.end()
  return root.children[0] as XmlElement
}
