/** A server before X3 that passes everything on and lets a test change what comes back: a proxy, a login page, a broken gateway. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Reply {
  status: number
  type: string
  body: string
}

export interface Tamper {
  readonly url: string
  /** What becomes of a reply; absent: it passes as it is. */
  change: ((query: string, reply: Reply) => Reply) | undefined
  close(): Promise<void>
}

export async function startTamper(target: string): Promise<Tamper> {
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
      const body = Buffer.concat(chunks).toString()
      const { authorization = '', 'x-xtrem-endpoint': endpoint = '' } = request.headers
      const reply = await fetch(target, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization, 'x-xtrem-endpoint': String(endpoint) },
        body,
      })
      const own = { status: reply.status, type: reply.headers.get('content-type') ?? '', body: await reply.text() }
      const sent = tamper.change?.(body, own) ?? own
      response.writeHead(sent.status, { 'content-type': sent.type, date: reply.headers.get('date') ?? '' })
      response.end(sent.body)
    })().catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const tamper: Tamper = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    change: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return tamper
}
