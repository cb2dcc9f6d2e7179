/** A connection to one company of Sage Intacct: session, clock, limits, retries and the count of calls. */
import type { Dispatcher } from 'undici'
import { syncError } from '../../../sync/contract/errors.ts'
import { type RetryContext, type RetryOptions, withRetry } from '../../../sync/contract/retry.ts'
import { dispatcherOf } from '../../../vendor/dispatcher.ts'
import {
  type Formatting,
  type ServerClock,
  sameFormatting,
  serverClock,
  unreadableFormat,
  type Zone,
  zoneOf,
} from './clock.ts'
import { type CallCounts, type CallOptions, createExchange, failed, signIn } from './exchange.ts'
import { askDate, checkHost } from './http.ts'
import { GATEWAY, type IntacctOptions } from './options.ts'
import type { FunctionResult, GatewayReply } from './reply.ts'
import type { GatewayFunction } from './request.ts'
import { createSession, type Session } from './session.ts'

/** A success: every function's own result. */
export interface CallReply {
  readonly results: readonly FunctionResult[]
  /** What a person should know of this reply. */
  readonly notices: readonly string[]
}

export interface IntacctConnection {
  /** `intacct://COMPANY/ENTITY`: the identity of what is read; with the gateway's host where that is not Sage's. */
  readonly address: string
  readonly gateway: string
  readonly company: string
  readonly entity: string
  readonly user: string
  readonly clock: ServerClock
  readonly retry?: Partial<RetryOptions>
  /** Sends functions in one request, once; a session that has ended is renewed once. Throws `SyncError`s; a failed result throws its rows away with it. */
  call(functions: readonly GatewayFunction[], options: CallOptions): Promise<CallReply>
  /** The same, tried again after what may pass. */
  callRetrying(
    functions: readonly GatewayFunction[],
    options: CallOptions & { readonly waiting?: ((what: string) => void) | undefined },
  ): Promise<CallReply>
  /** Learns the server's time anew, without a call of the API where that works. */
  askClock(signal: AbortSignal): Promise<void>
  /** How the API user's dates are written; asked once for each session, along with its first call. */
  formatting(signal: AbortSignal): Promise<Formatting>
  /** The zone of stamps. Throws a `config` error where the user's settings cannot be read for certain. */
  zone(signal: AbortSignal): Promise<Zone>
  /** Where calls of this session go. */
  endpoint(): string | undefined
  listen(waiting: (what: string) => void): () => void
  /** Requests sent so far, sign-ins among them. */
  requests(): number
  /** Calls that count, since the last time this was asked. */
  takeCalls(): CallCounts
  close(): Promise<void>
}

/** How requests are tried again: reads are idempotent, and what a new session cures was cured already. */
export const retryContext = (signal: AbortSignal, waiting?: (what: string) => void): RetryContext => ({
  signal,
  waiting: waiting ?? (() => {}),
  idempotent: true,
  // A second session that ended at once is tried once more.
  renew: async () => {},
})

