/** External codes: made of a record's key alone, so that they never change; safe in a URL and within 36 characters. */
import { createHash } from 'node:crypto'

/** Longest external code of the contract. */
export const LONGEST = 36
/** Parts that stand in a code as they are: an underscore stands between them. */
const PLAIN = /^[A-Za-z0-9-]+$/
/** A hash begins with what no readable code begins with. */
const HASHED = '_'

/**
 * The code of a key. Two keys never share one: parts that are plain are joined by underscores, everything else (long, empty,
 * with other characters) is a hash of 210 bits.
 *
 * @example externalCode(['x3', 'POFR0110113', '1000']) // x3_POFR0110113_1000
 */
export function externalCode(parts: readonly string[]): string {
  const readable = parts.join('_')
  if (readable.length <= LONGEST && parts.every((part) => PLAIN.test(part))) return readable
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
  return HASHED + digest.slice(0, LONGEST - HASHED.length)
}
