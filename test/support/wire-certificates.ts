/** Certificates that a test makes for itself: authorities, those that they sign, servers. */
import { generate } from 'selfsigned'

const DAY = 24 * 3600 * 1000

export interface Keyed {
  readonly key: string
  /** PEM text. */
  readonly cert: string
}

interface Asked {
  readonly issuer?: Keyed
  /** Days from now until it ends. */
  readonly days?: number
}

async function made(name: string, extensions: object[], { issuer, days = 30 }: Asked): Promise<Keyed> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 20 * DAY),
    notAfterDate: new Date(Date.now() + days * DAY),
    extensions,
    ...(issuer ? { ca: issuer } : {}),
  } as Parameters<typeof generate>[1])
  return { key, cert }
}

/** An authority; with `issuer` one that another authority has signed. */
export const authority = (name: string, asked: Asked = {}): Promise<Keyed> =>
  made(
    name,
    [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
    asked,
  )

/** A server's, for these names and the addresses of this machine. */
export const serverOf = (names: readonly string[], asked: Asked): Promise<Keyed> =>
  made(
    names[0] ?? '',
    [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [...names.map((value) => ({ type: 2, value })), { type: 7, ip: '127.0.0.1' }],
      },
    ],
    asked,
  )
