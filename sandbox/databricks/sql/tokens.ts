import type { Token } from '../../sql/reader.ts'
import { syntaxError } from '../errors.ts'

const SPACE = /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)+/y
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:BD|[LSYDF])?(?![A-Za-z0-9_])/iy
const PARAM = /:[A-Za-z_][A-Za-z0-9_]*/y
const OPERATOR = /<=>|<>|!=|==|<=|>=|::|=>|\|\||[-+*(),.;=<>[\]:?]/y
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  0: '\0',
  Z: '\x1a',
  '%': '\\%',
  _: '\\_',
}

/** Splits a statement as Databricks does: both quotes make strings, a backslash escapes, `r'..'` is raw. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let ordinal = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(sql)?.[0]
  }
  const push = (kind: Token['kind'], text: string, value = text) => {
    tokens.push({ kind, text, value, at })
    at += text.length
  }
  while (true) {
    at += match(SPACE)?.length ?? 0
    const char = sql[at]
    if (char === undefined) break
    const raw = /[rR]/.test(char) && /['"]/.test(sql[at + 1] ?? '')
    if (raw || char === "'" || char === '"') {
      const [text, value] = string(sql, at, raw)
      push('string', text, value)
    } else if (char === '`') {
      const text = /`(?:[^`]|``)*`/y
      text.lastIndex = at
      const name = text.exec(sql)?.[0]
      if (!name) throw syntaxError('`', sql, at)
      push('quoted', name, name.slice(1, -1).replaceAll('``', '`'))
    } else {
      const number = match(NUMBER)
      const word = match(WORD)
      const param = match(PARAM)
      const operator = match(OPERATOR)
      if (number !== undefined) push('number', number, number.replace(/(?:BD|[LSYDF])$/i, ''))
      else if (word !== undefined) push('word', word, word.toUpperCase())
      else if (param !== undefined) push('param', param, param.slice(1))
      else if (operator === '?') push('param', operator, String(++ordinal))
      else if (operator !== undefined) push('op', operator)
      else throw syntaxError(char, sql, at)
    }
  }
  while (tokens.at(-1)?.text === ';') tokens.pop()
  tokens.push({ kind: 'end', text: '', value: '', at: sql.length })
  return tokens
}

function string(sql: string, start: number, raw: boolean): [text: string, value: string] {
  const open = raw ? start + 1 : start
  const quote = sql[open]
  let value = ''
  for (let at = open + 1; at < sql.length; at += 1) {
    const char = sql[at] ?? ''
    if (char === quote) {
      if (raw || sql[at + 1] !== quote) return [sql.slice(start, at + 1), value]
      value += char
      at += 1
    } else if (char === '\\' && !raw) {
      const unicode = /^u([0-9a-fA-F]{4})/.exec(sql.slice(at + 1, at + 6))?.[1]
      const next = sql[at + 1] ?? ''
      value += unicode ? String.fromCharCode(Number.parseInt(unicode, 16)) : (ESCAPES[next] ?? next)
      at += unicode ? 5 : 1
    } else value += char
  }
  throw syntaxError(sql.slice(start, start + 20), sql, start)
}
