/** A server that breaks its replies in one way, on bare sockets: an HTTP server would not let it. */
import { once } from 'node:events'
import { createServer as createPlain, type Server, type Socket } from 'node:net'
import { createServer as createTls, TLSSocket } from 'node:tls'
import { gzipSync } from 'node:zlib'
import type { Certificates } from '../../sandbox/tls.ts'

/** Time between two bytes of what drips. */
const DRIP_MS = 100
const MEGABYTE = 1024 * 1024

interface Asked {
  readonly socket: Socket
  /** Begin of a reply: status line and headers, with the type that the client expects. */
  readonly head: (status: string, ...headers: string[]) => string
  readonly xml: boolean
  /** How its body begins. */
  readonly begin: string
}

type Break = (asked: Asked) => void

/** Writes `piece` again and again, as fast as it is read; `times` 0: without end. */
function pour(socket: Socket, piece: string | Buffer, times = 0, then?: () => void): void {
  let sent = 0
  const go = (): void => {
    while (!socket.destroyed && (times === 0 || sent < times)) {
      sent++
      if (!socket.write(piece)) return void socket.once('drain', go)
    }
    if (!socket.destroyed) then?.()
  }
  go()
}

/** Ends the connection in the midst of it. */
const cut = (socket: Socket): void => {
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}

function drip(socket: Socket, piece: string): void {
  const timer = setInterval(() => socket.write(piece), DRIP_MS)
  socket.on('close', () => clearInterval(timer))
}

const length = (bytes: number): string => `content-length: ${bytes}`
/** 100 MB of spaces in 100 kB. */
const BOMB = gzipSync(Buffer.alloc(100 * MEGABYTE, ' '))

/** 40 MB of a reply that a parser takes apart at the cost of many times its size. */
function costly({ socket, head, xml, ...asked }: Asked, open: string, one: string, close: string): void {
  const piece = Buffer.from(one.repeat(Math.ceil(MEGABYTE / one.length)))
  const begin = `${asked.begin}${open}`
  const end = xml ? '</response>' : `${close}}`
  const all = begin.length + end.length + piece.length * 40
  socket.write(head('200 OK', length(all)) + begin)
  pour(socket, piece, 40, () => socket.write(end))
}

