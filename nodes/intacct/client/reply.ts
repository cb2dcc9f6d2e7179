/** Reads a reply of the gateway as it arrives (intacct.md facts, 2): strict XML, nothing guessed, everything bounded. */
import { SaxesParser } from 'saxes'
import { DEPTH, overBytes, overDepth, overParts, PARTS, REPLY_BYTES } from '../../../vendor/limits.ts'
import { bodyError, cut, doctype, malformed, notGateway, refuseForeign, tooMuch } from './reply-faults.ts'

/** One error of the gateway; any part may be empty. */
export interface GatewayError {
  readonly errorno: string
  readonly description: string
  readonly description2: string
  readonly correction: string
  /** `errorid` of the additional information (`GL-0493`), where it came. */
  readonly errorid?: string
}

/** An element with its children; rows of data below their fields, and everything that is no row. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  text: string
  readonly children: Element[]
}

/** A row of data: text by field name in capitals, null where it is empty; nested elements where a field holds some. */
export interface DataRow {
  /** Its tag, as it came. */
  readonly tag: string
  readonly attributes: Readonly<Record<string, string>>
  readonly fields: Record<string, string | null>
  readonly nested?: Record<string, Element[]>
}

export interface FunctionResult {
  readonly status: string
  readonly function: string
  readonly controlid: string
  /** Key of a legacy create. */
  readonly key?: string
  /** Attributes of `<data>` (or of the `<listtype>` beside it) by their name in lower case; undefined: no data. */
  readonly data: Readonly<Record<string, string>> | undefined
  readonly rows: readonly DataRow[]
  readonly errors: readonly GatewayError[]
}

export interface GatewayReply {
  readonly acknowledgement?: string
  /** Text of the parts of `<control>` by name; undefined: there is none. */
  readonly control: Readonly<Record<string, string>> | undefined
  readonly authentication: Readonly<Record<string, string>> | undefined
  /** Errors outside of a result: of the control level, and of the authentication. */
  readonly controlErrors: readonly GatewayError[]
  readonly authenticationErrors: readonly GatewayError[]
  readonly results: readonly FunctionResult[]
  /** Control characters that were taken out. */
  readonly removed: number
  /** Characters that were no UTF-8. */
  readonly unreadable: number
}

export interface ReplyParser {
  /** Takes the next part of the body; throws a `SyncError` as soon as something is wrong. */
  write(chunk: Uint8Array): void
  /** The whole reply; throws for a cut or an empty one. */
  end(): GatewayReply
}

export interface ReplyLimits {
  /** Bytes of the whole reply, unpacked. Default 64 MB. */
  readonly maxBytes: number
  /** Rows of one reply. Default: none but the bytes. */
  readonly maxRows?: number
}

export const replyLimits: ReplyLimits = { maxBytes: REPLY_BYTES }

/** What XML does not allow in a text. */
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu
/** A numeric reference to one of them, which the parser leaves as it stands. */
const FORBIDDEN_REFERENCE = /&#(x[0-9a-f]+|[0-9]+);/gi
/** Faults that spoil a text but not the reply. */
const TOLERATED =
  /^(?:disallowed character\.|malformed character entity\.|the string "]]>" is disallowed in char data\.)$/

