/**
 * A browser that a user has logged in with keeps a cookie, and has attempts of its own by it: who guesses passwords under his
 * name, perhaps through the same proxy, cannot shut him out. It opens nothing, and ends with the password.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { User } from './users.ts'

const NAME = 'tieout-device'
const YEAR = 365 * 24 * 3600

const sealOf = (id: string, { username, password }: User): string =>
  createHmac('sha256', password).update(`${id} ${username}`).digest('base64url')

/** A new cookie for `Set-Cookie`. */
export function deviceCookie(user: User, { origin }: IncomingHttpHeaders): string {
  const id = randomBytes(12).toString('base64url')
  const secure = origin?.startsWith('https:') ? '; Secure' : ''
  return `${NAME}=${id}.${sealOf(id, user)}; Path=/; Max-Age=${YEAR}; HttpOnly; SameSite=Strict${secure}`
}

/** The id of a browser that this user has logged in with; undefined: none that we know. */
export function deviceOf(user: User, { cookie = '' }: IncomingHttpHeaders): string | undefined {
  const [, id = '', seal = ''] = new RegExp(`(?:^|; )${NAME}=([\\w-]{16})\\.([\\w-]{43})(?:;|$)`).exec(cookie) ?? []
  return id !== '' && timingSafeEqual(Buffer.from(seal), Buffer.from(sealOf(id, user))) ? id : undefined
}
