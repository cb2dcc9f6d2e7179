import { child, type Element, escaped, parseXml } from '../../sandbox/xml.ts'
import type { X3Fixture } from './x3.ts'

export interface SoapAnswer {
  readonly http: number
  readonly body: string
  /** Of the result; undefined: there is none. */
  readonly status: string | undefined
  readonly messages: readonly string[]
  readonly resultXml: string
  readonly fault: string | undefined
}

export type Line = Readonly<Record<string, string>>

/** Any element of the tree with this name, the prefix left out. */
export function deep(element: Element, name: string): Element | undefined {
  if (element.name.split(':').at(-1) === name) return element
  for (const one of element.children) {
    const found = deep(one, name)
    if (found) return found
  }
  return undefined
}

/** Calls operations as Sage's own tester writes them. */
export function soapCaller({ x3, token }: Pick<X3Fixture, 'x3' | 'token'>) {
  const { pool, publication, url } = x3.soap
  const text = (name: string, value: string): string => `<${name} xsi:type="xsd:string">${escaped(value)}</${name}>`

  /** `parts`: the parts behind `publicName`; a list becomes an array of keys and values. */
  async function call(
    operation: string,
    parts: Readonly<Record<string, string | readonly (readonly [string, string])[]>>,
    given: { pool?: string; publication?: string; form?: 'JSON' | 'XML'; authorization?: string } = {},
  ): Promise<SoapAnswer> {
    const context = `<callContext xsi:type="wss:CAdxCallContext">${text('codeLang', 'ENG')}${text('poolAlias', given.pool ?? pool)}${text('poolId', '')}${text('requestConfig', `adxwss.optreturn=${given.form ?? 'XML'}&adxwss.trace.on=off`)}</callContext>`
    const items = Object.entries(parts).map(([name, value]) =>
      typeof value === 'string'
        ? text(name, value)
        : `<${name} soapenc:arrayType="wss:CAdxParamKeyValue[${value.length}]" xsi:type="soapenc:Array">${value.map(([key, of]) => `<item>${text('key', key)}${text('value', of)}</item>`).join('')}</${name}>`,
    )
    return post(
      `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:wss="http://www.adonix.com/WSS"><soapenv:Body><wss:${operation} soapenv:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">${context}${text('publicName', given.publication ?? publication)}${items.join('')}</wss:${operation}></soapenv:Body></soapenv:Envelope>`,
      given.authorization,
    )
  }

  async function post(body: string, authorization = `Bearer ${token()}`): Promise<SoapAnswer> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'text/xml; charset=utf-8', soapaction: '""' },
      body,
    })
    return answerOf(response.status, await response.text())
  }
  return { call, post }
}

function answerOf(http: number, body: string): SoapAnswer {
  const root = body.startsWith('<?xml') ? parseXml(body) : undefined
  const messages = root && deep(root, 'messages')
  return {
    http,
    body,
    status: root && deep(root, 'status')?.text,
    messages: messages?.children.map((one) => child(one, 'message')?.text ?? '') ?? [],
    resultXml: (root && deep(root, 'resultXml')?.text) ?? '',
    fault: root && deep(root, 'faultstring')?.text,
  }
}

const fields = (values: Line): string =>
  Object.entries(values)
    .map(([name, value]) => `<FLD NAME="${name}" TYPE="Char">${escaped(value)}</FLD>`)
    .join('')

/** An `objectXml`. */
export function objectXml(groups: Readonly<Record<string, Line>>, table: string, lines: readonly Line[]): string {
  const parts = Object.entries(groups).map(([id, values]) => `<GRP ID="${id}">${fields(values)}</GRP>`)
  const items = lines.map((line, k) => `<LIN NUM="${k + 1}">${fields(line)}</LIN>`)
  return `<?xml version="1.0" encoding="UTF-8"?><PARAM>${parts.join('')}<TAB DIM="1000" ID="${table}" SIZE="${lines.length}">${items.join('')}</TAB></PARAM>`
}

/** A field of an object or of a list in XML. */
export const fieldOf = (xml: string, name: string): string | undefined =>
  new RegExp(`<FLD NAME="${name}" TYPE="\\w+">([^<]*)</FLD>`).exec(xml)?.[1]
