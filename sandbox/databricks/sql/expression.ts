import {
  accept,
  bracketed,
  choice,
  expect,
  fail,
  isNext,
  list,
  literal,
  peek,
  quote,
  take,
  text,
} from '../../sql/reader.ts'
import { SqlError, syntaxError } from '../errors.ts'
import { type Cursor, identifier, LAKE, optionList } from './cursor.ts'
import { emitCall } from './functions.ts'
import { castTo, fromJson, parseSchemaText, parseType } from './types.ts'

const COMPARISONS: Readonly<Record<string, string>> = {
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '<=>': 'IS NOT DISTINCT FROM',
}

/** Words that cannot begin an operand, so that a missing one is a syntax error and not a column. */
const RESERVED = new Set(
  'SELECT FROM WHERE GROUP ORDER HAVING QUALIFY LIMIT UNION EXCEPT INTERSECT JOIN ON USING WHEN THEN ELSE END AND OR AS IN IS LIKE BETWEEN SET VALUES INTO'.split(
    ' ',
  ),
)

/** From this length on a parameter is taken for a batch of rows. */
const FOLDED_LENGTH = 1000

/** Reads one expression and gives it in the engine's SQL. */
export function expression(c: Cursor): string {
  let left = conjunction(c)
  while (accept(c, 'OR')) left = `(${left} OR ${conjunction(c)})`
  return left
}

function conjunction(c: Cursor): string {
  let left = negation(c)
  while (accept(c, 'AND')) left = `(${left} AND ${negation(c)})`
  return left
}

function negation(c: Cursor): string {
  return accept(c, 'NOT') ? `(NOT ${negation(c)})` : predicate(c)
}

function predicate(c: Cursor): string {
  let left = sum(c)
  while (true) {
    const comparison = peek(c).kind === 'op' ? COMPARISONS[peek(c).text] : undefined
    if (comparison) {
      c.at += 1
      left = `(${left} ${comparison} ${sum(c)})`
    } else if (accept(c, 'IS')) {
      const not = accept(c, 'NOT') ? 'NOT ' : ''
      if (accept(c, 'DISTINCT', 'FROM')) left = `(${left} IS ${not}DISTINCT FROM ${sum(c)})`
      else if (isNext(c, 'NULL') || isNext(c, 'TRUE') || isNext(c, 'FALSE'))
        left = `(${left} IS ${not}${take(c).value})`
      else fail(c)
    } else {
      const not =
        isNext(c, 'NOT') && ['IN', 'LIKE', 'BETWEEN'].includes(peek(c, 1).value) && accept(c, 'NOT') ? 'NOT ' : ''
      if (accept(c, 'IN')) left = `(${left} ${not}IN ${inList(c)})`
      else if (accept(c, 'LIKE')) left = `(${left} ${not}LIKE ${sum(c)} ESCAPE '\\')`
      else if (accept(c, 'BETWEEN')) {
        const low = sum(c)
        expect(c, 'AND')
        left = `(${left} ${not}BETWEEN ${low} AND ${sum(c)})`
      } else return left
    }
  }
}

function inList(c: Cursor): string {
  if (isNext(c, '(', 'SELECT') || isNext(c, '(', 'WITH')) return subquery(c)
  return `(${bracketed(c, expression).join(', ')})`
}

function subquery(c: Cursor): string {
  expect(c, '(')
  const from = c.scope.reads.length
  const query = c.query(c)
  c.scope.nested.push(...c.scope.reads.slice(from))
  expect(c, ')')
  return `(${query})`
}

function sum(c: Cursor): string {
  let left = product(c)
  while (isNext(c, '+') || isNext(c, '-') || isNext(c, '||')) left = `(${left} ${take(c).text} ${product(c)})`
  return left
}

function product(c: Cursor): string {
  let left = unary(c)
  while (accept(c, '*')) left = `(${left} * ${unary(c)})`
  return left
}

