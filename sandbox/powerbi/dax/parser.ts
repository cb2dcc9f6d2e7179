import { DaxError } from './values.ts'

/** An expression. `bracket` is a measure, or a column of the row at hand; `name` a table or a variable. */
export type Node =
  | { readonly kind: 'literal'; readonly value: string | number | bigint | boolean }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'column'; readonly table: string; readonly name: string }
  | { readonly kind: 'bracket'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: 'binary'; readonly op: string; readonly left: Node; readonly right: Node }
  | { readonly kind: 'not'; readonly operand: Node }
  | { readonly kind: 'negate'; readonly operand: Node }
  | { readonly kind: 'rows'; readonly rows: readonly (readonly Node[])[] }
  | { readonly kind: 'block'; readonly variables: readonly Variable[]; readonly result: Node }

export interface Variable {
  readonly name: string
  readonly expression: Node
}

export interface Query {
  readonly variables: readonly Variable[]
  readonly measures: readonly { readonly table: string; readonly name: string; readonly expression: Node }[]
  readonly evaluate: Node
  readonly orderBy: readonly { readonly expression: Node; readonly descending: boolean }[]
}

interface Token {
  readonly kind: 'word' | 'table' | 'bracket' | 'text' | 'number' | 'sign' | 'end'
  readonly text: string
  readonly at: number
}

const PATTERN =
  /\s+|\/\/[^\n]*|--[^\n]*|\/\*[\s\S]*?\*\/|(?<table>'(?:[^']|'')*')|(?<bracket>\[(?:[^\]]|\]\])*\])|(?<text>"(?:[^"]|"")*")|(?<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?<word>[\p{L}_][\p{L}\p{N}_.]*)|(?<sign>&&|\|\||<>|<=|>=|==|[-+*/^&=<>(),{}])/uy

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  PATTERN.lastIndex = 0
  while (PATTERN.lastIndex < source.length) {
    const at = PATTERN.lastIndex
    const groups = PATTERN.exec(source)?.groups
    if (!groups) throw syntax(source, at, source.charAt(at))
    const [kind, text] = Object.entries(groups).find(([, found]) => found !== undefined) ?? []
    if (kind !== undefined && text !== undefined) tokens.push({ kind: kind as Token['kind'], text, at })
  }
  tokens.push({ kind: 'end', text: '', at: source.length })
  return tokens
}

function syntax(source: string, at: number, near: string): DaxError {
  const before = source.slice(0, at).split('\n')
  const place = `(${before.length}, ${(before.at(-1)?.length ?? 0) + 1})`
  return new DaxError(`Query ${place} The syntax for '${near}' is incorrect. (${source}).`)
}

/** From loosest to tightest. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['=', '==', '<>', '<', '>', '<=', '>=', 'IN'],
  ['&'],
  ['+', '-'],
  ['*', '/'],
]

const unquote = (text: string): string => {
  const end = text.charAt(text.length - 1)
  return text.slice(1, -1).replaceAll(end + end, end)
}

/** The tokens of a text, and where the reading stands. */
function createTokens(source: string) {
  const tokens = tokenize(source)
  let position = 0
  const peek = (offset = 0): Token => tokens[position + offset] ?? (tokens.at(-1) as Token)
  const fail = (): DaxError => syntax(source, peek().at, peek().text || 'end of input')
  const word = (text: string, token = peek()): boolean => token.kind === 'word' && token.text.toUpperCase() === text
  const sign = (text: string): boolean => peek().kind === 'sign' && peek().text === text

  function take(): Token {
    const token = peek()
    position += 1
    return token
  }
  function expect(text: string): void {
    if (!sign(text)) throw fail()
    position += 1
  }
  function accept(text: string): boolean {
    if (!sign(text) && !word(text)) return false
    position += 1
    return true
  }
  return {
    peek,
    fail,
    word,
    sign,
    take,
    expect,
    accept,
    place: () => position,
    back: (to: number): void => {
      position = to
    },
  }
}

