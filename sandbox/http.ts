import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultKind, FaultPlan } from './faults.ts'

/** The body of a request, read to its end; undefined where it is longer than `most` bytes. */
export async function readBody(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= most) chunks.push(chunk)
  }
  return size > most ? undefined : Buffer.concat(chunks)
}

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
export type Aftermath = 'reset-after' | 'cut-body' | 'broken-body' | 'timeout' | 'error-after'

/** One request on its way; the fault that was planned for it meets it here. */
export interface Exchange {
  aftermath: Aftermath | undefined
  /** Makes the presented token unusable. */
  revoke: () => void
}

/** How a vendor words what every server can answer. `wait` are the headers with `retry-after`. */
export interface Refusals {
  expired(): Reply
  unauthorized(): Reply
  throttled(wait: Record<string, string>): Reply
  serverError(): Reply
  unavailable(wait: Record<string, string>): Reply
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  }
}

/**
 * Plays what the plan says for this request: answers, drops or delays now, or notes what happens to the reply. Kinds that
 * only one server knows are given back to the caller.
 */
export async function meetFault(
  plan: FaultPlan,
  site: string,
  exchange: Exchange,
  refusals: Refusals,
  text?: string,
): Promise<FaultKind | undefined> {
  const kind = plan.next(site, text)
  const wait = { 'retry-after': String(plan.delays.retryAfterSeconds) }
  switch (kind) {
    case 'token-expired':
      exchange.revoke()
      throw new ReplyNow(refusals.expired())
    case 'unauthorized':
      throw new ReplyNow(refusals.unauthorized())
    case 'throttled':
      throw new ReplyNow(refusals.throttled(wait))
    case 'server-error':
      throw new ReplyNow(refusals.serverError())
    case 'unavailable':
      throw new ReplyNow(refusals.unavailable(wait))
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
    case 'error-after':
      exchange.aftermath = kind
      return undefined
    case 'slow':
      await delay(plan.delays.slowMs)
      return undefined
    default:
      return kind
  }
}

/** Sends the reply, or what its fault leaves of it; `DropNow` where nothing shall be sent. */
export async function deliver(
  response: ServerResponse,
  reply: Reply,
  { aftermath }: Exchange,
  plan: FaultPlan,
  refusals: Refusals,
): Promise<void> {
  if (aftermath === 'timeout') await delay(plan.delays.timeoutMs)
  if (aftermath === 'timeout' || aftermath === 'reset-after') throw new DropNow()
  if (aftermath === 'broken-body') {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body><h1>Please sign in</h1></body></html>')
    return
  }
  const { status, headers, body } = aftermath === 'error-after' ? refusals.serverError() : reply
  if (status === 204) {
    response.writeHead(status, headers).end()
    return
  }
  if (aftermath === 'cut-body') {
    // Chunked: node-fetch 2 below the Databricks driver notices the cut there, and only there.
    response.writeHead(status, headers).write(body.subarray(0, body.length >> 1), () => response.destroy())
    return
  }
  response.writeHead(status, { 'content-length': String(body.length), ...headers }).end(body)
}
