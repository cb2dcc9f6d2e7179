import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Books } from '../books/types.ts'
import type { FaultKind, FaultPlan, SiteFaults } from '../faults.ts'
import { listen } from '../listen.ts'
import { type Audience, type AuthSettings, checkAuthorization, tokenError } from './auth.ts'
import { createPreparer, executeRequest, readRequest } from './execute.ts'
import { createFolder, type EmptyStamp, type Folder } from './folder.ts'
import type { Generation } from './model.ts'
import { createSchema } from './schema.ts'
import { createSoapDoor, type PoolOptions, SOAP_PATH, SOAP_SITES } from './soap/door.ts'
import type { SoapOptions, SoapService } from './soap/service.ts'

export interface X3Options {
  books: Books
  /** The ERP's clock, ms since 1970: `Date`, the check of tokens and what is visible follow it. */
  clock: { now(): number }
  port?: number
  /** Name of the folder that holds `books`; the default one. */
  folder?: string
  /** Further folders on the same server. */
  folders?: Readonly<Record<string, Books>>
  clientId?: string
  secret?: string
  user?: string
  audience?: Audience
  /** Where given, Basic authentication is taken too. */
  basic?: { user: string; password: string }
  /** "Tokens validity" of the connected application, 600. */
  tokenSeconds?: number
  generation?: Generation
  latencyMs?: number
  faults?: FaultPlan
  /** Greatest `first` of a query, 1000. */
  maxFirst?: number
  emptyStamp?: EmptyStamp
  /** Change stamps with `.000`. */
  milliseconds?: boolean
  /** Requests that touch a table before its right is lost in mid-run, 2. */
  lostAfter?: number
  /** Keep each reply and serve it again to the same request, for benches on books that stand still. */
  keepReplies?: boolean
  /** How the web services are set up. */
  soap?: SoapOptions & PoolOptions
}

export interface X3Stats {
  requests: number
  /** Queries by node, such as `x3Finance.journalEntry`. */
  byNode: Record<string, number>
  byStatus: Record<string, number>
  ambushes: number
  /** The last requests, without credentials. */
  last: { folder: string; query: string; variables: unknown; status: number }[]
}

export interface X3Sandbox {
  /** Where to post to. */
  url: string
  port: number
  folder: string
  clientId: string
  secret: string
  user: string
  /** Where web services are posted to, and the names under which they stand. */
  soap: { readonly url: string } & Pick<SoapService, 'pool' | 'publication' | 'accountant'>
  stats(): X3Stats
  /** Takes the right to read a node (`journalEntryLine`) away, in every folder. */
  deny(node: string): void
  /** Gives it back; all of them without a name. */
  allow(node?: string): void
  denied(): string[]
  /** Call when the books have moved on a business day. */
  newDay(): void
  /** Bodies of the requests whose replies are kept (`keepReplies`), in the order of their first coming. */
  keptRequests(): string[]
  setFaults(plan: FaultPlan | undefined): void
  setLatency(ms: number): void
  close(): Promise<void>
}

/** What the shared fault plan needs to know of this server. */
export const x3FaultSites: Readonly<Record<string, SiteFaults>> = {
  'graphql:read': {
    kinds: [
      'token-expired',
      'unauthorized',
      'throttled',
      'server-error',
      'unavailable',
      'timeout',
      'reset-before',
      'reset-after',
      'cut-body',
      'broken-body',
      'slow',
      'partial-errors',
    ],
  },
  // The schema is asked once and remembered: there are not many requests to spoil.
  'graphql:type': { kinds: ['throttled', 'server-error', 'reset-before'], times: 1 },
  ...SOAP_SITES,
}

const bodyLimit = 2_000_000
const rememberedRequests = 50
/** An expired token is refused again while it looks old; one signed anew within the same second is the same text. */
const freshSeconds = 45
const htmlPage = '<!DOCTYPE html><html><head><title>Sage X3</title></head><body><h1>Please sign in</h1></body></html>'

