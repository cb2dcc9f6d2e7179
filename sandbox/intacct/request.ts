import { child, type Element, parseXml, textOf, XmlError } from '../xml.ts'
import { errors } from './errors.ts'
import type { Comparison, Condition } from './filter.ts'
import type { Order } from './read.ts'

export interface Login {
  readonly userId: string
  readonly companyId: string
  readonly password: string
  readonly locationId: string | undefined
}

export interface FunctionCall {
  readonly controlId: string
  /** As written, whatever it is. */
  readonly name: string
  readonly element: Element
}

export interface Request {
  readonly senderId: string
  readonly password: string
  readonly controlId: string
  readonly uniqueId: boolean
  readonly policyId: string | undefined
  readonly whitespace: boolean
  readonly transaction: boolean
  readonly session: string | undefined
  readonly login: Login | undefined
  readonly functions: readonly FunctionCall[]
}

/** What the control block of a reply repeats. */
export type Control = Pick<Request, 'senderId' | 'controlId' | 'uniqueId' | 'whitespace'>

export interface QueryCall {
  readonly object: string
  readonly fields: readonly string[]
  readonly aggregates: readonly { readonly kind: string; readonly field: string }[]
  readonly filter: Condition | undefined
  readonly order: readonly Order[]
  readonly pageSize: number
  readonly offset: number
  readonly caseSensitive: boolean
  readonly showPrivate: boolean
  readonly format: 'xml' | 'csv' | 'json'
}

const controlParts = [
  'senderid',
  'password',
  'controlid',
  'uniqueid',
  'dtdversion',
  'policyid',
  'includewhitespace',
  'showadditionalerrorinfo',
  'debug',
]
const loginParts = ['userid', 'companyid', 'password', 'clientid', 'locationid']

const invalid = (text: string) => errors.schema(`XML Parse schema error: Error 1871: ${text} Line: 1, column: 0.`)

/** Reads a request as the gateway's schema does. Throws RequestError: nothing in it may be unknown, missing or out of order. */
export function readRequest(xml: string, seen: (name: string) => void): Request {
  let root: Element
  try {
    root = parseXml(xml)
  } catch (error) {
    if (error instanceof XmlError) throw errors.schema(`XML Parse schema error: ${error.message}`)
    throw error
  }
  if (root.name !== 'request') throw invalid(`Element '${root.name}': No matching global declaration available.`)
  inOrder(root, ['control', 'operation'])
  const control = child(root, 'control')
  const operation = child(root, 'operation')
  if (!control || !operation) throw invalid("Element 'request': Missing child element(s).")
  // The parts of the control block may come in any order.
  for (const part of control.children)
    if (!controlParts.includes(part.name)) throw invalid(`Element '${part.name}': This element is not expected.`)
  const required = (name: string): string => {
    const text = textOf(control, name)
    if (!text) throw invalid(`Element 'control': Missing child element ${name}.`)
    return text
  }
  const controlId = required('controlid')
  if (controlId.length > 256) throw invalid("Element 'controlid': The value is longer than 256 characters.")
  if (required('dtdversion') !== '3.0') throw invalid("Element 'dtdversion': Only 3.0 is supported here.")

  inOrder(operation, ['authentication', 'content'])
  const authentication = child(operation, 'authentication')
  const session = textOf(authentication, 'sessionid')
  const login = child(authentication, 'login')
  if ((session === undefined) === (login === undefined)) {
    throw invalid("Element 'authentication': One of sessionid, login is expected.")
  }
  if (login) inOrder(login, loginParts)
  const functions = functionsOf(child(operation, 'content'))
  for (const { name } of functions) seen(name)
  for (const { name, element } of functions) if (name === 'query') readQuery(element)
  if (functions.length > 1 && functions.some(({ name }) => name === 'getAPISession')) {
    throw invalid("Element 'content': getAPISession must be alone in its request.")
  }
  return {
    senderId: required('senderid'),
    password: required('password'),
    controlId,
    uniqueId: flag(control, 'uniqueid', true),
    policyId: textOf(control, 'policyid') || undefined,
    whitespace: flag(control, 'includewhitespace', true),
    transaction: operation.attributes.transaction === 'true',
    session,
    login: login && {
      userId: textOf(login, 'userid') ?? '',
      companyId: textOf(login, 'companyid') ?? '',
      password: textOf(login, 'password') ?? '',
      locationId: textOf(login, 'locationid'),
    },
    functions,
  }
}

/** The control block of a request that cannot be read further; undefined where not even that can. */
export function readControl(xml: string): Control | undefined {
  const part = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? ''
  const senderId = part('senderid')
  if (senderId === '') return undefined
  return {
    ...{ senderId, controlId: part('controlid'), uniqueId: part('uniqueid') !== 'false' },
    whitespace: part('includewhitespace') !== 'false',
  }
}

