/** Access tokens: a personal one, or a service principal's by client credentials, renewed ahead and by one request at a time. */
import { z } from 'zod'
import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import { withScheme } from '../../../vendor/address.ts'
import { LOGIN_BYTES } from '../../../vendor/limits.ts'
import type { Http } from './http.ts'

export type AuthOptions =
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'oauth'
      readonly clientId: string
      readonly clientSecret: string
      /** Microsoft Entra tenant: the token then comes from Entra (Azure) and not from the workspace. */
      readonly azureTenant?: string
      /** Entra's own address, for sovereign clouds: `https://login.microsoftonline.us`. */
      readonly azureLogin?: string
    }

/** The application id of Azure Databricks, the same in every tenant (learn.microsoft.com, Azure Databricks OAuth with Entra). */
const AZURE_DATABRICKS = '2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default'
const RENEW_AHEAD_MS = 5 * 60_000

const tokenReply = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive().default(3600) })

export interface Tokens {
  /** A token good for a while; concurrent callers share one request. */
  get(): Promise<string>
  /** How many tokens there have been so far. */
  issued(): number
  /**
   * Forgets the token that a reply refused, so that the next `get` asks for another. `issued` is as of the token it had:
   * of several requests that met one dead token only the first drops it, and none the good one that came meanwhile.
   */
  drop(issued: number): void
}

export interface TokenOptions {
  readonly auth: AuthOptions
  /** `https://host:port` of the workspace. */
  readonly workspace: string
  readonly http: Http
}

export function createTokens({ auth, workspace, http }: TokenOptions): Tokens {
  if (auth.kind === 'token') return { get: async () => auth.token, issued: () => 1, drop: () => undefined }
  let current: { readonly token: string; readonly renewAt: number } | undefined
  let pending: Promise<string> | undefined
  let issued = 0

  const fetch = async (): Promise<string> => {
    const asked = Date.now()
    const { token, seconds } = await requestToken(auth, workspace, http)
    // a token that lives shorter than twice the margin is renewed at half its life
    current = { token, renewAt: asked + Math.max(seconds * 1000 - RENEW_AHEAD_MS, seconds * 500) }
    issued += 1
    return token
  }
  return {
    get() {
      if (current && Date.now() < current.renewAt) return Promise.resolve(current.token)
      pending ??= fetch().finally(() => {
        pending = undefined
      })
      return pending
    },
    issued: () => issued,
    drop(before) {
      if (before === issued) current = undefined
    },
  }
}

async function requestToken(
  auth: Extract<AuthOptions, { kind: 'oauth' }>,
  workspace: string,
  http: Http,
): Promise<{ token: string; seconds: number }> {
  const entra = auth.azureTenant !== undefined && auth.azureTenant !== ''
  const url = entra
    ? `${(withScheme(auth.azureLogin || 'login.microsoftonline.com')?.href ?? '').replace(/\/+$/, '')}/${encodeURIComponent(auth.azureTenant ?? '')}/oauth2/v2.0/token`
    : `${workspace}/oidc/v1/token`
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope: entra ? AZURE_DATABRICKS : 'all-apis' })
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  }
  if (entra) {
    form.set('client_id', auth.clientId)
    form.set('client_secret', auth.clientSecret)
  } else {
    headers.authorization = `Basic ${Buffer.from(`${auth.clientId}:${auth.clientSecret}`).toString('base64')}`
  }
  const what = `Token for ${auth.clientId} from ${new URL(url).host}`
  const reply = await http.send({
    method: 'POST',
    url,
    headers,
    body: form.toString(),
    what,
    allow: [400, 401, 403],
    maxBytes: LOGIN_BYTES,
  })
  if (reply.status >= 400) throw refused(reply.text, reply.status, what)
  const parsed = tokenReply.safeParse(parse(reply.text))
  if (!parsed.success) {
    const hint = 'If it stays so: a login page or a proxy may answer instead of Databricks; check host and proxy.'
    throw syncError('transient', 'databricks.token', `${what}: the reply is no token. ${hint}`, { hint })
  }
  return { token: parsed.data.access_token, seconds: parsed.data.expires_in }
}

/** What the OAuth error codes mean here (RFC 6749, 5.2; Entra's AADSTS numbers stand in the description). */
const OAUTH_HINTS: Record<string, string> = {
  invalid_client:
    'Client id or secret is wrong, the secret has expired, or the service principal is not in this workspace: make a new OAuth secret for it and enter both.',
  unauthorized_client:
    'The service principal may not get tokens this way: check that it is active and assigned to the workspace.',
  invalid_scope:
    'The scope is not allowed: check whether the token should come from the workspace or from Microsoft Entra.',
  invalid_request: 'Check client id, tenant and host.',
  access_denied: 'The service principal is not assigned to this workspace.',
}

function refused(body: string, status: number, what: string): Error {
  const json = parse(body) as { error?: unknown; error_description?: unknown } | undefined
  const code = typeof json?.error === 'string' ? json.error : `http${status}`
  const text =
    typeof json?.error_description === 'string' ? json.error_description.split(/\r?\n/)[0]?.slice(0, 300) : undefined
  const hint = OAUTH_HINTS[code] ?? 'Check client id, secret, host and tenant.'
  return syncError('auth', `databricks.${code}`, `${what}: ${code}${text ? ` (${text})` : ''}. ${hint}`, {
    vendorCode: code,
    httpStatus: status,
    hint,
    ...(text ? { vendorText: text } : {}),
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A refusal that asking again cannot change: the client itself is refused. */
export const isRefusedClient = (error: unknown): boolean =>
  isSyncError(error) &&
  error.cause.class === 'auth' &&
  error.cause.vendorCode !== undefined &&
  error.cause.vendorCode in OAUTH_HINTS
