/** One exchange over HTTP: bounded in its silences, its time and its bytes, and left without anything that could fail later. */
import { type Dispatcher, request } from 'undici'
import { orAborted } from './attempts.ts'
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
}

export interface Reply {
  readonly status: number
  /** By name in lower case; of one that came several times the first. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Packed as it came. May be left unread or half read. */
  readonly body: Dispatcher.ResponseData['body']
}

const ignore = (): void => undefined

/**
 * Sends one request (no retry, no redirect followed) and has `read` make something of the reply, whatever its status. Throws
 * the reason of `signal`, an `OverLimit` for the time in all, or what undici and `read` throw. When it is over the body is
 * over too: one that was left lying could fail later, when nobody listens, and an error that nobody hears ends the process.
 */
export async function exchange<T>(options: Exchange, read: (reply: Reply) => Promise<T> | T): Promise<T> {
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
