import { json, type Refusals, type Reply } from '../http.ts'

/** A failure as Databricks' front end answers it, to REST and Thrift callers alike. */
export function failure(status: number, code: string, message: string, headers: Record<string, string> = {}): Reply {
  // Header values are limited to one line of Latin-1.
  const reason = message.replace(/[^\x20-\x7e]/g, ' ').slice(0, 500)
  return json(
    status,
    { error_code: code, message },
    { 'x-thriftserver-error-message': reason, 'x-databricks-reason-phrase': reason, ...headers },
  )
}

export const refusals: Refusals = {
  expired: () => failure(403, '403', 'Invalid access token.'),
  unauthorized: () => failure(401, '401', 'Credential was not sent or was of an unsupported type for this API.'),
  throttled: (wait) =>
    failure(429, 'REQUEST_LIMIT_EXCEEDED', 'Too many requests. Please wait a moment and try again.', wait),
  serverError: () => failure(500, 'INTERNAL_ERROR', 'An internal error occurred.'),
  unavailable: (wait) =>
    failure(503, 'TEMPORARILY_UNAVAILABLE', 'The service at this address is temporarily unavailable.', wait),
}
