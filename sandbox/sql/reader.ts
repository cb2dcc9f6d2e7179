/** `quoted` is a quoted name, `param` a marker, `stage` a place such as `@files/a.gz`; `text` is as written. */
export interface Token {
  kind: 'word' | 'quoted' | 'string' | 'number' | 'param' | 'stage' | 'op' | 'end'
  text: string
  /** A word in upper case, the content of a string or quoted name. */
  value: string
  at: number
}

/** A statement on its way through a parser, whatever the dialect. */
export interface Reader {
  sql: string
  tokens: Token[]
  at: number
  /** Raises the dialect's syntax error. */
  refuse: (sql: string, token: Token) => never
}

const END: Token = { kind: 'end', text: '', value: '', at: 0 }

export function peek(c: Reader, ahead = 0): Token {
  return c.tokens[c.at + ahead] ?? c.tokens.at(-1) ?? END
}

export function take(c: Reader): Token {
  const token = peek(c)
  if (token.kind === 'end') fail(c)
  c.at += 1
  return token
}

export function fail(c: Reader): never {
  return c.refuse(c.sql, peek(c))
}

/** Whether the next tokens are these words. */
export function isNext(c: Reader, ...words: string[]): boolean {
  return words.every((word, index) => {
    const token = peek(c, index)
    return token.kind === 'word' ? token.value === word : token.kind === 'op' && token.text === word
  })
}

/** Takes these words or operators if all of them come next. */
export function accept(c: Reader, ...words: string[]): boolean {
  if (!isNext(c, ...words)) return false
  c.at += words.length
  return true
}

/** Takes the first of these phrases that comes next, else gives `otherwise`. */
export function choice(c: Reader, phrases: readonly string[], otherwise: string): string {
  return phrases.find((phrase) => accept(c, ...phrase.split(' '))) ?? otherwise
}

export function expect(c: Reader, ...words: string[]): void {
  for (const word of words) if (!accept(c, word)) fail(c)
}

export function end(c: Reader): void {
  if (peek(c).kind !== 'end') fail(c)
}

export function text(c: Reader): string {
  if (peek(c).kind !== 'string') fail(c)
  return take(c).value
}

export function list<C extends Reader, T>(c: C, item: (c: C) => T): T[] {
  const items = [item(c)]
  while (accept(c, ',')) items.push(item(c))
  return items
}

export function bracketed<C extends Reader, T>(c: C, item: (c: C) => T): T[] {
  expect(c, '(')
  const items = list(c, item)
  expect(c, ')')
  return items
}

/** `(p, s)`: whole numbers in brackets. */
export function numbers(c: Reader): number[] {
  return bracketed(c, () => Number(take(c).value))
}

/** A name in the engine's SQL. */
export const quote = (name: string) => `"${name.replaceAll('"', '""')}"`
/** A text in the engine's SQL. */
export const literal = (value: string) => `'${value.replaceAll("'", "''")}'`

/**
 * Text to DECIMAL. DuckDB takes some 9 us for a 128-bit one, and next to nothing by way of 64-bit ones: amounts with few
 * digits are read as one, others as two, before and after the point. TRY_CAST there, since it may look at values that WHEN
 * leaves out.
 */
export function castToDecimal(expression: string, precision: number, scale: number, verb = 'CAST'): string {
  const type = `DECIMAL(${precision}, ${scale})`
  const plain = `${verb}(${expression} AS ${type})`
  if (precision <= 18) return plain
  const text = `CAST(${expression} AS VARCHAR)`
  const digits = Math.min(scale, 4)
  const fraction = digits > 0 ? `([.][0-9]{1,${digits}})?` : ''
  const isShort = `regexp_full_match(${text}, '[+-]?[0-9]{1,${18 - digits}}${fraction}')`
  const short = `WHEN ${isShort} THEN ${verb}(TRY_CAST(${expression} AS DECIMAL(18, ${digits})) AS ${type})`
  if (scale <= 4 || scale > 18) return `CASE ${short} ELSE ${plain} END`
  const isLong = `regexp_full_match(${text}, '[+-]?[0-9]{1,${Math.min(18, precision - scale)}}[.][0-9]{1,${scale}}')`
  const whole = `TRY_CAST(TRY_CAST(split_part(${text}, '.', 1) AS BIGINT) AS ${type})`
  const rest = `TRY_CAST(rpad(split_part(${text}, '.', 2), ${scale}, '0') AS BIGINT)`
  const sign = `CASE WHEN starts_with(${text}, '-') THEN -1 ELSE 1 END`
  const part = `CAST(${sign} * ${rest} AS DECIMAL(18, 0)) * CAST(0.${'0'.repeat(scale - 1)}1 AS DECIMAL(${scale}, ${scale}))`
  return `CASE ${short} WHEN ${isLong} THEN CAST(${whole} + ${part} AS ${type}) ELSE ${plain} END`
}
