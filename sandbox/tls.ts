import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { generate } from 'selfsigned'

/** What an HTTPS server of the sandbox needs, and the CA that clients shall trust. */
export interface Certificates {
  caPem: string
  key: string
  cert: string
}

const DAY = 24 * 3600 * 1000

/**
 * A CA and a server certificate for this machine and for `hosts`, the vendor's names. With `folder` the CA is kept there,
 * so that clients that were given it go on trusting it after a restart.
 */
export async function createCertificates(folder?: string, hosts: readonly string[] = []): Promise<Certificates> {
  const ca = (folder && (await readCa(folder))) || (await createCa(folder))
  const server = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY),
    notAfterDate: new Date(Date.now() + 365 * DAY),
    ca,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...['localhost', ...hosts].map((value) => ({ type: 2, value }) as const),
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  return { caPem: ca.cert, key: server.private, cert: server.cert }
}

async function readCa(folder: string): Promise<{ key: string; cert: string } | undefined> {
  try {
    const [key, cert] = await Promise.all(['ca.key', 'ca.pem'].map((file) => readFile(path.join(folder, file), 'utf8')))
    return key && cert ? { key, cert } : undefined
  } catch {
    return undefined
  }
}

async function createCa(folder?: string): Promise<{ key: string; cert: string }> {
  const made = await generate([{ name: 'commonName', value: 'Tieout sandbox CA' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY),
    notAfterDate: new Date(Date.now() + 3650 * DAY),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  if (folder) {
    await mkdir(folder, { recursive: true })
    await writeFile(path.join(folder, 'ca.key'), made.private, { mode: 0o600 })
    await writeFile(path.join(folder, 'ca.pem'), made.cert)
  }
  return { key: made.private, cert: made.cert }
}
