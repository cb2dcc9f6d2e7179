import { json, type Refusals, type Reply, ReplyNow } from '../http.ts'

/** The four envelopes that the service's refusals come in. */

export interface Detail {
  message: string
  target: string
}

/** `{error: {code, message, details}}` */
export function failure(status: number, code: string, message?: string, details?: readonly Detail[]): Reply {
  return json(status, {
    error: { code, ...(message === undefined ? {} : { message }), ...(details ? { details } : {}) },
  })
}

/** `{error: {code, "pbi.error": {..}}}` */
export function pbiFailure(status: number, code: string, details: readonly object[] = []): Reply {
  return json(status, {
    error: { code, 'pbi.error': { code, parameters: {}, details, exceptionCulprit: 1 } },
  })
}

/** `{code, message}` */
export function bareFailure(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Reply {
  return json(status, { code, message }, headers)
}

/** `{message}` */
export function messageOnly(status: number, message: string, headers: Record<string, string> = {}): Reply {
  return json(status, { message }, headers)
}

export const refuse = (reply: Reply): ReplyNow => new ReplyNow(reply)

export const notAuthorized = (status = 401): Reply =>
  status === 404 ? notFound() : pbiFailure(status, 'PowerBINotAuthorizedException')
export const notFound = (): Reply => failure(404, 'PowerBIEntityNotFound')
export const tokenExpired = (): Reply =>
  failure(403, 'TokenExpired', 'Access token has expired, resubmit with a new access token')
export const badRequest = (message: string, target: string): Reply =>
  failure(400, 'BadRequest', 'Bad Request', [{ message, target }])
export const notPush = (dataset: string): Reply =>
  failure(404, 'ItemNotFound', `Dataset ${dataset} is not Push API dataset.`)
export const noTable = (dataset: string, table: string): Reply =>
  failure(404, 'ItemNotFound', `Table '<pi>${table}</pi>' not found in dataset 'sobe_wowvirtualserver|${dataset}'`)

/** Creating a real-time dataset where Microsoft has ended that. */
export function featureDeprecated(): Reply {
  const detail = (code: string, value: string) => ({ code, detail: { type: 0, value } })
  return pbiFailure(400, 'FeatureDeprecatedError', [
    detail(
      'LearnMoreLink',
      'https://learn.microsoft.com/en-us/power-bi/connect-data/service-real-time-streaming#types-of-real-time-semantic-models',
    ),
    detail(
      'FeatureDeprecatedMessage',
      'Creation of streaming dataset is deprecated. We recommend exploring Real-Time Intelligence in Microsoft Fabric.',
    ),
  ])
}

/** A DAX query that fails. */
export function queryFailed(message: string): Reply {
  return pbiFailure(400, 'DatasetExecuteQueriesError', [
    { code: 'DetailsMessage', detail: { type: 1, value: message } },
    { code: 'AnalysisServicesErrorCode', detail: { type: 1, value: '3239575574' } },
  ])
}

export function throttled(wait: Record<string, string>): Reply {
  const seconds = wait['retry-after'] ?? '1'
  return messageOnly(
    429,
    `You have exceeded the amount of requests allowed in the current time frame and further requests will fail. Retry in ${seconds} seconds.`,
    wait,
  )
}

/** How this server words what a fault plan makes it answer. */
export const refusals: Refusals = {
  expired: tokenExpired,
  unauthorized: () => notAuthorized(),
  throttled,
  serverError: () => bareFailure(500, 'InternalServerError', 'An unexpected error occurred.'),
  unavailable: (wait) => bareFailure(503, 'ServiceUnavailable', 'The service is temporarily unavailable.', wait),
}
