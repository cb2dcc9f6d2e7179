/** One POST to the gateway: the reply is parsed while it arrives, bounded, and never from a host that was not meant. */
import { createGunzip } from 'node:zlib'
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici'
import { retryAfterMs } from '../../../sync/answers.ts'
import { isSyncError, syncError } from '../../../sync/errors.ts'
import { checkReply, networkError, statusError } from './errors.ts'
import type { IntacctOptions } from './options.ts'
import { createReplyParser, type GatewayReply, type ReplyLimits } from './reply.ts'

/** A host that may be spoken to: under intacct.com by TLS, or one that the connection names. */
export function checkHost(text: string, allowed: readonly string[], what: string): URL {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined
  const refuse = (reason: string) =>
    syncError('config', 'intacct.host', `${what} ${text.slice(0, 200)} ${reason}`, {
      field: 'gateway',
      hint: 'Only hosts under intacct.com are spoken to by https. Another one (a sandbox, a private link) must be named under "Other hosts" of the connection.',
    })
  if (!url) throw refuse('is no address')
  if (url.username !== '' || url.password !== '') throw refuse('carries a user or a password')
  if (allowed.some((host) => host === url.host || host === url.hostname)) {
    if (url.protocol === 'https:' || url.protocol === 'http:') return url
    throw refuse('is neither http nor https')
  }
  if (url.protocol !== 'https:') throw refuse('is not https')
  if (url.hostname !== 'intacct.com' && !url.hostname.endsWith('.intacct.com')) throw refuse('is not a host of Intacct')
  return url
}

/** The pool of connections: own certificate authority, proxy. */
export function dispatcherOf(options: Pick<IntacctOptions, 'ca' | 'proxy'>): Dispatcher {
  const connect = options.ca ? { ca: options.ca } : {}
  return options.proxy ? new ProxyAgent({ uri: options.proxy, requestTls: connect }) : new Agent({ connect })
}

export interface Post {
  readonly url: URL
  readonly xml: string
  readonly dispatcher: Dispatcher
  readonly timeoutMs: number
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
  const { url, what, signal, timeoutMs } = options
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  let body: Dispatcher.ResponseData['body'] | undefined
  try {
    const reply = await request(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/xml',
        'accept-encoding': 'gzip',
        accept: 'application/xml, text/xml',
        'user-agent': 'Tieout',
      },
      body: options.xml,
      dispatcher: options.dispatcher,
      signal: bounded,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    })
    body = reply.body
    const { statusCode: status, headers } = reply
    const date = header(headers.date)
    options.date(date)
    const wait = retryAfterMs(header(headers['retry-after']), date === undefined ? undefined : Date.parse(date))
    if (status >= 300 && status < 400) throw redirected(status, header(headers.location), url, what)
    const packed = header(headers['content-encoding']) === 'gzip'
    if (status >= 500) throw statusError(status, what, { title: await titleOf(body, packed), retryAfterMs: wait })
    return await answered(body, packed, status, wait, options)
  } catch (error) {
    body?.destroy()
    if (signal.aborted) throw signal.reason
    throw networkError(error, url.host, what, timeoutMs)
  }
}

/** A reply of any status below 500: what the gateway says in it counts more than the status. */
async function answered(
  body: Dispatcher.ResponseData['body'],
  packed: boolean,
  status: number,
  wait: number | undefined,
  options: Post,
): Promise<GatewayReply> {
  const { what } = options
  const more = {
    ...(status === 200 ? {} : { httpStatus: status }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  }
  const parser = createReplyParser(what, options.limits)
  try {
    for await (const chunk of unpacked(body, packed)) parser.write(chunk)
    const reply = parser.end()
    checkReply(reply, what, more)
    if (status !== 200) throw statusError(status, what, { retryAfterMs: wait })
    return reply
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

function unpacked(body: Dispatcher.ResponseData['body'], packed: boolean): AsyncIterable<Uint8Array> {
  if (!packed) return body
  const gunzip = createGunzip()
  body.on('error', (error) => gunzip.destroy(error))
  gunzip.on('close', () => body.destroy())
  return body.pipe(gunzip)
}

/** The title of a web page, or the first words of a text, from the first 64 KB of a failed reply. */
async function titleOf(body: Dispatcher.ResponseData['body'], packed: boolean): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of unpacked(body, packed)) {
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
export async function askDate(options: Pick<Post, 'url' | 'dispatcher' | 'signal' | 'date'>): Promise<void> {
  const { url, dispatcher, signal } = options
  try {
    const { headers, body } = await request(url, {
      method: 'HEAD',
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(20_000)]),
    })
    options.date(header(headers.date))
    await body.dump({ limit: 65_536 })
  } catch {
    // Whoever needs the clock signs in instead, and learns there what is wrong.
    signal.throwIfAborted()
  }
}

function redirected(status: number, location: string | undefined, from: URL, what: string) {
  const to = location !== undefined && URL.canParse(location, from) ? new URL(location, from).origin : 'nowhere'
  return syncError(
    'config',
    'intacct.redirect',
    `${what}: the gateway sends the request on to ${to} (HTTP ${status}), which is not followed`,
    {
      httpStatus: status,
      hint: 'Requests hold passwords. Enter the final address as gateway, if it is one of Intacct.',
    },
  )
}

const header = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
