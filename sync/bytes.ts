/** A buffer that text is written into, for what ends as bytes anyway: a batch of millions of short texts builds no strings. */
export interface Bytes {
  /** Makes sure that so many more bytes have a place; every other method needs that before. */
  room(bytes: number): void
  byte(value: number): void
  /** What was encoded before. */
  raw(bytes: Uint8Array): void
  /** A number below 2 to the power of 32, in four bytes. */
  count(value: number): void
  /** A text as UTF-16 code units: one byte each where all are below 256, else two. Needs `2 * text.length + 1`. */
  units(text: string): void
  /** A text as a JSON string in UTF-8; halves of characters are escaped. Needs `6 * text.length + 2`. */
  json(text: string): void
  /** How much is written. */
  length(): number
  /** Goes back to this length, or the beginning: what `written` gave from there on is overwritten. */
  clear(length?: number): void
  written(): Buffer
}

/** 1 where a character below 128 stands in a JSON string as it is. */
const plain = Uint8Array.from({ length: 128 }, (_, code) => (code < 32 || code === 34 || code === 92 ? 0 : 1))

export function createBytes(size = 1 << 16): Bytes {
  let bytes = Buffer.allocUnsafeSlow(size)
  let at = 0
  return {
    room(more) {
      if (at + more <= bytes.length) return
      const wider = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, at + more))
      bytes.copy(wider, 0, 0, at)
      bytes = wider
    },
    byte(value) {
      bytes[at++] = value
    },
    raw(more) {
      for (let i = 0; i < more.length; i++) bytes[at++] = more[i] as number
    },
    count(value) {
      at = bytes.writeUInt32LE(value, at)
    },
    units(text) {
      const begin = at++
      bytes[begin] = 1
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (code > 255) {
          bytes[begin] = 2
          at = begin + 1 + bytes.write(text, begin + 1, 'utf16le')
          return
        }
        bytes[at++] = code
      }
    },
    json(text) {
      const begin = at
      bytes[at++] = 34
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (code > 127 || plain[code] === 0) {
          at = begin + bytes.write(JSON.stringify(text), begin, 'utf8')
          return
        }
        bytes[at++] = code
      }
      bytes[at++] = 34
    },
    length: () => at,
    clear(length = 0) {
      at = length
    },
    written: () => bytes.subarray(0, at),
  }
}
