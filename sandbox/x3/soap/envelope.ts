/** SOAP 1.1, RPC/encoded: a call as it comes, a result and a fault as they go. */
import { child, type Element, escaped, parseXml, XmlError } from '../../xml.ts'
import { CONTEXT, OPERATIONS, type Operation, type PartType, TECHNICAL, WSS } from './operations.ts'

/** What is answered with a SOAP fault and HTTP 500. */
export class SoapFault extends Error {
  readonly code: 'Client' | 'Server'

  constructor(code: 'Client' | 'Server', message: string) {
    super(message)
    this.code = code
  }
}

export interface Call {
  readonly operation: Operation
  readonly context: Readonly<Record<(typeof CONTEXT)[number], string>>
  readonly publicName: string
  /** `objectKeys` of the operations that have them. */
  readonly keys: ReadonlyMap<string, string>
  /** The other parts, as text. */
  readonly parts: Readonly<Record<string, string>>
}

/** 1 a notice, 2 a warning, 3 an error, 4 a fatal one. */
export interface Message {
  readonly type: 1 | 2 | 3 | 4
  readonly message: string
}

/** 1 done, 0 not: both go with HTTP 200. */
export interface Result {
  readonly status: 0 | 1
  readonly messages: readonly Message[]
  readonly resultXml: string | null
}

const local = (name: string): string => name.slice(name.indexOf(':') + 1)
const named = (element: Element | undefined, name: string): Element | undefined =>
  element?.children.find((one) => local(one.name) === name)

/** Reads a call. Throws a SoapFault where it is none of this service. */
export function readCall(xml: string): Call {
  const root = parsed(xml)
  const body = local(root.name) === 'Envelope' ? named(root, 'Body') : undefined
  const [call] = body?.children ?? []
  const operation = local(call?.name ?? '')
  if (!call || !Object.hasOwn(OPERATIONS, operation)) throw new SoapFault('Client', `No such operation '${operation}'`)
  const wanted: Readonly<Record<string, PartType>> = OPERATIONS[operation as Operation]
  const foreign = call.children.find((part) => !Object.hasOwn(wanted, part.name))
  if (foreign) throw new SoapFault('Client', `No such part '${foreign.name}' of ${operation}`)
  const missing = Object.keys(wanted).find((part) => child(call, part) === undefined)
  if (missing) throw new SoapFault('Client', `${operation}: '${missing}' is missing`)
  const context = child(call, 'callContext')
  const texts = Object.keys(wanted).map((part) => [part, child(call, part)?.text ?? ''])
  const { publicName = '', ...parts }: Record<string, string> = Object.fromEntries(texts)
  return {
    operation: operation as Operation,
    context: Object.fromEntries(CONTEXT.map((name) => [name, child(context, name)?.text ?? ''])) as Call['context'],
    publicName,
    keys: pairsOf(child(call, 'objectKeys')),
    parts,
  }
}

function parsed(xml: string): Element {
  try {
    return parseXml(xml)
  } catch (error) {
    if (error instanceof XmlError) throw new SoapFault('Client', `org.xml.sax.SAXParseException: ${error.message}`)
    throw error
  }
}

/** Items of an encoded array: whatever they are called, each has a key and a value. */
const pairsOf = (array: Element | undefined): ReadonlyMap<string, string> =>
  new Map((array?.children ?? []).map((item) => [named(item, 'key')?.text ?? '', named(item, 'value')?.text ?? '']))

const envelope = (body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:wss="${WSS}"><soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`

/** The reply of an operation. */
export function writeResult(operation: Operation, { status, messages, resultXml }: Result): string {
  const items = messages.map(
    ({ message, type }) =>
      `<messages xsi:type="wss:CAdxMessage"><message xsi:type="xsd:string">${escaped(message)}</message><type xsi:type="xsd:string">${type}</type></messages>`,
  )
  const result =
    resultXml === null
      ? '<resultXml xsi:type="xsd:string" xsi:nil="true"/>'
      : `<resultXml xsi:type="xsd:string">${cdata(resultXml)}</resultXml>`
  return envelope(
    `<wss:${operation}Response soapenv:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><${operation}Return xsi:type="wss:CAdxResultXml"><messages soapenc:arrayType="wss:CAdxMessage[${items.length}]" xsi:type="soapenc:Array">${items.join('')}</messages>${result}<status xsi:type="xsd:int">${status}</status>${technical()}</${operation}Return></wss:${operation}Response>`,
  )
}

const ZERO = { boolean: 'false', double: '0.0', int: '0', string: '' } as const

const technical = (): string =>
  `<technicalInfos xsi:type="wss:CAdxTechnicalInfos">${Object.entries(TECHNICAL)
    .map(([name, type]) => `<${name} xsi:type="xsd:${type}">${ZERO[type]}</${name}>`)
    .join('')}</technicalInfos>`

const cdata = (text: string): string => `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`

export const writeFault = ({ code, message }: SoapFault): string =>
  envelope(
    `<soapenv:Fault><faultcode>soapenv:${code}</faultcode><faultstring>${escaped(message)}</faultstring></soapenv:Fault>`,
  )
