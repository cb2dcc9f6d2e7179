/** The regional gateway of X3 in the cloud: it lists its addresses, pairs and gives tokens, and passes GraphQL on to an X3 behind it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { SignJWT } from 'jose'
import type { FaultPlan, SiteFaults } from '../../faults.ts'
import {
  DropNow,
  deliver,
  type Exchange,
  json,
  meetFault,
  type Refusals,
  type Reply,
  ReplyNow,
  readBody,
} from '../../http.ts'
import { listen } from '../../listen.ts'
import { escaped } from '../../xml.ts'
import type { X3Sandbox } from '../server.ts'
import { type Application, createPairings, GatewayRefusal, type Pairings, type TokenRules } from './pairings.ts'

export interface GatewayOptions {
  /** The X3 that it stands before. */
  readonly x3: X3Sandbox
  readonly clock: { now(): number }
  readonly applications: readonly Application[]
  /** Addresses under which the customer knows his X3. */
  readonly customers: readonly string[]
  readonly region?: string
  readonly port?: number
  readonly rules?: TokenRules
  /** Another region's pairings: its tokens are good here too. */
  readonly pairings?: Pairings
  readonly faults?: FaultPlan
}

export interface Gateway {
  /** `http://127.0.0.1:PORT/v1` */
  readonly root: string
  readonly pairings: Pairings
  /** Requests for tokens so far, answered or not. */
  exchanges(): number
  setFaults(plan: FaultPlan | undefined): void
  close(): Promise<void>
}

export const GATEWAY_SITES: Readonly<Record<string, SiteFaults>> = {
  'gateway:token': {
    // A token is renewed after minutes, or where it is refused.
    few: true,
    times: 1,
    kinds: [
      'server-error',
      'unavailable',
      'timeout',
      'reset-before',
      'reset-after',
      'error-after',
      'cut-body',
      'broken-body',
      'slow',
    ],
  },
}

const INTERNAL = { $severity: 'error', $dataCode: 'InternalServerError', $message: '', $source: 'Gateway' }
const unauthorised = (): Reply => json(401, { message: 'Unauthorised' })

const REFUSALS: Refusals = {
  expired: unauthorised,
  unauthorized: unauthorised,
  throttled: (wait) => json(429, { message: 'Too Many Requests' }, wait),
  serverError: () => json(500, INTERNAL),
  unavailable: (wait) => json(503, { message: 'Service Unavailable' }, wait),
}

const NO_FAULTS = { delays: { slowMs: 0, timeoutMs: 0, retryAfterSeconds: 0 } } as FaultPlan
const bodyLimit = 2_000_000

