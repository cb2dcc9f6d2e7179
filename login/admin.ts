/**
 * What stands before Node-RED's admin API: headers, the check of host and origin, and the login itself. Node-RED's own login
 * ends the process at a name such as `constructor` or a password that is no text, and keeps the rights that a user had when he
 * logged in; so `/auth/token` and `/auth/revoke` are answered here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { RequestHandler } from 'express'
import { type Attempts, clientAddress, placeOf } from './attempts.ts'
import { deviceCookie, deviceOf } from './device.ts'
import type { NodeRedParts } from './node-red.ts'
import type { Asked } from './origins.ts'
import { mend, oddityOf, passerBy } from './passing.ts'
import type { Sessions } from './sessions.ts'
import { turns } from './turns.ts'
import type { User, Users } from './users.ts'

/** What the editor needs and no more; nobody may frame it. */
const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}
const MOST_BYTES = 16_384
/** Passwords that are compared at one time; each costs tens of milliseconds of a core. */
const MOST_AT_ONCE = 2
/** Logins that wait for their turn; more are sent away. */
const MOST_WAITING = 50
/** Milliseconds that a refusal takes at least, whether there is such a user or not: names cannot be told by the time. */
const REFUSAL_MS = 300
/** bcrypt looks at no more; a longer text only costs. */
const LONGEST = 1000

export interface AdminParts {
  readonly users: Users
  readonly sessions: Sessions
  /** Of users, and of names that are none: whoever makes up names cannot have those of users forgotten. */
  readonly attempts: { readonly known: Attempts; readonly unknown: Attempts }
  readonly bcrypt: NodeRedParts['bcrypt']
  readonly covers: NodeRedParts['hasPermission']
  readonly refused: (asked: Asked) => string | undefined
  /** Node-RED's own audit log. */
  readonly audit: NodeRedParts['audit']
  /** A proxy in front says whose requests it passes on (TIEOUT_TRUST_PROXY). */
  readonly trustProxy: boolean
}

/** Asked by machines, under whatever name they know this one; they tell nothing that is not for everybody, or want a token. */
const FOR_MACHINES = new Set(['/tieout/live', '/tieout/health', '/tieout/metrics'])

/** Attempts of one name from one place. */
interface Own {
  allowed(): boolean
  failed(): void
}

/** What goes before Node-RED's admin API. It never throws and never rejects. */
export function adminMiddleware(parts: AdminParts): RequestHandler {
  const inTurn = turns(MOST_AT_ONCE)
  /**
   * Where there is no such user nothing is compared, which costs: made-up names would take the turns of the others. Counted
   * within the turn: who sends many at once may have used up its attempts when the next one comes.
   */
  const check = async (user: User | undefined, password: string, own: Own): Promise<'right' | 'wrong' | 'too many'> => {
    if (user === undefined) {
      own.failed()
      return 'wrong'
    }
    return inTurn.run(async () => {
      if (!own.allowed()) return 'too many'
      const hash = user.password.replace(/^\$2y/, '$2b')
      if (await parts.bcrypt.compare(password, hash).catch(() => false)) return 'right'
      own.failed()
      return 'wrong'
    })
  }

  const logIn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { username, password, scope, grant_type: grant } = await fieldsOf(request)
    if (typeof username !== 'string' || typeof password !== 'string' || (grant ?? 'password') !== 'password')
      return answer(response, 400, {
        error: 'invalid_request',
        error_description: 'username and password must be texts',
      })
    if (password.length > LONGEST || username.length > LONGEST) return denied(response)
    const user = parts.users.find(username)
    const attempts = user ? parts.attempts.known : parts.attempts.unknown
    const address = clientAddress(request, parts.trustProxy)
    const place = (user && deviceOf(user, request.headers)) ?? placeOf(address)
    const own: Own = {
      allowed: () => attempts.allowed(username, place),
      failed: () => attempts.failed(username, place),
    }
    const tooMany = (): void => {
      parts.audit({ event: 'auth.login.fail.too-many-attempts', username, address })
      answer(response, 429, {
        error: 'too_many_attempts',
        error_description: 'Too many login attempts. Wait 10 minutes and try again',
      })
    }
    if (!own.allowed() || (user && inTurn.waiting() >= MOST_WAITING)) return tooMany()
    const refusable = wait(REFUSAL_MS)
    const wanted = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : []
    const found = await check(user, password, own)
    if (found === 'too many') return tooMany()
    if (found === 'wrong' || user === undefined) {
      parts.audit({ event: 'auth.login.fail.credentials', username, address })
      await refusable
      return denied(response)
    }
    attempts.succeeded(username, place)
    if (!parts.covers(user.permissions, wanted)) return denied(response)
    parts.audit({ event: 'auth.login', username, address, scope: user.permissions })
    response.setHeader('Set-Cookie', deviceCookie(user, request.headers))
    answer(response, 200, {
      access_token: parts.sessions.create(user, wanted),
      expires_in: parts.sessions.seconds,
      token_type: 'Bearer',
    })
  }

  const logOut = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { token } = await fieldsOf(request)
    const own = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (own === undefined || parts.sessions.find(own) === undefined) return answer(response, 401, {})
    parts.audit({ event: 'auth.login.revoke' })
    parts.sessions.revoke(typeof token === 'string' ? token : own)
    answer(response, 200, {})
  }

  const logins: Readonly<Record<string, typeof logIn>> = { '/auth/token': logIn, '/auth/revoke': logOut }

  const passBy = passerBy()

  return (request, response, next) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    const { host, origin } = request.headers
    const stranger = FOR_MACHINES.has(request.path) ? undefined : parts.refused({ host, origin })
    const refusal = stranger ?? oddityOf(request)
    if (refusal !== undefined)
      return passBy(request, response, next, { status: stranger === undefined ? 400 : 403, text: refusal })
    mend(request)
    const login = request.method === 'POST' ? logins[request.path.replace(/(.)\/$/, '$1').toLowerCase()] : undefined
    if (login === undefined) return next()
    login(request, response).catch(() => answer(response, 400, { error: 'invalid_request' }))
  }
}

const denied = (response: ServerResponse): void =>
  answer(response, 403, { error: 'invalid_grant', error_description: 'Wrong name or password' })

function answer(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return
  response.statusCode = status
  response.setHeader('Content-Type', 'application/json')
  response.setHeader('Cache-Control', 'no-store')
  response.end(JSON.stringify(body))
}

/** The fields of a form or of JSON. Throws where the body is too large, cut off, or neither. */
async function fieldsOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > MOST_BYTES) throw new RangeError('too large')
  }
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
    return Object.fromEntries(new URLSearchParams(text))
  const json: unknown = JSON.parse(text)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new TypeError('no object')
  return { ...json }
}
