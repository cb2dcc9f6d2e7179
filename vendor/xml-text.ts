/** Texts of a reply without the characters that XML does not allow: they spoil a text, not the reply. */

/** What XML does not allow in a text. */
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu
/** A numeric reference to one of them, which the parser leaves as it stands. */
const FORBIDDEN_REFERENCE = /&#(x[0-9a-f]+|[0-9]+);/gi
/** Faults that spoil a text but not the reply. */
const TOLERATED =
  /^(?:disallowed character\.|malformed character entity\.|the string "]]>" is disallowed in char data\.)$/

export interface TextCleaner {
  /** A fault of the parser: throws unless it only spoils the text that comes next. */
  fault(message: string): void
  /** The text as the parser gave it, or what is left of it. */
  clean(raw: string): string
  /** Characters that were taken out so far. */
  removed(): number
}

/** `malformed` makes the error of a reply that is no well-formed XML. */
export function createTextCleaner(malformed: (text: string) => Error): TextCleaner {
  let removed = 0
  let dirty = false
  /** References to characters that XML does not have, in the text that comes next. */
  let references = 0
  return {
    fault(message) {
      if (!TOLERATED.test(message)) throw malformed(message)
      dirty = true
      if (message.startsWith('malformed')) references++
    },
    clean(raw) {
      if (!dirty) return raw
      dirty = false
      const text = raw
        .replace(FORBIDDEN, () => {
          removed++
          return ''
        })
        .replace(FORBIDDEN_REFERENCE, (reference, number: string) => {
          const code = Number(/^x/i.test(number) ? `0${number}` : number)
          if (isCharacter(code)) return reference
          removed++
          references--
          return ''
        })
      // What is left is no number at all: not a stray character but broken XML.
      if (references > 0) throw malformed('malformed character entity')
      references = 0
      return text
    },
    removed: () => removed,
  }
}

const isCharacter = (code: number): boolean =>
  code === 9 ||
  code === 10 ||
  code === 13 ||
  (code >= 32 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff)
