/** Addresses as people paste them. */

export interface Address {
  /** In small letters. */
  readonly host: string
  /** Where one was named. */
  readonly port: number | undefined
}

/**
 * Host and port of a text that may be a whole address: `https://host/path` and `host:8443` mean that host for certain. Undefined
 * where it is no host, has a login, or another scheme.
 */
export function hostIn(text: string, scheme: 'https' | 'http' = 'https'): Address | undefined {
  const url = withScheme(text, scheme)
  if (!url || url.protocol !== `${scheme}:` || url.username !== '' || url.password !== '') return undefined
  if (!/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(url.hostname)) return undefined
  return { host: url.hostname, port: url.port === '' ? undefined : Number(url.port) }
}

/** An address of which the scheme may be missing; undefined where it is none. */
export function withScheme(text: string, scheme: 'https' | 'http' = 'https'): URL | undefined {
  const trimmed = text.trim()
  const whole = /^[a-z][a-z\d+.-]*:\/\//i.test(trimmed) ? trimmed : `${scheme}://${trimmed}`
  return URL.canParse(whole) ? new URL(whole) : undefined
}
