/** Through which proxy an address is reached: the connection's own, else the one that the environment names. */
import { BlockList, isIP } from 'node:net'

export interface ProxyChoice {
  /** With the login, where there is one. Never shown as it is: see `proxyName`. */
  readonly url: URL
  /** Where it stands: `field Proxy`, `HTTPS_PROXY`. */
  readonly from: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** A proxy's address; without a scheme it is http. Undefined for a text that is none. */
export function proxyUrl(text: string): URL | undefined {
  const whole = /^[a-z][a-z\d+.-]*:\/\//i.test(text.trim()) ? text.trim() : `http://${text.trim()}`
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  return url && /^(https?|socks5):$/.test(url.protocol) && url.hostname !== '' ? url : undefined
}

/** For people: without user and password. */
export const proxyName = ({ protocol, host }: URL): string => `${protocol}//${host}`

/** Takes logins out of any address in a text. */
export const withoutLogins = (text: string): string => text.replace(/(\/\/)[^/\s@]+@/g, '$1')

const LOOPBACK = 'localhost,127.0.0.0/8,[::1]'

/** The list of hosts without a proxy. */
export const noProxy = (env: Environment = process.env): string => `${LOOPBACK},${env.no_proxy ?? env.NO_PROXY ?? ''}`

/**
 * The field wins, for every host. Without it HTTPS_PROXY (HTTP_PROXY for an address without TLS) counts, small letters before
 * large ones as curl has it, unless NO_PROXY names the host or it is this machine, which no proxy elsewhere could reach.
 */
export function proxyFor(
  target: string | URL,
  field?: string,
  env: Environment = process.env,
): ProxyChoice | undefined {
  if (field) {
    const url = proxyUrl(field)
    return url && { url, from: 'field Proxy' }
  }
  const { protocol, hostname, port } = new URL(target)
  const scheme = protocol === 'http:' ? 'http' : 'https'
  for (const name of [`${scheme}_proxy`, `${scheme}_proxy`.toUpperCase()]) {
    const url = proxyUrl(env[name] ?? '')
    if (url)
      return bypasses(noProxy(env), hostname, Number(port) || (scheme === 'http' ? 80 : 443))
        ? undefined
        : { url, from: name }
  }
  return undefined
}

/** Whether there is a proxy for any address at all. */
export const hasProxy = (field?: string, env: Environment = process.env): boolean =>
  Boolean(field) || ['https_proxy', 'http_proxy'].some((name) => env[name] || env[name.toUpperCase()])

/**
 * Whether a list of hosts (NO_PROXY) names this one: `example.com` and `.example.com` with what is below, `*.example.com` only
 * what is below, `host:8443`, `10.0.0.0/8`, `*`; parted by commas or spaces.
 */
export function bypasses(list: string, hostname: string, port: number): boolean {
  const host = hostname
    .toLowerCase()
    .replace(/^\[(.+)\]$/, '$1')
    .replace(/\.$/, '')
  return list
    .toLowerCase()
    .split(/[,\s]+/)
    .some((entry) => names(entry, host, port))
}

function names(entry: string, host: string, port: number): boolean {
  if (entry === '') return false
  if (entry === '*') return true
  if (entry.includes('/')) return inNetwork(entry, host)
  const [, name = entry, only] =
    /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry)?.filter((part) => part !== undefined) ?? []
  if (only !== undefined && Number(only) !== port) return false
  const below = name.replace(/^\*?\./, '').replace(/\.$/, '')
  return (host === below && !name.startsWith('*')) || host.endsWith(`.${below}`)
}

function inNetwork(entry: string, host: string): boolean {
  const version = isIP(host)
  const [net = '', bits] = entry.split('/')
  const most = isIP(net) === 4 ? 32 : 128
  if (version === 0 || isIP(net) !== version || !/^\d+$/.test(bits ?? '') || Number(bits) > most) return false
  const type = version === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(net, Number(bits), type)
  return list.check(host, type)
}