/** What stands between operators: values, references, calls and rows. */
function createOperands(tokens: ReturnType<typeof createTokens>, expression: () => Node): () => Node {
  const { peek, fail, sign, take, expect, accept, place, back } = tokens

  function list(end: string): Node[] {
    const found: Node[] = []
    if (accept(end)) return found
    do found.push(expression())
    while (accept(','))
    expect(end)
    return found
  }

  function primary(): Node {
    const token = take()
    switch (token.kind) {
      case 'number':
        return { kind: 'literal', value: /^\d{1,18}$/.test(token.text) ? BigInt(token.text) : Number(token.text) }
      case 'text':
        return { kind: 'literal', value: unquote(token.text) }
      case 'bracket':
        return { kind: 'bracket', name: unquote(token.text) }
      case 'table':
        return reference(unquote(token.text))
      case 'word':
        return named(token.text)
      default:
    }
    if (token.text === '(' && token.kind === 'sign') {
      const inner = expression()
      expect(')')
      return inner
    }
    if (token.text === '{' && token.kind === 'sign') return constructed()
    back(place() - 1)
    throw fail()
  }

  function reference(table: string): Node {
    if (peek().kind !== 'bracket') return { kind: 'name', name: table }
    return { kind: 'column', table, name: unquote(take().text) }
  }

  function named(text: string): Node {
    const upper = text.toUpperCase()
    if (accept('(')) {
      if (upper === 'NOT') {
        const operand = expression()
        expect(')')
        return { kind: 'not', operand }
      }
      return { kind: 'call', name: upper, args: list(')') }
    }
    if (upper === 'TRUE' || upper === 'FALSE') return { kind: 'literal', value: upper === 'TRUE' }
    return reference(text)
  }

  /** `{ 1, 2 }` or `{ (1, "a"), (2, "b") }` */
  function constructed(): Node {
    const rows: Node[][] = []
    if (accept('}')) return { kind: 'rows', rows }
    do {
      const start = place()
      if (accept('(')) {
        const cells = list(')')
        if (cells.length > 1 || sign(',') || sign('}')) {
          rows.push(cells)
          continue
        }
        back(start)
      }
      rows.push([expression()])
    } while (accept(','))
    expect('}')
    return { kind: 'rows', rows }
  }

  return primary
}

function createParser(source: string) {
  const tokens = createTokens(source)
  const { peek, fail, word, take, expect, accept } = tokens
  const primary = createOperands(tokens, expression)

  function expression(): Node {
    if (word('VAR')) return block()
    return binary(0)
  }

  function variables(): Variable[] {
    const found: Variable[] = []
    while (accept('VAR')) {
      const { kind, text } = take()
      if (kind !== 'word') throw fail()
      expect('=')
      found.push({ name: text, expression: expression() })
    }
    return found
  }

  function block(): Node {
    const found = variables()
    if (!accept('RETURN')) throw fail()
    return { kind: 'block', variables: found, result: expression() }
  }

  function binary(level: number): Node {
    const operators = LEVELS[level]
    if (!operators) return power()
    if (level === 2 && word('NOT') && !(peek(1).kind === 'sign' && peek(1).text === '(')) {
      take()
      return { kind: 'not', operand: binary(level) }
    }
    let left = binary(level + 1)
    for (;;) {
      const op = peek().kind === 'word' ? peek().text.toUpperCase() : peek().text
      if ((peek().kind !== 'sign' && op !== 'IN') || !operators.includes(op)) return left
      take()
      left = { kind: 'binary', op, left, right: binary(level + 1) }
    }
  }

  function power(): Node {
    const base = unary()
    return accept('^') ? { kind: 'binary', op: '^', left: base, right: power() } : base
  }

  function unary(): Node {
    if (accept('-')) return { kind: 'negate', operand: unary() }
    if (accept('+')) return unary()
    return primary()
  }

  return { accept, expression, fail, peek, take, variables, word }
}

/** A measure's expression. */
export function parseExpression(source: string): Node {
  const parser = createParser(source)
  const node = parser.expression()
  if (parser.peek().kind !== 'end') throw parser.fail()
  return node
}

/** A whole query: `[DEFINE ...] EVALUATE <table> [ORDER BY ...]`. One EVALUATE is what executeQueries takes. */
export function parseQuery(source: string): Query {
  const parser = createParser(source)
  const variables: Variable[] = []
  const measures: { table: string; name: string; expression: Node }[] = []
  if (parser.accept('DEFINE')) {
    for (;;) {
      if (parser.word('VAR')) variables.push(...parser.variables())
      else if (parser.accept('MEASURE')) {
        const target = parser.take()
        const name = parser.take()
        if (name.kind !== 'bracket' || !parser.accept('=')) throw parser.fail()
        const table = target.kind === 'table' ? unquote(target.text) : target.text
        measures.push({ table, name: unquote(name.text), expression: parser.expression() })
      } else break
    }
  }
  if (!parser.accept('EVALUATE')) throw parser.fail()
  const evaluate = parser.expression()
  const orderBy: { expression: Node; descending: boolean }[] = []
  if (parser.accept('ORDER')) {
    if (!parser.accept('BY')) throw parser.fail()
    do {
      const expression = parser.expression()
      const descending = parser.accept('DESC')
      if (!descending) parser.accept('ASC')
      orderBy.push({ expression, descending })
    } while (parser.accept(','))
  }
  if (parser.word('EVALUATE')) throw new DaxError('Only one query result is supported: use one EVALUATE.')
  if (parser.peek().kind !== 'end') throw parser.fail()
  return { variables, measures, evaluate, orderBy }
}
