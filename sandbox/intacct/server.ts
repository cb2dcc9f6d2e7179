import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FaultKind } from '../faults.ts'
import { type Listening, listen } from '../listen.ts'
import { textOf } from '../xml.ts'
import { endless, requestErrors, spoiltBody, wholeReply } from './broken.ts'
import { createCompany, type Host } from './company-server.ts'
import { errors, RequestError } from './errors.ts'
import { readers } from './functions.ts'
import { userDimension } from './objects/dimensions.ts'
import type { Injection, IntacctOptions, IntacctSandbox, IntacctSettings, IntacctStats } from './options.ts'
import { createQueue } from './queue.ts'
import { failure, success } from './reply.ts'
import { type Request, readControl, readRequest } from './request.ts'

export * from './options.ts'
export { INTACCT_SITES } from './sites.ts'

const path = '/ia/xml/xmlgw.phtml'
const bodyLimit = 5_000_000
const remembered = 50
const smallest = 1_400
const compress = promisify(gzip)
const xmlType = 'text/xml; encoding="UTF-8"'

const usual: IntacctSettings = {
  timeZone: '+00:00',
  fieldZones: {},
  dateFormat: '/mdY',
  clock: '24',
  locale: 'en_US',
  sessionSeconds: 7_200,
  sessionsTied: true,
  endpoint: undefined,
  concurrent: 2,
  queueMs: 30_000,
  maxPageSize: 2_000,
  resultSetSeconds: 600,
  auditHistory: true,
  auditKeys: {},
  lostAfter: 1,
  uniqueSeconds: 86_400,
  gzip: true,
  latencyMs: 0,
}

