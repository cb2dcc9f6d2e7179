/** REST requests to the workspace and the token endpoint: own CA, proxy, time-outs, bounded replies. */
import { createSecureContext, rootCertificates } from 'node:tls'
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici'
import { readReason, retryAfterMs } from '../../../sync/answers.ts'
import { syncError } from '../../../sync/errors.ts'
import { type FailurePoint, httpFinding, toSyncError } from './errors.ts'

export interface HttpOptions {
  /** PEM text of a CA that is trusted besides the public ones. */
  readonly ca?: string
  /** `http://user:password@proxy:8080` */
  readonly proxy?: string
  readonly timeoutMs: number
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly signal?: AbortSignal
  /** What it is for, in the error's words. */
  readonly what: string
  /** Statuses besides 2xx that are an answer and not a failure. */
  readonly allow?: readonly number[]
}

export interface HttpReply {
  readonly status: number
  readonly text: string
}

export interface Http {
  /** One request, no retry. Throws a `SyncError` for network failures and refused statuses. */
  send(request: HttpRequest): Promise<HttpReply>
  close(): Promise<void>
}

const REPLY_LIMIT = 4 * 1024 * 1024

export function createHttp(options: HttpOptions): Http {
  // read once: 150 certificates take their time for each socket
  const tls = options.ca ? { secureContext: createSecureContext({ ca: [...rootCertificates, options.ca] }) } : {}
  const times = { connectTimeout: options.timeoutMs, headersTimeout: options.timeoutMs, bodyTimeout: options.timeoutMs }
  const dispatcher: Dispatcher = options.proxy
    ? new ProxyAgent({ uri: options.proxy, requestTls: tls, proxyTls: tls, ...times })
    : new Agent({ connect: { ...tls, timeout: options.timeoutMs }, ...times })
  return {
    async send({ method, url, headers, body, signal, what, allow }) {
      const at: FailurePoint = { what, phase: 'http' }
      try {
        const reply = await request(url, {
          dispatcher,
          method,
          headers: { 'user-agent': 'Tieout', ...headers },
          body: body ?? null,
          signal: signal ?? null,
        })
        const text = await readText(reply.body, what)
        if ((reply.statusCode >= 200 && reply.statusCode < 300) || allow?.includes(reply.statusCode)) {
          return { status: reply.statusCode, text }
        }
        const header = reply.headers['retry-after']
        const found = httpFinding(
          reply.statusCode,
          readReason(text),
          retryAfterMs(typeof header === 'string' ? header : undefined),
          at,
        )
        throw syncError(found.cls, found.code, `${what}: ${found.text} ${found.hint ?? ''}`.trim(), {
          ...found.details,
          ...(found.hint ? { hint: found.hint } : {}),
        })
      } catch (error) {
        signal?.throwIfAborted()
        throw await toSyncError(error, at)
      }
    },
    close: () => dispatcher.close(),
  }
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
        'databricks.reply',
        `${what}: the reply is larger than 4 MB; is the host a Databricks workspace?`,
      )
    }
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
