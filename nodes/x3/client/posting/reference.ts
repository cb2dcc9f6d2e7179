/** The reference under which a journal is found again: from the invoice's id and its revision, and nothing that a user can change. */
import { createHash } from 'node:crypto'

/** No I, L, O and U: none is taken for another, and words stay free for references that no invoice can have. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const HASHED = 16
/** Revisions that fit in two characters. */
export const MOST_REVISIONS = LETTERS.length ** 2

/** 18 capital letters and digits: 16 of a hash of the id (80 bits), 2 of the revision. */
export function referenceOf(id: string, revision: number): string {
  if (!Number.isInteger(revision) || revision < 0 || revision >= MOST_REVISIONS)
    throw new RangeError(`no revision of an invoice: ${revision}`)
  const digest = createHash('sha256').update(id, 'utf8').digest()
  const bits = [...digest.subarray(0, (HASHED * 5) / 8)].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const hash = Array.from({ length: HASHED }, (_, k) => LETTERS[Number.parseInt(bits.slice(k * 5, k * 5 + 5), 2)])
  return `${hash.join('')}${LETTERS[Math.floor(revision / LETTERS.length)]}${LETTERS[revision % LETTERS.length]}`
}

/** A reference that no invoice can have, for the draft of *Test posting*: 20 characters. `random`: 7 of them. */
export const testReference = (random: string): string => `TIEOUT-TEST-${random.slice(0, 8).toUpperCase()}`