/** Starts the GraphQL server of a Sage X3 V12 on 127.0.0.1. */
export async function startX3(options: X3Options): Promise<X3Sandbox> {
  const { clock, maxFirst = 1000, generation = 'current', folder: defaultFolder = 'SEED' } = options
  const schema = createSchema(generation)
  const prepare = createPreparer(schema)
  const folders = new Map<string, Folder>()
  for (const [name, books] of Object.entries({ ...options.folders, [defaultFolder]: options.books })) {
    const { emptyStamp = 'mixed', milliseconds = false, lostAfter = 2 } = options
    folders.set(name, createFolder({ books, maxFirst, emptyStamp, milliseconds, lostAfter }))
  }
  const settings: Omit<AuthSettings, 'url'> = {
    clientId: options.clientId ?? randomUUID(),
    secret: options.secret ?? randomBytes(32).toString('base64url'),
    user: options.user ?? 'tieout',
    audience: options.audience ?? 'url',
    tokenSeconds: options.tokenSeconds ?? 600,
    basic: options.basic,
  }
  const stats: X3Stats = { requests: 0, byNode: {}, byStatus: {}, ambushes: 0, last: [] }
  const kept = new Map<string, Buffer>()
  const expired = new Set<string>()
  let { faults, latencyMs = 0 } = options
  let url = ''
  let origin = ''
  const door = createSoapDoor(
    {
      books: options.books,
      now: clock.now,
      origin: () => origin,
      refused: (authorization) => checkAuthorization(authorization, { ...settings, url }, clock.now()),
    },
    options.soap,
  )
  door.setFaults(faults)

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else send(response, 500, JSON.stringify({ errors: [{ message: String(error) }], extensions: {} }))
    })
  })

  function send(response: ServerResponse, status: number, body: string | Buffer, type = 'application/json'): void {
    stats.byStatus[status] = (stats.byStatus[status] ?? 0) + 1
    response.writeHead(status, {
      'content-type': `${type}; charset=utf-8`,
      'content-length': Buffer.byteLength(body),
      date: new Date(clock.now()).toUTCString(),
    })
    response.end(body)
  }

  function refuse(response: ServerResponse, status: number, message: string): void {
    const extensions = { diagnoses: [{ severity: 4, message }] }
    send(response, status, JSON.stringify({ errors: [{ message, extensions }], extensions: {} }))
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.sendDate = false
    stats.requests++
    const text = await bodyOf(request)
    if (latencyMs > 0) await delay(latencyMs)
    const path = new URL(request.url ?? '/', 'http://x3').pathname.replace(/\/$/, '')
    if (door.isMine(path))
      return text === undefined ? send(response, 413, '', 'text/plain') : door.answer(request, response, text)
    if (path !== '/xtrem/api') return send(response, 404, `Cannot ${request.method} ${path}`, 'text/plain')
    if (request.method !== 'POST') return refuse(response, 405, 'Only POST is supported')
    if (text === undefined) return refuse(response, 413, 'The request is too large')

    const wanted = readRequest(text)
    const prepared = wanted && prepare(wanted.query)
    const fault = prepared && faults?.next(prepared.introspection ? 'graphql:type' : 'graphql:read', text)
    if (fault && (await spoilt(fault, request, response))) return

    const { authorization } = request.headers
    const refused =
      authorization && isExpired(authorization)
        ? tokenError(50)
        : checkAuthorization(authorization, { ...settings, url }, clock.now())
    if (refused) return send(response, 401, refused, 'text/plain')

    const endpoint = request.headers['x-xtrem-endpoint']
    const name = typeof endpoint === 'string' && endpoint !== '' ? endpoint : defaultFolder
    const folder = folders.get(name)
    if (!folder)
      return refuse(response, 400, `Endpoint '${name}' does not exist or user '${settings.user}' may not use it`)
    if (!wanted || !prepared) return refuse(response, 400, 'The body must be JSON with a query')

    if (folder.applyAmbushes()) {
      stats.ambushes++
      kept.clear()
    }
    for (const node of prepared.roots) stats.byNode[node] = (stats.byNode[node] ?? 0) + 1
    const key = options.keepReplies && !fault ? `${name} ${text}` : undefined
    const known = key === undefined ? undefined : kept.get(key)
    const reply = known
      ? { status: 200, body: known }
      : executeRequest({
          schema,
          prepared,
          request: wanted,
          folder,
          now: clock.now(),
          partial: fault === 'partial-errors',
          notice: stats.requests % 7 === 0,
        })
    if (key !== undefined && !known && reply.status === 200) kept.set(key, Buffer.from(reply.body))
    stats.last = [
      ...stats.last.slice(1 - rememberedRequests),
      { folder: name, query: wanted.query, variables: wanted.variables ?? {}, status: reply.status },
    ]
    await deliver(response, reply, fault)
  }

  /** Faults that keep the request from being done; true when the answer, or none, was given. */
  async function spoilt(fault: FaultKind, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    switch (fault) {
      case 'token-expired':
        expired.add(request.headers.authorization ?? '')
        send(response, 401, tokenError(50), 'text/plain')
        return true
      case 'unauthorized':
        send(response, 401, tokenError(21), 'text/plain')
        return true
      case 'throttled':
        response.setHeader('retry-after', String(faults?.delays.retryAfterSeconds ?? 1))
        refuse(response, 429, 'Too many requests')
        return true
      case 'server-error': {
        // The gateway answers in its own form, the web server behind it with a page.
        if (stats.requests % 2 === 0) send(response, 500, htmlPage, 'text/html')
        else send(response, 500, JSON.stringify(internalError))
        return true
      }
      case 'unavailable':
        send(response, 503, 'Service Unavailable', 'text/plain')
        return true
      case 'timeout':
        await delay(faults?.delays.timeoutMs ?? 3000)
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
    response: ServerResponse,
    reply: { status: number; body: string | Buffer },
    fault: FaultKind | undefined,
  ): Promise<void> {
    if (fault === 'reset-after') return void response.destroy()
    if (fault === 'cut-body') return cutBody(response, reply, clock.now())
    if (fault === 'broken-body') return send(response, 200, htmlPage, 'text/html')
    if (fault === 'slow') await delay(faults?.delays.slowMs ?? 300)
    send(response, reply.status, reply.body)
  }

  function isExpired(authorization: string): boolean {
    if (!expired.has(authorization)) return false
    const claims = authorization.split('.')[1] ?? ''
    const { iat } = JSON.parse(Buffer.from(claims, 'base64url').toString() || '{}') as { iat?: unknown }
    return typeof iat === 'number' && clock.now() / 1000 - iat > freshSeconds
  }

  const listening = await listen(server, options.port)
  const { port } = listening
  origin = `http://127.0.0.1:${port}`
  url = `${origin}/xtrem/api`

  const every = (act: (folder: Folder) => void): void => {
    kept.clear()
    for (const folder of folders.values()) act(folder)
  }
  return {
    url,
    port,
    folder: defaultFolder,
    clientId: settings.clientId,
    secret: settings.secret,
    user: settings.user,
    soap: { url: origin + SOAP_PATH, ...door.service },
    stats: () => structuredClone(stats),
    deny: (node) => every((folder) => folder.deny(node)),
    allow: (node) => every((folder) => folder.allow(node)),
    denied: () => folders.get(defaultFolder)?.denied() ?? [],
    newDay: () => every((folder) => folder.newDay()),
    keptRequests: () => [...kept.keys()].map((key) => key.slice(key.indexOf(' ') + 1)),
    setFaults(plan) {
      faults = plan
      door.setFaults(plan)
    },
    setLatency(ms) {
      latencyMs = ms
    },
    close() {
      door.close()
      return listening.close()
    },
  }
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

/** Undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= bodyLimit) chunks.push(chunk)
  }
  return size > bodyLimit ? undefined : Buffer.concat(chunks).toString()
}
