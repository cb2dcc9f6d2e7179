/** What a filter or an orderBy may hold. A number that no JS number holds exactly stays text. */
export type Relaxed = string | number | boolean | null | Relaxed[] | { [key: string]: Relaxed }

/** The text is no JSON, not even relaxed; the message names the place. */
export const RelaxedJsonError = 'RelaxedJsonError'

const bareKey = /[A-Za-z_$][\w$]*/y
const numberText = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const word = /(?:true|false|null)\b/y
const space = /\s*/y
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

/**
 * Reads the JSON that X3's `filter` and `orderBy` arguments hold: strict JSON, or with unquoted keys, single quotes, `+1` and a comma too
 * many. Throws an Error named RelaxedJsonError.
 */
export function parseRelaxed(text: string): Relaxed {
  let at = 0

  function fail(expected: string): never {
    const found = at < text.length ? `'${text.slice(at, at + 12)}'` : 'the end'
    throw Object.assign(new Error(`Unexpected ${found} at position ${at}, expected ${expected}`), {
      name: RelaxedJsonError,
    })
  }
  function skip(): void {
    space.lastIndex = at
    space.test(text)
    at = space.lastIndex
  }
  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (!found) return undefined
    at += found[0].length
    return found[0]
  }
  function take(char: string): boolean {
    skip()
    if (text[at] !== char) return false
    at++
    return true
  }
  function string(quote: string): string {
    let out = ''
    at++
    for (;;) {
      const char = text[at++]
      if (char === undefined) fail('the closing quote')
      if (char === quote) return out
      if (char !== '\\') {
        out += char
        continue
      }
      const escaped = text[at++] ?? fail('an escaped character')
      if (escaped === 'u') {
        const hex = text.slice(at, at + 4)
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) fail('four hex digits')
        out += String.fromCharCode(Number.parseInt(hex, 16))
        at += 4
      } else out += escapes[escaped] ?? escaped
    }
  }
  function key(): string {
    const quote = text[at]
    if (quote === '"' || quote === "'") return string(quote)
    return match(bareKey) ?? fail('a property name')
  }
  function object(): Relaxed {
    const out: Record<string, Relaxed> = Object.create(null)
    at++
    while (!take('}')) {
      const name = key()
      if (!take(':')) fail("':'")
      out[name] = value()
      if (take(',')) skip()
      else if (text[at] !== '}') fail("',' or '}'")
    }
    return out
  }
  function array(): Relaxed {
    const out: Relaxed[] = []
    at++
    while (!take(']')) {
      out.push(value())
      if (take(',')) skip()
      else if (text[at] !== ']') fail("',' or ']'")
    }
    return out
  }
  function value(): Relaxed {
    skip()
    const char = text[at]
    if (char === '{') return object()
    if (char === '[') return array()
    if (char === '"' || char === "'") return string(char)
    const literal = match(word)
    if (literal !== undefined) return literal === 'null' ? null : literal === 'true'
    const digits = match(numberText)
    if (digits === undefined) fail('a value')
    const number = Number(digits)
    return Number.isSafeInteger(number) ? number : digits.replace(/^\+/, '')
  }

  const result = value()
  skip()
  if (at < text.length) fail('the end')
  return result
}
