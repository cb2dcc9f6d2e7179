/** SData's `where`: comparisons with `and`, `or`, `not` and parentheses; dates and times between at signs. */

export type Test = (item: Readonly<Record<string, unknown>>) => boolean

export class WhereError extends Error {}

const TOKEN = /\s*(?:(@[^@]*@)|('(?:[^']|'')*')|([+-]?\d+(?:\.\d+)?)|([A-Za-z_][\w.]*)|([(),]))/y

/** Throws WhereError for what is none, or names a column that `known` does not have. */
export function parseWhere(text: string, known: ReadonlySet<string>): Test {
  const tokens: string[] = []
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.trimEnd().length; ) {
    const found = TOKEN.exec(text)
    if (!found) throw new WhereError(`Syntax error in where: ${text.slice(0, 60)}`)
    tokens.push(found[0].trim())
  }
  let at = 0
  const take = (): string => tokens[at++] ?? ''
  const word = (): string => (tokens[at] ?? '').toLowerCase()

  const any = (): Test => {
    let left = all()
    while (word() === 'or') {
      at++
      const [a, b] = [left, all()]
      left = (item) => a(item) || b(item)
    }
    return left
  }
  const all = (): Test => {
    let left = one()
    while (word() === 'and') {
      at++
      const [a, b] = [left, one()]
      left = (item) => a(item) && b(item)
    }
    return left
  }
  const one = (): Test => {
    if (word() === 'not') {
      at++
      const inner = one()
      return (item) => !inner(item)
    }
    if (word() === '(') {
      at++
      const inner = any()
      if (take() !== ')') throw new WhereError('a parenthesis is not closed')
      return inner
    }
    const column = take()
    if (!known.has(column)) throw new WhereError(`Property ${column} does not exist in the query facet`)
    const operator = take().toLowerCase()
    const literal = value(take())
    return (item) => compare(item[column], operator, literal)
  }
  const test = any()
  if (at < tokens.length) throw new WhereError(`Syntax error in where near ${tokens[at]}`)
  return test
}

function value(token: string): string | number {
  if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'")
  if (token.startsWith('@')) return token.slice(1, -1)
  if (token !== '' && !Number.isNaN(Number(token))) return Number(token)
  throw new WhereError(`${token || 'the end'} is no literal`)
}

function compare(found: unknown, operator: string, literal: string | number): boolean {
  if (found === null || found === undefined) return false
  const isTime =
    typeof literal === 'string' && /^\d{4}-\d\d-\d\d/.test(literal) && /^\d{4}-\d\d-\d\d/.test(String(found))
  const [a, b] = isTime ? [Date.parse(String(found)), Date.parse(literal)] : [found as string | number, literal]
  switch (operator) {
    case 'eq':
      return a === b
    case 'ne':
      return a !== b
    case 'gt':
      return a > b
    case 'ge':
      return a >= b
    case 'lt':
      return a < b
    case 'le':
      return a <= b
    default:
      throw new WhereError(`${operator} is no operator`)
  }
}