/** `what` names the request for messages. */
export function createReplyParser(what: string, limits: ReplyLimits = replyLimits): ReplyParser {
  const decoder = new TextDecoder('utf-8')
  const parser = new SaxesParser({ xmlns: false, position: false })
  const upper = new Map<string, string>()
  const root: Element = { name: '', attributes: {}, text: '', children: [] }
  /** Open elements outside of rows, then the open element of a nested field. */
  const open: Element[] = [root]
  const results: (Omit<FunctionResult, 'rows'> & { rows: DataRow[] })[] = []
  let rows: DataRow[] = []
  let data: Readonly<Record<string, string>> | undefined
  let row: DataRow | undefined
  let field = ''
  let text = ''
  /** The open field, where it holds elements. */
  let holder: Element | undefined
  let depth = 0
  /** Elements so far. */
  let parts = 0
  /** Depth of the open `<data>` of a result; 0: outside. */
  let dataDepth = 0
  let bytes = 0
  let removed = 0
  let unreadable = 0
  let dirty = false
  /** References to characters that XML does not have, in the text that comes next. */
  let references = 0
  let started = false

  const clean = (raw: string): string => {
    dirty = false
    const text = raw
      .replace(FORBIDDEN, () => {
        removed++
        return ''
      })
      .replace(FORBIDDEN_REFERENCE, (reference, number: string) => {
        const code = Number(/^x/i.test(number) ? `0${number}` : number)
        if (isCharacter(code)) return reference
        removed++
        references--
        return ''
      })
    // What is left is no number at all: not a stray character but broken XML.
    if (references > 0) throw malformed(what, 'malformed character entity')
    references = 0
    return text
  }
  const nameOf = (name: string): string => {
    let known = upper.get(name)
    if (known === undefined) {
      known = name.toUpperCase()
      upper.set(name, known)
    }
    return known
  }

  parser.on('error', (error) => {
    if (!TOLERATED.test(error.message)) throw malformed(what, error.message)
    dirty = true
    if (error.message.startsWith('malformed')) references++
  })
  parser.on('doctype', () => {
    throw doctype(what)
  })
  parser.on('opentag', (tag) => {
    depth++
    if (depth > DEPTH) throw tooMuch(overDepth(DEPTH), what)
    if (++parts > PARTS) throw tooMuch(overParts(PARTS), what)
    if (dataDepth === 0) {
      if (depth === 1 && tag.name.toLowerCase() !== 'response') throw notGateway(what, tag.name)
      const element: Element = {
        name: tag.name.toLowerCase(),
        attributes: lowered(tag.attributes),
        text: '',
        children: [],
      }
      const parent = open.at(-1) as Element
      if (element.name === 'data' && depth === 4 && parent.name === 'result') {
        dataDepth = depth
        data = element.attributes
        rows = []
      } else parent.children.push(element)
      open.push(element)
      return
    }
    const level = depth - dataDepth
    if (level === 1) {
      row = { tag: tag.name, attributes: attributesOf(tag.attributes), fields: {} }
      rows.push(row)
      if (limits.maxRows !== undefined && rows.length > limits.maxRows)
        throw bodyError(
          'rows',
          what,
          `Intacct gave more than the ${limits.maxRows} rows it was asked for`,
          'If it stays, tell the support of Sage.',
        )
    } else if (level === 2) {
      field = nameOf(tag.name)
      text = ''
      holder = undefined
    } else {
      const element: Element = { name: tag.name, attributes: attributesOf(tag.attributes), text: '', children: [] }
      if (level === 3) {
        holder ??= nestedOf(row as DataRow, field)
        holder.children.push(element)
      } else (open.at(-1) as Element).children.push(element)
      open.push(element)
    }
  })
  const onText = (raw: string): void => {
    const part = dirty ? clean(raw) : raw
    if (dataDepth > 0 && depth - dataDepth === 2) text += part
    else if (depth > 0 && !(dataDepth > 0 && depth === dataDepth)) {
      if (dataDepth > 0 && depth - dataDepth === 1) {
        // A row that is a mere text (`<type typename="x">Label</type>`).
        if (part.trim() !== '') (row as DataRow).fields[''] = `${(row as DataRow).fields[''] ?? ''}${part}`
      } else (open.at(-1) as Element).text += part
    }
  }
  parser.on('text', onText)
  parser.on('cdata', onText)
  parser.on('closetag', () => {
    if (dataDepth > 0) {
      const level = depth - dataDepth
      if (level === 2) (row as DataRow).fields[field] = text === '' || (holder && text.trim() === '') ? null : text
      else if (level > 2) open.pop()
      else if (level === 0) {
        dataDepth = 0
        open.pop()
      }
    } else {
      const element = open.pop() as Element
      if (element.name === 'result' && depth === 3) {
        results.push(resultOf(element, data, rows))
        data = undefined
        rows = []
      }
    }
    depth--
  })

  return {
    write(chunk) {
      bytes += chunk.byteLength
      if (bytes > limits.maxBytes) throw tooMuch(overBytes(limits.maxBytes), what)
      let part = decoder.decode(chunk, { stream: true })
      if (!started) {
        part = part.trimStart()
        if (part === '') return
        started = true
        refuseForeign(what, part)
      }
      for (let at = part.indexOf('\uFFFD'); at >= 0; at = part.indexOf('\uFFFD', at + 1)) unreadable++
      parser.write(part)
    },
    end() {
      const rest = decoder.decode()
      if (rest !== '') parser.write(rest)
      if (!started)
        throw bodyError(
          'empty',
          what,
          'Intacct gave an empty answer',
          'If it stays: look at the status page of Sage Intacct.',
        )
      try {
        parser.close()
      } catch (error) {
        throw depth > 0 ? cut(what, bytes) : error
      }
      return replyOf(root, results, { removed, unreadable })
    },
  }
}

