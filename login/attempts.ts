/** How often a password may be tried: ten wrong ones in ten minutes, for each name and place, then none for a while. */
import type { IncomingHttpHeaders } from 'node:http'
import { isIP, isIPv6 } from 'node:net'

const WINDOW_MS = 600_000
const MOST_WRONG = 10
/** So many names and places are remembered; the oldest go first. */
const MOST = 10_000

export interface Attempts {
  /** May it be tried? What is refused does not prolong the wait. */
  allowed(name: string, place: string): boolean
  failed(name: string, place: string): void
  succeeded(name: string, place: string): void
}

/** Where an address is, for counting: whoever has one of IPv6 has the 2^64 beside it. */
export function placeOf(address: string): string {
  if (!isIPv6(address) || /^::ffff:[\d.]+$/i.test(address)) return address
  const [head = '', tail] = address.split('::').map((part) => part.split(':').filter(Boolean))
  const zeros = tail ? Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0') : []
  return [...head, ...zeros, ...(tail ?? [])].slice(0, 4).join(':')
}

/** `X-Forwarded-For` as the proxy in front appends to it: the last address is the one that it saw. Believed only where it is said to be there. */
export function clientAddress(
  request: { readonly headers: IncomingHttpHeaders; readonly socket: { readonly remoteAddress?: string | undefined } },
  trustProxy: boolean,
): string {
  const last = trustProxy
    ? String(request.headers['x-forwarded-for'] ?? '')
        .split(',')
        .at(-1)
        ?.trim()
    : ''
  return last && isIP(last) !== 0 ? last : (request.socket.remoteAddress ?? '')
}

export function countAttempts(now: () => number = Date.now): Attempts {
  const wrong = new Map<string, number[]>()
  const keyOf = (name: string, place: string): string => JSON.stringify([name, place])
  const recent = (key: string): number[] => (wrong.get(key) ?? []).filter((at) => at > now() - WINDOW_MS)
  return {
    allowed: (name, place) => recent(keyOf(name, place)).length < MOST_WRONG,
    failed(name, place) {
      const key = keyOf(name, place)
      const times = [...recent(key), now()]
      wrong.delete(key)
      wrong.set(key, times)
      const [oldest] = wrong.keys()
      if (wrong.size > MOST && oldest !== undefined) wrong.delete(oldest)
    },
    succeeded: (name, place) => void wrong.delete(keyOf(name, place)),
  }
}
