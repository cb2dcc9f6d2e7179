import type { Token } from '../../sql/reader.ts'
import { syntaxError } from '../errors.ts'

const SPACE = /(?:\s+|--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y
const WORD = /[A-Za-z_][A-Za-z0-9_$]*/y
const COLUMN = /\$\d+/y
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z0-9_])/y
const PARAM = /:\d+/y
/** `@stage`, `@~/path`, `@%table`, `@db.schema."Stage"/path`. */
const STAGE = /@(?:"(?:[^"]|"")*"|[^\s"'(),;])+/y
const OPERATOR = /<>|!=|<=|>=|::|=>|->|\|\||[-+*/%(),.;=<>[\]:?{}]/y
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', 0: '\0' }

/** Splits a statement as Snowflake does: a backslash escapes in '..', nothing does in $$..$$, "" stands for a quote in names. */
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
    if (char === "'") push('string', ...string(sql, at))
    else if (sql.startsWith('$$', at)) {
      const close = sql.indexOf('$$', at + 2)
      if (close < 0) throw syntaxError('$$', sql, at)
      push('string', sql.slice(at, close + 2), sql.slice(at + 2, close))
    } else if (char === '"') {
      const text = /"(?:[^"]|"")*"/y
      text.lastIndex = at
      const name = text.exec(sql)?.[0]
      if (!name || name === '""') throw syntaxError('"', sql, at)
      push('quoted', name, name.slice(1, -1).replaceAll('""', '"'))
    } else {
      const [number, word, column, stage] = [match(NUMBER), match(WORD), match(COLUMN), match(STAGE)]
      const param = match(PARAM)
      const before = sql[at - 1] ?? ''
      const operator = match(OPERATOR)
      if (number !== undefined) push('number', number)
      else if (word !== undefined) push('word', word, word.toUpperCase())
      else if (column !== undefined) push('quoted', column)
      else if (stage !== undefined) push('stage', stage, stage.slice(1))
      // `$1:0` is a path, ` :1` a marker.
      else if (param !== undefined && !/[\w"\])$]/.test(before)) push('param', param, param.slice(1))
      else if (operator === '?') push('param', operator, String(++ordinal))
      else if (operator !== undefined) push('op', operator)
      else throw syntaxError(char, sql, at)
    }
  }
  while (tokens.at(-1)?.text === ';') tokens.pop()
  tokens.push({ kind: 'end', text: '', value: '', at: sql.length })
  return tokens
}

function string(sql: string, start: number): [text: string, value: string] {
  // Long texts (a whole batch in one literal) are copied in pieces, not letter by letter.
  const special = /['\\]/g
  let value = ''
  let at = start + 1
  while (true) {
    special.lastIndex = at
    const found = special.exec(sql)
    if (!found) throw syntaxError(sql.slice(start, start + 20), sql, start)
    value += sql.slice(at, found.index)
    const next = sql[found.index + 1] ?? ''
    at = found.index + 2
    if (found[0] === '\\') {
      const unicode = /^u([0-9a-fA-F]{4})/.exec(sql.slice(found.index + 1, found.index + 6))?.[1]
      value += unicode ? String.fromCharCode(Number.parseInt(unicode, 16)) : (ESCAPES[next] ?? next)
      if (unicode) at += 4
    } else if (next === "'") value += "'"
    else return [sql.slice(start, found.index + 1), value]
  }
}
