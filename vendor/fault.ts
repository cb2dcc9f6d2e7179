/**
 * What keeps a request from its host, alike for every vendor and for the drivers: TLS, names, proxies, redirects. Nothing of
 * the request was done in any of these cases.
 */
import type { DetailedPeerCertificate } from 'node:tls'
import { type SyncError, syncError } from '../sync/contract/errors.ts'
import { oneLine } from './answers.ts'
import { causeWords, errorCode } from './causes.ts'
import { isWrongHost } from './hosts.ts'
import { isRedirect } from './http.ts'
import { lookAtPeer } from './peer.ts'
import { type ProxyChoice, proxyFor, proxyName } from './proxy.ts'
import type { Route } from './route.ts'

/** Where a request was to go. */
export interface Destination {
  readonly vendor: string
  readonly url: string | URL
  readonly route: Route
  /** Which fields to look at where the name is wrong: `Check Server URL`. */
  readonly address: string
}

interface Fault {
  readonly cls: 'config' | 'transient'
  readonly id: 'tls' | 'dns' | 'proxy' | 'redirect'
  /** `erp.example sends ...`, without a full stop. */
  readonly said: string
  readonly hint: string
}

/** An error of the way to a host, as one with a class and the code `<prefix>.tls`, `.dns`, `.proxy`, `.redirect`; undefined: it is another. */
export async function wayError(
  error: unknown,
  destination: Destination,
  prefix: string,
  what: string,
): Promise<SyncError | undefined> {
  const fault = await faultOf(error, destination)
  if (!fault) return undefined
  const { cls, id, said, hint } = fault
  const vendorCode = codeOf(error)
  const details = vendorCode ? { vendorCode, hint } : { hint }
  return syncError(cls, `${prefix}.${id}`, `${what}: ${said}. ${hint}`, details)
}

const NO_TLS =
  /ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE)|wrong version number|packet length too long/i
const CERTIFICATE =
  /\b(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(?:GET|VERIFY|DECRYPT|DECODE)\w+|CERT_\w+|CRL_\w+|INVALID_(?:CA|PURPOSE)|PATH_LENGTH_EXCEEDED|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)\b/
const OTHER_TLS = /\b(ERR_SSL_\w+|ERR_TLS_\w+|EPROTO)\b/
const NOT_CONNECTED = /\b(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)\b/

async function faultOf(error: unknown, destination: Destination): Promise<Fault | undefined> {
  const { vendor, url, route, address } = destination
  if (!URL.canParse(String(url))) return undefined
  const target = new URL(url)
  const words = causeWords(error)
  const proxy = proxyFor(target, route.proxy)
  if (isRedirect(error)) {
    const { status, to } = error.redirect
    return {
      cls: 'config',
      id: 'redirect',
      said: `${target.host} sends the request on to ${to} (HTTP ${status}), which is not followed`,
      hint: `Requests hold secrets. ${address}, and enter the final address if it is one of ${vendor}; a login page means that a proxy answers or that the address is another service.`,
    }
  }
  const unknown = /\b(ENOTFOUND|EAI_AGAIN)\b/.exec(words)?.[1]
  if (unknown) return nameFault(unknown, words, target, proxy, address)
  const code = CERTIFICATE.exec(words)?.[1] ?? ''
  if (code || NO_TLS.test(words) || OTHER_TLS.test(words)) return tlsFault(code, words, target, destination, proxy)
  return proxy && proxyFault(error, words, target, proxy)
}

const codeOf = (error: unknown): string =>
  errorCode(error) || (/\b(?:ERR_|E)[A-Z_]{4,}\b/.exec(causeWords(error))?.[0] ?? '')

function nameFault(code: string, words: string, target: URL, proxy: ProxyChoice | undefined, address: string): Fault {
  const asked = /getaddrinfo \w+ ([^\s:]+)/.exec(words)?.[1] ?? proxy?.url.hostname ?? target.hostname
  const isProxy = proxy?.url.hostname === asked
  const whose = isProxy ? `the proxy ${proxyName(proxy.url)} (${proxy.from})` : target.host
  if (code === 'EAI_AGAIN')
    return {
      cls: 'transient',
      id: 'dns',
      said: `${whose} cannot be reached: the name service does not answer`,
      hint: 'Check the DNS of this machine.',
    }
  return {
    cls: isWrongHost(asked) ? 'config' : 'transient',
    id: 'dns',
    said: `${whose} cannot be reached: the host name is unknown here`,
    hint: isProxy
      ? `Correct the address of the proxy (${proxy.from}).`
      : `${address} and the DNS of this machine${proxy ? '' : '; a machine without direct access needs a proxy'}.`,
  }
}

async function tlsFault(
  code: string,
  words: string,
  target: URL,
  { route, address }: Destination,
  proxy: ProxyChoice | undefined,
): Promise<Fault> {
  const made = (said: string, hint: string): Fault => ({ cls: 'config', id: 'tls', said, hint })
  const peer = await lookAtPeer(target, route).catch(() => undefined)
  const whose = peer && peer.url.host !== target.host ? `the proxy ${peer.url.host}` : target.host
  if (peer && (peer.code || code))
    return made(...certificateFault(peer.code || code, peer.chain, whose, peer.url, route))
  if (code) return made(`the certificate of ${whose} is not trusted (${code})`, CA_HINT(route))
  if (NO_TLS.test(words))
    return made(
      `${proxy?.url.protocol === 'https:' ? `${target.host}, or the proxy ${proxyName(proxy.url)},` : target.host} speaks no TLS on this port`,
      `${address}: another service answers there, or the server is set up without TLS.`,
    )
  return made(
    `no TLS connection to ${target.host} came about (${oneLine(words).slice(0, 200)})`,
    'Check host and port, and which versions of TLS the server allows.',
  )
}

