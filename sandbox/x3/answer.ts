/** What the server does with one request: login, fault, folder, query. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultKind, FaultPlan } from '../faults.ts'
import { readBody } from '../http.ts'
import type { Api1Door } from './api1/door.ts'
import { type AuthSettings, checkAuthorization, tokenError } from './auth.ts'
import type { createCustom } from './custom.ts'
import { type createPreparer, executeRequest, readRequest } from './execute.ts'
import type { Folder } from './folder.ts'
import type { X3Options, X3Stats } from './options.ts'
import type { createSchema } from './schema.ts'
import type { createSoapDoor } from './soap/door.ts'

/** What the server keeps. */
export interface X3State {
  readonly schema: ReturnType<typeof createSchema>
  readonly prepare: ReturnType<typeof createPreparer>
  readonly clock: X3Options['clock']
  readonly settings: Omit<AuthSettings, 'url'>
  readonly folders: ReadonlyMap<string, Folder>
  readonly defaultFolder: string
  readonly door: ReturnType<typeof createSoapDoor>
  readonly api1: Api1Door
  readonly custom: ReturnType<typeof createCustom>
  readonly keepReplies: boolean
  readonly stats: X3Stats
  /** Replies by folder and request. */
  readonly kept: Map<string, Buffer>
  /** Authorizations that count as expired. */
  readonly expired: Set<string>
  faults: FaultPlan | undefined
  latencyMs: number
  url: string
}

interface Asked {
  readonly name: string
  readonly folder: Folder
  readonly text: string
  readonly wanted: NonNullable<ReturnType<typeof readRequest>>
  readonly prepared: ReturnType<X3State['prepare']>
  readonly fault: FaultKind | undefined
}

const bodyLimit = 2_000_000
const rememberedRequests = 50
/** An expired token is refused again while it looks old; one signed anew within the same second is the same text. */
const freshSeconds = 45
const htmlPage = '<!DOCTYPE html><html><head><title>Sage X3</title></head><body><h1>Please sign in</h1></body></html>'

export async function answer(state: X3State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.sendDate = false
  state.stats.requests++
  const text = (await readBody(request, bodyLimit))?.toString()
  if (state.latencyMs > 0) await delay(state.latencyMs)
  const path = new URL(request.url ?? '/', 'http://x3').pathname.replace(/\/$/, '')
  if (state.door.isMine(path))
    return text === undefined
      ? send(state, response, 413, '', 'text/plain')
      : state.door.answer(request, response, text)
  if (state.api1.isMine(path)) return state.api1.answer(request, response)
  if (path !== '/xtrem/api') return send(state, response, 404, `Cannot ${request.method} ${path}`, 'text/plain')
  if (request.method !== 'POST') return refuse(state, response, 405, 'Only POST is supported')
  if (text === undefined) return refuse(state, response, 413, 'The request is too large')
  await answerGraphql(state, request, response, text)
}

/** Login, folder and query, each refused in X3's own way. */
async function answerGraphql(
  state: X3State,
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
): Promise<void> {
  const wanted = readRequest(text)
  const prepared = wanted && state.prepare(wanted.query)
  const site =
    wanted && isCustom(wanted.query) ? 'graphql:write' : prepared?.introspection ? 'graphql:type' : 'graphql:read'
  const fault = prepared && state.faults?.next(site, text)
  if (fault && (await spoil(state, fault, request, response))) return

  const { authorization } = request.headers
  const refused =
    authorization && isExpired(state, authorization)
      ? tokenError(50)
      : checkAuthorization(authorization, { ...state.settings, url: state.url }, state.clock.now())
  if (refused) return send(state, response, 401, refused, 'text/plain')

  const endpoint = request.headers['x-xtrem-endpoint']
  const name = typeof endpoint === 'string' && endpoint !== '' ? endpoint : state.defaultFolder
  const folder = state.folders.get(name)
  if (!folder)
    return refuse(
      state,
      response,
      400,
      `Endpoint '${name}' does not exist or user '${state.settings.user}' may not use it`,
    )
  if (wanted && isCustom(wanted.query)) return deliver(state, response, state.custom(wanted), fault)
  if (!wanted || !prepared) return refuse(state, response, 400, 'The body must be JSON with a query')
  const reply = run(state, { name, folder, text, wanted, prepared, fault })
  await deliver(state, response, reply, fault)
}

