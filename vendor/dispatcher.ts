/** Pools of connections. */
import { Agent, type Dispatcher, Pool, ProxyAgent } from 'undici'
import { proxyFor } from './proxy.ts'
import type { Route } from './route.ts'
import { secureContext } from './tls.ts'

/** Longest wait until a connection stands. */
const CONNECT_MS = 30_000

/**
 * `timeoutMs`: the longest silence, if an exchange does not say its own. `connections`: to one host, at a time.
 */
export function dispatcherOf(
  route: Route,
  { timeoutMs, connections }: { readonly timeoutMs: number; readonly connections?: number },
): Dispatcher {
  const context = secureContext(route)
  const tls = context ? { secureContext: context } : {}
  const connectTimeout = Math.min(timeoutMs, CONNECT_MS)
  const common = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs, ...(connections ? { connections } : {}) }
  return new Agent({
    factory(origin) {
      const proxy = proxyFor(origin, route.proxy)
      return proxy
        ? new ProxyAgent({ uri: proxy.url.href, requestTls: tls, proxyTls: tls, connectTimeout, ...common })
        : new Pool(origin, { connect: { ...tls, timeout: connectTimeout }, ...common })
    },
  })
}