const isCharacter = (code: number): boolean =>
  code === 9 ||
  code === 10 ||
  code === 13 ||
  (code >= 32 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff)

/** Attributes by name in lower case: `resultId` and `resultid` are one. */
function lowered(attributes: Readonly<Record<string, string>>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name in attributes) found[name.toLowerCase()] = attributes[name] as string
  return found
}

const NONE: Readonly<Record<string, string>> = {}
function attributesOf(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const _name in attributes) return lowered(attributes)
  return NONE
}

function nestedOf(row: DataRow, field: string): Element {
  const owner = row as { nested?: Record<string, Element[]> }
  const element: Element = { name: field, attributes: {}, text: '', children: [] }
  owner.nested ??= {}
  owner.nested[field] ??= []
  owner.nested[field].push(element)
  return element
}

const childOf = (element: Element | undefined, name: string): Element | undefined =>
  element?.children.find((child) => child.name === name)
const textOf = (element: Element | undefined, name: string): string => childOf(element, name)?.text.trim() ?? ''
const textsOf = (element: Element | undefined): Record<string, string> | undefined =>
  element && Object.fromEntries(element.children.map((child) => [child.name, child.text.trim()]))

function errorsOf(element: Element | undefined): GatewayError[] {
  return (element?.children ?? [])
    .filter((child) => child.name === 'errormessage')
    .flatMap((message) => message.children.filter((child) => child.name === 'error'))
    .map((error) => {
      const errorid = textOf(childOf(error, 'additionalinfo'), 'errorid')
      return {
        errorno: textOf(error, 'errorno'),
        description: textOf(error, 'description'),
        description2: textOf(error, 'description2'),
        correction: textOf(error, 'correction'),
        ...(errorid === '' ? {} : { errorid }),
      }
    })
}

function resultOf(element: Element, data: FunctionResult['data'], rows: DataRow[]) {
  const list = childOf(element, 'listtype')
  const key = childOf(element, 'key')
  return {
    status: textOf(element, 'status'),
    function: textOf(element, 'function'),
    controlid: textOf(element, 'controlid'),
    ...(key ? { key: key.text.trim() } : {}),
    data: list && data ? { ...data, ...list.attributes, listtype: list.text.trim() } : data,
    rows,
    errors: errorsOf(element),
  }
}

function replyOf(
  root: Element,
  results: readonly FunctionResult[],
  counts: { removed: number; unreadable: number },
): GatewayReply {
  const response = root.children[0]
  const operation = childOf(response, 'operation')
  const authentication = childOf(operation, 'authentication')
  const acknowledgement = childOf(response, 'acknowledgement')
  return {
    ...(acknowledgement ? { acknowledgement: textOf(acknowledgement, 'status') } : {}),
    control: textsOf(childOf(response, 'control')),
    authentication: textsOf(authentication),
    controlErrors: errorsOf(response),
    authenticationErrors: [...errorsOf(operation), ...errorsOf(authentication)],
    results,
    ...counts,
  }
}