function functionsOf(content: Element | undefined): FunctionCall[] {
  if (!content || content.children.length === 0) throw invalid("Element 'content': Missing child element(s).")
  return content.children.map((element) => {
    const [inner, ...more] = element.children
    const { controlid } = element.attributes
    if (element.name !== 'function') throw invalid(`Element '${element.name}': This element is not expected.`)
    if (!controlid) throw invalid("Element 'function': The attribute 'controlid' is required but missing.")
    if (!inner || more.length > 0) throw invalid("Element 'function': Exactly one child element is expected.")
    return { controlId: controlid, name: inner.name, element: inner }
  })
}

function inOrder(element: Element, names: readonly string[]): void {
  let place = -1
  for (const part of element.children) {
    const at = names.indexOf(part.name)
    if (at <= place) throw invalid(`Element '${part.name}': This element is not expected.`)
    place = at
  }
}

function flag(element: Element, name: string, absent: boolean): boolean {
  const text = textOf(element, name)
  if (text === undefined || text === '') return absent
  if (text !== 'true' && text !== 'false') throw invalid(`Element '${name}': '${text}' is not true or false.`)
  return text === 'true'
}

const comparisons: Readonly<Record<string, readonly [least: number, most: number]>> = {
  ...Object.fromEntries(
    [
      'equalto',
      'notequalto',
      'lessthan',
      'lessthanorequalto',
      'greaterthan',
      'greaterthanorequalto',
      'like',
      'notlike',
    ].map((name) => [name, [1, 1] as const]),
  ),
  ...{ between: [2, 2], in: [1, 1000], notin: [1, 1000], isnull: [0, 0], isnotnull: [0, 0] },
}

function condition(element: Element): Condition {
  const { name } = element
  if (name === 'and' || name === 'or') {
    if (element.children.length < 2) throw invalid(`Element '${name}': Missing child element(s).`)
    return { kind: name, of: element.children.map(condition) }
  }
  const range = comparisons[name]
  if (!range) throw invalid(`Element '${name}': This element is not expected.`)
  const values = element.children.filter((one) => one.name === 'value').map(({ text }) => text)
  const fields = element.children.filter((one) => one.name === 'field')
  const [least, most] = range
  if (fields.length !== 1 || fields.length + values.length !== element.children.length) {
    throw invalid(`Element '${name}': One field is expected.`)
  }
  if (values.length < least || values.length > most) throw invalid(`Element '${name}': Wrong number of values.`)
  return { kind: 'test', op: name as Comparison, field: fields[0]?.text.trim() ?? '', values }
}

/** Reads a query; its children in any order, none of them twice. */
export function readQuery(element: Element): QueryCall {
  const known = ['object', 'select', 'filter', 'orderby', 'options', 'docparid', 'pagesize', 'offset']
  const names = element.children.map(({ name }) => name)
  for (const name of names) {
    if (!known.includes(name) || names.indexOf(name) !== names.lastIndexOf(name)) {
      throw invalid(`Element '${name}': This element is not expected.`)
    }
  }
  const object = textOf(element, 'object')
  const select = child(element, 'select')
  if (!object || !select || select.children.length === 0) throw invalid("Element 'query': Missing child element(s).")
  const filter = child(element, 'filter')
  if (filter && filter.children.length !== 1) throw invalid("Element 'filter': Exactly one child element is expected.")
  const fields: string[] = []
  const aggregates: { kind: string; field: string }[] = []
  for (const one of select.children) {
    const { name } = one
    const text = one.text.trim()
    if (name === 'field') fields.push(text)
    else if (['count', 'avg', 'min', 'max', 'sum'].includes(name)) aggregates.push({ kind: name, field: text })
    else throw invalid(`Element '${name}': This element is not expected.`)
  }
  const order = (child(element, 'orderby')?.children ?? []).map((one) => {
    if (one.name !== 'order') throw invalid(`Element '${one.name}': This element is not expected.`)
    return { field: textOf(one, 'field') ?? '', descending: child(one, 'descending') !== undefined }
  })
  const options = child(element, 'options')
  if (options) inOrder(options, ['caseinsensitive', 'showprivate', 'returnformat'])
  const format = (options && textOf(options, 'returnformat')) || 'xml'
  if (format !== 'xml' && format !== 'csv' && format !== 'json') {
    throw invalid(`Element 'returnformat': '${format}' is not xml, csv or json.`)
  }
  return {
    ...{ object, fields, aggregates, order, format },
    filter: filter?.children[0] && condition(filter.children[0]),
    pageSize: count(element, 'pagesize', 100, 1),
    offset: count(element, 'offset', 0, 0),
    caseSensitive: !options || !flag(options, 'caseinsensitive', false),
    showPrivate: options !== undefined && flag(options, 'showprivate', false),
  }
}

function count(element: Element, name: string, absent: number, least: number): number {
  const text = textOf(element, name)
  if (text === undefined || text === '') return absent
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least) throw invalid(`Element '${name}': '${text}' is not valid.`)
  return value
}
