/** Parts of a connection's dialog that are alike for every vendor: certificates, proxy, time-outs, quiet hours. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { proxyUrl, withoutLogins } from '../../vendor/proxy.ts'
import { isZone, type QuietHours } from '../../vendor/quiet.ts'
import { fine, type ReportLine } from '../../vendor/report.ts'
import type { Route } from '../../vendor/route.ts'
import { routeText } from '../../vendor/route-text.ts'
import { field } from './config.ts'
import { wrongField } from './faults.ts'
import type { Values } from './variables.ts'

/** Fields of the way to a host. `timeout`: the longest silence, in seconds: default and bounds. */
export const routeFields = (timeout: { readonly value: number; readonly min: number; readonly max: number }) => ({
  /** PEM text of authorities, or the path of a file that holds it. */
  ca: field.optional(),
  /** Nobody but those is trusted. */
  onlyCa: field.flag(),
  proxy: field.optional(),
  timeoutSeconds: field.number(timeout.value, timeout.min, timeout.max),
  /** Seconds for one request in all; the time-out above bounds its silences. */
  totalSeconds: field.number(600, 1, 86_400),
})
type RouteValues = z.output<z.ZodObject<ReturnType<typeof routeFields>>>

/** Credentials of the way to a host. */
export const routeSecrets = {
  /** Of the user in the proxy's address. */
  proxyPassword: field.secret(),
}
type RouteSecrets = z.output<z.ZodObject<typeof routeSecrets>>

/** What a client takes of those fields. Throws the `config` error of a wrong one. */
export async function routeOf(
  { ca, onlyCa, proxy, timeoutSeconds, totalSeconds }: RouteValues,
  { proxyPassword }: RouteSecrets,
): Promise<Route & { readonly timeoutMs: number; readonly totalMs: number }> {
  if (onlyCa && ca === '') throw wrongField('onlyCa', 'it is ticked, but there is no certificate in "Own CA"')
  return {
    timeoutMs: timeoutSeconds * 1000,
    totalMs: totalSeconds * 1000,
    ...(ca ? { ca: (await pemBlocks(ca, 'CERTIFICATE', 'ca')).join(''), onlyCa } : {}),
    ...(proxy ? { proxy: proxyWith(proxy, proxyPassword) } : {}),
  }
}

/** The proxy's address with its login. */
function proxyWith(proxy: string, password: string): string {
  const url = proxyUrl(proxy)
  if (!url) throw wrongField('proxy', `"${withoutLogins(proxy)}" is no address such as http://proxy:3128`)
  if (password === '') return proxy
  if (url.username === '')
    throw wrongField('proxy', 'there is a password, but no user in the address: http://user@proxy:3128')
  url.password = encodeURIComponent(password)
  return url.href
}

/** The line about the way to an address in *Test connection*. */
export const routeLine = (route: Route, url: string, more = ''): ReportLine =>
  fine(`${routeText(route, url)}${more && ` ${more}`}`)

/** Text of a field, or of the file that it names. */
export const textOrFile = async (text: string): Promise<string> =>
  text.includes('-----BEGIN') ? text : readFile(text, 'utf8').catch(() => '')

/**
 * The blocks of a PEM text, or of the file that a field names. Line ends that a password field or an environment variable lost
 * are put back. Throws the `config` error of a field without any, or with a certificate that cannot be read.
 */
export async function pemBlocks(text: string, kind: 'CERTIFICATE' | 'PRIVATE KEY', name: string): Promise<string[]> {
  const whole = (await textOrFile(text)).replaceAll('\\n', '\n')
  const found = whole.matchAll(new RegExp(`-----BEGIN ([A-Z ]*${kind})-----([\\s\\S]+?)-----END \\1-----`, 'g'))
  const blocks = [...found].map(([, label, body = '']) => {
    const lines = body.replace(/\s+/g, '').match(/.{1,64}/g) ?? []
    return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
  })
  if (blocks.length === 0)
    throw wrongField(name, `neither a ${kind.toLowerCase()} in PEM form nor a file that holds one`)
  if (kind === 'CERTIFICATE') for (const block of blocks) checkCertificate(block, name)
  return blocks
}

function checkCertificate(pem: string, name: string): void {
  try {
    new X509Certificate(pem)
  } catch {
    throw wrongField(name, 'a certificate in it cannot be read: copy it whole, from -----BEGIN to -----END')
  }
}

/** Throws where a field is empty that its neighbours ask for. */
export function needed(text: string, name: string, label: string): string {
  if (text === '') throw wrongField(name, `${label} is missing`)
  return text
}

export const quietFields = {
  quietFrom: field.optional(),
  quietTo: field.optional(),
  quietZone: field.optional(),
}

/** Quiet hours of a source; undefined where there are none. Throws the `config` error of a wrong field. */
export function quietHours({
  quietFrom: from,
  quietTo: to,
  quietZone: timeZone,
}: Readonly<Record<keyof typeof quietFields, string>>): QuietHours | undefined {
  if (!from && !to) return undefined
  for (const [name, text] of Object.entries({ quietFrom: from, quietTo: to }))
    if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(text)) throw wrongField(name, `"${text}" is no time of day such as 22:30`)
  if (timeZone && !isZone(timeZone)) throw wrongField('quietZone', `"${timeZone}" is no time zone such as Europe/Paris`)
  // That of the machine, as for sweeps and inject nodes: TZ sets it.
  return { from, to, timeZone: timeZone || new Intl.DateTimeFormat().resolvedOptions().timeZone }
}

/** Clients of version 2 that trusted an own CA alone: whoever had one goes on so. A dialog that is open says it itself. */
export const onlyItsCa = (values: Values): Values => ({
  ...values,
  onlyCa: values.onlyCa ?? Boolean(String(values.ca ?? '').trim()),
})
