/** Tokens of a service principal through msal, with what msal leaves out: single flight, a bound, and the last good token kept to its end. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type {
  ConfidentialClientApplication,
  INetworkModule,
  NetworkRequestOptions,
  NetworkResponse,
} from '@azure/msal-node'
import { isSyncError, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { Clock } from '../../../sync/contract/wait.ts'
import { withScheme } from '../../../vendor/address.ts'
import { oneLine, retryAfterMs } from '../../../vendor/answers.ts'
import { LOGIN_BYTES } from '../../../vendor/limits.ts'
import type { Http, HttpReply } from './http.ts'

export type Login =
  | { readonly kind: 'secret'; readonly secret: string }
  /** PEM texts; the thumbprint is computed, since one with colons gives a wrong assertion without a word. */
  | { readonly kind: 'certificate'; readonly certificate: string; readonly privateKey: string }

export interface AuthOptions {
  readonly tenant: string
  readonly clientId: string
  readonly login: Login
  /** The cloud's identity platform, which msal knows by name: `https://login.microsoftonline.com`. */
  readonly authority: string
  /** Where its requests really go, if elsewhere. */
  readonly loginUrl?: string
  /** Without `/.default`. */
  readonly resource: string
}

export interface Tokens {
  /** A token good for a while; concurrent callers share one request. `refused`: the token that a reply did not take. */
  get(refused?: string): Promise<string>
  /** Forgets the one there is. */
  drop(): void
}

const RENEW_AHEAD_MS = 5 * 60_000
/** After a renewal that failed while the token is still good. */
const RENEW_AGAIN_MS = 30_000

export function createTokens(options: AuthOptions, http: Http, clock: Clock): Tokens {
  let app: Promise<ConfidentialClientApplication> | undefined
  let last: { readonly token: string; readonly until: number; renewAt: number } | undefined
  let pending: Promise<string> | undefined
  /** The last answer of the identity platform: says more than what msal makes of it. */
  let seen: HttpReply | SyncError | undefined

  const network: INetworkModule = {
    sendGetRequestAsync: (url, request) => exchange('GET', url, request),
    sendPostRequestAsync: (url, request) => exchange('POST', url, request),
  }
  async function exchange<T>(
    method: 'GET' | 'POST',
    url: string,
    request?: NetworkRequestOptions,
  ): Promise<NetworkResponse<T>> {
    const other = options.loginUrl && withScheme(options.loginUrl)
    const target = other ? url.replace(/^https:\/\/[^/]+/, other.href.replace(/\/+$/, '')) : url
    const what = `Token for ${options.clientId} from ${URL.canParse(target) ? new URL(target).host : target}`
    try {
      const reply = await http.send({
        method,
        url: target,
        headers: request?.headers ?? {},
        ...(request?.body === undefined ? {} : { body: request.body }),
        what,
        kind: 'call',
        maxBytes: LOGIN_BYTES,
      })
      seen = reply
      return {
        status: reply.status,
        headers: { ...reply.headers } as Record<string, string>,
        body: JSON.parse(reply.text) as T,
      }
    } catch (error) {
      if (isSyncError(error)) seen = error
      throw error
    }
  }

  async function request(): Promise<string> {
    const asked = clock.now()
    seen = undefined
    try {
      app ??= createApp(options, network)
      const result = await (await app).acquireTokenByClientCredential({
        scopes: [`${options.resource}/.default`],
        skipCache: true,
      })
      const token = result?.accessToken
      if (!token) throw new Error('no token in the reply')
      const life = Math.max(1000, (result.expiresOn?.getTime() ?? 0) - Date.now())
      last = { token, until: asked + life, renewAt: asked + Math.max(life - RENEW_AHEAD_MS, life / 2) }
      return token
    } catch (error) {
      // an object that met a 5xx or 429 refuses by itself for up to an hour: a new one asks at once
      app = undefined
      throw tokenError(error, seen, options)
    }
  }

  return {
    drop() {
      last = undefined
    },
    async get(refused) {
      if (last && refused === last.token) last = undefined
      if (last && clock.now() < last.renewAt) return last.token
      pending ??= request().finally(() => {
        pending = undefined
      })
      const asked = pending
      try {
        return await asked
      } catch (error) {
        if (!last || clock.now() >= last.until) throw error
        last.renewAt = clock.now() + RENEW_AGAIN_MS
        return last.token
      }
    },
  }
}

