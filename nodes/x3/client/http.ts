/** One POST to X3: bounded, without surprises from redirects. */
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import { syncError } from '../../../sync/contract/errors.ts'
import { bytesOf, exchange } from '../../../vendor/http.ts'
import { LOGIN_BYTES } from '../../../vendor/limits.ts'
import { type Answer, networkError } from './errors.ts'
import type { X3Options } from './options.ts'

const REDIRECTS = 3

/** `https://host:8124` becomes the address of the GraphQL service; anything but http(s) is refused. */
export function apiUrlOf(text: string): URL {
  let url: URL
  try {
    url = new URL(text.trim())
  } catch {
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

/** The pool of connections to one server: own certificate authority, proxy. */
export function dispatcherOf(options: X3Options): Dispatcher {
  const connect = options.ca ? { ca: options.ca } : {}
  const common = { connections: Math.max(1, options.concurrency ?? 2), connect }
  return options.proxy ? new ProxyAgent({ uri: options.proxy, requestTls: connect, ...common }) : new Agent(common)
}

export interface Post {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly dispatcher: Dispatcher
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
  readonly body: Buffer
}

export const answerOf = ({ body, ...rest }: Received): Answer => ({ ...rest, text: body.toString('utf8') })

/** Sends and reads the whole reply. Throws `SyncError`s for a broken line, an endless reply and foreign redirects. */
export async function post(options: Post): Promise<Received> {
  const { what, signal, timeoutMs } = options
  let url = options.url
  try {
    for (let hop = 0; ; hop++) {
      const found = await exchange({ ...options, url, method: 'POST', idleMs: timeoutMs }, async (reply) => {
        const { status, headers } = reply
        if (status >= 300 && status < 400) {
          // Read, so that the connection can be used again.
          await bytesOf(reply, LOGIN_BYTES)
          return redirected(url, status, headers.location, hop, what)
        }
        return {
          status,
          contentType: headers['content-type'] ?? '',
          date: headers.date,
          ...retryAfter(headers['retry-after'], headers.date),
          body: await bytesOf(reply, options.maxBytes),
        }
      })
      if (!(found instanceof URL)) return found
      url = found
    }
  } catch (error) {
    signal.throwIfAborted()
    throw networkError(error, url.host, what, timeoutMs)
  }
}

function redirected(from: URL, status: number, location: string | undefined, hop: number, what: string): URL {
  const to = location !== undefined && URL.canParse(location, from) ? new URL(location, from) : undefined
  const same = to?.host === from.host && to.protocol === from.protocol
  if (to && same && (status === 307 || status === 308) && hop < REDIRECTS) return to
  throw syncError(
    'config',
    'x3.redirect',
    `${what}: X3 sends the request on to ${to ? to.origin : 'nowhere'} (HTTP ${status}), which is not followed`,
    {
      httpStatus: status,
      hint: 'Enter the final address as Server URL. A redirect to a login page means that the address is not the GraphQL service /xtrem/api.',
    },
  )
}

function retryAfter(text: string | undefined, date: string | undefined): { retryAfterMs?: number } {
  if (text === undefined) return {}
  const seconds = Number(text)
  if (text.trim() !== '' && Number.isFinite(seconds)) return { retryAfterMs: Math.max(0, seconds * 1000) }
  const at = Date.parse(text)
  const now = date === undefined ? Date.now() : Date.parse(date)
  return Number.isNaN(at) || Number.isNaN(now) ? {} : { retryAfterMs: Math.max(0, at - now) }
}
