import { randomUUID } from 'node:crypto'
import type { FaultKind } from '../faults.ts'
import { type Exchange, json, meetFault, type Refusals, type Reply, ReplyNow } from '../http.ts'
import type { Session } from './account.ts'
import type { Running, Ticket } from './running.ts'
import { closeSession } from './session.ts'

export const MASTER_SECONDS = 14_400

/** An answer that says no; Snowflake answers its own refusals with HTTP 200. */
export function refusal(code: string, message: string, sqlState = '08001', data: object = {}, httpStatus = 200): Reply {
  return json(httpStatus, {
    data: { ...data, sqlState, errorCode: code },
    code,
    message,
    success: false,
    headers: null,
  })
}

export function success(data: unknown, code: string | null = null, message: string | null = null): Reply {
  return json(200, { data, code, message, success: true })
}

export const sessionExpired = () => refusal('390112', 'Your session has expired. Please login again.')
export const masterExpired = () =>
  refusal('390114', 'Authentication token has expired.  The user must authenticate again.')
export const sessionGone = () =>
  refusal('390111', 'Session no longer exists.  New login required to access the service.')
export const sessionUnknown = () =>
  refusal('390104', 'Session no longer exists.  New login required to access the service.')

const html = (title: string) => ({
  headers: { 'content-type': 'text/html' },
  body: Buffer.from(`<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`),
})

/** What the front of the service answers before Snowflake itself does. */
export const REFUSALS: Refusals = {
  expired: sessionExpired,
  unauthorized: () =>
    refusal('390104', 'Session no longer exists.  New login required to access the service.', '08001', {}, 401),
  throttled(wait) {
    const { headers, body } = html('429 Too Many Requests')
    return { status: 429, headers: { ...headers, ...wait }, body }
  },
  serverError: () => ({ status: 500, ...html('500 Internal Server Error') }),
  unavailable(wait) {
    const { headers, body } = html('503 Service Unavailable')
    return { status: 503, headers: { ...headers, ...wait }, body }
  },
}

/** Counts a request and plays the fault that is planned for it; kinds that only statements know are given back. */
export async function enter(
  running: Running,
  site: string,
  exchange: Exchange,
  text?: string,
): Promise<FaultKind | undefined> {
  running.counts[site] = (running.counts[site] ?? 0) + 1
  return await meetFault(running.faults, site, exchange, REFUSALS, text)
}

export function openTicket(running: Running, session: Session): Ticket {
  const ticket: Ticket = { session, token: '', master: '', expires: 0, masterExpires: 0, requests: new Map() }
  renew(running, ticket)
  return ticket
}

/** Gives a session new tokens; the old ones open nothing any more. */
export function renew(running: Running, ticket: Ticket): void {
  running.tickets.delete(ticket.token)
  running.masters.delete(ticket.master)
  const now = Date.now()
  ticket.token = `ver:3-hint:${ticket.session.id}-ETMs${randomUUID()}`
  ticket.master = `ver:3-hint:${ticket.session.id}-ETMm${randomUUID()}`
  ticket.expires = now + running.tuning.sessionSeconds * 1000
  ticket.masterExpires = now + MASTER_SECONDS * 1000
  running.tickets.set(ticket.token, ticket)
  running.masters.set(ticket.master, ticket)
}

/** Ends a session and what it was doing. */
export async function endTicket(running: Running, ticket: Ticket): Promise<void> {
  running.tickets.delete(ticket.token)
  running.masters.delete(ticket.master)
  for (const query of ticket.requests.values()) query.abort.abort()
  await closeSession(running.account, ticket.session)
}

/** The session that a request is for; raises what Snowflake answers where its token is no good. */
export function ticketOf(running: Running, authorization: string | undefined): Ticket {
  const token = tokenIn(authorization)
  const ticket = running.tickets.get(token)
  if (!ticket) throw new ReplyNow(sessionUnknown())
  if (ticket.expires <= Date.now()) throw new ReplyNow(sessionExpired())
  return ticket
}

export function tokenIn(authorization: string | undefined): string {
  return /^Snowflake Token="(.*)"$/.exec(authorization ?? '')?.[1] ?? ''
}

/**
 * Ends the session of the request at hand, and gives what is answered instead. With 390111 its transaction is rolled back;
 * with 390114 it is only left behind, and holds its locks until it has been idle for long enough.
 */
export async function loseSession(running: Running, ticket: Ticket): Promise<Reply> {
  const met = Object.entries(running.faults.met())
  const times = met.reduce((sum, [name, count]) => (name.endsWith('/session-lost') ? sum + count : sum), 0)
  if (times % 2 !== 0) {
    await endTicket(running, ticket)
    return sessionGone()
  }
  running.tickets.delete(ticket.token)
  running.masters.delete(ticket.master)
  return masterExpired()
}
