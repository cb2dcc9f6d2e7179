import { json, type Refusals, type Reply, ReplyNow } from '../http.ts'
import type { BaswareSettings } from './options.ts'

/** One error in the body of a refusal. */
export interface Fault {
  readonly externalCode?: string
  readonly type: 'BUSINESS' | 'VALIDATION' | 'TECHNICAL' | 'SECURITY'
  readonly code:
    | 'SCHEMA_VALIDATION_ERROR'
    | 'CONFLICT_IN_POST'
    | 'EXTERNAL_CODE_MISMATCH'
    | 'PARAMETER_VALIDATION_ERROR'
    | 'DATA_VALIDATION_FAILED'
    | 'UNEXPECTED_ERROR'
    | 'SNS_PUBLISH_ERROR'
  readonly message: string
  readonly info: string
}

/** How this server words its refusals; the request's id stands in the body too where there is one. */
export interface Words extends Refusals {
  /** A status that the contract has no body for. */
  bare(status: number): Reply
  refuse(status: number, ...faults: Fault[]): ReplyNow
}

const REASONS: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Request Too Long',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
}

export function wordsFor(requestId: string, settings: () => BaswareSettings): Words {
  const bare = (status: number, headers: Record<string, string> = {}): Reply =>
    settings().bare === 'empty'
      ? { status, headers, body: Buffer.alloc(0) }
      : json(status, { message: REASONS[status] ?? 'Error' }, headers)
  // With the header too: a reply that a fault has put in the place of another is not marked with it later.
  const list = (status: number, errors: readonly Fault[]): Reply =>
    json(status, { requestId, hasErrors: true, errors }, { 'x-amzn-requestid': requestId })
  const wait = (headers: Record<string, string>): Record<string, string> => (settings().retryAfter ? headers : {})
  return {
    bare: (status) => bare(status),
    refuse: (status, ...faults) => new ReplyNow(list(status, faults)),
    expired: () => bare(401),
    unauthorized: () => bare(401),
    throttled: (headers) => bare(429, wait(headers)),
    serverError: () =>
      list(500, [fault('TECHNICAL', 'SNS_PUBLISH_ERROR', 'The message could not be handed on.', 'Try again later.')]),
    unavailable: (headers) => bare(503, wait(headers)),
  }
}

export function fault(type: Fault['type'], code: Fault['code'], message: string, info: string): Fault {
  return { type, code, message, info }
}

/** A request whose body is not as the contract says. */
export const invalid = (message: string, externalCode?: string): Fault => ({
  ...(externalCode === undefined ? {} : { externalCode }),
  ...fault('VALIDATION', 'SCHEMA_VALIDATION_ERROR', message, 'The data does not match the schema.'),
})

export const parameter = (message: string): Fault =>
  fault('VALIDATION', 'PARAMETER_VALIDATION_ERROR', message, 'A parameter of the request is not valid.')
