/** The pair of tokens of a paired X3 in the cloud, as it is kept; and when it ends. */
import { z } from 'zod'

const pairSchema = z.object({
  version: z.number().int().min(1),
  accessToken: z.string(),
  refreshToken: z.string().min(1),
  /** Our own clock when the reply came, ms. */
  received: z.number(),
  accessSeconds: z.number().positive(),
  /** When the refresh token ends, where the gateway or the token says it, ms. */
  refreshEnds: z.number().optional(),
  pairedAt: z.number(),
  pairedBy: z.string(),
  /** `/v1` root for all calls: that of another region, where the pairing named one. */
  root: z.string(),
  /** The refresh token before, until the new pair has worked. */
  before: z.string().optional(),
  /** No more attempts: when, and what was said. */
  lost: z.object({ at: z.number(), why: z.string() }).optional(),
})

export type Pair = z.output<typeof pairSchema>

/** Reads a pair as it was stored; undefined where it is none. */
export function pairFrom(text: string): Pair | undefined {
  try {
    return pairSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** What the gateway gives for a code or a refresh token. */
export interface Granted {
  readonly accessToken: string
  readonly refreshToken: string
  readonly accessSeconds: number
  readonly refreshEnds?: number
}

export const DAY_MS = 86_400_000
/** A refresh token's life by Sage's page. */
const REFRESH_DAYS = 30
/** So long before the end it is told. */
const WARNED_DAYS = 7
/** An access token is renewed by the first request after this. */
const RENEW_AFTER_MS = 240_000

/** Whether the access token may still be used, by our own receipt of it: the clocks of others do not matter. */
export function isFresh(pair: Pair, now: number): boolean {
  const age = now - pair.received
  return pair.accessToken !== '' && age >= 0 && age < Math.min(RENEW_AFTER_MS, pair.accessSeconds * 800)
}

/** When the refresh token ends, in words for people, and the earliest of the dates that may be meant. */
export function endOf(pair: Pair, now: number): { readonly earliest: number; readonly words: string } {
  const date = (at: number): string => new Date(at).toISOString().slice(0, 10)
  if (pair.refreshEnds !== undefined)
    return { earliest: pair.refreshEnds, words: `The refresh token ends on ${date(pair.refreshEnds)}` }
  const renewed = pair.received + REFRESH_DAYS * DAY_MS
  const paired = pair.pairedAt + REFRESH_DAYS * DAY_MS
  // A renewal after the pairing's own 30 days shows that each one gives 30 new days.
  if (pair.received > paired || now > renewed || paired === renewed)
    return { earliest: renewed, words: `The refresh token ends on ${date(renewed)}, 30 days after its last renewal` }
  return {
    earliest: Math.min(paired, renewed),
    words: `The refresh token ends on ${date(renewed)}, 30 days after its last renewal, or at worst on ${date(paired)}, 30 days after the pairing: the gateway does not say which`,
  }
}

/** What to tell of a pairing that ends soon; undefined: nothing. */
export function endsSoon(pair: Pair, now: number): string | undefined {
  const { earliest, words } = endOf(pair, now)
  return earliest - now <= WARNED_DAYS * DAY_MS ? `${words}. Press Connect on the connection before that.` : undefined
}

/** `exp` of a token that is a JWT, ms. */
export function endInToken(token: string): number | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp?: unknown }
    return typeof claims.exp === 'number' ? claims.exp * 1000 : undefined
  } catch {
    return undefined
  }
}
