/** One exchange over HTTP: bounded in its silences, its time and its bytes, and left without anything that could fail later. */
import { type Dispatcher, request } from 'undici'
import { orAborted } from './attempts.ts'
import { hostAnswered } from './hosts.ts'
import { LOGIN_BYTES, overBytes, overTime } from './limits.ts'

export interface Exchange {
  readonly url: string | URL
  readonly method: Dispatcher.HttpMethod
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | undefined
  /** The pool of connections: proxy, certificate authorities. */
  readonly dispatcher: Dispatcher
  readonly signal?: AbortSignal | undefined
  /** Longest silence: until the reply begins, then between any two pieces of it. */
  readonly idleMs: number
  /** Longest time in all. */
  readonly totalMs: number
  /** A redirect is a reply like any other: `read` sees where it leads. */
  readonly readsRedirects?: boolean
}

export interface Reply {
  readonly status: number
  /** By name in lower case; of one that came several times the first. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Packed as it came. May be left unread or half read. */
  readonly body: Dispatcher.ResponseData['body']
}

const ignore = (): void => undefined

/** Redirects within one server that are followed in one exchange. */
const REDIRECTS = 3

/** A redirect that is not followed. */
export interface Redirect extends Error {
  /** `to`: the address without its path, or *nowhere*. */
  readonly redirect: { readonly status: number; readonly to: string }
}
export const isRedirect = (error: unknown): error is Redirect => error instanceof Error && 'redirect' in error

/**
 * Sends one request (no retry) and has `read` make something of the reply, whatever its status. Headers and body never go to
 * another host: a redirect (3xx) is followed where it asks for the same request (307, 308) at the same server, else it is
 * thrown as a `Redirect`, unless `readsRedirects`. Throws the reason of `signal`, an `OverLimit` for the time in all, or what undici and `read` throw.
 */
export async function exchange<T>(options: Exchange, read: (reply: Reply) => Promise<T> | T): Promise<T> {
  let url = new URL(options.url)
  for (let hop = 0; ; hop++) {
    const found = await exchangeOnce<{ readonly done: T } | URL>({ ...options, url }, async (reply) => {
      hostAnswered(url.hostname)
      const { status, headers } = reply
      const leads = status >= 300 && status < 400 && status !== 304
      if (!leads || options.readsRedirects) return { done: await read(reply) }
      // Read, so that the connection can be used again.
      await bytesOf(reply, LOGIN_BYTES)
      return redirected(url, status, headers.location, hop)
    })
    if (!(found instanceof URL)) return found.done
    url = found
  }
}

function redirected(from: URL, status: number, location: string | undefined, hop: number): URL {
  const to = location !== undefined && URL.canParse(location, from) ? new URL(location, from) : undefined
  if (to?.origin === from.origin && (status === 307 || status === 308) && hop < REDIRECTS) return to
  throw redirect(from, status, location)
}

/** A redirect that a client or a driver of it did not follow. */
export function redirect(from: string | URL, status: number, location: string | null | undefined): Redirect {
  const to = location && URL.canParse(location, from) ? new URL(location, from).origin : 'nowhere'
  return Object.assign(new Error(`redirected (HTTP ${status})`), { name: 'Redirect', redirect: { status, to } })
}

/**
 * When it is over the body is over too: one that was left lying could fail later, when nobody listens, and an error that
 * nobody hears ends the process.
 */
async function exchangeOnce<T>(options: Exchange, read: (reply: Reply) => Promise<T> | T): Promise<T> {
  const { url, method, headers, body = null, dispatcher, signal, idleMs, totalMs } = options
  const end = new AbortController()
  const stop = (): void => end.abort(signal?.reason)
  const timer = setTimeout(() => end.abort(overTime(totalMs)), totalMs)
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) stop()
  const times = { headersTimeout: idleMs, bodyTimeout: idleMs }
  try {
    const sent = request(url, { method, headers: { ...headers }, body, dispatcher, signal: end.signal, ...times })
    // One that comes after the end is let go too: undici does not look at the signal while it connects.
    sent.then((reply) => letGo(reply, end.signal), ignore)
    const reply = await orAborted(sent, end.signal)
    return await orAborted(
      Promise.resolve(read({ status: reply.statusCode, headers: firsts(reply.headers), body: reply.body })),
      end.signal,
    )
  } catch (error) {
    end.signal.throwIfAborted()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
    end.abort()
  }
}

function letGo({ body }: Dispatcher.ResponseData, end: AbortSignal): void {
  body.on('error', ignore)
  const destroy = (): void => void body.destroy()
  if (end.aborted) destroy()
  else end.addEventListener('abort', destroy, { once: true })
}

const firsts = (headers: Dispatcher.ResponseData['headers']): Reply['headers'] =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]))

/** The whole body; an `OverLimit` where it is longer than `most`. Of a refusal (status 400 and above) the first megabyte. */
export async function bytesOf({ status, body }: Reply, most: number): Promise<Buffer> {
  const refused = status >= 400
  const limit = refused ? Math.min(most, LOGIN_BYTES) : most
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > limit && !refused) throw overBytes(limit)
    chunks.push(chunk)
    if (bytes > limit) break
  }
  return Buffer.concat(chunks, Math.min(bytes, limit))
}
