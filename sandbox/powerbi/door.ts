import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FaultPlan } from '../faults.ts'
import { DropNow, deliver, type Exchange, meetFault, type Refusals, type Reply, ReplyNow } from '../http.ts'
import type { LoggedRequest, PowerbiOptions } from './api.ts'
import { bareFailure, failure, messageOnly, notAuthorized, refusals, refuse, tokenExpired } from './errors.ts'
import type { Identity } from './identity.ts'
import { tokenRefusals } from './identity-faults.ts'
import { routeOf } from './routes.ts'
import type { Call, Service } from './service.ts'

const API = '/v1.0/myorg/'
/** A body beyond this is not even kept to be refused. */
const MOST_BYTES = 256 * 1024 * 1024

/** Where requests come in: at the identity platform or at the service. */
export interface Door {
  readonly service: Service
  readonly identity: Identity
  /** Requests by kind. */
  readonly counts: Record<string, number>
  faults: FaultPlan
  readonly onRequest: PowerbiOptions['onRequest']
}

export async function handle(door: Door, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { identity } = door
  door.counts.requests = (door.counts.requests ?? 0) + 1
  const exchange: Exchange = { aftermath: undefined, revoke: () => identity.revoke(request.headers.authorization) }
  const requestId = randomUUID()
  let body: Buffer = Buffer.alloc(0)
  let status = 0
  const url = new URL(request.url ?? '/', `https://${request.headers.host ?? 'localhost'}`)
  const isApi = url.pathname.startsWith(API)
  try {
    body = await bodyOf(request)
    const answer = async (): Promise<Reply> =>
      isApi
        ? await serve(door, request, url, body, exchange)
        : ((await signIn(door, request, url, body, exchange)) ?? nowhere(url))
    const reply = await answer().catch(answerInstead)
    status = reply.status
    const headers = { ...reply.headers, requestid: requestId }
    await deliver(response, { ...reply, headers }, exchange, door.faults, isApi ? refusals : tokenRefusals)
    if (exchange.aftermath !== undefined) status = response.statusCode
  } catch {
    // The fault plan or the client dropped the connection: there is nobody left to answer.
    status = 0
    response.destroy()
  } finally {
    if (isApi) door.onRequest?.(logged(request, body, status))
  }
}

async function enter(door: Door, site: string, exchange: Exchange, words: Refusals): Promise<void> {
  door.counts[site] = (door.counts[site] ?? 0) + 1
  await meetFault(door.faults, site, exchange, words)
}

async function signIn(
  door: Door,
  request: IncomingMessage,
  url: URL,
  body: Buffer,
  exchange: Exchange,
): Promise<Reply | undefined> {
  const { identity } = door
  const origin = `https://${request.headers.host}`
  const [, forDiscovery] = /^\/([^/]+)(?:\/v2\.0)?\/\.well-known\/openid-configuration$/.exec(url.pathname) ?? []
  if (forDiscovery !== undefined) return identity.discovery(origin, decodeURIComponent(forDiscovery))
  if (url.pathname === '/common/discovery/instance') return identity.instances(origin, url.host)
  const [, forToken] = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(url.pathname) ?? []
  if (forToken === undefined || request.method !== 'POST') return undefined
  await enter(door, 'token', exchange, tokenRefusals)
  return await identity.token(origin, decodeURIComponent(forToken), body.toString())
}

async function serve(door: Door, request: IncomingMessage, url: URL, body: Buffer, exchange: Exchange): Promise<Reply> {
  const { service, identity } = door
  const path = decoded(url.pathname.slice(API.length))
  const call: Call = { method: request.method ?? 'GET', url, path, headers: request.headers, body }
  checkToken(identity, request.headers.authorization)
  const route = routeOf(call)
  await enter(door, route.site, exchange, refusals)
  if (!service.tuning.servicePrincipals) throw refuse(notAuthorized())
  if (route.site === 'rows-post') return await route.run(service, call)
  await service.pause()
  const reply = await route.run(service, call)
  await service.pause()
  return reply
}

function decoded(path: string): string[] {
  try {
    return path.split('/').map(decodeURIComponent)
  } catch {
    throw refuse(failure(400, 'BadRequest', 'The address is not encoded as it should be.'))
  }
}

function checkToken(identity: Identity, authorization: string | undefined): void {
  const fault = identity.check(authorization)
  if (fault !== undefined) throw refuse(fault === 'expired' ? tokenExpired() : notAuthorized())
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MOST_BYTES) throw new DropNow()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function nowhere({ pathname }: URL): Reply {
  return messageOnly(404, `No HTTP resource was found that matches the request URI '${pathname}'.`)
}

/** A thrown answer is an answer; anything else is a fault of the sandbox, which must be seen. */
function answerInstead(error: unknown): Reply {
  if (error instanceof ReplyNow) return error.reply
  if (error instanceof DropNow) throw error
  return bareFailure(500, 'InternalServerError', error instanceof Error ? error.message : 'The request cannot be read.')
}

function logged(request: IncomingMessage, body: Buffer, status: number): LoggedRequest {
  let parsed: unknown
  try {
    parsed = body.length === 0 ? undefined : JSON.parse(body.toString())
  } catch {
    parsed = undefined
  }
  return { method: request.method ?? 'GET', path: request.url ?? '/', body: parsed, bytes: body.length, status }
}
