/** What the server does with one request: queue, fault, and the work of the company. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FaultKind, FaultPlan } from '../faults.ts'
import { readBody } from '../http.ts'
import { textOf } from '../xml.ts'
import { endless, requestErrors, spoiltBody, wholeReply } from './broken.ts'
import type { createCompany, Host } from './company-server.ts'
import { errors, RequestError } from './errors.ts'
import { readers } from './functions.ts'
import type { Injection, IntacctOptions, IntacctSettings, IntacctStats } from './options.ts'
import type { createQueue } from './queue.ts'
import { failure, success } from './reply.ts'
import { type Request, readControl, readRequest } from './request.ts'

/** What the server keeps. */
export interface IntacctState {
  readonly clock: IntacctOptions['clock']
  readonly settings: IntacctSettings
  readonly stats: IntacctStats
  readonly company: ReturnType<typeof createCompany>
  readonly companyId: string
  readonly queue: ReturnType<typeof createQueue>
  faults: FaultPlan | undefined
  /** What a test wants to go wrong, so many times; `on`: only a request that has this name. */
  injected: { readonly what: Injection; times: number; readonly on: string | undefined }[]
}

export const path = '/ia/xml/xmlgw.phtml'
const bodyLimit = 5_000_000
const remembered = 50
const smallest = 1_400
const compress = promisify(gzip)
const xmlType = 'text/xml; encoding="UTF-8"'

export async function answer(
  state: IntacctState,
  request: IncomingMessage,
  response: ServerResponse,
  host: Host,
): Promise<void> {
  response.sendDate = false
  // A HEAD tells the clock and no more.
  if (request.method === 'POST') state.stats.requests++
  const xml = (await readBody(request, bodyLimit))?.toString()
  if (state.settings.latencyMs > 0) await delay(state.settings.latencyMs)
  if (new URL(request.url ?? '/', 'http://intacct').pathname !== path)
    return send(state, response, 404, 'Not Found', 'text/html')
  if (request.method !== 'POST') return send(state, response, 405, 'Method Not Allowed', 'text/html')
  if (xml === undefined) return send(state, response, 413, 'Request Entity Too Large', 'text/html')
  const leave = await state.queue.enter()
  state.stats.concurrent = state.queue.most()
  try {
    if (leave === undefined) {
      response.setHeader('retry-after', '30')
      return send(state, response, 429, failure(errors.throttled(), undefined))
    }
    await work(state, request, response, xml, host)
  } finally {
    leave?.()
  }
}

async function work(
  state: IntacctState,
  request: IncomingMessage,
  response: ServerResponse,
  xml: string,
  host: Host,
): Promise<void> {
  const read = readOrError(state, xml)
  const functions = read instanceof RequestError ? [] : read.functions
  const names = functions.map(({ name }) => name)
  const site = siteOf(names[0])
  const objects = functions.map(({ element }) => textOf(element, 'object')?.toUpperCase() ?? '')
  const what = take(state, [...names, ...objects, ...(site === undefined ? [] : [site])])
  const fault = read instanceof RequestError || site === undefined ? undefined : state.faults?.next(site, xml)
  if (fault && (await spoil(state, fault, request, response, read))) return
  const reply = what && wholeReply(what)
  if (reply) return send(state, response, reply[0], reply[2], reply[1])
  const done = perform(state, xml, host, { read, what, fault })
  if (done.status === 429) response.setHeader('retry-after', '1')
  state.stats.last = [
    ...state.stats.last.slice(1 - remembered),
    {
      ...{ host, function: names.at(-1) ?? '', status: done.status, reply: done.body.slice(0, 4_000) },
      xml: xml.replace(/<password>[^<]*<\/password>/g, '<password/>').slice(0, 20_000),
    },
  ]
  await deliver(state, request, response, done, what, fault)
}

/** The request as it is read, or what is wrong with it. */
function readOrError({ stats }: IntacctState, xml: string): Request | RequestError {
  const note = (name: string): void => {
    stats.functions[name] = (stats.functions[name] ?? 0) + 1
  }
  try {
    return readRequest(xml, note)
  } catch (error) {
    if (error instanceof RequestError) return error
    throw error
  }
}

