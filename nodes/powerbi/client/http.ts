/** HTTP to the API and the identity platform: own CA, proxy, time-outs, bounded replies, bodies read as text. */
import { createSecureContext, rootCertificates } from 'node:tls'
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici'
import { syncError } from '../../../sync/errors.ts'
import { type FailurePoint, lineError } from './errors.ts'

export interface HttpOptions {
  /** PEM text of a CA that is trusted besides the public ones. */
  readonly ca?: string
  /** `http://user:password@proxy:3128` */
  readonly proxy?: string
  readonly timeoutMs: number
}

export interface HttpRequest extends FailurePoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly signal?: AbortSignal
}

export interface HttpReply {
  readonly status: number
  readonly text: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

export interface Http {
  /** One request, no retry, no redirect followed; any status is a reply. Throws a `SyncError` where there is none. */
  send(request: HttpRequest): Promise<HttpReply>
  close(): Promise<void>
}

/** executeQueries answers up to 15 MB. */
const REPLY_LIMIT = 20 * 1024 * 1024

export function createHttp({ ca, proxy, timeoutMs }: HttpOptions): Http {
  // Read once: by name the 150 public certificates would be read anew for each socket.
  const tls = ca ? { secureContext: createSecureContext({ ca: [...rootCertificates, ca] }) } : {}
  const times = { connectTimeout: timeoutMs, headersTimeout: timeoutMs, bodyTimeout: timeoutMs }
  const dispatcher: Dispatcher = proxy
    ? new ProxyAgent({ uri: proxy, requestTls: tls, proxyTls: tls, ...times })
    : new Agent({ connect: { ...tls, timeout: timeoutMs }, ...times })
  return {
    async send({ method, url, headers, body, signal, what, kind }) {
      try {
        const reply = await request(url, {
          dispatcher,
          method,
          headers: { 'user-agent': 'Tieout', ...headers },
          body: body ?? null,
          signal: signal ?? null,
        })
        const names = Object.entries(reply.headers).map(([name, value]) => [name, String(value ?? '')])
        return { status: reply.statusCode, text: await readText(reply.body, what), headers: Object.fromEntries(names) }
      } catch (error) {
        signal?.throwIfAborted()
        throw lineError(error, hostOf(url), { what, kind })
      }
    },
    close: () => dispatcher.close(),
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url.slice(0, 100)
}

async function readText(body: Dispatcher.ResponseData['body'], what: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += (chunk as Buffer).length
    if (size > REPLY_LIMIT) {
      body.destroy()
      throw syncError(
        'config',
        'powerbi.reply',
        `${what}: the reply is larger than 20 MB; is this address Power BI's API?`,
      )
    }
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