/** Starts a Sage Intacct company on 127.0.0.1: the host to sign in at, and the company's own. */
export async function startIntacct(options: IntacctOptions): Promise<IntacctSandbox> {
  const { clock } = options
  const settings: IntacctSettings = { ...usual, latencyMs: options.latencyMs ?? 0, ...options.settings }
  const credentials = {
    senderId: options.senderId ?? 'tieoutMPP',
    senderPassword: options.senderPassword ?? randomBytes(18).toString('base64url'),
    companyId: options.companyId ?? 'demo-manufacturing',
    userId: options.userId ?? 'xml_tieout',
    userPassword: options.userPassword ?? randomBytes(18).toString('base64url'),
  }
  const stats: IntacctStats = {
    ...{ requests: 0, byStatus: {}, meter: {}, sessions: 0, concurrent: 0, ambushes: 0 },
    // What comes from outside may be named like anything.
    functions: Object.create(null) as Record<string, number>,
    objects: Object.create(null) as Record<string, number>,
    last: [],
  }
  const queue = createQueue(() => settings)
  let { faults } = options
  let injected: { what: Injection; times: number; on: string | undefined }[] = []
  let endpoint = ''
  const company = createCompany(options, credentials, settings, stats, () => settings.endpoint ?? endpoint)

  const open = (host: Host, port: number | undefined): Promise<Listening> => {
    const server = createServer((request, response) => {
      answer(request, response, host).catch((error: unknown) => {
        if (response.headersSent) response.destroy()
        else send(response, 500, String(error), 'text/plain')
      })
    })
    return listen(server, port)
  }

  function send(
    response: ServerResponse,
    status: number,
    body: string | Buffer,
    type = xmlType,
    coding?: string,
  ): void {
    stats.byStatus[status] = (stats.byStatus[status] ?? 0) + 1
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      ...(coding ? { 'content-encoding': coding } : {}),
      date: new Date(clock.now()).toUTCString(),
    })
    response.end(body)
  }

  async function answer(request: IncomingMessage, response: ServerResponse, host: Host): Promise<void> {
    response.sendDate = false
    // A HEAD tells the clock and no more.
    if (request.method === 'POST') stats.requests++
    const xml = await bodyOf(request)
    if (settings.latencyMs > 0) await delay(settings.latencyMs)
    if (new URL(request.url ?? '/', 'http://intacct').pathname !== path)
      return send(response, 404, 'Not Found', 'text/html')
    if (request.method !== 'POST') return send(response, 405, 'Method Not Allowed', 'text/html')
    if (xml === undefined) return send(response, 413, 'Request Entity Too Large', 'text/html')
    const leave = await queue.enter()
    stats.concurrent = queue.most()
    try {
      if (leave === undefined) {
        response.setHeader('retry-after', '30')
        return send(response, 429, failure(errors.throttled(), undefined))
      }
      await work(request, response, xml, host)
    } finally {
      leave?.()
    }
  }

  async function work(request: IncomingMessage, response: ServerResponse, xml: string, host: Host): Promise<void> {
    const note = (name: string): void => {
      stats.functions[name] = (stats.functions[name] ?? 0) + 1
    }
    let read: Request | RequestError
    try {
      read = readRequest(xml, note)
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      read = error
    }
    const functions = read instanceof RequestError ? [] : read.functions
    const names = functions.map(({ name }) => name)
    const site = siteOf(names[0])
    const objects = functions.map(({ element }) => textOf(element, 'object')?.toUpperCase() ?? '')
    const what = take([...names, ...objects, ...(site === undefined ? [] : [site])])
    const fault = read instanceof RequestError || site === undefined ? undefined : faults?.next(site, xml)
    if (fault && (await spoilt(fault, request, response, read))) return
    const reply = what && wholeReply(what)
    if (reply) return send(response, reply[0], reply[2], reply[1])

    let status = 200
    let body: string
    let type = xmlType
    try {
      if (read instanceof RequestError) throw read
      const made = what && requestErrors[what]
      if (made) throw made(read.senderId, credentials.companyId)
      const done = company.answer(read, host, what, fault === 'partial-errors')
      type = done.bare?.type ?? type
      body = done.bare?.body ?? success(read, done.who, done.results)
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      status = error.status
      const login = read instanceof RequestError ? undefined : read.login
      body = failure(error, read instanceof RequestError ? readControl(xml) : read, login?.userId, login?.companyId)
      if (status === 429) response.setHeader('retry-after', '1')
    }
    stats.last = [
      ...stats.last.slice(1 - remembered),
      {
        ...{ host, function: names.at(-1) ?? '', status, reply: body.slice(0, 4_000) },
        xml: xml.replace(/<password>[^<]*<\/password>/g, '<password/>').slice(0, 20_000),
      },
    ]
    await deliver(request, response, status, body, type, what, fault)
  }

  /** The injection that is meant for a request with these names, if any. */
  function take(names: readonly string[]): Injection | undefined {
    const found = injected.find(({ on }) => on === undefined || names.includes(on))
    if (!found) return undefined
    found.times--
    injected = injected.filter(({ times }) => times > 0)
    return found.what
  }

  /** Faults that keep the request from being done; true when the answer, or none, was given. */
  async function spoilt(
    fault: FaultKind,
    request: IncomingMessage,
    response: ServerResponse,
    read: Request | RequestError,
  ): Promise<boolean> {
    switch (fault) {
      case 'session-lost':
        if (!(read instanceof RequestError) && read.session !== undefined) company.endSession(read.session)
        return false
      case 'throttled':
        response.setHeader('retry-after', String(faults?.delays.retryAfterSeconds ?? 1))
        send(response, 429, failure(errors.throttled(), undefined))
        return true
      case 'server-error': {
        const [status, type, body] = wholeReply(stats.requests % 2 === 0 ? 'cloudflare-500' : 'cloudflare-520') ?? [
          500,
          '',
          '',
        ]
        send(response, status, body, type)
        return true
      }
      case 'unavailable': {
        const [status, type, body] = wholeReply('upstream-503') ?? [503, '', '']
        send(response, status, body, type)
        return true
      }
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

  /** Sends the reply, or what a fault or a test leaves of it. */
  async function deliver(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    body: string,
    type: string,
    what: Injection | undefined,
    fault: FaultKind | undefined,
  ): Promise<void> {
    if (fault === 'reset-after') {
      response.destroy()
      return
    }
    if (fault === 'broken-body') {
      const [, html = '', page = ''] = wholeReply('html-200') ?? []
      return send(response, 200, page, html)
    }
    if (fault === 'slow') await delay(faults?.delays.slowMs ?? 300)
    const other = what ?? (fault === 'cut-body' ? fault : undefined)
    if (other && (await endless(other, body, response))) return
    const changed = what && spoiltBody(what, body)
    const bytes = changed ?? Buffer.from(body)
    const accepted = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
    if (!settings.gzip || !accepted || bytes.length < smallest) return send(response, status, bytes, type)
    send(response, status, await compress(bytes, { level: 1 }), type, 'gzip')
  }

  const signIn = await open('sign-in', options.port)
  const own = await open('company', options.companyPort)
  const url = `http://127.0.0.1:${signIn.port}${path}`
  endpoint = `http://127.0.0.1:${own.port}${path}`

  return {
    url,
    endpoint,
    port: signIn.port,
    companyPort: own.port,
    ...credentials,
    entities: company.catalog.company.entities,
    userDimension,
    stats: () => structuredClone(stats),
    setFaults(plan) {
      faults = plan
    },
    setLatency(ms) {
      settings.latencyMs = ms
    },
    tune(changed) {
      Object.assign(settings, changed)
      company.retune()
    },
    inject(what, { times = 1, on } = {}) {
      injected.push({ what, times, on })
    },
    setText: (object, recordNo, field, text) => company.setText(object.toUpperCase(), Number(recordNo), field, text),
    unset: company.unset,
    deny: company.deny,
    allow: company.allow,
    denied: company.denied,
    endSessions: company.endSessions,
    newDay: company.newDay,
    close: async () => {
      await Promise.all([signIn.close(), own.close()])
    },
  }
}

/** Which kind of request it is; undefined for what cannot be read. */
function siteOf(name: string | undefined): string | undefined {
  if (name === 'getAPISession') return 'session'
  if (name === undefined || !Object.hasOwn(readers, name)) return undefined
  return ['query', 'readByQuery', 'readMore', 'read', 'readByName'].includes(name) ? 'query' : 'schema'
}

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
