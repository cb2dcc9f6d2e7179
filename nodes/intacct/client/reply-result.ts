/** Takes from the elements of a reply what they say: results, errors, control and authentication. */
import type { DataRow, Element, FunctionResult, GatewayError, GatewayReply } from './reply-types.ts'

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

/** A result whose elements and rows are all here. */
export function resultOf(element: Element, data: FunctionResult['data'], rows: DataRow[]): FunctionResult {
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

/** The whole reply: what stands outside of rows, and its results. */
export function replyOf(
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