/** Starts a gateway on 127.0.0.1. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { x3, clock, region = 'eu' } = options
  const pairings = options.pairings ?? createPairings(options.applications, options.customers, clock.now, options.rules)
  const tellsEnd = options.rules?.tellsEnd ?? false
  let { faults } = options
  let root = ''
  let exchanges = 0

  const token = (text: string): Reply => {
    const pair = pairings.exchange(formOf(text))
    return json(200, {
      access_token: pair.accessToken,
      ...(pair.refreshToken ? { refresh_token: pair.refreshToken } : {}),
      token_type: 'Bearer',
      expires_in: pair.expiresIn,
      ...(tellsEnd && pair.refreshToken ? { refresh_token_expires_in: pair.refreshExpiresIn } : {}),
    })
  }

  /** The approver's page: he accepts, later and in his own browser, and is sent back to the application. */
  const authorise = (query: URLSearchParams): Reply => {
    const { id, customer } = pairings.request(query)
    return page(
      `<p>Your request was sent to ${escaped(customer)}.</p><a id="accept" href="/v1/pairing/${id}/accept">Accept (as a user of X3)</a>`,
    )
  }

  const graphQL = async (endPoint: string, request: IncomingMessage, text: string): Promise<Reply> => {
    const presented = request.headers.authorization?.replace(/^Bearer /i, '') ?? ''
    if (!pairings.isGood(presented)) return unauthorised()
    const answer = await fetch(x3.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-xtrem-endpoint': endPoint,
        authorization: `Bearer ${await signed(x3, clock.now())}`,
      },
      body: text,
    })
    if (answer.status === 401) return unauthorised()
    const type = answer.headers.get('content-type') ?? 'application/json'
    const date = answer.headers.get('date')
    return {
      status: answer.status,
      headers: { 'content-type': type, ...(date ? { date } : {}) },
      body: Buffer.from(await answer.arrayBuffer()),
    }
  }

  const answer = async (request: IncomingMessage, text: string, exchange: Exchange): Promise<Reply> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://gateway')
    const is = (method: string, path: string): boolean => request.method === method && pathname === path
    if (is('GET', '/v1')) return json(200, links(root, region))
    if (is('GET', '/v1/token/authorise')) return authorise(searchParams)
    if (is('POST', '/v1/token')) {
      exchanges += 1
      if (faults) await meetFault(faults, 'gateway:token', exchange, REFUSALS)
      return token(text)
    }
    const accepted = /^\/v1\/pairing\/([^/]+)\/accept$/.exec(pathname)?.[1]
    if (accepted) return { status: 302, headers: { location: pairings.accept(accepted) }, body: Buffer.alloc(0) }
    const endPoint = /^\/v1\/service\/([^/]+)\/api$/.exec(pathname)?.[1]
    if (endPoint && request.method === 'POST') return graphQL(decodeURIComponent(endPoint), request, text)
    return json(404, { message: 'Not Found' })
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.sendDate = false
    const exchange: Exchange = { aftermath: undefined, revoke: () => undefined }
    const plan = faults ?? NO_FAULTS
    const dated = (reply: Reply): Reply => ({
      ...reply,
      headers: { date: new Date(clock.now()).toUTCString(), ...reply.headers },
    })
    try {
      await deliver(response, dated(await answer(request, await textOf(request), exchange)), exchange, plan, REFUSALS)
    } catch (error) {
      if (error instanceof DropNow) request.socket.destroy()
      else if (error instanceof ReplyNow) await deliver(response, dated(error.reply), exchange, plan, REFUSALS)
      else if (error instanceof GatewayRefusal)
        await deliver(response, dated(json(error.status, { message: error.message })), exchange, plan, REFUSALS)
      else throw error
    }
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  const { port, close } = await listen(server, options.port)
  root = `http://127.0.0.1:${port}/v1`
  return {
    root,
    pairings,
    exchanges: () => exchanges,
    setFaults(plan) {
      faults = plan
    },
    close,
  }
}

/** Sage's page names the parameters and not their form: both are taken. */
function formOf(text: string): URLSearchParams {
  if (!text.trimStart().startsWith('{')) return new URLSearchParams(text)
  try {
    return new URLSearchParams(JSON.parse(text) as Record<string, string>)
  } catch {
    throw new GatewayRefusal(400, 'Missing required request parameters')
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const body = await readBody(request, bodyLimit)
  if (!body) throw new GatewayRefusal(413, 'Request Entity Too Large')
  return body.toString()
}

/** What the root lists. */
const links = (root: string, region: string): Readonly<Record<string, unknown>> => ({
  region,
  authorise: `${root}/token/authorise`,
  token: `${root}/token`,
  folder: `${root}/folders`,
  graphQL: `${root}/service/{endPoint}/api`,
  dataIngestion: `${root}/dataingestion/{folderName}`,
  dataDelivery: `${root}/datadelivery/{folderName}`,
  apiDoc: `${root}/swagger`,
  businessDomains: ['ALL'],
})

const page = (body: string): Reply => ({
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: Buffer.from(`<!DOCTYPE html><html><head><title>Sage X3</title></head><body>${body}</body></html>`),
})

/** The gateway is known to its X3 as every other application is. */
const signed = (x3: X3Sandbox, now: number): Promise<string> => {
  const iat = Math.floor(now / 1000) - 30
  return new SignJWT({ iss: x3.clientId, sub: x3.user, aud: x3.url, iat, exp: iat + 300 })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(Buffer.from(x3.secret))
}
