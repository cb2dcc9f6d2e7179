import { randomBytes, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { json, type Reply } from '../http.ts'
import {
  CLOUDS,
  certificateOf,
  clientFault,
  noTenant,
  type Registration,
  refusal,
  scopeFault,
} from './identity-faults.ts'

export interface Identity {
  /** `GET /{tenant}/v2.0/.well-known/openid-configuration` */
  discovery(origin: string, tenant: string): Reply
  /** `GET /common/discovery/instance` */
  instances(origin: string, host: string): Reply
  /** `POST /{tenant}/oauth2/v2.0/token` */
  token(origin: string, tenant: string, body: string): Promise<Reply>
  /** What is wrong with the header of an API request, or undefined where it carries a valid token. */
  check(authorization: string | undefined): 'missing' | 'expired' | undefined
  /** Ends the life of the presented token. */
  revoke(authorization: string | undefined): void
}

export function createIdentity(app: Registration): Identity {
  const key = randomBytes(32)
  const tokens = new Map<string, number>()
  const { resource } = CLOUDS[app.cloud]
  const own = certificateOf(app)

  return {
    discovery(origin, tenant) {
      if (tenant !== app.tenant) return noTenant(tenant)
      return json(200, {
        token_endpoint: `${origin}/${tenant}/oauth2/v2.0/token`,
        token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
        jwks_uri: `${origin}/${tenant}/discovery/v2.0/keys`,
        response_modes_supported: ['query', 'fragment', 'form_post'],
        subject_types_supported: ['pairwise'],
        id_token_signing_alg_values_supported: ['RS256'],
        response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
        scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
        issuer: `${origin}/${tenant}/v2.0`,
        authorization_endpoint: `${origin}/${tenant}/oauth2/v2.0/authorize`,
        end_session_endpoint: `${origin}/${tenant}/oauth2/v2.0/logout`,
        cloud_instance_name: 'microsoftonline.com',
      })
    },

    instances: (origin, host) =>
      json(200, {
        tenant_discovery_endpoint: `${origin}/${app.tenant}/v2.0/.well-known/openid-configuration`,
        'api-version': '1.1',
        metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
      }),

    async token(origin, tenant, body) {
      if (tenant !== app.tenant) return noTenant(tenant)
      const form = new URLSearchParams(body)
      const grant = form.get('grant_type')
      if (grant !== 'client_credentials') {
        return refusal(
          400,
          'unsupported_grant_type',
          70003,
          `The app requested an unsupported grant type '${grant ?? ''}'.`,
        )
      }
      const clientId = form.get('client_id')
      if (clientId !== app.clientId) {
        return refusal(
          400,
          'unauthorized_client',
          700016,
          `Application with identifier '${clientId ?? ''}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
        )
      }
      const fault = (await clientFault(app, own, form, origin)) ?? scopeFault(app, form.get('scope'))
      if (fault) return fault
      const { tokenSeconds, refreshIn } = app.lifetime()
      const now = app.now()
      for (const [known, expiry] of tokens) if (expiry <= now - 86_400_000) tokens.delete(known)
      const token = await new SignJWT({ appid: clientId, tid: tenant, idtyp: 'app', ver: '1.0' })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuer(`https://sts.windows.net/${tenant}/`)
        .setAudience(resource)
        .setSubject(clientId)
        .setJti(randomUUID())
        .setIssuedAt(Math.floor(now / 1000))
        .setExpirationTime(Math.floor(now / 1000) + tokenSeconds)
        .sign(key)
      tokens.set(token, now + tokenSeconds * 1000)
      return json(
        200,
        {
          token_type: 'Bearer',
          expires_in: tokenSeconds,
          ext_expires_in: tokenSeconds,
          ...(refreshIn > 0 ? { refresh_in: refreshIn } : {}),
          access_token: token,
        },
        { 'cache-control': 'no-store, no-cache' },
      )
    },

    check(authorization) {
      const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
      const expiry = token === undefined ? undefined : tokens.get(token)
      if (expiry === undefined) return 'missing'
      return expiry > app.now() ? undefined : 'expired'
    },

    revoke(authorization) {
      const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
      if (token !== undefined && tokens.has(token)) tokens.set(token, 0)
    },
  }
}
