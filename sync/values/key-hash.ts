/** A number for the source's own key of a record, by which its rows under other keys are found. Pure. */

/** A whole number of 53 bits above 0. Among ten thousand mapped records two are alike once in 180 million installations, among a million once in 18,000. */
export function hashOf(text: string): number {
  let a = 0x811c9dc5
  let b = 0x2f0b4c47
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x5bd1e995)
    b ^= b >>> 15
  }
  return (a >>> 0) * 2 ** 21 + ((b >>> 11) | 1)
}
