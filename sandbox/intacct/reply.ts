import { indented, leaf } from '../xml.ts'
import { errorMessage, type FunctionError, type RequestError } from './errors.ts'
import type { Control } from './request.ts'

/** What a function gives back: its `<data>` element, or a body without an envelope. */
export type Outcome = { readonly data: string } | { readonly body: string; readonly type: string }

/** Who was let in, for how long. */
export interface SignedIn {
  readonly userId: string
  readonly companyId: string
  readonly location: string
  /** Milliseconds. */
  readonly now: number
  readonly expires: number
}

/** `2022-02-07T20:21:01+00:00`. */
export const sessionTime = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}+00:00`

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

function controlXml(status: 'success' | 'failure', control: Control | undefined): string {
  const named = control
    ? `${leaf('senderid', control.senderId)}${leaf('controlid', control.controlId)}${leaf('uniqueid', String(control.uniqueId))}${leaf('dtdversion', '3.0')}`
    : ''
  return `<control>${leaf('status', status)}${named}</control>`
}

function document(control: Control | undefined, inside: string): string {
  const xml = `<response>${inside}</response>`
  return declaration + (control?.whitespace === false ? xml : indented(xml))
}

/** The reply to a request whose functions were done, well or not. */
export function success(control: Control, who: SignedIn, results: readonly string[]): string {
  const authentication = `<authentication>${leaf('status', 'success')}${leaf('userid', who.userId)}${leaf('companyid', who.companyId)}${leaf('locationid', who.location)}${leaf('sessiontimestamp', sessionTime(who.now))}${leaf('sessiontimeout', sessionTime(who.expires))}</authentication>`
  return document(
    control,
    `${controlXml('success', control)}<operation>${authentication}${results.join('')}</operation>`,
  )
}

/** The reply to a request that failed as a whole; the message stands beside control or beside authentication. */
export function failure(error: RequestError, control: Control | undefined, user = '', company = ''): string {
  if (error.level === 'control') {
    const named = error.named ? control : undefined
    return document(control, `${controlXml('failure', named)}${errorMessage(error.errors)}`)
  }
  const authentication = `<authentication>${leaf('status', 'failure')}${leaf('userid', user)}${leaf('companyid', company)}</authentication>`
  return document(
    control,
    `${controlXml('success', control)}<operation>${authentication}${errorMessage(error.errors)}</operation>`,
  )
}

const head = (status: string, name: string, controlId: string): string =>
  `${leaf('status', status)}${leaf('function', name)}${leaf('controlid', controlId)}`

export function doneResult(name: string, controlId: string, data: string): string {
  return `<result>${head('success', name, controlId)}${data}</result>`
}

export function failedResult(
  name: string,
  controlId: string,
  error: FunctionError,
  status: 'failure' | 'aborted' = 'failure',
): string {
  return `<result>${head(status, name, controlId)}${error.data ?? ''}${errorMessage(error.errors)}</result>`
}
