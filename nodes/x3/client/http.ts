/** One request to X3, bounded. */
import type { Dispatcher } from 'undici'
import { syncError } from '../../../sync/contract/errors.ts'
import { withScheme } from '../../../vendor/address.ts'
import { bytesOf, exchange } from '../../../vendor/http.ts'
import type { Route } from '../../../vendor/route.ts'
import { type Answer, networkError } from './errors.ts'

/** Host and port of an address as people paste it; undefined: it is none. */
export const hostOf = (text: unknown): string | undefined => withScheme(String(text ?? '').trim())?.host

/** `https://host:8124` becomes the address of the GraphQL service; anything but http(s) is refused. */
export function apiUrlOf(text: string): URL {
  const url = withScheme(text)
  if (!url) {
    throw syncError('config', 'x3.url', `Server URL "${text}" of the X3 connection is no address`, {
      field: 'url',
      hint: 'Write it as https://HOST:8124.',
    })
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw syncError('config', 'x3.url', `Server URL "${text}" of the X3 connection is neither http nor https`, {
      field: 'url',
    })
  }
  if (url.username !== '' || url.password !== '') {
    throw syncError('config', 'x3.url', 'Server URL of the X3 connection must not carry a user or a password', {
      field: 'url',
      hint: 'Enter them in the fields for user and password.',
    })
  }
  if (url.pathname === '/' || url.pathname === '') url.pathname = '/xtrem/api'
  return url
}

export interface Post {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** POST where absent. */
  readonly method?: 'GET'
  readonly body: string | undefined
  readonly dispatcher: Dispatcher
  readonly route: Route
  /** Longest silence. */
  readonly timeoutMs: number
  /** Longest time in all. */
  readonly totalMs: number
  readonly maxBytes: number
  readonly signal: AbortSignal
  readonly what: string
}

/** A reply as it came. */
export interface Received extends Omit<Answer, 'text'> {
  readonly date: string | undefined
  /** `set-cookie`. */
  readonly cookie?: string
  readonly body: Buffer
}

export const answerOf = ({ body, ...rest }: Received): Answer => ({ ...rest, text: body.toString('utf8') })

/** Sends and reads the whole reply. Throws `SyncError`s for a broken line and an endless reply. */
export async function post(options: Post): Promise<Received> {
  const { url, route, what, signal, timeoutMs } = options
  try {
    return await exchange({ ...options, method: options.method ?? 'POST', idleMs: timeoutMs }, async (reply) => {
      const { status, headers } = reply
      return {
        status,
        contentType: headers['content-type'] ?? '',
        date: headers.date,
        ...(headers['set-cookie'] ? { cookie: headers['set-cookie'] } : {}),
        ...retryAfter(headers['retry-after'], headers.date),
        body: await bytesOf(reply, options.maxBytes),
      }
    })
  } catch (error) {
    signal.throwIfAborted()
    throw await networkError(error, { url, route, what, timeoutMs })
  }
}

function retryAfter(text: string | undefined, date: string | undefined): { retryAfterMs?: number } {
  if (text === undefined) return {}
  const seconds = Number(text)
  if (text.trim() !== '' && Number.isFinite(seconds)) return { retryAfterMs: Math.max(0, seconds * 1000) }
  const at = Date.parse(text)
  const now = date === undefined ? Date.now() : Date.parse(date)
  return Number.isNaN(at) || Number.isNaN(now) ? {} : { retryAfterMs: Math.max(0, at - now) }
}
