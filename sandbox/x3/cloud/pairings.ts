/** Pairings of applications with customers, and the tokens that they get: short access tokens, refresh tokens that change with each use. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'

export interface TokenRules {
  /** Seconds of an access token, 300. */
  readonly accessSeconds?: number
  /** Days of a refresh token, 30. */
  readonly refreshDays?: number
  /** Whether each renewal gives the refresh token its whole time again, or none lives longer than the pairing's first; `fresh`. */
  readonly lifetime?: 'fresh' | 'family'
  /** Seconds in which a refresh token that was used may be used again, for a caller that never got the reply; 0. */
  readonly graceSeconds?: number
  /** A refresh token that is used after that takes the whole pairing away; false: it is only refused. */
  readonly revokesOnReuse?: boolean
  /** Days after which a pairing that nobody accepted is over, 14. */
  readonly requestDays?: number
  /** The reply of a renewal says when the refresh token ends. */
  readonly tellsEnd?: boolean
  /** Whether an application gets a token in its own name, without a pairing (no page of Sage names it); false. */
  readonly clientCredentials?: boolean
  /** Whether a pairing's challenge (PKCE) is looked at, or even asked for (no page of Sage names it); `ignored`. */
  readonly pkce?: 'ignored' | 'checked' | 'required'
}

export interface Application {
  readonly clientId: string
  readonly secret: string
  /** Addresses that a pairing may come back to. */
  readonly redirectUris: readonly string[]
}

export interface PairingRequest {
  readonly id: string
  readonly clientId: string
  readonly customer: string
  readonly redirectUri: string
  readonly state: string
  readonly scope: string
}

/** HTTP status and the text in `message`. */
export class GatewayRefusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface Pair {
  readonly accessToken: string
  /** Empty: none. */
  readonly refreshToken: string
  /** Seconds of the access token. */
  readonly expiresIn: number
  /** Seconds of the refresh token. */
  readonly refreshExpiresIn: number
}

interface Family {
  readonly clientId: string
  /** ms at which the pairing was made. */
  readonly begun: number
  /** The refresh token that counts. */
  current: string
  currentEnd: number
  /** The one before, and when it was used. */
  before: { readonly token: string; readonly usedAt: number } | undefined
  lost: boolean
}

interface Request extends PairingRequest {
  readonly asked: number
  readonly challenge: string | null
  code: string | undefined
}

const DAY = 86_400_000

export interface Pairings {
  /** A pairing is asked for; throws GatewayRefusal. */
  request(query: URLSearchParams): PairingRequest
  open(): readonly PairingRequest[]
  /** A user of the customer's X3 accepts; where his browser is sent. `endpoint`: root of another region, for all later calls. */
  accept(id: string, endpoint?: string): string
  refuse(id: string): void
  /** `POST /v1/token`; throws GatewayRefusal. */
  exchange(form: URLSearchParams): Pair
  /** Whether an access token may be used now. */
  isGood(accessToken: string): boolean
  /** The customer deletes every refresh token. */
  deleteAll(): void
  disable(clientId: string): void
  enable(clientId: string): void
  /** Ends every access token before its time. */
  endAccess(): void
}

