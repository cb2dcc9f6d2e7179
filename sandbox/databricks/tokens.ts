import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import { json, type Reply } from '../http.ts'
import { failure } from './http.ts'

/** The principal's credentials as this server knows them. */
export interface Credentials {
  clientId: string
  clientSecret: string
  /** The personal access token, valid until the server stops. */
  token: string
  /** Life time of OAuth tokens, asked for each. */
  tokenSeconds: () => number
}

export interface Tokens {
  /** `GET /oidc/.well-known/oauth-authorization-server` */
  discovery(origin: string): Reply
  /** `POST /oidc/v1/token`: client credentials by HTTP Basic or in the form. */
  grant(authorization: string | undefined, body: string, origin: string): Promise<Reply>
  /** The refusal, or undefined where the header carries a valid token. */
  refuse(authorization: string | undefined): Reply | undefined
  /** Ends the life of the presented token early; the personal access token only misses the request at hand. */
  revoke(authorization: string | undefined): void
}

export function createTokens(credentials: Credentials): Tokens {
  const key = randomBytes(32)
  const issued = new Map<string, number>()

  return {
    discovery: (origin) =>
      json(200, {
        issuer: `${origin}/oidc`,
        authorization_endpoint: `${origin}/oidc/v1/authorize`,
        token_endpoint: `${origin}/oidc/v1/token`,
        jwks_uri: `${origin}/oidc/jwks.json`,
        scopes_supported: ['all-apis', 'offline_access', 'openid'],
        grant_types_supported: ['client_credentials', 'authorization_code', 'refresh_token'],
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      }),

    async grant(authorization, body, origin) {
      const form = new URLSearchParams(body)
      const [id, secret] = basic(authorization) ?? [form.get('client_id'), form.get('client_secret')]
      if (form.get('grant_type') !== 'client_credentials') {
        return json(400, { error: 'unsupported_grant_type', error_description: 'grant_type is not supported' })
      }
      if (id !== credentials.clientId || secret !== credentials.clientSecret) {
        return json(401, { error: 'invalid_client', error_description: 'Client authentication failed' })
      }
      if (form.get('scope') !== 'all-apis') {
        return json(400, { error: 'invalid_scope', error_description: 'The requested scope is invalid' })
      }
      const tokenSeconds = credentials.tokenSeconds()
      const now = Date.now()
      for (const [token, expiry] of issued) if (expiry <= now) issued.delete(token)
      const token = await new SignJWT({ scope: 'all-apis', client_id: credentials.clientId })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(`${origin}/oidc`)
        .setSubject(credentials.clientId)
        .setJti(randomBytes(12).toString('hex'))
        .setIssuedAt()
        .setExpirationTime(Math.floor(now / 1000) + tokenSeconds)
        .sign(key)
      issued.set(token, now + tokenSeconds * 1000)
      return json(200, { access_token: token, token_type: 'Bearer', expires_in: tokenSeconds, scope: 'all-apis' })
    },

    refuse(authorization) {
      const token = bearer(authorization)
      if (token === undefined) {
        return failure(401, '401', 'Credential was not sent or was of an unsupported type for this API.')
      }
      if (token === credentials.token || (issued.get(token) ?? 0) > Date.now()) return undefined
      return failure(403, '403', 'Invalid access token.')
    },

    revoke(authorization) {
      const token = bearer(authorization)
      if (token !== undefined) issued.delete(token)
    },
  }
}

function bearer(authorization: string | undefined): string | undefined {
  return /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
}

function basic(authorization: string | undefined): [id: string, secret: string] | undefined {
  const encoded = /^Basic (\S+)$/i.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  // RFC 6749: both parts are form-encoded before they are joined.
  return [decodeURIComponent(text.slice(0, colon)), decodeURIComponent(text.slice(colon + 1))]
}