function unary(c: Cursor): string {
  if (accept(c, '-')) return `(-${unary(c)})`
  if (accept(c, '+')) return unary(c)
  let operand = primary(c)
  while (true) {
    if (accept(c, '::')) operand = castTo(operand, parseType(c))
    else if (accept(c, '.')) operand = `(${operand}).${quote(identifier(c))}`
    else if (accept(c, '[')) {
      // Arrays count from 0 in Databricks, from 1 in the engine.
      operand = `(${operand})[1 + ${expression(c)}]`
      expect(c, ']')
    } else return operand
  }
}

function primary(c: Cursor): string {
  const token = peek(c)
  if (token.kind === 'string') return literal(take(c).value)
  if (token.kind === 'number') return take(c).value
  if (token.kind === 'param') return parameter(c)
  if (isNext(c, '(')) {
    if (isNext(c, '(', 'SELECT') || isNext(c, '(', 'WITH')) return subquery(c)
    return `(${bracketed(c, expression).join(', ')})`
  }
  if (token.kind === 'quoted') return column(c)
  if (token.kind !== 'word') fail(c)
  if (accept(c, 'NULL')) return 'NULL'
  if (accept(c, 'TRUE')) return 'true'
  if (accept(c, 'FALSE')) return 'false'
  if (accept(c, 'CASE')) return caseWhen(c)
  if (accept(c, 'EXISTS')) return `EXISTS ${subquery(c)}`
  if ((isNext(c, 'DATE') || isNext(c, 'TIMESTAMP')) && peek(c, 1).kind === 'string') {
    const type = parseType(c)
    return `CAST(${literal(text(c))} AS ${type.engine})`
  }
  if (peek(c, 1).text === '(') return call(c)
  if (accept(c, 'CURRENT_USER')) return literal(c.scope.user)
  if (accept(c, 'CURRENT_DATE')) return 'current_date'
  if (accept(c, 'CURRENT_TIMESTAMP')) return 'now()'
  if (RESERVED.has(token.value)) fail(c)
  return column(c)
}

function column(c: Cursor): string {
  const parts = [identifier(c)]
  while (isNext(c, '.') && ['word', 'quoted'].includes(peek(c, 1).kind)) {
    c.at += 1
    parts.push(identifier(c))
  }
  if (parts.length > 3 && parts[0]?.toLowerCase() === c.scope.catalog) parts[0] = LAKE
  return parts.map(quote).join('.')
}

function caseWhen(c: Cursor): string {
  const parts = ['CASE']
  if (!isNext(c, 'WHEN')) parts.push(expression(c))
  do {
    expect(c, 'WHEN')
    parts.push('WHEN', expression(c))
    expect(c, 'THEN')
    parts.push('THEN', expression(c))
  } while (isNext(c, 'WHEN'))
  if (accept(c, 'ELSE')) parts.push('ELSE', expression(c))
  expect(c, 'END')
  return `${parts.join(' ')} END`
}

function call(c: Cursor): string {
  const name = take(c)
  const lower = name.text.toLowerCase()
  switch (lower) {
    case 'cast':
    case 'try_cast': {
      expect(c, '(')
      const operand = expression(c)
      expect(c, 'AS')
      const type = parseType(c)
      expect(c, ')')
      return castTo(operand, type, lower === 'try_cast')
    }
    case 'from_json':
      return readJson(c)
    case 'explode':
    case 'inline': {
      const [operand = ''] = bracketed(c, expression)
      return lower === 'explode' ? `unnest(${operand})` : `unnest(${operand}, max_depth := 2)`
    }
    case 'named_struct': {
      const args = bracketed(c, expression)
      return `{${args.flatMap((key, index) => (index % 2 === 0 ? [`${key}: ${args[index + 1]}`] : [])).join(', ')}}`
    }
    case 'current_user':
    case 'session_user':
    case 'current_catalog':
    case 'current_schema':
    case 'current_database': {
      expect(c, '(', ')')
      const { session, user } = c.scope
      return literal(lower.endsWith('user') ? user : lower === 'current_catalog' ? session.catalog : session.schema)
    }
  }
  const isEmpty = accept(c, '(', ')')
  let args: string[] = []
  if (!isEmpty) {
    expect(c, '(')
    const distinct = accept(c, 'DISTINCT') ? 'DISTINCT ' : ''
    args = accept(c, '*') ? ['*'] : list(c, expression)
    if (distinct) args[0] = distinct + args[0]
    expect(c, ')')
  }
  let emitted = emitCall(name.text, args)
  if (accept(c, 'FILTER', '(', 'WHERE')) {
    emitted += ` FILTER (WHERE ${expression(c)})`
    expect(c, ')')
  }
  return accept(c, 'OVER') ? `${emitted} OVER ${windowOf(c)}` : emitted
}