/** Every way of breaking a reply. */
export const BREAKS: Readonly<Record<string, Break>> = {
  'no reply': () => undefined,
  'end without a reply': ({ socket }) => socket.end(),
  'reset without a reply': ({ socket }) => cut(socket),
  'body that drips': ({ socket, head }) => {
    socket.write(head('200 OK'))
    drip(socket, ' ')
  },
  'refusal that drips': ({ socket, head }) => {
    socket.write(head('503 Service Unavailable'))
    drip(socket, ' ')
  },
  'head that drips': ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nx-slow: ')
    drip(socket, 'x')
  },
  'body without length and end': ({ socket, head }) => {
    socket.write(head('200 OK'))
    pour(socket, Buffer.alloc(MEGABYTE, ' '))
  },
  'refusal without end': ({ socket, head }) => {
    socket.write(head('500 Internal Server Error'))
    pour(socket, Buffer.alloc(MEGABYTE, ' '))
  },
  'gzip bomb': ({ socket, head }) => {
    socket.write(head('200 OK', 'content-encoding: gzip', length(BOMB.length)))
    socket.end(BOMB)
  },
  'redirect without a body': ({ socket, head }) => {
    socket.write(head('302 Found', 'location: /elsewhere', length(0)))
  },
  'redirect that keeps the method, without a body': ({ socket, head }) => {
    socket.write(head('307 Temporary Redirect', 'location: http://127.0.0.1:9/', length(0)))
  },
  'redirect with a body': ({ socket, head }) => {
    socket.write(`${head('302 Found', 'location: /elsewhere', length(5))}hello`)
  },
  'redirect whose body never comes': ({ socket, head }) => {
    socket.write(head('307 Temporary Redirect', 'location: /elsewhere', length(5000)))
  },
  'redirect whose body is cut': ({ socket, head }) => {
    socket.write(`${head('302 Found', 'location: /elsewhere', length(5000))}hello`, () => cut(socket))
  },
  'reset in the middle of a body': ({ socket, head, begin }) => {
    socket.write(`${head('200 OK', length(5000))}${begin}`, () => cut(socket))
  },
  'body shorter than its length': ({ socket, head, begin }) => {
    socket.end(`${head('200 OK', length(5000))}${begin}`)
  },
  'body longer than its length': ({ socket, head }) => {
    socket.write(`${head('200 OK', length(8))}{"data":{"a":1}}and more`)
  },
  'invalid chunk': ({ socket, head, begin }) => {
    socket.write(`${head('200 OK', 'transfer-encoding: chunked')}5\r\n${begin.slice(0, 5)}\r\nzz\r\nnonsense`)
  },
  'chunk that never ends': ({ socket, head, begin }) => {
    socket.write(`${head('200 OK', 'transfer-encoding: chunked')}5\r\n${begin.slice(0, 4)}`)
  },
  'length and chunks': ({ socket, head }) => {
    socket.write(`${head('200 OK', length(3), 'transfer-encoding: chunked')}2\r\n{}\r\n0\r\n\r\n`)
  },
  'two lengths': ({ socket, head }) => {
    socket.write(`${head('200 OK', length(3), length(5))}{}   `)
  },
  'negative length': ({ socket, head }) => {
    socket.write(`${head('200 OK', length(-1))}{}`)
  },
  'garbage instead of HTTP': ({ socket }) => {
    socket.end('\u0016\u0003\u0001 SSH-2.0-OpenSSH_9.6\r\n\r\n')
  },
  'status that is none': ({ socket }) => {
    socket.end('HTTP/1.1 abc Strange\r\n\r\n')
  },
  '100 Continue without end': ({ socket }) => {
    pour(socket, 'HTTP/1.1 100 Continue\r\n\r\n')
  },
  '100 Continue, then garbage': ({ socket }) => {
    socket.end('HTTP/1.1 100 Continue\r\n\r\nnonsense\r\n\r\n')
  },
  '103 Early Hints that drip': ({ socket }) => {
    drip(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')
  },
  'head without end': ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\n')
    pour(socket, `x-${'a'.repeat(500)}: ${'b'.repeat(500)}\r\n`)
  },
  'empty body': ({ socket, head }) => {
    socket.write(head('200 OK', length(0)))
  },
  'no content': ({ socket }) => {
    socket.write('HTTP/1.1 204 No Content\r\n\r\n')
  },
  'web page': ({ socket }) => {
    const page = '<html><title>Please sign in</title></html>'
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n${length(page.length)}\r\n\r\n${page}`)
  },
  'lists in lists': (asked) => costly(asked, '', asked.xml ? '<a>' : '[', ''),
  'lists in lists, few': ({ socket, head, begin, xml }) => {
    const [open, close] = xml ? ['<a>', '</a>'] : ['[', ']']
    const body = `${begin}${open.repeat(101)}${close.repeat(101)}${xml ? '</response>' : '}'}`
    socket.write(head('200 OK', length(body.length)) + body)
  },
  'lists in lists, closed, and much behind them': (asked) =>
    asked.xml
      ? costly(asked, `${'<a>'.repeat(200)}${'</a>'.repeat(200)}`, '<a></a>', '')
      : costly(asked, `${'['.repeat(200)}${']'.repeat(200)},"more":[`, '"text",', '0]'),
  'empty objects side by side': (asked) => costly(asked, asked.xml ? '' : '[', asked.xml ? '<a/>' : '{},', '0]'),
}

export interface BrokenServer {
  readonly port: number
  close(): Promise<void>
}

export interface BrokenOptions {
  readonly how: Break
  /** Requests whose path begins so are answered well, by this JSON. */
  readonly good?: Readonly<Record<string, unknown>>
  readonly tls?: Certificates
}

/** Breaks the reply to every request, once that has come to its end, except those to `good` paths. */
export async function startBroken({ how, good = {}, tls }: BrokenOptions): Promise<BrokenServer> {
  const sockets = new Set<Socket>()
  const serve = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const size = Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? 0)
      if (end < 0 || text.length < end + 4 + size) return
      const request = text
      text = ''
      const [, path = ''] = request.split(' ', 2)
      const found = Object.keys(good).find((one) => path.startsWith(one))
      const type = (kind: string) => `content-type: ${kind}\r\ndate: ${new Date().toUTCString()}`
      if (found !== undefined) {
        const body = JSON.stringify(good[found])
        socket.write(
          `HTTP/1.1 200 OK\r\n${type('application/json')}\r\n${length(Buffer.byteLength(body))}\r\n\r\n${body}`,
        )
        return
      }
      const xml = /content-type: *(?:application|text)\/xml/i.test(request)
      const kind = xml ? 'text/xml' : 'application/json'
      how({
        socket,
        xml,
        begin: xml ? '<response>' : '{"data":',
        head: (status, ...headers) => [`HTTP/1.1 ${status}`, type(kind), ...headers, '', ''].join('\r\n'),
      })
    })
  }
  const server: Server = tls ? createTls({ key: tls.key, cert: tls.cert }, serve) : createPlain(serve)
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
