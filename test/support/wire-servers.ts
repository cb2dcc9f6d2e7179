/** Servers and proxies that say what came to them: for what holds on the wire for every vendor. */
import { once } from 'node:events'
import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecure } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Keyed } from './wire-certificates.ts'

/** What msal asks for before it has a token, and the token. */
const issuer = 'https://login.microsoftonline.com/tenant/v2.0'
const oauth = 'https://login.microsoftonline.com/tenant/oauth2/v2.0'
const LOGIN: Readonly<Record<string, unknown>> = {
  '/common/discovery/instance': {
    tenant_discovery_endpoint: `${issuer}/.well-known/openid-configuration`,
    metadata: [],
  },
  '/tenant/v2.0/.well-known/openid-configuration': {
    issuer,
    authorization_endpoint: `${oauth}/authorize`,
    token_endpoint: `${oauth}/token`,
    jwks_uri: `${oauth}/keys`,
  },
  '/tenant/oauth2/v2.0/token': { token_type: 'Bearer', expires_in: 3600, access_token: 'eyJ.eyJ.x' },
}

export interface Arrived {
  readonly method: string
  readonly path: string
  readonly authorization: string
}

export interface WireServer {
  readonly port: number
  /** What came, without the steps of a login that was answered. */
  readonly arrived: Arrived[]
  close(): Promise<void>
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void
const refuse: Answer = (_request, response) => response.writeHead(400, { 'content-type': 'application/json' }).end('{}')

/** Refuses whatever is asked, or answers it as told; a login of Power BI succeeds. `tls`: certificate, or a chain of them. */
export async function startWire({
  tls,
  answer = refuse,
}: {
  readonly tls?: Keyed
  readonly answer?: Answer
}): Promise<WireServer> {
  const arrived: Arrived[] = []
  const listener: Answer = (request, response) => {
    request.resume().once('end', () => {
      const path = request.url ?? ''
      const good = LOGIN[path.split('?')[0] ?? '']
      if (good) return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(good))
      arrived.push({ method: request.method ?? '', path, authorization: request.headers.authorization ?? '' })
      answer(request, response)
    })
  }
  const server = tls ? createSecure({ key: tls.key, cert: tls.cert }, listener) : createPlain(listener)
  return { arrived, ...(await listening(server)) }
}

export interface WireProxy {
  readonly port: number
  /** Hosts that were asked for, with the login that came along: `erp.example:443 me:pass`. */
  readonly tunnels: string[]
  close(): Promise<void>
}

/** Leads to this machine, whatever host is asked for. `login`: asks for it with 407. */
export async function startProxy({
  tls,
  login,
  status,
}: {
  readonly tls?: Keyed
  readonly login?: string
  readonly status?: number
} = {}): Promise<WireProxy> {
  const tunnels: string[] = []
  const server: Server = tls ? createSecure({ key: tls.key, cert: tls.cert }) : createPlain()
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const given = Buffer.from(String(request.headers['proxy-authorization'] ?? '').slice(6), 'base64').toString()
    tunnels.push(`${request.url}${given ? ` ${given}` : ''}`)
    socket.on('error', () => undefined)
    const refusal = status ?? (login !== undefined && login !== given ? 407 : undefined)
    if (refusal) return void socket.end(`HTTP/1.1 ${refusal} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
    const upstream = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    for (const end of [upstream, socket])
      end.on('error', () => [upstream, socket].forEach((other) => void other.destroy()))
  })
  return { tunnels, ...(await listening(server)) }
}

async function listening(server: Server): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
