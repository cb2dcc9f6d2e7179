/** The self-signed token of a connected application, signed in the server's time. */
import { SignJWT } from 'jose'
import { syncError } from '../../../sync/contract/errors.ts'
import type { ServerClock } from '../../../vendor/clock.ts'
import type { Credentials } from './credentials.ts'
import { curable, tokenErrorNumber } from './errors.ts'
import type { X3Auth } from './options.ts'

/** One cache for a connection: signs once for all who wait, and again after four fifths of the lifetime. */
export function credentials(auth: X3Auth, apiUrl: string, clock: ServerClock): Credentials {
  if (auth.kind === 'basic') {
    const header = `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}`
    return { header: async () => header, forget() {}, cures: () => false }
  }
  if (auth.kind === 'held') return auth.credentials
  const lifetime = auth.lifetimeSeconds ?? 300
  let current: { header: string; renewAt: number } | undefined
  let signing: Promise<string> | undefined

  const sign = async (): Promise<string> => {
    const issued = Math.floor(clock.now() / 1000) - (auth.backdateSeconds ?? 30)
    const claims = {
      iss: auth.issuer || auth.clientId,
      ...(auth.user ? { sub: auth.user } : {}),
      aud: audienceOf(auth, apiUrl),
      iat: issued,
      exp: issued + lifetime,
    }
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(new TextEncoder().encode(auth.secret))
    current = { header: `Bearer ${token}`, renewAt: (issued + lifetime * 0.8) * 1000 }
    return current.header
  }

  return {
    async header(refused) {
      if (auth.secret === '') {
        throw syncError('config', 'x3.secret', 'The X3 connection has no client secret', {
          hint: 'Enter the secret of the connected application on the connection.',
        })
      }
      if (current && current.header !== refused && clock.now() < current.renewAt) return current.header
      signing ??= sign().finally(() => {
        signing = undefined
      })
      return signing
    },
    forget(refused) {
      if (current?.header === refused) current = undefined
    },
    // 21 and 50 come from clocks and ended tokens; the others are settings.
    cures(text) {
      const number = tokenErrorNumber(text)
      return number === undefined || curable(number)
    },
  }
}

function audienceOf(auth: Extract<X3Auth, { kind: 'jwt' }>, apiUrl: string): string {
  const audience = auth.audience ?? { kind: 'registered' }
  if (audience.kind === 'empty') return ''
  if (audience.kind === 'word') return audience.word
  return audience.url || apiUrl
}
