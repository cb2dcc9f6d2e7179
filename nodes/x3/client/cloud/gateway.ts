/** The regional gateway of X3 in the cloud (x3.md facts, 1.2): its addresses, and tokens for a code or a refresh token. */
import type { Dispatcher } from 'undici'
import { z } from 'zod'
import { type SyncError, syncError } from '../../../../sync/contract/errors.ts'
import { withScheme } from '../../../../vendor/address.ts'
import { bytesOf, exchange } from '../../../../vendor/http.ts'
import { LOGIN_BYTES } from '../../../../vendor/limits.ts'
import type { Route } from '../../../../vendor/route.ts'
import { isHtml, messageIn, networkError } from '../errors.ts'
import { endInToken, type Granted } from './pair.ts'

/** `https://api.<region>-sagex3.com` */
const KNOWN_HOST = /^api\.[a-z0-9-]{1,40}-sagex3\.com$/

export interface Gateway {
  readonly dispatcher: Dispatcher
  readonly route: Route
  readonly timeoutMs: number
  readonly totalMs: number
  readonly now: () => number
}

/** The `/v1` root of a gateway as people write it. */
export function rootOf(text: string): string {
  const url = withScheme(text)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username || url.password)
    throw syncError(
      'config',
      'x3.url',
      `Server URL "${text.slice(0, 200)}" of the X3 connection is no address of a gateway`,
      {
        field: 'url',
        hint: 'Write it as https://api.REGION-sagex3.com.',
      },
    )
  return `${url.origin}/v1`
}

/**
 * The root of another region that a pairing came back with. Taken where it is https at a host of the known pattern, at the
 * connection's own gateway, or at a host that a person confirmed; else undefined.
 */
export function regionRoot(endpoint: string, own: string, confirmed: readonly string[]): string | undefined {
  if (!URL.canParse(endpoint)) return undefined
  const url = new URL(endpoint)
  if (url.username || url.password) return undefined
  const root = `${url.origin}/v1`
  const known = url.protocol === 'https:' && url.port === '' && KNOWN_HOST.test(url.hostname)
  return known || root === own || confirmed.includes(url.host) ? root : undefined
}

/** Where GraphQL of one folder is. */
export const serviceUrl = (root: string, folder: string): URL =>
  new URL(`${root}/service/${encodeURIComponent(folder)}/api`)

const reply = z.object({
  access_token: z.string().min(1).max(20_000),
  refresh_token: z.string().max(20_000).optional(),
  expires_in: z.coerce.number().positive().max(86_400).default(300),
  refresh_token_expires_in: z.coerce.number().positive().optional(),
})

/**
 * Asks for tokens, once. Errors by code: `x3.token-refused` (an answer that will not change), `x3.token-config` (client, its
 * secret or the application), `x3.token-unknown` (the gateway may have changed the token and nobody heard of it: class
 * `unknown-outcome`); anything else: nothing was done.
 */
export async function askTokens(
  gateway: Gateway,
  root: string,
  form: Readonly<Record<string, string>>,
): Promise<Granted & { readonly hasRefresh: boolean }> {
  const what = 'the login at the gateway of X3'
  const { dispatcher, route, timeoutMs, totalMs, now } = gateway
  const url = `${root}/token`
  let answer: { status: number; contentType: string; text: string; retryAfter: string | undefined }
  try {
    answer = await exchange(
      {
        ...{ url, method: 'POST', dispatcher, totalMs: Math.min(totalMs, 120_000), idleMs: timeoutMs },
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: new URLSearchParams(form).toString(),
      },
      async (got) => ({
        status: got.status,
        contentType: got.headers['content-type'] ?? '',
        retryAfter: got.headers['retry-after'],
        text: (await bytesOf(got, LOGIN_BYTES)).toString('utf8'),
      }),
    )
  } catch (error) {
    const known = await networkError(error, { url, route, what, timeoutMs })
    throw neverSent(error, known) ? known : unknown(`${what}: no whole answer came`, 'x3.token-unknown')
  }
  if (answer.status === 200) return granted(answer.text, what, now())
  throw refusal(answer, what)
}

function granted(text: string, what: string, now: number): Granted & { readonly hasRefresh: boolean } {
  const parsed = reply.safeParse(safeJson(text))
  if (!parsed.success) throw unknown(`${what}: the answer holds no tokens`, 'x3.token-unknown')
  const { access_token, refresh_token = '', expires_in, refresh_token_expires_in: seconds } = parsed.data
  const ends = seconds === undefined ? endInToken(refresh_token) : now + seconds * 1000
  return {
    accessToken: access_token,
    refreshToken: refresh_token,
    accessSeconds: expires_in,
    hasRefresh: refresh_token !== '',
    ...(ends === undefined ? {} : { refreshEnds: ends }),
  }
}

/** Whether the request cannot have reached the gateway. */
function neverSent(error: unknown, known: Error): boolean {
  const code = (known as Partial<SyncError>).code ?? ''
  if (/^x3\.(tls|dns|proxy|redirect)$/.test(code)) return true
  const text = `${String((error as { code?: unknown }).code)} ${String(error)}`
  return /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT/.test(text)
}

const unknown = (message: string, code: string): SyncError =>
  syncError('unknown-outcome', code, message, { hint: 'It is asked once more with the same token.' })

function refusal(
  answer: { status: number; contentType: string; text: string; retryAfter: string | undefined },
  what: string,
): SyncError {
  const { status } = answer
  const html = isHtml(answer)
  const said = html ? 'a web page' : messageIn(answer).slice(0, 300)
  const details = { httpStatus: status, ...(said ? { vendorText: said } : {}) }
  if (status === 429) {
    const seconds = Number(answer.retryAfter)
    return syncError('throttled', 'x3.429', `${what}: the gateway asks to wait`, {
      ...details,
      ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
    })
  }
  if (status >= 500 || html)
    return unknown(`${what} failed (HTTP ${status})${said ? `: ${said}` : ''}`, 'x3.token-unknown')
  const isLost = status === 403 && !/disabled/i.test(said)
  if (isLost || status === 401)
    return syncError('config', 'x3.token-refused', `${what} was refused (HTTP ${status}): ${said}`, details)
  return syncError('config', 'x3.token-config', `${what} was refused (HTTP ${status}): ${said}`, {
    ...details,
    hint: 'Check client ID and secret, the customer URL and the callback address on the connection, and that the application is enabled.',
  })
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
