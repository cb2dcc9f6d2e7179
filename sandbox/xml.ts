import { SaxesParser } from 'saxes'

/** An element of a request. Names as written. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly Element[]
  /** Its own text, as it is. */
  readonly text: string
}

/** A request that is no XML, with the place where it ends to be one. */
export class XmlError extends Error {}

const deepest = 40

/** Reads a request strictly: well-formed, one root, no DOCTYPE. Throws XmlError. */
export function parseXml(xml: string): Element {
  const parser = new SaxesParser({ position: true })
  const open: { name: string; attributes: Record<string, string>; children: Element[]; text: string }[] = []
  let root: Element | undefined
  const fail = (message: string): never => {
    throw new XmlError(`Fatal Error: ${message}. Line: ${parser.line}, column: ${parser.column}.`)
  }
  parser.on('error', (error) => fail(error.message.replace(/^\d+:\d+: /, '').replace(/\.$/, '')))
  parser.on('doctype', () => fail('a document type declaration is not allowed'))
  parser.on('opentag', (tag) => {
    if (open.length >= deepest) fail('elements are nested too deeply')
    open.push({ name: tag.name, attributes: { ...tag.attributes } as Record<string, string>, children: [], text: '' })
  })
  const add = (text: string): void => {
    const top = open.at(-1)
    if (top) top.text += text
  }
  parser.on('text', add)
  parser.on('cdata', add)
  parser.on('closetag', () => {
    const done = open.pop()
    if (!done) return
    const element: Element = done
    const parent = open.at(-1)
    if (parent) parent.children.push(element)
    else root = element
  })
  parser.write(xml).close()
  return root ?? fail('the document is empty')
}

export function child(element: Element | undefined, name: string): Element | undefined {
  return element?.children.find((one) => one.name === name)
}

/** Text of a child, white space around it removed; undefined where there is no such child. */
export function textOf(element: Element | undefined, name: string): string | undefined {
  return child(element, name)?.text.trim()
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#039;',
}

/** Text in an element or an attribute; an apostrophe is `&#039;`, as Intacct's gateway writes it. */
export function escaped(text: string): string {
  return /[&<>"']/.test(text) ? text.replace(/[&<>"']/g, (char) => escapes[char] as string) : text
}

/** An element with text; empty for null. */
export function leaf(name: string, value: string | number | null): string {
  return `<${name}>${value === null ? '' : escaped(String(value))}</${name}>`
}

/** Indents compact XML that `leaf` and its like have put together; texts stay as they are. */
export function indented(xml: string): string {
  let depth = 0
  let out = ''
  let place = 0
  // A tag at once behind a tag begins a new line; text between two tags keeps them together.
  for (const match of xml.matchAll(/<[^>]*>/g)) {
    const tag = match[0]
    const before = xml.slice(place, match.index)
    place = match.index + tag.length
    const closing = tag.startsWith('</')
    if (closing) depth--
    const leafEnd = closing && (before !== '' || out.endsWith(`<${tag.slice(2)}`))
    out += leafEnd || before !== '' ? before : `${out === '' ? '' : '\n'}${'    '.repeat(Math.max(0, depth))}`
    out += tag
    if (!closing && !tag.endsWith('/>') && !tag.startsWith('<?')) depth++
  }
  return out + xml.slice(place)
}
