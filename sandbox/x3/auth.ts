import { createHmac, timingSafeEqual } from 'node:crypto'

/** Which `aud` the server takes: the registered URL literally, an empty one, the fixed word `xtrem`, or any. All four are met in the wild. */
export type Audience = 'url' | 'empty' | 'xtrem' | 'any'

export interface AuthSettings {
  clientId: string
  secret: string
  user: string
  audience: Audience
  /** The connected application's registered URL. */
  url: string
  /** "Tokens validity" of the connected application. */
  tokenSeconds: number
  basic?: { user: string; password: string } | undefined
}

/** Leeway for an `iat` in the future. */
const leewaySeconds = 2

/** `Error NN: Invalid token` as X3 words it: the body of the 401. */
export function tokenError(number: 21 | 41 | 42 | 45 | 50): string {
  return `Error ${number}: Invalid token`
}

/** Undefined when the caller may pass, otherwise the text of the 401. `now` is the ERP's clock in ms. */
export function checkAuthorization(
  header: string | undefined,
  settings: AuthSettings,
  now: number,
): string | undefined {
  const [scheme, credentials = ''] = (header ?? '').split(' ')
  if (scheme?.toLowerCase() === 'bearer') return checkToken(credentials, settings, now)
  const { basic } = settings
  if (scheme?.toLowerCase() === 'basic' && basic) {
    const given = Buffer.from(credentials, 'base64').toString()
    return same(given, `${basic.user}:${basic.password}`) ? undefined : 'Unauthorized'
  }
  return 'Unauthorized'
}

function checkToken(token: string, settings: AuthSettings, now: number): string | undefined {
  const [head = '', body = '', signature = ''] = token.split('.')
  const header = decode(head)
  const claims = decode(body)
  if (header?.alg !== 'HS256' || !claims) return tokenError(50)
  if (claims.iss !== settings.clientId) return tokenError(41)
  const expected = createHmac('sha256', settings.secret).update(`${head}.${body}`).digest('base64url')
  if (!same(signature, expected)) return tokenError(50)
  const seconds = now / 1000
  const { iat, exp } = claims
  if (typeof iat !== 'number' || typeof exp !== 'number') return tokenError(50)
  if (iat > seconds + leewaySeconds) return tokenError(21)
  if (Math.min(exp, iat + settings.tokenSeconds) <= seconds) return tokenError(50)
  if (claims.sub !== settings.user) return tokenError(42)
  return audienceFits(claims.aud, settings) ? undefined : tokenError(45)
}

function audienceFits(aud: unknown, { audience, url }: AuthSettings): boolean {
  if (audience === 'any') return true
  return (aud ?? '') === { url, empty: '', xtrem: 'xtrem' }[audience]
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function same(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}
