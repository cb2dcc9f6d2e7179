/** The description of the service, written from its operations. */
import { CONTEXT, OPERATIONS, type PartType, TECHNICAL, WSS } from './operations.ts'

const TYPES: Readonly<Record<PartType, string>> = {
  context: 'impl:CAdxCallContext',
  text: 'xsd:string',
  number: 'xsd:int',
  pairs: 'impl:ArrayOfCAdxParamKeyValue',
  texts: 'impl:ArrayOf_xsd_string',
}

/** `url`: where the operations are posted to. */
export function wsdl(url: string): string {
  const operations = Object.entries(OPERATIONS)
  return `<?xml version="1.0" encoding="utf-8"?>
<wsdl:definitions targetNamespace="${WSS}" xmlns:impl="${WSS}" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:wsdlsoap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
<wsdl:types><xsd:schema targetNamespace="${WSS}" xmlns="http://www.w3.org/2001/XMLSchema">
<xsd:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>
${types()}
</xsd:schema></wsdl:types>
${operations.map(([name, parts]) => messages(name, parts)).join('\n')}
<wsdl:portType name="CAdxWebServiceXmlCC">
${operations.map(([name, parts]) => operation(name, Object.keys(parts).join(' '))).join('\n')}
</wsdl:portType>
<wsdl:binding name="CAdxWebServiceXmlCCSoapBinding" type="impl:CAdxWebServiceXmlCC">
<wsdlsoap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
${operations.map(([name]) => binding(name)).join('\n')}
</wsdl:binding>
<wsdl:service name="CAdxWebServiceXmlCCService">
<wsdl:port name="CAdxWebServiceXmlCC" binding="impl:CAdxWebServiceXmlCCSoapBinding"><wsdlsoap:address location="${url}"/></wsdl:port>
</wsdl:service>
</wsdl:definitions>
`
}

function types(): string {
  const text = (name: string) => element(name, 'xsd:string', true)
  return [
    sequence('CAdxCallContext', CONTEXT.map(text)),
    sequence('CAdxMessage', ['message', 'type'].map(text)),
    array('ArrayOfCAdxMessage', 'impl:CAdxMessage[]'),
    sequence(
      'CAdxTechnicalInfos',
      Object.entries(TECHNICAL).map(([name, type]) => element(name, `xsd:${type}`, type === 'string')),
    ),
    sequence('CAdxResultXml', [
      element('messages', 'impl:ArrayOfCAdxMessage', true),
      text('resultXml'),
      element('status', 'xsd:int', false),
      element('technicalInfos', 'impl:CAdxTechnicalInfos', true),
    ]),
    sequence('CAdxParamKeyValue', ['key', 'value'].map(text)),
    array('ArrayOfCAdxParamKeyValue', 'impl:CAdxParamKeyValue[]'),
    array('ArrayOf_xsd_string', 'xsd:string[]'),
  ].join('\n')
}

const element = (name: string, type: string, nillable: boolean): string =>
  `<xsd:element name="${name}"${nillable ? ' nillable="true"' : ''} type="${type}"/>`

const sequence = (name: string, members: readonly string[]): string =>
  `<xsd:complexType name="${name}"><xsd:sequence>${members.join('')}</xsd:sequence></xsd:complexType>`

const array = (name: string, type: string): string =>
  `<xsd:complexType name="${name}"><xsd:complexContent><xsd:restriction base="soapenc:Array"><xsd:attribute ref="soapenc:arrayType" wsdl:arrayType="${type}"/></xsd:restriction></xsd:complexContent></xsd:complexType>`

const messages = (name: string, parts: Readonly<Record<string, PartType>>): string =>
  `<wsdl:message name="${name}Request">${Object.entries(parts)
    .map(([part, type]) => `<wsdl:part name="${part}" type="${TYPES[type]}"/>`)
    .join(
      '',
    )}</wsdl:message>\n<wsdl:message name="${name}Response"><wsdl:part name="${name}Return" type="impl:CAdxResultXml"/></wsdl:message>`

const operation = (name: string, order: string): string =>
  `<wsdl:operation name="${name}" parameterOrder="${order}"><wsdl:input name="${name}Request" message="impl:${name}Request"/><wsdl:output name="${name}Response" message="impl:${name}Response"/></wsdl:operation>`

const body = `<wsdlsoap:body use="encoded" namespace="${WSS}" encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/>`

const binding = (name: string): string =>
  `<wsdl:operation name="${name}"><wsdlsoap:operation soapAction=""/><wsdl:input name="${name}Request">${body}</wsdl:input><wsdl:output name="${name}Response">${body}</wsdl:output></wsdl:operation>`
