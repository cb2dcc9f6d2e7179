import { setTimeout as delay } from 'node:timers/promises'
import type { FaultKind, FaultPlan } from '../faults.ts'

/** One HTTP answer. */
export interface Reply {
  status: number
  headers: Record<string, string>
  body: Buffer
}

/** Thrown to answer at once with something else than the result. */
export class ReplyNow extends Error {
  readonly reply: Reply

  constructor(reply: Reply) {
    super(`HTTP ${reply.status}`)
    this.reply = reply
  }
}

/** Thrown to drop the connection without an answer. */
export class DropNow extends Error {}

/** Something to do with the reply after the request was done. */
export type Aftermath = 'reset-after' | 'cut-body' | 'broken-body' | 'timeout'

/** One request on its way; the fault that was planned for it meets it here. */
export interface Exchange {
  aftermath: Aftermath | undefined
  /** Makes the presented token unusable. */
  revoke: () => void
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  }
}

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

/**
 * Plays what the plan says for this request: answers, drops or delays now, or notes what happens to the reply. Kinds that
 * only a warehouse knows are given back to the caller.
 */
export async function meetFault(
  plan: FaultPlan,
  site: string,
  exchange: Exchange,
  text?: string,
): Promise<FaultKind | undefined> {
  const kind = plan.next(site, text)
  const retryAfter = { 'retry-after': String(plan.delays.retryAfterSeconds) }
  switch (kind) {
    case 'token-expired':
      exchange.revoke()
      throw new ReplyNow(failure(403, '403', 'Invalid access token.'))
    case 'unauthorized':
      throw new ReplyNow(failure(401, '401', 'Credential was not sent or was of an unsupported type for this API.'))
    case 'throttled':
      throw new ReplyNow(
        failure(429, 'REQUEST_LIMIT_EXCEEDED', 'Too many requests. Please wait a moment and try again.', retryAfter),
      )
    case 'server-error':
      throw new ReplyNow(failure(500, 'INTERNAL_ERROR', 'An internal error occurred.'))
    case 'unavailable':
      throw new ReplyNow(
        failure(503, 'TEMPORARILY_UNAVAILABLE', 'The service at this address is temporarily unavailable.', retryAfter),
      )
    case 'reset-before':
      throw new DropNow()
    case 'timeout': {
      const timesHere = plan.met()[`${site}/timeout`] ?? 0
      if (timesHere % 2 === 0) {
        exchange.aftermath = 'timeout'
        return undefined
      }
      await delay(plan.delays.timeoutMs)
      throw new DropNow()
    }
    case 'reset-after':
    case 'cut-body':
    case 'broken-body':
      exchange.aftermath = kind
      return undefined
    case 'slow':
      await delay(plan.delays.slowMs)
      return undefined
    default:
      return kind
  }
}
