import { errors } from './errors.ts'
import type { Comparison, Condition } from './filter.ts'

const operators: Readonly<Record<string, Comparison>> = {
  '=': 'equalto',
  '!=': 'notequalto',
  '<>': 'notequalto',
  '<': 'lessthan',
  '<=': 'lessthanorequalto',
  '>': 'greaterthan',
  '>=': 'greaterthanorequalto',
}

type Token = { readonly kind: 'word' | 'text' | 'sign'; readonly text: string }

/**
 * Reads the text of readByQuery (`STATUS = 'T' and RECORDNO > 5`); `not` only before like and in. Undefined for an empty one.
 * Throws FunctionError where it is nothing of the sort; ORDER BY is not.
 */
export function readTextQuery(query: string): Condition | undefined {
  const tokens = tokenize(query)
  let at = 0
  const peek = (): Token | undefined => tokens[at]
  const isWord = (word: string): boolean => peek()?.kind === 'word' && peek()?.text.toLowerCase() === word
  const take = (word: string): boolean => {
    if (!isWord(word)) return false
    at++
    return true
  }
  const fail = (): never => {
    throw errors.generic(`Invalid query near ${peek()?.text ?? 'its end'}`)
  }
  const sign = (text: string): void => {
    if (peek()?.kind !== 'sign' || peek()?.text !== text) fail()
    at++
  }
  const value = (): string => {
    const token = peek()
    if (token === undefined || token.kind === 'sign') return fail()
    at++
    return token.text
  }

  function joined(kind: 'and' | 'or', part: () => Condition): Condition {
    const of = [part()]
    while (take(kind)) of.push(part())
    return of.length === 1 ? (of[0] as Condition) : { kind, of }
  }
  const either = (): Condition => joined('or', () => joined('and', single))

  function single(): Condition {
    if (peek()?.kind === 'sign' && peek()?.text === '(') {
      at++
      const inner = either()
      sign(')')
      return inner
    }
    if (peek()?.kind !== 'word') fail()
    const field = value()
    if (take('is')) {
      const not = take('not')
      if (!take('null')) fail()
      return { kind: 'test', op: not ? 'isnotnull' : 'isnull', field, values: [] }
    }
    const not = take('not')
    if (take('like')) return { kind: 'test', op: not ? 'notlike' : 'like', field, values: [value()] }
    if (take('in')) {
      sign('(')
      const values = [value()]
      while (peek()?.text === ',' && peek()?.kind === 'sign') {
        at++
        values.push(value())
      }
      sign(')')
      return { kind: 'test', op: not ? 'notin' : 'in', field, values }
    }
    const op = peek()?.kind === 'sign' ? operators[peek()?.text ?? ''] : undefined
    if (not || op === undefined) return fail()
    at++
    return { kind: 'test', op, field, values: [value()] }
  }

  if (tokens.length === 0) return undefined
  const condition = either()
  if (at < tokens.length) fail()
  return condition
}

function tokenize(query: string): Token[] {
  const tokens: Token[] = []
  const pattern = /\s+|'((?:[^'\\]|\\.)*)'|(<=|>=|!=|<>|[<>=(),])|([\w.#$-]+(?:\/[\w/]+)?)/gy
  while (pattern.lastIndex < query.length) {
    const from = pattern.lastIndex
    const match = pattern.exec(query)
    if (!match) throw errors.generic(`Invalid query near ${query.slice(from, from + 20)}`)
    const [, text, sign, word] = match
    if (text !== undefined) tokens.push({ kind: 'text', text: text.replace(/\\(.)/g, '$1') })
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
  }
  return tokens
}
