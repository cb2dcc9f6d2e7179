/**
 * Whether a request may be for the editor at all: a web page on another site can have a browser send anything to an address that
 * the browser reaches, and a name that its owner lets point here makes that page one of the same origin.
 */

import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { refuse } from './refuse.ts'

export interface Asked {
  readonly host?: string | undefined
  readonly origin?: string | undefined
}

/** The name of a `Host` header without port, dot at the end and brackets; undefined: it is none. */
function nameOf(host: string): string | undefined {
  try {
    return new URL(`http://${host}`).hostname.replace(/\.$/, '').replace(/^\[|\]$/g, '')
  } catch {
    return undefined
  }
}

/**
 * Makes the check. `publicUrls`: what TIEOUT_PUBLIC_URL says, several apart by commas or blanks; throws where one is no URL.
 * The check gives why a request is refused, with what to set; undefined: it may pass.
 */
export function originRule(publicUrls: string, machine: string = hostname()): (asked: Asked) => string | undefined {
  const urls = publicUrls
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((text) => {
      const url = URL.canParse(text) ? new URL(text) : undefined
      if (url && /^https?:$/.test(url.protocol)) return url
      throw refuse(`TIEOUT_PUBLIC_URL: "${text}" is no URL such as https://tieout.example.com.`)
    })
  const names = new Set(
    ['localhost', machine, machine.split('.')[0] ?? machine, ...urls.map((url) => url.hostname)].map((name) =>
      name.toLowerCase().replace(/\.$/, ''),
    ),
  )
  const origins = new Set(urls.map((url) => url.origin))
  return ({ host, origin }) => {
    const name = host === undefined ? undefined : nameOf(host)
    if (name === undefined) return 'This request names no host.'
    if (isIP(name) === 0 && !names.has(name))
      return `Tieout does not know itself as "${name}". Set TIEOUT_PUBLIC_URL=http://${host} (or https://...) in its environment if this is its address.`
    if (origin === undefined || origins.has(origin)) return undefined
    // A port that is the scheme's own stands in neither, whichever scheme it is.
    const from = /^https?:/.test(origin) && URL.canParse(origin) ? new URL(origin) : undefined
    if (from && from.host === new URL(`${from.protocol}//${host}`).host) return undefined
    return `This request comes from a page of "${origin}". Set TIEOUT_PUBLIC_URL=${origin} in Tieout's environment if this is its own address (a proxy passes another Host).`
  }
}