/** `dispatcher` replaces the pool of connections (tests). */
export function createIntacctConnection(options: IntacctOptions, given?: Dispatcher): IntacctConnection {
  const allowed = options.allowedHosts ?? []
  const gateway = checkHost(options.gateway || GATEWAY, allowed, 'The gateway')
  const entity = options.entity ?? ''
  const clock = serverClock()
  const timeoutMs = options.timeoutMs ?? 300_000
  const dispatcher = given ?? dispatcherOf(options, { timeoutMs })
  const timeZone = options.timeZone?.trim() || 'auto'
  const fixedZone = timeZone === 'auto' ? undefined : zoneOf(timeZone)
  const listeners = new Set<(what: string) => void>()
  let known: Formatting | undefined

  const exchange = createExchange(options, { clock, dispatcher, timeoutMs })

  const session = createSession({
    clock,
    minutes: options.sessionMinutes ?? 50,
    signIn: (signal) => signIn(options, exchange, { gateway, allowed }, signal),
  })

  const once = async (functions: readonly GatewayFunction[], callOptions: CallOptions): Promise<CallReply> => {
    for (let renewed = false; ; renewed = true) {
      const current = await session.get(callOptions.signal)
      // With the first call of a session, its user's settings: they may have been changed since the last one.
      const asking = current.fresh ? [...functions, { name: 'readUserFormatting' } as const] : functions
      try {
        const { reply, results } = await exchange.send(
          current.endpoint,
          { kind: 'session', id: current.id },
          asking,
          callOptions,
        )
        session.lasts(current, reply.authentication?.sessiontimeout)
        if (current.fresh)
          learnFormatting(current, results.at(-1) as FunctionResult, functions.length > 0, callOptions.what)
        const own = results.slice(0, functions.length)
        for (const result of own) if (result.status !== 'success') throw failed(result, callOptions.what)
        return { results: own, notices: noticesOf(reply) }
      } catch (error) {
        if (!session.isEnd(error)) throw error
        session.forget(current)
        if (renewed) throw error
      }
    }
  }

  const learnFormatting = (current: Session, result: FunctionResult, asked: boolean, what: string): void => {
    current.fresh = false
    const found = formattingOf(result)
    const before = known
    known = found ?? known
    // What was asked in the old zone, if anything, was asked wrongly.
    if (asked && !fixedZone && found && before && !sameFormatting(found, before))
      throw syncError(
        'transient',
        'intacct.formatting',
        `${what}: the date settings of the API user were changed, it is asked again`,
        {},
      )
  }

  const tell = (text: string): void => {
    for (const listener of listeners) listener(text)
  }

  const connection: IntacctConnection = {
    address: `intacct://${allowed.includes(gateway.host) || allowed.includes(gateway.hostname) ? `${gateway.host}/` : ''}${options.company}${entity ? `/${entity}` : ''}`,
    gateway: gateway.href,
    company: options.company,
    entity,
    user: options.user,
    clock,
    ...(options.retry ? { retry: options.retry } : {}),
    call: once,
    callRetrying: (functions, { waiting, ...callOptions }) =>
      withRetry(() => once(functions, callOptions), retryContext(callOptions.signal, waiting ?? tell), options.retry),
    async askClock(signal) {
      const before = clock.now()
      await askDate({ url: session.current()?.endpoint ?? gateway, dispatcher, signal, timeoutMs, date: clock.learn })
      if (!clock.known()) await withRetry(() => session.get(signal), retryContext(signal, tell), options.retry)
      // A server that went on by more than a session lives has forgotten the session; better known before a call fails.
      if (Math.abs(clock.now() - before) > 3_600_000) session.check()
    },
    async formatting(signal) {
      if (!known) await connection.callRetrying([], { what: 'The settings of the API user', signal })
      if (known) return known
      throw syncError('config', 'intacct.formatting-right', 'Intacct does not tell the date settings of the API user', {
        hint: 'Set the time zone on the connection to that of the API user, in place of auto.',
      })
    },
    async zone(signal) {
      if (fixedZone) return fixedZone
      const formatting = await connection.formatting(signal)
      const wrong = unreadableFormat(formatting)
      if (wrong !== undefined)
        throw syncError(
          'config',
          'intacct.formatting',
          `The API user ${options.user} has ${wrong}: its dates cannot be read for certain`,
          {
            hint: 'Sign in as the API user and set My preferences: locale English (United States), MM/DD/YYYY, 24 hours, best with GMT as time zone.',
          },
        )
      return zoneOf(formatting.gmtoffset || 'UTC')
    },
    endpoint: () => session.current()?.endpoint.href,
    listen(waiting) {
      listeners.add(waiting)
      return () => void listeners.delete(waiting)
    },
    requests: exchange.requests,
    takeCalls: exchange.takeCalls,
    close: async () => {
      await dispatcher.destroy()
    },
  }
  return connection
}

function formattingOf(result: FunctionResult): Formatting | undefined {
  const fields = result.rows.find((row) => row.tag.toLowerCase() === 'userformatting')?.fields
  if (result.status !== 'success' || !fields) return undefined
  return {
    locale: fields.LOCALE ?? '',
    dateformat: fields.DATEFORMAT ?? '',
    gmtoffset: fields.GMTOFFSET ?? '',
    clock: fields.CLOCK ?? '',
  }
}

function noticesOf({ removed, unreadable }: GatewayReply): string[] {
  return [
    ...(removed > 0 ? [`${removed} control character(s) were taken out of texts`] : []),
    ...(unreadable > 0 ? [`${unreadable} character(s) were no UTF-8 and are shown as \uFFFD`] : []),
  ]
}
