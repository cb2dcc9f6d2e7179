/** Held records at rest: AES-256-GCM with a key derived from the secret that was given. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export interface Cipher {
  /** `about` is bound to the text: sealed for one record, it does not open for another. */
  seal(text: string, about: string): Uint8Array
  /** Throws where the key or `about` is another one, or a bit was changed. */
  open(sealed: Uint8Array, about: string): string
}

/** Nonce of 12 random bytes, tag of 16, then the text. */
export function cipherOf(secret: string, salt: string): Cipher {
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.from(salt, 'hex'), 'tieout ledger: held records', 32))
  return {
    seal(text, about) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(Buffer.from(about))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body])
    },
    open(sealed, about) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
      decipher.setAAD(Buffer.from(about))
      decipher.setAuthTag(sealed.subarray(12, 28))
      return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8')
    },
  }
}
