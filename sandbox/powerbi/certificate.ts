import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { generate } from 'selfsigned'

/** The certificate that is registered on the app, and its key: RSA, as the identity platform asks for. */
export interface AppCertificate {
  certificatePem: string
  privateKeyPem: string
}

/** Made anew, or kept in `folder`, so that a client that was given it can go on using it after a restart. */
export async function appCertificate(folder?: string): Promise<AppCertificate> {
  const files =
    folder === undefined ? undefined : ['powerbi-app.pem', 'powerbi-app.key'].map((name) => path.join(folder, name))
  if (files) {
    const kept = await Promise.all(files.map((file) => readFile(file, 'utf8'))).catch(() => undefined)
    if (kept?.[0] && kept[1]) return { certificatePem: kept[0], privateKeyPem: kept[1] }
  }
  const made = await generate([{ name: 'commonName', value: 'Tieout sandbox app' }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + 3650 * 24 * 3600 * 1000),
  })
  if (folder !== undefined && files?.[0] && files[1]) {
    await mkdir(folder, { recursive: true })
    await writeFile(files[0], made.cert)
    await writeFile(files[1], made.private, { mode: 0o600 })
  }
  return { certificatePem: made.cert, privateKeyPem: made.private }
}
