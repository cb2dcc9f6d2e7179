/** One POST to the gateway: the reply is parsed while it arrives, bounded, and never from a host that was not meant. */
import { createGunzip } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import { withScheme } from '../../../vendor/address.ts'
import { retryAfterMs } from '../../../vendor/answers.ts'
import { exchange, type Reply } from '../../../vendor/http.ts'
import type { Route } from '../../../vendor/route.ts'
import { checkReply, networkError, statusError } from './errors.ts'
import { GATEWAY } from './options.ts'
import { createReplyParser, type GatewayReply, type ReplyLimits } from './reply.ts'

/** Longest wait for the clock. */
const DATE_MS = 20_000

/** A host that may be spoken to: under intacct.com by TLS, or one that the connection names. */
export function checkHost(text: string, allowed: readonly string[], what: string): URL {
  const url = withScheme(text)
  const refuse = (reason: string) =>
    syncError('config', 'intacct.host', `${what} ${text.slice(0, 200)} ${reason}`, {
      field: 'gateway',
      hint: 'Only hosts under intacct.com are spoken to by https. Another one (a sandbox, a private link) must be named under "Other hosts" of the connection.',
    })
  if (!url) throw refuse('is no address')
  if (url.username !== '' || url.password !== '') throw refuse('carries a user or a password')
  if (url.pathname === '/') url.pathname = new URL(GATEWAY).pathname
  const named = allowed.map((host) => withScheme(host)?.host)
  if (named.some((host) => host === url.host || host === url.hostname)) {
    if (url.protocol === 'https:' || url.protocol === 'http:') return url
    throw refuse('is neither http nor https')
  }
  if (url.protocol !== 'https:') throw refuse('is not https')
  if (url.hostname !== 'intacct.com' && !url.hostname.endsWith('.intacct.com')) throw refuse('is not a host of Intacct')
  return url
}

export interface Post {
  readonly url: URL
  readonly xml: string
  readonly dispatcher: Dispatcher
  readonly route: Route
  /** Longest silence. */
  readonly timeoutMs: number
  /** Longest time in all. */
  readonly totalMs: number
  readonly limits: ReplyLimits
  readonly signal: AbortSignal
  readonly what: string
  /** Told the `Date` of the reply, as soon as its head is there. */
  readonly date: (text: string | undefined) => void
}

/**
 * Sends a request and gives its whole reply, which was a success at the levels of control and authentication. Throws
 * `SyncError`s for everything else.
 */
export async function post(options: Post): Promise<GatewayReply> {
  const { url, route, what, signal, timeoutMs, totalMs, dispatcher, xml } = options
  const headers = {
    'content-type': 'application/xml',
    'accept-encoding': 'gzip',
    accept: 'application/xml, text/xml',
    'user-agent': 'Tieout',
  }
  const sent = { url, method: 'POST', headers, body: xml, dispatcher, signal, idleMs: timeoutMs, totalMs } as const
  try {
    return await exchange(sent, async (reply) => {
      const { status, headers } = reply
      options.date(headers.date)
      const wait = retryAfterMs(
        headers['retry-after'],
        headers.date === undefined ? undefined : Date.parse(headers.date),
      )
      if (status >= 500) throw statusError(status, what, { title: await titleOf(reply), retryAfterMs: wait })
      return answered(reply, wait, options)
    })
  } catch (error) {
    signal.throwIfAborted()
    throw await networkError(error, { url, route, what, timeoutMs })
  }
}

/** A reply of any status below 500: what the gateway says in it counts more than the status. */
async function answered(reply: Reply, wait: number | undefined, { what, limits }: Post): Promise<GatewayReply> {
  const { status } = reply
  const more = {
    ...(status === 200 ? {} : { httpStatus: status }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  }
  const parser = createReplyParser(what, limits)
  try {
    for await (const chunk of unpacked(reply)) parser.write(chunk)
    const parsed = parser.end()
    checkReply(parsed, what, more)
    if (status !== 200) throw statusError(status, what, { retryAfterMs: wait })
    return parsed
  } catch (error) {
    // Below 500 an answer that is no XML comes from whatever stands before the gateway.
    if (status !== 200 && (status === 429 || (isSyncError(error) && BODY.has(error.code))))
      throw statusError(status, what, {
        title: isSyncError(error) ? error.cause.vendorText : undefined,
        retryAfterMs: wait,
      })
    throw error
  }
}

const BODY = new Set([
  'intacct.html',
  'intacct.text',
  'intacct.empty',
  'intacct.foreign',
  'intacct.doctype',
  'intacct.malformed',
])

function unpacked({ headers, body }: Reply): AsyncIterable<Uint8Array> {
  if (headers['content-encoding'] !== 'gzip') return body
  const gunzip = createGunzip()
  body.on('error', (error) => gunzip.destroy(error))
  gunzip.on('close', () => body.destroy())
  return body.pipe(gunzip)
}

/** The title of a web page, or the first words of a text, from the first 64 KB of a failed reply. */
async function titleOf(reply: Reply): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of unpacked(reply)) {
      chunks.push(chunk)
      bytes += chunk.byteLength
      if (bytes > 65_536) break
    }
  } catch {
    // The status says enough.
  }
  const text = Buffer.concat(chunks).toString('utf8')
  const title = /<title[^>]*>([^<]{1,200})/i.exec(text)?.[1] ?? (/^\s*</.test(text) ? '' : text)
  return title.replace(/\s+/g, ' ').trim().slice(0, 200) || undefined
}

/** The server's clock by a question that is no call of the API and counts on no bill: any reply carries its `Date`. */
export async function askDate({
  date,
  timeoutMs,
  ...to
}: Pick<Post, 'url' | 'dispatcher' | 'signal' | 'date' | 'timeoutMs'>): Promise<void> {
  const ms = Math.min(timeoutMs, DATE_MS)
  try {
    await exchange({ ...to, method: 'HEAD', idleMs: ms, totalMs: ms }, ({ headers }) => date(headers.date))
  } catch {
    // Whoever needs the clock signs in instead, and learns there what is wrong.
    to.signal.throwIfAborted()
  }
}