const CA_HINT = ({ onlyCa }: Route): string =>
  `Put the certificate of the authority that signed it (PEM) into "Own CA" on the connection${onlyCa ? '; "Only this CA" is ticked there, so that the public authorities do not count' : ''}.`

type Said = readonly [said: string, hint: string]

/** Which certificate is wrong, by the names in it: they come from outside. */
function certificateFault(
  code: string,
  chain: readonly DetailedPeerCertificate[],
  whose: string,
  url: URL,
  route: Route,
): Said {
  const own = chain[0]
  const last = chain.at(-1)
  const its = `the certificate of ${whose}`
  if (!own || !last) return [`${its} is not trusted (${code})`, CA_HINT(route)]
  if (/ALTNAME|HOSTNAME/.test(code) || (code === '' && own))
    return [
      `${its} is for ${oneLine(own.subjectaltname ?? nameOf(own.subject))
        .replaceAll('DNS:', '')
        .slice(0, 200)} and not for ${url.hostname}`,
      'Use a host name that stands in the certificate.',
    ]
  if (/EXPIRED|NOT_YET_VALID/.test(code)) {
    const now = Date.now()
    const wrong = chain.find((one) => Date.parse(one.valid_to) < now || Date.parse(one.valid_from) > now) ?? own
    const when = code.includes('NOT_YET')
      ? `is valid from ${oneLine(wrong.valid_from)} on`
      : `ended on ${oneLine(wrong.valid_to)}`
    return [
      `${wrong === own ? its : `the certificate "${nameOf(wrong.subject)}", which signed that of ${whose},`} ${when}`,
      'Have it renewed on the server, or look at the clock of this machine.',
    ]
  }
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT')
    return [
      `${its} is signed by itself and not trusted (${code})`,
      'Put this certificate (PEM) into "Own CA" on the connection.',
    ]
  if (code === 'SELF_SIGNED_CERT_IN_CHAIN')
    return [
      `${its} goes back to "${nameOf(last.subject)}", which is not trusted here (${code})`,
      `Put the certificate "${nameOf(last.subject)}" (PEM) into "Own CA" on the connection${onlyText(route)}.`,
    ]
  if (code === 'CERT_SIGNATURE_FAILURE')
    return [
      `${its} was signed by another "${nameOf(own.issuer)}" than the one that is trusted here or sent along (${code})`,
      `Put the certificate "${nameOf(own.issuer)}" (PEM) that signed it into "Own CA" on the connection.`,
    ]
  if (!/ISSUER|VERIFY_LEAF/.test(code)) return [`${its} is not trusted (${code})`, CA_HINT(route)]
  const issuer = nameOf(last.issuer)
  const where = last.infoAccess?.['CA Issuers - URI']?.find((text) => /^https?:\/\/\S{1,200}$/.test(text))
  return [
    `the certificate of "${issuer}" is missing: it signed "${nameOf(last.subject)}"${last === own ? ` (${whose})` : `, which signed that of ${whose}`}, and neither does the server send it nor is it trusted here (${code})`,
    `Have the server send its whole chain, or put the certificate "${issuer}" (PEM) into "Own CA" on the connection${where ? `; its authority gives it at ${where}` : ''}${onlyText(route)}.`,
  ]
}

const onlyText = ({ onlyCa }: Route): string =>
  onlyCa ? '. "Only this CA" is ticked: the public authorities do not count' : ''

function nameOf(name: DetailedPeerCertificate['subject'] | undefined): string {
  const { CN, O } = (name ?? {}) as { CN?: string | string[]; O?: string | string[] }
  return oneLine([CN ?? O ?? '(without a name)'].flat()[0] ?? '').slice(0, 100)
}

function proxyFault(error: unknown, words: string, target: URL, { url, from }: ProxyChoice): Fault | undefined {
  const whose = `the proxy ${proxyName(url)} (${from})`
  const { statusCode, response } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  const inner = (response ?? {}) as { status?: unknown; statusCode?: unknown }
  const refused = /Proxy response \((\d{3})\)/.exec(words)?.[1]
  const status = Number(refused ?? (/Proxy Authentication Required/i.test(words) ? 407 : 0)) || 0
  if (status === 407 || [statusCode, inner.status, inner.statusCode].includes(407))
    return {
      cls: 'config',
      id: 'proxy',
      said: `${whose} asks for a login (HTTP 407)`,
      hint: 'Enter the proxy with its login, http://user:password@host:port, or correct it.',
    }
  if (status)
    return {
      cls: status < 500 ? 'config' : 'transient',
      id: 'proxy',
      said: `${whose} does not let through to ${target.host} (HTTP ${status})`,
      hint: status < 500 ? 'Have the host allowed on the proxy.' : 'Check the host, and the network behind the proxy.',
    }
  const broken =
    NOT_CONNECTED.exec(words)?.[1] ?? (/\bUND_ERR_PRX_\w+|Proxy connection/i.test(words) ? 'cut off' : undefined)
  if (broken === undefined) return undefined
  return {
    cls: 'transient',
    id: 'proxy',
    said: `${whose} cannot be reached (${broken})`,
    hint: 'Check its address and port, and that it runs.',
  }
}
