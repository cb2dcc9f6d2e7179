/** Calls of `CAdxWebServiceXmlCC` (SOAP 1.1, RPC/encoded) and what comes back (x3.md facts, 5). */
import { readXml, type XmlElement } from '../../../../vendor/xml.ts'
import { writeXml, xmlText } from './object.ts'
import { SOAP_WORDS } from './words.ts'

const WSS = 'http://www.adonix.com/WSS'
const ENCODING = 'http://schemas.xmlsoap.org/soap/encoding/'

export type SoapOperation = 'getDescription' | 'save' | 'read' | 'query' | 'delete'

export interface CallContext {
  /** Pool of sessions that works on the call. */
  readonly pool: string
  /** `ENG`, `FRA`: the language of messages. */
  readonly language: string
  /** Further settings, joined by `&`; how results are written is always said by us. */
  readonly requestConfig: string
}

/** The parts of a call behind its context. */
export interface CallParts {
  readonly publicName: string
  readonly objectKeys?: Readonly<Record<string, string>>
  readonly listSize?: number
  readonly objectXml?: string
}

/** 1 a notice, 2 a warning, 3 an error, 4 a fatal one. */
export interface SoapMessage {
  readonly type: number
  readonly text: string
}

export type SoapReply =
  | {
      readonly kind: 'result'
      readonly status: string
      readonly messages: readonly SoapMessage[]
      readonly resultXml: string
    }
  | { readonly kind: 'fault'; readonly text: string }

const string = (text: string) => ({ '@xsi:type': 'xsd:string', '#text': xmlText(text) })

export function writeCall(operation: SoapOperation, context: CallContext, parts: CallParts): string {
  const keys = Object.entries(parts.objectKeys ?? {})
  return writeXml({
    'soapenv:Envelope': {
      '@xmlns:soapenv': 'http://schemas.xmlsoap.org/soap/envelope/',
      '@xmlns:soapenc': ENCODING,
      '@xmlns:xsd': 'http://www.w3.org/2001/XMLSchema',
      '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
      '@xmlns:wss': WSS,
      'soapenv:Body': {
        [`wss:${operation}`]: {
          '@soapenv:encodingStyle': ENCODING,
          callContext: {
            '@xsi:type': 'wss:CAdxCallContext',
            codeLang: string(context.language),
            // They are in the description and are not looked at: the login is that of HTTP.
            codeUser: string(''),
            password: string(''),
            poolAlias: string(context.pool),
            poolId: string(''),
            requestConfig: string(['adxwss.optreturn=XML', context.requestConfig].filter(Boolean).join('&')),
          },
          publicName: string(parts.publicName),
          ...(parts.objectKeys
            ? {
                objectKeys: {
                  '@xsi:type': 'soapenc:Array',
                  '@soapenc:arrayType': `wss:CAdxParamKeyValue[${keys.length}]`,
                  item: keys.map(([key, value]) => ({
                    '@xsi:type': 'wss:CAdxParamKeyValue',
                    key: string(key),
                    value: string(value),
                  })),
                },
              }
            : {}),
          ...(parts.listSize === undefined
            ? {}
            : { listSize: { '@xsi:type': 'xsd:int', '#text': String(parts.listSize) } }),
          ...(parts.objectXml === undefined ? {} : { objectXml: string(parts.objectXml) }),
        },
      },
    },
  })
}

/** What a body says; undefined: it is XML, and no answer of the web services. Throws a `SyncError` for what is no XML. */
export function readReply(body: Uint8Array, what: string): SoapReply | undefined {
  const root = readXml(body, what, SOAP_WORDS)
  const parts = root.name === 'Envelope' ? childOf(root, 'Body')?.children : undefined
  const fault = parts?.find(({ name }) => name === 'Fault')
  if (fault) return { kind: 'fault', text: textOf(fault, 'faultstring') || textOf(fault, 'faultcode') }
  // Parts that are referred to (`href="#id0"`) stand beside the one that refers to them.
  const referred = new Map((parts ?? []).map((part) => [`#${part.attributes.id ?? ''}`, part]))
  const followed = (element: XmlElement | undefined): XmlElement | undefined =>
    element && (referred.get(element.attributes.href ?? '') ?? element)
  const returned = followed(parts?.[0]?.children.find(({ name }) => name.endsWith('Return')))
  const status = returned && childOf(returned, 'status')
  if (!returned || !status) return undefined
  return {
    kind: 'result',
    status: status.text.trim(),
    messages: messagesIn(followed(childOf(returned, 'messages')), followed),
    resultXml: childOf(returned, 'resultXml')?.text.trim() ?? '',
  }
}

function messagesIn(
  list: XmlElement | undefined,
  followed: (element: XmlElement | undefined) => XmlElement | undefined,
): SoapMessage[] {
  return (list?.children ?? []).flatMap((item) => {
    const message = followed(item)
    const text = message ? textOf(message, 'message') : ''
    return message && text !== '' ? [{ type: Number(textOf(message, 'type')) || 0, text }] : []
  })
}

const childOf = (element: XmlElement, name: string): XmlElement | undefined =>
  element.children.find((child) => child.name === name)
const textOf = (element: XmlElement, name: string): string => childOf(element, name)?.text.trim() ?? ''
