/** Pools of connections. */
import { createSecureContext, rootCertificates } from 'node:tls'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'

/** `ca`: PEM text of an authority that is trusted besides the public ones. `proxy`: `http://user:password@proxy:3128`. */
export function trusting({ ca, proxy, timeoutMs }: { ca?: string; proxy?: string; timeoutMs: number }): Dispatcher {
  // Read once: by name the 150 public certificates would be read anew for each socket.
  const tls = ca ? { secureContext: createSecureContext({ ca: [...rootCertificates, ca] }) } : {}
  const times = { connectTimeout: timeoutMs, headersTimeout: timeoutMs, bodyTimeout: timeoutMs }
  return proxy
    ? new ProxyAgent({ uri: proxy, requestTls: tls, proxyTls: tls, ...times })
    : new Agent({ connect: { ...tls, timeout: timeoutMs }, ...times })
}