function windowOf(c: Cursor): string {
  expect(c, '(')
  const parts: string[] = []
  if (accept(c, 'PARTITION', 'BY')) parts.push(`PARTITION BY ${list(c, expression).join(', ')}`)
  if (accept(c, 'ORDER', 'BY')) parts.push(`ORDER BY ${list(c, sortKey).join(', ')}`)
  expect(c, ')')
  return `(${parts.join(' ')})`
}

/** One key of ORDER BY: in Databricks NULL is the smallest value, in the engine it comes last unless told. */
export function sortKey(c: Cursor): string {
  const key = expression(c)
  const direction = choice(c, ['ASC', 'DESC'], 'ASC')
  return `${key} ${direction} ${choice(c, ['NULLS FIRST', 'NULLS LAST'], direction === 'DESC' ? 'NULLS LAST' : 'NULLS FIRST')}`
}

function readJson(c: Cursor): string {
  expect(c, '(')
  const operand = expression(c)
  expect(c, ',')
  const schema = text(c)
  let options: Record<string, string> = {}
  if (accept(c, ',')) {
    expect(c, 'MAP')
    options = mapOptions(c)
  }
  expect(c, ')')
  return fromJson(operand, parseSchemaText(schema, c.scope), options.mode?.toUpperCase() === 'FAILFAST')
}

function mapOptions(c: Cursor): Record<string, string> {
  if (peek(c, 2).text === '=') return optionList(c)
  const entries = bracketed(c, text)
  return Object.fromEntries(
    entries.flatMap((key, index) => (index % 2 === 0 ? [[key.toLowerCase(), entries[index + 1] ?? '']] : [])),
  )
}

/** A marker becomes a bound value of the type it was sent with. */
function parameter(c: Cursor): string {
  const { value: name, text: marker, at } = take(c)
  const given = c.scope.parameters.get(name)
  if (!given) {
    if (c.scope.parameters.size === 0 && marker === '?') throw syntaxError('?', c.sql, at)
    throw new SqlError(
      'UNBOUND_SQL_PARAMETER',
      '42P02',
      `Found the unbound parameter: ${name}. Please, fix \`args\` and provide a mapping of the parameter to either a SQL literal or collection constructor functions.`,
    )
  }
  if (given.value === null) return 'NULL'
  const bound = `bound_${name}`
  c.scope.bound.set(bound, given.value)
  const value = `CAST($${bound} AS ${engineType(given.type ?? 'STRING', given.value)})`
  // A constant would be unfolded row by row while planning; a subquery is left to the execution.
  return given.value.length > FOLDED_LENGTH ? `(SELECT ${value})` : value
}

function engineType(type: string, value: string): string {
  if (type.toUpperCase() === 'DECIMAL') {
    const [whole = '', fraction = ''] = value.replace(/^[+-]/, '').split('.')
    return `DECIMAL(${Math.min(38, Math.max(1, whole.length) + fraction.length)}, ${fraction.length})`
  }
  const types: Readonly<Record<string, string>> = {
    STRING: 'VARCHAR',
    INT: 'INTEGER',
    TIMESTAMP: 'TIMESTAMP WITH TIME ZONE',
  }
  return types[type.toUpperCase()] ?? type.toUpperCase()
}
