import { unsupported } from '../errors.ts'

/**
 * The engine's collation for a specification such as `en-ci`; undefined where texts compare by their bytes. What a locale
 * says of the order of letters is left to the engine; what it cannot do is refused.
 */
export function engineCollation(spec: string): string | undefined {
  const parts = spec.toLowerCase().split('-').filter(Boolean)
  const found: string[] = []
  for (const [index, part] of parts.entries()) {
    if (part === 'ci' || part === 'upper' || part === 'lower') found.push('NOCASE')
    else if (part === 'ai') found.push('NOACCENT')
    else if (index === 0 && /^(utf8|bin)$/.test(part)) continue
    else if (index === 0 && /^[a-z]{2}(_[a-z]{2})?$/.test(part) && !/^(cs|as|ps)$/.test(part)) continue
    else if (!/^(cs|as|ps)$/.test(part)) throw unsupported(`collation specification '${spec}'`)
  }
  if (found.length > 0) return found.join('.')
  const [locale = 'utf8'] = parts
  return /^(utf8|bin|cs|as|ps)$/.test(locale) ? undefined : locale
}

/** An expression that compares by a collation, whatever its own; an empty one takes it away. */
export function collated(expression: string, spec: string): string {
  const engine = engineCollation(spec)
  const plain = `decode(encode(CAST(${expression} AS VARCHAR)))`
  return engine === undefined ? plain : `(${plain} COLLATE ${engine})`
}