async function createApp(options: AuthOptions, networkClient: INetworkModule): Promise<ConfidentialClientApplication> {
  const { ConfidentialClientApplication: Application } = await import('@azure/msal-node')
  const { login, clientId, tenant, authority } = options
  return new Application({
    auth: {
      clientId,
      authority: `${authority}/${tenant}`,
      ...(login.kind === 'secret'
        ? { clientSecret: login.secret }
        : {
            clientCertificate: {
              thumbprintSha256: thumbprint(login.certificate),
              privateKey: login.privateKey,
            },
          }),
    },
    system: { networkClient },
  })
}

/** SHA-256 of the certificate in hex, without colons. A `config` error where the text is no certificate. */
export function thumbprint(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint256.replaceAll(':', '')
  } catch (error) {
    throw syncError('config', 'powerbi.certificate', `Field certificate: ${(error as Error).message}`, {
      field: 'certificate',
      hint: 'Paste the certificate in PEM form (-----BEGIN CERTIFICATE-----), or give the path of a file that holds it.',
    })
  }
}

/** Refuses a pair that does not belong together, or a kind of key that Microsoft does not take, before the first request. */
export function checkCertificate({ certificate, privateKey }: Extract<Login, { kind: 'certificate' }>): void {
  thumbprint(certificate)
  const wrong = (what: string, hint: string) =>
    syncError('config', 'powerbi.key', `Field privateKey: ${what}`, { field: 'privateKey', hint })
  let key: ReturnType<typeof createPrivateKey>
  try {
    key = createPrivateKey(privateKey)
  } catch {
    throw wrong(
      'no private key that can be read',
      'Give an RSA key in PEM form (PKCS#8 or PKCS#1) without a passphrase, or the path of a file that holds it.',
    )
  }
  if (key.asymmetricKeyType !== 'rsa')
    throw wrong(
      `a key of kind ${key.asymmetricKeyType}`,
      'Microsoft Entra takes RSA keys: make a certificate with one.',
    )
  if (!new X509Certificate(certificate).checkPrivateKey(key))
    throw wrong('it is not the key of the certificate', 'Give the key that the certificate was made with.')
}

/** What the numbers of the identity platform mean here (error codes AADSTS). */
const NUMBERS: Readonly<Record<string, string>> = {
  7000215: "The client secret is wrong: enter the secret's value, not its id.",
  7000222: 'The client secret has expired: make a new one in the app registration.',
  700016: 'There is no app with this client id in the tenant: check both.',
  90002: 'There is no such tenant: check the tenant id, and that the cloud is the right one.',
  900023: 'The tenant is neither an id nor a domain name: copy the directory (tenant) id.',
  700027: 'The certificate is not registered with the app, or has expired: upload it in the app registration.',
  7000112: 'The app is disabled in the tenant.',
}

function tokenError(error: unknown, seen: HttpReply | SyncError | undefined, { clientId }: AuthOptions): SyncError {
  if (isSyncError(error)) return error
  if (isSyncError(seen)) return seen
  const what = `Token for ${clientId}`
  if (!seen) {
    const text = oneLine(error instanceof Error ? error.message : String(error))
    return syncError(
      'config',
      'powerbi.login',
      `${what}: ${text}. Check tenant, client id and secret or certificate.`,
      {
        hint: 'Check tenant, client id and secret or certificate.',
      },
    )
  }
  const { status, text, headers } = seen
  let body: { error?: unknown; error_description?: unknown } = {}
  try {
    body = JSON.parse(text) as typeof body
  } catch {
    // a page of a proxy
  }
  const code = typeof body.error === 'string' ? body.error : ''
  const words =
    typeof body.error_description === 'string' ? oneLine(body.error_description.split(/\r?\n/)[0] ?? '') : ''
  const number = /AADSTS(\d+)/.exec(words)?.[1] ?? ''
  const retryAfter = retryAfterMs(headers['retry-after'])
  const details = {
    httpStatus: status,
    ...(number || code ? { vendorCode: number ? `AADSTS${number}` : code } : {}),
    ...(words ? { vendorText: words } : {}),
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
  }
  const said = `HTTP ${status}${code ? ` ${code}` : ''}${words ? ` (${words})` : ''}`
  if (status === 429)
    return syncError('throttled', 'powerbi.token-throttled', `${what}: ${said}. It is tried again by itself.`, details)
  if (status >= 500 || code === '') {
    const hint = 'If it stays, a proxy may answer instead of Microsoft: check proxy and addresses.'
    return syncError('transient', 'powerbi.token', `${what}: ${said}. ${hint}`, { ...details, hint })
  }
  const hint = NUMBERS[number] ?? 'Check tenant, client id and secret or certificate.'
  return syncError('auth', `powerbi.${code}`, `${what}: ${said}. ${hint}`, { ...details, hint })
}
