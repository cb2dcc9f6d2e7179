import { generateKeyPairSync, type KeyObject, randomUUID, timingSafeEqual } from 'node:crypto'
import { exportJWK, SignJWT } from 'jose'
import { json, type Reply } from '../http.ts'
import type { BaswareSettings } from './options.ts'

export interface Registration {
  readonly clientId: string
  readonly clientSecret: string
  readonly username: string
  readonly password: string
  readonly scopes: readonly string[]
  readonly settings: () => BaswareSettings
  readonly now: () => number
}

/** What a caller may do, by scopes: those of its token, or all that the client was granted; undefined where it is nobody. */
export type Rights = ReadonlySet<string> | undefined

export interface Identity {
  /** `POST /v1/tokens` */
  token(origin: string, authorization: string | undefined, type: string, body: string): Promise<Reply>
  keys(): Promise<Reply>
  configuration(origin: string): Reply
  rights(authorization: string | undefined): Rights
  /** Ends the life of the presented token. */
  revoke(authorization: string | undefined): void
}

const refusal = (status: number, error: string, error_description?: string): Reply =>
  json(status, { error, ...(error_description === undefined ? {} : { error_description }) })

const missing = (where: string, name: string): Reply =>
  json(422, { detail: [{ loc: [where, name], msg: 'field required', type: 'value_error.missing' }] })

function same(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}

/** User and password of HTTP Basic; undefined where the header has none. */
function basic(authorization: string | undefined): readonly [string, string] | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const at = text.indexOf(':')
  return at < 0 ? undefined : [text.slice(0, at), text.slice(at + 1)]
}

const bearer = (authorization: string | undefined): string | undefined =>
  /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]

/** Tokens that were given, and what they are signed with. */
interface Keyring {
  readonly keyId: string
  /** Made when first needed: it takes a while. */
  readonly pair: () => { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly tokens: Map<string, { readonly expires: number; readonly scopes: ReadonlySet<string> }>
}

function createKeyring(): Keyring {
  let pair: ReturnType<Keyring['pair']> | undefined
  return {
    keyId: randomUUID(),
    tokens: new Map(),
    pair() {
      pair ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
      return pair
    },
  }
}

async function sign(app: Registration, ring: Keyring, origin: string, scopes: readonly string[]): Promise<string> {
  const now = app.now()
  const at = Math.floor(now / 1000)
  const { tokenSeconds } = app.settings()
  const token = await new SignJWT({ scope: scopes.join(' '), auth_time: at, bwcid: 'sandbox' })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: ring.keyId })
    .setIssuer(origin)
    .setAudience('OpenAPI')
    .setSubject(app.clientId)
    .setJti(randomUUID())
    .setIssuedAt(at)
    .setExpirationTime(at + tokenSeconds)
    .sign(ring.pair().privateKey)
  for (const [known, { expires }] of ring.tokens) if (expires <= now) ring.tokens.delete(known)
  ring.tokens.set(token, { expires: now + tokenSeconds * 1000, scopes: new Set(scopes) })
  return token
}

/** The scopes that a form asks for and the client may have, or the refusal. */
function scopesOf(app: Registration, form: URLSearchParams): readonly string[] | Reply {
  for (const name of ['grant_type', 'scope']) if (!form.get(name)) return missing('body', name)
  if (form.get('grant_type') !== 'client_credentials')
    return refusal(400, 'unsupported_grant_type', 'Only client_credentials can be asked for.')
  const asked = (form.get('scope') ?? '').split(' ').filter(Boolean)
  const granted = asked.filter((scope) => app.scopes.includes(scope))
  const refused = app.settings().ungrantedScope === 'refused' && granted.length < asked.length
  if (!refused && granted.length > 0) return granted
  const others = asked.filter((scope) => !granted.includes(scope))
  return refusal(400, 'invalid_scope', `Not granted: ${others.join(' ')}`)
}

export function createIdentity(app: Registration): Identity {
  const ring = createKeyring()
  return {
    async token(origin, authorization, type, body) {
      if (authorization === undefined) return missing('header', 'authorization')
      const [id, secret] = basic(authorization) ?? ['', '']
      if (!same(id, app.clientId) || !same(secret, app.clientSecret)) return refusal(401, 'invalid_client')
      const isForm = type.startsWith('application/x-www-form-urlencoded')
      const scopes = scopesOf(app, new URLSearchParams(isForm ? body : ''))
      if ('status' in scopes) return scopes
      const { expiresIn, tokenSeconds } = app.settings()
      return json(200, {
        access_token: await sign(app, ring, origin, scopes),
        token_type: 'Bearer',
        expires_in: expiresIn === 'seconds' ? tokenSeconds : Math.floor(tokenSeconds / 60),
        scope: scopes.join(' '),
      })
    },

    async keys() {
      const jwk = await exportJWK(ring.pair().publicKey)
      return json(200, { keys: [{ ...jwk, kid: ring.keyId, use: 'sig', alg: 'RS256' }] })
    },

    configuration: (origin) => json(200, { issuer: origin, jwks_uri: `${origin}/.well-known/jwks.json` }),

    rights(authorization) {
      const [user, password] = basic(authorization) ?? []
      if (user !== undefined && password !== undefined)
        return same(user, app.username) && same(password, app.password) ? new Set(app.scopes) : undefined
      const found = ring.tokens.get(bearer(authorization) ?? '')
      return found && found.expires > app.now() ? found.scopes : undefined
    },

    revoke(authorization) {
      ring.tokens.delete(bearer(authorization) ?? '')
    },
  }
}
