/** Requests to the gateway: within the limits, counted, their results matched to what was asked. */
import type { Dispatcher } from 'undici'
import { syncError } from '../../../sync/contract/errors.ts'
import { type Limiter, limiter } from '../../../vendor/limiter.ts'
import { LOGIN_BYTES, TOTAL_MS } from '../../../vendor/limits.ts'
import type { ServerClock } from './clock.ts'
import { gatewayError } from './errors.ts'
import { checkHost, post } from './http.ts'
import type { IntacctOptions } from './options.ts'
import { type FunctionResult, type GatewayReply, replyLimits } from './reply.ts'
import { type Authentication, type GatewayFunction, writeRequest } from './request.ts'
import type { SignedIn } from './session.ts'

export interface CallOptions {
  /** What is read, for messages: `supplier`. */
  readonly what: string
  readonly signal: AbortSignal
  /** Called before each attempt: takes the read number. */
  readonly onAttempt?: () => void
}

/** Calls that count on the bill, by month (`2026-11`) and object. */
export type CallCounts = ReadonlyMap<string, ReadonlyMap<string, number>>

export interface Exchange {
  /** Sends functions in one request, once. Throws `SyncError`s. */
  send(
    url: URL,
    authentication: Authentication,
    functions: readonly GatewayFunction[],
    options: CallOptions,
  ): Promise<{ readonly reply: GatewayReply; readonly results: readonly FunctionResult[] }>
  /** Requests sent so far, sign-ins among them. */
  requests(): number
  /** Calls that count, since the last time this was asked. */
  takeCalls(): CallCounts
}

export function createExchange(
  options: IntacctOptions,
  given: { readonly clock: ServerClock; readonly dispatcher: Dispatcher; readonly timeoutMs: number },
): Exchange {
  const { clock, dispatcher, timeoutMs } = given
  const line: Limiter = options.line ?? limiter({ concurrency: options.concurrency ?? 1, now: Date.now })
  const own = limiter({
    concurrency: 64,
    now: Date.now,
    ...(options.requestsPerSecond ? { requestsPerSecond: options.requestsPerSecond } : {}),
    ...(options.quietHours ? { quietHours: options.quietHours } : {}),
  })
  const counts = new Map<string, Map<string, number>>()
  let requests = 0

  const count = (functions: readonly GatewayFunction[]): void => {
    const month = new Date(clock.now()).toISOString().slice(0, 7)
    for (const one of functions) {
      if (one.name !== 'query') continue
      const objects = counts.get(month) ?? new Map<string, number>()
      counts.set(month, objects.set(one.query.object, (objects.get(one.query.object) ?? 0) + 1))
    }
  }

  const send: Exchange['send'] = (url, authentication, functions, { what, signal, onAttempt }) =>
    own(
      () =>
        line(async () => {
          requests++
          count(functions)
          onAttempt?.()
          const { xml, ids } = writeRequest(options, authentication, functions)
          const reply = await post({
            url,
            xml,
            dispatcher,
            route: options,
            timeoutMs,
            totalMs: options.totalMs ?? TOTAL_MS,
            limits: {
              maxBytes: authentication.kind === 'login' ? LOGIN_BYTES : (options.maxReplyBytes ?? replyLimits.maxBytes),
            },
            signal,
            what,
            date: clock.learn,
          })
          if (!clock.known()) clock.learn(reply.authentication?.sessiontimestamp)
          return { reply, results: resultsOf(reply, functions, ids, what) }
        }, signal),
      signal,
    )

  return {
    send,
    requests: () => requests,
    takeCalls() {
      const taken = new Map(counts)
      counts.clear()
      return taken
    },
  }
}

/** A session of the API user, where calls go from then on. */
export async function signIn(
  options: IntacctOptions,
  exchange: Exchange,
  { gateway, allowed }: { readonly gateway: URL; readonly allowed: readonly string[] },
  signal: AbortSignal,
): Promise<SignedIn> {
  const login = {
    kind: 'login',
    company: options.company,
    user: options.user,
    password: options.password,
    entity: options.entity ?? '',
  } as const
  const { reply, results } = await exchange.send(gateway, login, [{ name: 'getAPISession' }], {
    what: 'Sign-in to Intacct',
    signal,
  })
  const api = results[0]?.rows.find((row) => row.tag.toLowerCase() === 'api')
  const { SESSIONID: id, ENDPOINT: endpoint } = api?.fields ?? {}
  if (!id || !endpoint)
    throw syncError('transient', 'intacct.shape', 'Sign-in to Intacct: the answer holds no session', {
      hint: 'If it stays, tell the support of Sage.',
    })
  const url = checkHost(endpoint, allowed, 'The endpoint of the session')
  return { id, endpoint: url, ends: reply.authentication?.sessiontimeout }
}

/** Results in the order of the functions, matched by control id; a function without one makes the reply incomplete. */
function resultsOf(
  reply: GatewayReply,
  functions: readonly GatewayFunction[],
  ids: readonly string[],
  what: string,
): FunctionResult[] {
  return functions.map((asked, index) => {
    const result =
      reply.results.find(({ controlid }) => controlid === ids[index]) ??
      // Where the whole operation failed some gateways answer once for all.
      (functions.length === 1 && reply.results[0]?.controlid === '' ? reply.results[0] : undefined)
    if (!result)
      throw syncError('transient', 'intacct.shape', `${what}: Intacct did not answer ${asked.name}`, {
        hint: 'If it stays, tell the support of Sage.',
      })
    if (asked.name === 'getAPISession' && result.status !== 'success') throw failed(result, what)
    return result
  })
}

/** A failed result; rows that came with it are a part of the work only, and are thrown away. */
export function failed(result: FunctionResult, what: string) {
  const error = gatewayError('result', result.errors, what)
  if (result.rows.length > 0) error.message += `. ${result.rows.length} rows that came with the failure were not used`
  return error
}
