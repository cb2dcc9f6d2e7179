/** A look at the certificates of a server, after one that was not trusted: a connection on which nothing is ever sent. */
import { once } from 'node:events'
import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { isIP, type Socket } from 'node:net'
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { proxyFor } from './proxy.ts'
import type { Route } from './route.ts'
import { secureContext } from './tls.ts'

const LOOK_MS = 10_000

export interface Peer {
  /** Whose certificates they are: the server, or the proxy before it. */
  readonly url: URL
  /** Its own first, then those that it sends along. */
  readonly chain: readonly DetailedPeerCertificate[]
  /** Why it is not trusted, in the words of OpenSSL; empty where it is. */
  readonly code: string
}

const portOf = ({ protocol, port }: URL): number => Number(port) || (protocol === 'http:' ? 80 : 443)
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.+)\]$/, '$1')

/** The certificates that stand in the way to an address: the proxy's, if it is not trusted either. Rejects where there is no TLS. */
export async function lookAtPeer(url: URL, route: Route): Promise<Peer> {
  const signal = AbortSignal.timeout(LOOK_MS)
  const proxy = proxyFor(url, route.proxy)?.url
  if (proxy?.protocol === 'https:') {
    const its = await handshake(proxy, route, signal)
    if (its.code !== '') return its
  }
  const tunnel = proxy && (await throughProxy(proxy, url, route, signal))
  return handshake(url, route, signal, tunnel)
}

async function handshake(url: URL, route: Route, signal: AbortSignal, socket?: Socket): Promise<Peer> {
  const host = hostOf(url)
  const context = secureContext(route)
  const tls = connect({
    host,
    port: portOf(url),
    ...(socket ? { socket } : {}),
    ...(isIP(host) ? {} : { servername: host }),
    ...(context ? { secureContext: context } : {}),
    // only looked at: it is closed before anything is sent
    rejectUnauthorized: false,
  })
  tls.on('error', () => undefined)
  try {
    await once(tls, 'secureConnect', { signal })
    const why = tls.authorizationError as unknown
    const code = why instanceof Error ? (why as NodeJS.ErrnoException).code : why
    return { url, chain: chainOf(tls), code: typeof code === 'string' ? code : '' }
  } finally {
    tls.destroy()
  }
}

/** The certificates as they were sent; those that Node found in its own store come with them and say so by nothing but order. */
function chainOf(tls: TLSSocket): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = []
  let at: DetailedPeerCertificate | undefined = tls.getPeerCertificate(true)
  while (at?.raw && chain.length < 10 && !chain.includes(at)) {
    chain.push(at)
    at = at.issuerCertificate
  }
  return chain
}

async function throughProxy(proxy: URL, target: URL, route: Route, signal: AbortSignal): Promise<Socket> {
  const name = `${target.hostname}:${portOf(target)}`
  const login = proxy.username && `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  const context = secureContext(route)
  const asking = (proxy.protocol === 'https:' ? secure : plain)({
    method: 'CONNECT',
    host: hostOf(proxy),
    port: portOf(proxy),
    path: name,
    headers: {
      host: name,
      ...(login ? { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` } : {}),
    },
    ...(context ? { secureContext: context } : {}),
    agent: false,
    signal,
  })
  asking.on('error', () => undefined)
  asking.end()
  const [reply, socket] = (await once(asking, 'connect', { signal })) as [{ statusCode?: number }, Socket]
  if (reply.statusCode === 200) return socket
  socket.destroy()
  throw new Error(`the proxy answers ${reply.statusCode}`)
}