/** Of the package that this customer has made himself; any other mutation meets the schema, which has none. */
const isCustom = (query: string): boolean => /^\s*mutation\b[^{]*\{\s*zTieout\b/.test(query)

/** What X3 answers, and notes of it. */
function run(
  state: X3State,
  { name, folder, text, wanted, prepared, fault }: Asked,
): { status: number; body: string | Buffer } {
  if (folder.applyAmbushes()) {
    state.stats.ambushes++
    state.kept.clear()
  }
  for (const node of prepared.roots) state.stats.byNode[node] = (state.stats.byNode[node] ?? 0) + 1
  const key = state.keepReplies && !fault ? `${name} ${text}` : undefined
  const known = key === undefined ? undefined : state.kept.get(key)
  const reply = known
    ? { status: 200, body: known }
    : executeRequest({
        schema: state.schema,
        prepared,
        request: wanted,
        folder,
        now: state.clock.now(),
        partial: fault === 'partial-errors',
        notice: state.stats.requests % 7 === 0,
      })
  if (key !== undefined && !known && reply.status === 200) state.kept.set(key, Buffer.from(reply.body))
  state.stats.last = [
    ...state.stats.last.slice(1 - rememberedRequests),
    { folder: name, query: wanted.query, variables: wanted.variables ?? {}, status: reply.status },
  ]
  return reply
}

/** Faults that keep the request from being done; true when the answer, or none, was given. */
async function spoil(
  state: X3State,
  fault: FaultKind,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  switch (fault) {
    case 'token-expired':
      state.expired.add(request.headers.authorization ?? '')
      send(state, response, 401, tokenError(50), 'text/plain')
      return true
    case 'unauthorized':
      send(state, response, 401, tokenError(21), 'text/plain')
      return true
    case 'throttled':
      response.setHeader('retry-after', String(state.faults?.delays.retryAfterSeconds ?? 1))
      refuse(state, response, 429, 'Too many requests')
      return true
    case 'server-error': {
      // The gateway answers in its own form, the web server behind it with a page.
      if (state.stats.requests % 2 === 0) send(state, response, 500, htmlPage, 'text/html')
      else send(state, response, 500, JSON.stringify(internalError))
      return true
    }
    case 'unavailable':
      send(state, response, 503, 'Service Unavailable', 'text/plain')
      return true
    case 'timeout':
      await delay(state.faults?.delays.timeoutMs ?? 3000)
      request.socket.destroy()
      return true
    case 'reset-before':
      request.socket.destroy()
      return true
    default:
      return false
  }
}

/** Sends the reply, or what a fault leaves of it. */
async function deliver(
  state: X3State,
  response: ServerResponse,
  reply: { status: number; body: string | Buffer },
  fault: FaultKind | undefined,
): Promise<void> {
  if (fault === 'reset-after') return void response.destroy()
  if (fault === 'cut-body') return cutBody(response, reply, state.clock.now())
  if (fault === 'broken-body') return send(state, response, 200, htmlPage, 'text/html')
  if (fault === 'slow') await delay(state.faults?.delays.slowMs ?? 300)
  send(state, response, reply.status, reply.body)
}

function isExpired(state: X3State, authorization: string): boolean {
  if (!state.expired.has(authorization)) return false
  const claims = authorization.split('.')[1] ?? ''
  const { iat } = JSON.parse(Buffer.from(claims, 'base64url').toString() || '{}') as { iat?: unknown }
  return typeof iat === 'number' && state.clock.now() / 1000 - iat > freshSeconds
}

export function send(
  state: X3State,
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  type = 'application/json',
): void {
  state.stats.byStatus[status] = (state.stats.byStatus[status] ?? 0) + 1
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(body),
    date: new Date(state.clock.now()).toUTCString(),
  })
  response.end(body)
}

function refuse(state: X3State, response: ServerResponse, status: number, message: string): void {
  const extensions = { diagnoses: [{ severity: 4, message }] }
  send(state, response, status, JSON.stringify({ errors: [{ message, extensions }], extensions: {} }))
}

/** Half of a reply, and then the end of the connection. */
function cutBody(
  response: ServerResponse,
  { status, body }: { status: number; body: string | Buffer },
  now: number,
): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.length,
    date: new Date(now).toUTCString(),
  })
  response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy())
}

const internalError = { $severity: 'error', $dataCode: 'InternalServerError', $message: '', $source: 'Gateway' }