export function createPairings(
  applications: readonly Application[],
  customers: readonly string[],
  now: () => number,
  rules: TokenRules = {},
): Pairings {
  const { accessSeconds = 300, refreshDays = 30, lifetime = 'fresh', graceSeconds = 0 } = rules
  const { revokesOnReuse = true, requestDays = 14, pkce = 'ignored' } = rules
  const requests = new Map<string, Request>()
  const families: Family[] = []
  const access = createAccess(now, accessSeconds)
  const disabled = new Set<string>()

  const applicationOf = (clientId: string | null): Application => {
    const found = applications.find((one) => one.clientId === clientId)
    if (!found) throw new GatewayRefusal(404, 'client_id not found')
    if (disabled.has(found.clientId)) throw new GatewayRefusal(403, 'The application is disabled.')
    return found
  }

  const issue = (family: Family): Pair => {
    const longest = refreshDays * DAY
    family.currentEnd = lifetime === 'fresh' ? now() + longest : family.begun + longest
    family.current = randomBytes(32).toString('base64url')
    return {
      ...access.give(family),
      refreshToken: family.current,
      refreshExpiresIn: Math.floor((family.currentEnd - now()) / 1000),
    }
  }

  const byCode = (form: URLSearchParams, clientId: string): Pair => {
    const given = form.get('code') ?? form.get('authorizationCode')
    const request = [...requests.values()].find(({ code }) => code !== undefined && code === given)
    if (request?.clientId !== clientId) throw new GatewayRefusal(403, 'Pairing request not found')
    if (form.get('redirect_uri') !== request.redirectUri) throw new GatewayRefusal(404, 'redirect_uri not found')
    if (now() - request.asked > requestDays * DAY) throw new GatewayRefusal(403, 'The request has expired.')
    requests.delete(request.id)
    if (pkce !== 'ignored' && request.challenge !== null && challengeOf(form) !== request.challenge)
      throw new GatewayRefusal(403, 'Pairing request not found')
    // One pair for each customer: a new pairing takes the place of the old one.
    for (const family of families) if (family.clientId === clientId) family.lost = true
    const family = begun(clientId, now())
    families.push(family)
    return issue(family)
  }

  const byRefreshToken = (form: URLSearchParams, clientId: string): Pair => {
    const token = form.get('refresh_token') ?? ''
    const family = families.find(
      ({ current, before }) => token !== '' && (current === token || before?.token === token),
    )
    if (!family || family.clientId !== clientId || family.lost)
      throw new GatewayRefusal(403, 'The pairing request has not been accepted.')
    if (family.current === token) {
      if (now() > family.currentEnd) throw new GatewayRefusal(403, 'The request has expired.')
      family.before = { token, usedAt: now() }
      return issue(family)
    }
    if (now() - (family.before?.usedAt ?? 0) < graceSeconds * 1000) return issue(family)
    if (revokesOnReuse) family.lost = true
    throw new GatewayRefusal(403, 'The pairing request has not been accepted.')
  }

  return {
    request(query) {
      const asked = askedIn(query, pkce === 'required')
      const { clientId, customer, redirectUri } = asked
      if (!applicationOf(clientId).redirectUris.includes(redirectUri))
        throw new GatewayRefusal(404, 'redirect_uri not found')
      if (!customers.includes(customer)) throw new GatewayRefusal(404, 'customer not found')
      const request: Request = { ...asked, id: randomUUID(), asked: now(), code: undefined }
      requests.set(request.id, request)
      return request
    },
    open: () => [...requests.values()].filter(({ code }) => code === undefined),
    accept(id, endpoint) {
      const request = requests.get(id)
      if (!request) throw new GatewayRefusal(403, 'Pairing request not found')
      if (now() - request.asked > requestDays * DAY) throw new GatewayRefusal(403, 'The request has expired.')
      request.code = randomBytes(24).toString('base64url')
      const url = new URL(request.redirectUri)
      url.searchParams.set('authorizationCode', request.code)
      url.searchParams.set('state', request.state)
      if (endpoint) url.searchParams.set('endpoint', endpoint)
      return url.href
    },
    refuse: (id) => void requests.delete(id),
    exchange(form) {
      const grant = form.get('grant_type')
      if (!grant || !form.get('client_id') || !form.get('client_secret'))
        throw new GatewayRefusal(400, 'Missing required request parameters')
      const isOwn = grant === 'client_credentials' && rules.clientCredentials
      if (grant !== 'authorization_code' && grant !== 'refresh_token' && !isOwn)
        throw new GatewayRefusal(400, 'Invalid grant type')
      const { clientId, secret } = applicationOf(form.get('client_id'))
      if (form.get('client_secret') !== secret) throw new GatewayRefusal(404, 'client_id not found')
      if (isOwn) return { ...access.give(begun(clientId, now())), refreshToken: '', refreshExpiresIn: 0 }
      return grant === 'authorization_code' ? byCode(form, clientId) : byRefreshToken(form, clientId)
    },
    isGood: (accessToken) => access.isGood(accessToken),
    deleteAll() {
      for (const family of families) family.lost = true
    },
    disable: (clientId) => void disabled.add(clientId),
    enable: (clientId) => void disabled.delete(clientId),
    endAccess: () => access.end(),
  }
}

const challengeOf = (form: URLSearchParams): string =>
  createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')

const begun = (clientId: string, now: number): Family => ({
  ...{ clientId, begun: now, current: '', currentEnd: 0, before: undefined, lost: false },
})

function createAccess(now: () => number, expiresIn: number) {
  const given = new Map<string, { readonly end: number; readonly family: Family }>()
  return {
    give(family: Family) {
      const accessToken = `${randomBytes(8).toString('base64url')}.${randomBytes(24).toString('base64url')}`
      given.set(accessToken, { end: now() + expiresIn * 1000, family })
      return { accessToken, expiresIn }
    },
    isGood(accessToken: string): boolean {
      const found = given.get(accessToken)
      return found !== undefined && !found.family.lost && now() < found.end
    },
    end: () => given.clear(),
  }
}

function askedIn(query: URLSearchParams, needsChallenge: boolean) {
  const [clientId, customer, redirectUri, state, scope] = [
    'client_id',
    'customer',
    'redirect_uri',
    'state',
    'scope',
  ].map((name) => query.get(name))
  const challenge = query.get('code_challenge')
  const isChallenged = challenge !== null && query.get('code_challenge_method') === 'S256'
  if (!clientId || !customer || !redirectUri || !state || !scope || (needsChallenge && !isChallenged))
    throw new GatewayRefusal(400, 'Missing required request parameters')
  return { clientId, customer, redirectUri, state, scope, challenge }
}
