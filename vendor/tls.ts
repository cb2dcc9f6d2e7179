/** Whom a connection trusts. */
import { createSecureContext, getCACertificates, type SecureContext, setDefaultCACertificates } from 'node:tls'
import type { Route } from './route.ts'

/** The single certificates of a PEM text. */
export const certificatesIn = (pem: string): string[] =>
  pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []

/** As the process was started: the authorities that Node brings along, and those of NODE_EXTRA_CA_CERTS. */
let given: readonly string[] | undefined
const publicAuthorities = (): readonly string[] => {
  given ??= getCACertificates('default')
  return given
}

/** The store of OpenSSL (--use-openssl-ca) cannot be listed: who chose it has Node's own default where no CA is given. */
const hasOwnStore = [...process.execArgv, process.env.NODE_OPTIONS].includes('--use-openssl-ca')
const contexts = new Map<string, SecureContext>()

/**
 * What sockets of a connection are made with; undefined: Node's default. Made once for each CA, since given by their texts the
 * 150 public certificates would be read anew for each socket; and also where there is none, so that a CA which another
 * connection had to have trusted everywhere is not trusted here.
 */
export function secureContext({ ca, onlyCa }: Pick<Route, 'ca' | 'onlyCa'>): SecureContext | undefined {
  if (!ca && hasOwnStore) return undefined
  const key = `${onlyCa === true} ${ca}`
  const known = contexts.get(key)
  if (known) return known
  const trusted = [...(ca && onlyCa ? [] : publicAuthorities()), ...(ca ? [ca] : [])]
  // An authority that signs for another one may be given without it: whoever enters a certificate means to trust it.
  const made = createSecureContext({ ca: trusted, ...(ca ? { allowPartialTrustChain: true } : {}) })
  contexts.set(key, made)
  return made
}

/** Has the whole process trust an authority besides the others: for clients whose sockets nobody else can reach. */
export function trustEverywhere(ca: string): void {
  publicAuthorities()
  const known = getCACertificates('default')
  const more = certificatesIn(ca).filter((pem) => !known.includes(pem))
  if (more.length > 0) setDefaultCACertificates([...known, ...more])
}
