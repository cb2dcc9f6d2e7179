/** A line between a client and a server on which posts are lost, held back or come without their reply; everything else goes through. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Fate = 'posted' | 'lost' | 'late' | 'never'

export interface PostWire {
  readonly origin: string
  /** What becomes of the next posts, in order; then `posted`. `lost`: done, and no reply comes; `late`: done by `commitLate`; `never`: not done. */
  next(fate: Fate): void
  commitLate(): Promise<void>
  /** Posts that were sent. */
  posts(): number
  /** Other requests that were passed on. */
  asked(): number
  /** Whatever else is asked is asked with these words in the place of others. */
  readonly swapped: Map<string, string>
  /** What everything is answered, as behind a wrong address; undefined: the server answers. */
  stray: { readonly status: number; readonly body: string } | undefined
  close(): Promise<void>
}

interface Given {
  readonly path: string
  readonly method: string
  readonly headers: Headers
  readonly body: string
}

export async function startPostWire(to: string, isPost: (body: string) => boolean): Promise<PostWire> {
  const fates: Fate[] = []
  const late: Given[] = []
  const swapped = new Map<string, string>()
  let posts = 0
  let asked = 0
  const forward = ({ path, method, headers, body }: Given): Promise<Response> =>
    fetch(to + path, { method, headers, ...(method === 'POST' && { body }) })
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const given = await read(request)
    if (wire.stray) {
      response.writeHead(wire.stray.status, { 'content-type': 'text/html' })
      return void response.end(wire.stray.body)
    }
    if (!isPost(given.body)) {
      let { path, body } = given
      for (const [word, other] of swapped) {
        path = path.replaceAll(word, other)
        body = body.replaceAll(word, other)
      }
      const reply = forward({ ...given, path, body })
      asked++
      return answer(await reply, response)
    }
    posts++
    const fate = fates.shift() ?? 'posted'
    if (fate === 'posted') return answer(await forward(given), response)
    if (fate === 'late') late.push(given)
    if (fate === 'lost') await (await forward(given)).text()
    response.destroy()
  }
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const wire: PostWire = {
    stray: undefined,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    swapped,
    next: (fate) => void fates.push(fate),
    async commitLate() {
      for (const given of late.splice(0)) await (await forward(given)).text()
    },
    posts: () => posts,
    asked: () => asked,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return wire
}

/** Headers that belong to a line of their own. */
const OWN = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'content-encoding',
  'keep-alive',
  'expect',
]

async function read(request: IncomingMessage): Promise<Given> {
  let body = ''
  request.setEncoding('utf8')
  for await (const chunk of request) body += String(chunk)
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers))
    if (!OWN.includes(name) && value !== undefined) headers.set(name, String(value))
  return { path: request.url ?? '/', method: request.method ?? 'GET', headers, body }
}

async function answer(reply: Response, response: ServerResponse): Promise<void> {
  const text = await reply.text()
  response.writeHead(reply.status, Object.fromEntries([...reply.headers].filter(([name]) => !OWN.includes(name))))
  response.end(text)
}