interface Done {
  readonly status: number
  readonly body: string
  readonly type: string
}

/** The company's reply, or the failure of the whole request. */
function perform(
  state: IntacctState,
  xml: string,
  host: Host,
  {
    read,
    what,
    fault,
  }: {
    readonly read: Request | RequestError
    readonly what: Injection | undefined
    readonly fault: FaultKind | undefined
  },
): Done {
  try {
    if (read instanceof RequestError) throw read
    const made = what && requestErrors[what]
    if (made) throw made(read.senderId, state.companyId)
    const done = state.company.answer(read, host, what, fault === 'partial-errors')
    return {
      status: 200,
      body: done.bare?.body ?? success(read, done.who, done.results),
      type: done.bare?.type ?? xmlType,
    }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    const login = read instanceof RequestError ? undefined : read.login
    const body = failure(error, read instanceof RequestError ? readControl(xml) : read, login?.userId, login?.companyId)
    return { status: error.status, body, type: xmlType }
  }
}

/** The injection that is meant for a request with these names, if any. */
function take(state: IntacctState, names: readonly string[]): Injection | undefined {
  const found = state.injected.find(({ on }) => on === undefined || names.includes(on))
  if (!found) return undefined
  found.times--
  state.injected = state.injected.filter(({ times }) => times > 0)
  return found.what
}

/** Faults that keep the request from being done; true when the answer, or none, was given. */
async function spoil(
  state: IntacctState,
  fault: FaultKind,
  request: IncomingMessage,
  response: ServerResponse,
  read: Request | RequestError,
): Promise<boolean> {
  switch (fault) {
    case 'session-lost':
      if (!(read instanceof RequestError) && read.session !== undefined) state.company.endSession(read.session)
      return false
    case 'throttled':
      response.setHeader('retry-after', String(state.faults?.delays.retryAfterSeconds ?? 1))
      send(state, response, 429, failure(errors.throttled(), undefined))
      return true
    case 'server-error': {
      const [status, type, body] = wholeReply(state.stats.requests % 2 === 0 ? 'cloudflare-500' : 'cloudflare-520') ?? [
        500,
        '',
        '',
      ]
      send(state, response, status, body, type)
      return true
    }
    case 'unavailable': {
      const [status, type, body] = wholeReply('upstream-503') ?? [503, '', '']
      send(state, response, status, body, type)
      return true
    }
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

/** Sends the reply, or what a fault or a test leaves of it. */
async function deliver(
  state: IntacctState,
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, type }: Done,
  what: Injection | undefined,
  fault: FaultKind | undefined,
): Promise<void> {
  if (fault === 'reset-after') {
    response.destroy()
    return
  }
  if (fault === 'broken-body') {
    const [, html = '', page = ''] = wholeReply('html-200') ?? []
    return send(state, response, 200, page, html)
  }
  if (fault === 'slow') await delay(state.faults?.delays.slowMs ?? 300)
  const other = what ?? (fault === 'cut-body' ? fault : undefined)
  if (other && (await endless(other, body, response))) return
  const changed = what && spoiltBody(what, body)
  const bytes = changed ?? Buffer.from(body)
  const accepted = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  if (!state.settings.gzip || !accepted || bytes.length < smallest) return send(state, response, status, bytes, type)
  send(state, response, status, await compress(bytes, { level: 1 }), type, 'gzip')
}

export function send(
  state: IntacctState,
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  type = xmlType,
  coding?: string,
): void {
  state.stats.byStatus[status] = (state.stats.byStatus[status] ?? 0) + 1
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    ...(coding ? { 'content-encoding': coding } : {}),
    date: new Date(state.clock.now()).toUTCString(),
  })
  response.end(body)
}

/** Which kind of request it is; undefined for what cannot be read. */
function siteOf(name: string | undefined): string | undefined {
  if (name === 'getAPISession') return 'session'
  if (name === undefined || !Object.hasOwn(readers, name)) return undefined
  return ['query', 'readByQuery', 'readMore', 'read', 'readByName'].includes(name) ? 'query' : 'schema'
}
