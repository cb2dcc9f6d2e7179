/** How the user signs in: what the driver is told for one login. It signs a new JWT for each login itself. */
import { z } from 'zod'
import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import { withScheme } from '../../../vendor/address.ts'
import { oneLine, readReason } from '../../../vendor/answers.ts'
import { dispatcherOf } from '../../../vendor/dispatcher.ts'
import { wayError } from '../../../vendor/fault.ts'
import { bytesOf, exchange } from '../../../vendor/http.ts'
import { isOverLimit, LOGIN_BYTES } from '../../../vendor/limits.ts'
import { brokenReply } from '../../../vendor/network-error.ts'
import type { Route } from '../../../vendor/route.ts'

export type AuthOptions =
  | {
      readonly kind: 'keyPair'
      readonly user: string
      /** PEM text of the RSA private key, encrypted where there is a passphrase. */
      readonly privateKey: string
      readonly passphrase?: string
    }
  | { readonly kind: 'token'; readonly user: string; readonly token: string }
  | {
      readonly kind: 'oauth'
      /** Empty: the security integration finds the user by the token. */
      readonly user: string
      readonly clientId: string
      readonly clientSecret: string
      /** Token endpoint of the authorization server: `https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token`. */
      readonly oauthUrl: string
      readonly scope?: string
    }

/** What the driver takes for one login. */
export interface LoginOptions {
  readonly authenticator: string
  readonly username?: string
  readonly privateKey?: string
  readonly privateKeyPass?: string
  readonly token?: string
}

export interface Login {
  options(signal: AbortSignal): Promise<LoginOptions>
  /** The last token was refused: the next login asks for another. */
  refused(): void
}

const RENEW_AHEAD_MS = 60_000
const tokenReply = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive().default(600) })

interface Reaching {
  readonly route: Route
  readonly timeoutMs: number
}

export function createLogin(auth: AuthOptions, http: Reaching): Login {
  const username = auth.user ? { username: auth.user } : {}
  if (auth.kind === 'keyPair') {
    const options: LoginOptions = {
      authenticator: 'SNOWFLAKE_JWT',
      ...username,
      // the driver wants the text to end with the END line
      privateKey: wholePem(auth.privateKey),
      ...(auth.passphrase ? { privateKeyPass: auth.passphrase } : {}),
    }
    return { options: async () => options, refused: () => undefined }
  }
  if (auth.kind === 'token') {
    const options: LoginOptions = { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', ...username, token: auth.token.trim() }
    return { options: async () => options, refused: () => undefined }
  }
  let current: { readonly token: string; readonly until: number } | undefined
  let pending: Promise<string> | undefined
  const fetch = async (signal: AbortSignal): Promise<string> => {
    const asked = Date.now()
    const { token, seconds } = await requestToken(auth, http, signal)
    current = { token, until: asked + Math.max(seconds * 1000 - RENEW_AHEAD_MS, seconds * 500) }
    return token
  }
  return {
    async options(signal) {
      const good = current !== undefined && Date.now() < current.until ? current.token : undefined
      pending ??= good === undefined ? fetch(signal).finally(() => (pending = undefined)) : undefined
      return { authenticator: 'OAUTH', ...username, token: good ?? (await (pending as Promise<string>)) }
    },
    refused() {
      current = undefined
    },
  }
}

/** A key that came through a text field or an environment variable: line ends lost or written as `\n`. */
export function wholePem(text: string): string {
  const found = /-----BEGIN ([A-Z ]+)-----([\s\S]*?)-----END \1-----/.exec(text.replaceAll('\\n', '\n'))
  const [, kind, body = ''] = found ?? []
  if (kind === undefined)
    throw syncError('config', 'snowflake.key', 'Field privateKey: it is no key in PEM form.', {
      field: 'privateKey',
      hint: 'Enter the whole text of the private key, from -----BEGIN to the last -----.',
    })
  // old encrypted keys (PKCS#1) carry header lines, which must stay
  const [head, rest] = /Proc-Type/.test(body) ? body.split(/\n\s*\n/) : ['', body]
  const lines = (rest ?? '').replace(/\s+/g, '').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${kind}-----`, ...(head ? [head.trim(), ''] : []), ...lines, `-----END ${kind}-----`].join('\n')
}

async function requestToken(
  auth: Extract<AuthOptions, { kind: 'oauth' }>,
  { route, timeoutMs }: Reaching,
  signal: AbortSignal,
): Promise<{ token: string; seconds: number }> {
  const url = withScheme(auth.oauthUrl)
  if (!url || !/^https?:$/.test(url.protocol))
    throw syncError('config', 'snowflake.token', 'Field oauthUrl: the token endpoint is no https address.', {
      field: 'oauthUrl',
      hint: 'Copy it from the authorization server: https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token',
    })
  const what = `Token for ${auth.clientId} from ${url.host}`
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...(auth.scope ? { scope: auth.scope } : {}) })
  const dispatcher = dispatcherOf(route, { timeoutMs })
  const basic = `${encodeURIComponent(auth.clientId)}:${encodeURIComponent(auth.clientSecret)}`
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
    authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
  }
  try {
    const sent = { url, method: 'POST', headers, body: form.toString(), dispatcher, signal, idleMs: timeoutMs } as const
    return await exchange({ ...sent, totalMs: timeoutMs }, async (reply) => {
      const body = await bytesOf(reply, LOGIN_BYTES)
      return tokenOf(reply.status, body.toString('utf8'), what)
    })
  } catch (error) {
    signal.throwIfAborted()
    if (isSyncError(error)) throw error
    const way = await wayError(
      error,
      { vendor: 'the authorization server', url, route, address: 'Check the token endpoint' },
      'snowflake',
      what,
    )
    if (way) throw way
    const said = isOverLimit(error) ? `the answer ${error.message}` : wordsOf(error)
    const hint = 'Check the token endpoint, proxy and firewall.'
    throw syncError('transient', 'snowflake.token', `${what}: ${oneLine(said)}. ${hint}`, { hint })
  } finally {
    void dispatcher.destroy()
  }
}

function wordsOf(error: unknown): string {
  const broken = brokenReply(error)
  return broken ? `the answer ${broken}` : String((error as Error).message)
}

function tokenOf(status: number, text: string, what: string): { token: string; seconds: number } {
  if (status >= 500 || status === 429)
    throw syncError('transient', 'snowflake.token', `${what}: HTTP ${status}, ${readReason(text)}`, {
      httpStatus: status,
      hint: 'It is tried again. If it stays: check the token endpoint and proxy.',
    })
  if (status >= 400)
    throw syncError(
      'auth',
      'snowflake.token',
      `${what}: ${readReason(text)} (HTTP ${status}). Check client id, secret, scope and token endpoint.`,
      { httpStatus: status, hint: 'Check client id, secret, scope and token endpoint.' },
    )
  const parsed = tokenReply.safeParse(JSON.parse(text))
  if (!parsed.success) throw new Error('the reply is no token')
  return { token: parsed.data.access_token, seconds: parsed.data.expires_in }
}
