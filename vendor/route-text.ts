/** The way of a connection to its host, in words. */
import { X509Certificate } from 'node:crypto'
import { withScheme } from './address.ts'
import { proxyFor, proxyName } from './proxy.ts'
import type { Route } from './route.ts'
import { certificatesIn } from './tls.ts'

/** The way to an address in a sentence, for *Test connection*. Without the proxy's login. */
export function routeText(route: Route, address: string): string {
  const url = withScheme(address)
  const proxy = url && proxyFor(url, route.proxy)
  const way = proxy ? `Through the proxy ${proxyName(proxy.url)} (${proxy.from})` : 'Without a proxy'
  const extra = process.env.NODE_EXTRA_CA_CERTS ? ' and those of NODE_EXTRA_CA_CERTS' : ''
  if (!route.ca) return `${way}; trusted are the public certificate authorities${extra}.`
  const own = certificatesIn(route.ca).map((pem) => `"${nameOf(new X509Certificate(pem))}"`)
  return route.onlyCa
    ? `${way}; trusted is the own CA ${own.join(', ')} alone.`
    : `${way}; trusted are the public certificate authorities${extra}, and the own CA ${own.join(', ')}.`
}

const nameOf = ({ subject, fingerprint256 }: X509Certificate): string =>
  (/^(?:CN|O)=(.+)$/m.exec(subject ?? '')?.[1] ?? fingerprint256).slice(0, 100)
