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
import { SqlError } from '../errors.ts'
import { collated } from './collation.ts'
import { type Cursor, identifier, isReserved } from './cursor.ts'
import { emitCall } from './functions.ts'
import { engineName } from './names.ts'
import type { SqlType } from './sql-type.ts'
import { castTo, mapped, parseType } from './types.ts'

const COMPARISONS: Readonly<Record<string, string>> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}

/** From this length on a bound text is taken for a batch of rows. */
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

const NEGATED = ['IN', 'LIKE', 'ILIKE', 'BETWEEN', 'RLIKE', 'REGEXP']

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
      const not = isNext(c, 'NOT') && NEGATED.includes(peek(c, 1).value) && accept(c, 'NOT') ? 'NOT ' : ''
      if (accept(c, 'IN')) left = `(${left} ${not}IN ${inList(c)})`
      else if (accept(c, 'LIKE')) left = `(${left} ${not}LIKE ${sum(c)}${escaped(c)})`
      else if (accept(c, 'ILIKE')) left = `(${left} ${not}ILIKE ${sum(c)}${escaped(c)})`
      else if (accept(c, 'RLIKE') || accept(c, 'REGEXP')) left = `(${not}regexp_full_match(${left}, ${sum(c)}))`
      else if (accept(c, 'BETWEEN')) {
        const low = sum(c)
        expect(c, 'AND')
        left = `(${left} ${not}BETWEEN ${low} AND ${sum(c)})`
      } else return left
    }
  }
}

const escaped = (c: Cursor) => (accept(c, 'ESCAPE') ? ` ESCAPE ${literal(text(c))}` : '')

function inList(c: Cursor): string {
  if (isNext(c, '(', 'SELECT') || isNext(c, '(', 'WITH')) return subquery(c)
  const items = bracketed(c, expression)
  checkLength(items)
  return `(${items.join(', ')})`
}

const LIST_LIMIT = 16_384

/** Snowflake's limit of expressions in a list of IN or VALUES. */
export function checkLength(items: readonly unknown[]): void {
  if (items.length <= LIST_LIMIT) return
  throw new SqlError(
    '001795',
    '42601',
    `SQL compilation error:\nmaximum number of expressions in a list exceeded, expected at most 16,384, got ${items.length}`,
  )
}

function subquery(c: Cursor): string {
  expect(c, '(')
  const query = c.query(c)
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
  while (true) {
    if (accept(c, '*')) left = `(${left} * ${unary(c)})`
    else if (accept(c, '%')) left = `(${left} % ${unary(c)})`
    else if (accept(c, '/')) left = `memory.main.sf_divide(${left}, ${unary(c)})`
    else return left
  }
}

function unary(c: Cursor): string {
  if (accept(c, '-')) return `(-${unary(c)})`
  if (accept(c, '+')) return unary(c)
  let operand = primary(c)
  while (true) {
    if (accept(c, '::')) operand = typed(c, operand, parseType(c))
    else if (accept(c, 'COLLATE')) operand = collated(operand, text(c))
    else if (accept(c, ':')) operand = pathOf(c, operand)
    else if (accept(c, '[')) {
      const index = expression(c)
      expect(c, ']')
      operand = element(operand, index)
    } else return operand
  }
}

/** A cast; what is read from a staged file only to be cast is read as text. */
function typed(c: Cursor, operand: string, type: SqlType, tolerant = false): string {
  const dollar = c.scope.dollars.find((one) => one.ref === operand)
  if (dollar?.key === undefined || type.engine === 'JSON') return castTo(operand, type, tolerant)
  dollar.asText = true
  return castTo(operand, type, tolerant, 'VARCHAR')
}

/** `:a.b[0]."C"`: a path into a VARIANT. Its keys keep their case. */
function pathOf(c: Cursor, operand: string): string {
  const first = key(c)
  const dollar = c.scope.dollars.find((one) => one.ref === operand)
  let value: string
  if (dollar && dollar.key === undefined) {
    // A reference of its own: `$1:a` and `$1:b` are columns, `$1` alone the document.
    value = newDollar(c, dollar.column, first)
    c.scope.dollars = c.scope.dollars.filter((one) => one !== dollar)
  } else value = member(operand, first)
  while (true) {
    if (isNext(c, '.') && peek(c, 1).kind !== 'op') {
      c.at += 1
      value = member(value, key(c))
    } else if (accept(c, '[')) {
      const index = expression(c)
      expect(c, ']')
      value = element(value, index)
    } else return value
  }
}

function key(c: Cursor): string {
  const token = take(c)
  if (token.kind !== 'word' && token.kind !== 'quoted' && token.kind !== 'string') fail(c)
  return token.kind === 'word' ? token.text : token.value
}

const member = (value: string, name: string) =>
  `json_extract(${value}, ${literal(`$."${name.replaceAll('"', '\\"')}"`)})`

function element(value: string, index: string): string {
  if (/^\d+$/.test(index)) return `json_extract(${value}, '$[${index}]')`
  if (/^'/.test(index)) return member(value, index.slice(1, -1).replaceAll("''", "'"))
  return `json_extract(${value}, '$[' || CAST(${index} AS VARCHAR) || ']')`
}

function newDollar(c: Cursor, column: number, name?: string): string {
  c.scope.count += 1
  const ref = `\u0002${c.scope.count}\u0002`
  c.scope.dollars.push({ ref, column, key: name, asText: false })
  return ref
}

function primary(c: Cursor): string {
  const token = peek(c)
  if (token.kind === 'string') return literal(take(c).value)
  if (token.kind === 'number') return take(c).value
  if (token.kind === 'param') return marker(c)
  if (isNext(c, '(')) {
    if (isNext(c, '(', 'SELECT') || isNext(c, '(', 'WITH')) return subquery(c)
    return `(${bracketed(c, expression).join(', ')})`
  }
  if (token.kind === 'quoted') {
    if (!token.text.startsWith('$')) return column(c)
    c.at += 1
    return newDollar(c, Number(token.text.slice(1)))
  }
  if (token.kind !== 'word') fail(c)
  if (accept(c, 'NULL')) return 'NULL'
  if (accept(c, 'TRUE')) return 'true'
  if (accept(c, 'FALSE')) return 'false'
  if (accept(c, 'CASE')) return caseWhen(c)
  if (accept(c, 'EXISTS')) return `EXISTS ${subquery(c)}`
  if (accept(c, 'INTERVAL')) return `INTERVAL ${literal(text(c))}`
  if (['DATE', 'TIME', 'TIMESTAMP'].includes(token.value) && peek(c, 1).kind === 'string') {
    const type = parseType(c)
    return `CAST(${literal(text(c))} AS ${type.engine})`
  }
  if (peek(c, 1).text === '(') return call(c)
  if (accept(c, 'CURRENT_TIMESTAMP') || accept(c, 'LOCALTIMESTAMP')) return 'now()'
  if (accept(c, 'CURRENT_DATE')) return 'current_date'
  if (accept(c, 'CURRENT_USER')) return literal(c.scope.session.user)
  if (isReserved(token.value)) fail(c)
  return column(c)
}

/** A column, with the alias of its relation at most: the engine does not know databases and schemas. */
function column(c: Cursor): string {
  const parts = [identifier(c)]
  while (isNext(c, '.') && ['word', 'quoted'].includes(peek(c, 1).kind)) {
    c.at += 1
    if (peek(c).text.startsWith('$')) return newDollar(c, Number(take(c).text.slice(1)))
    parts.push(identifier(c))
  }
  return parts
    .slice(-2)
    .map((part) => quote(engineName(part)))
    .join('.')
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
  if (name.value === 'CAST' || name.value === 'TRY_CAST') {
    expect(c, '(')
    const operand = expression(c)
    expect(c, 'AS')
    const type = parseType(c)
    expect(c, ')')
    return typed(c, operand, type, name.value === 'TRY_CAST')
  }
  const constant = contextFunction(c, name.value)
  if (constant !== undefined) {
    expect(c, '(')
    while (!accept(c, ')')) c.at += 1
    return constant
  }
  let args: string[] = []
  let distinct = ''
  expect(c, '(')
  if (!accept(c, ')')) {
    distinct = accept(c, 'DISTINCT') ? 'DISTINCT ' : ''
    // The unit of DATEADD and its like is a bare word.
    const unit = /^(DATEADD|DATEDIFF|DATE_TRUNC|DATE_PART)$/.test(name.value) && peek(c, 1).text === ','
    const first = unit && peek(c).kind === 'word' ? [literal(take(c).text)] : []
    if (first.length > 0) expect(c, ',')
    args = accept(c, '*') ? ['*'] : [...first, ...list(c, expression)]
    if (distinct) args[0] = distinct + args[0]
    expect(c, ')')
  }
  let emitted = emitCall(meant(c, name.value), args)
  if (accept(c, 'WITHIN', 'GROUP', '(', 'ORDER', 'BY')) {
    const order = list(c, sortKey).join(', ')
    expect(c, ')')
    emitted = emitted.replace(
      /string_agg\((.*)\), ''\)$/s,
      (_, inner: string) => `string_agg(${inner} ORDER BY ${order}), '')`,
    )
  }
  if (accept(c, 'IGNORE', 'NULLS')) emitted = emitted.replace(/\)$/, ' IGNORE NULLS)')
  return accept(c, 'OVER') ? `${emitted} OVER ${windowOf(c)}` : emitted
}

/** TO_TIMESTAMP is one of its kinds, by TIMESTAMP_TYPE_MAPPING. */
function meant({ scope }: Cursor, name: string): string {
  return /^(TRY_)?TO_TIMESTAMP$/.test(name)
    ? `${name}${mapped(scope.session.parameters).slice('timestamp'.length)}`
    : name
}

function contextFunction({ scope }: Cursor, name: string): string | undefined {
  const { session } = scope
  const value = (found: string | undefined) => (found === undefined ? 'NULL' : literal(found))
  switch (name) {
    case 'CURRENT_USER':
      return value(session.user)
    case 'CURRENT_ROLE':
    case 'CURRENT_PRIMARY_ROLE':
      return value(session.role)
    case 'CURRENT_WAREHOUSE':
      return value(session.warehouse)
    case 'CURRENT_DATABASE':
      return value(session.database)
    case 'CURRENT_SCHEMA':
      return value(session.schema)
    case 'CURRENT_ACCOUNT':
    case 'CURRENT_ACCOUNT_NAME':
      return value(session.account)
    case 'CURRENT_SESSION':
      return value(session.id)
    case 'CURRENT_REGION':
      return value('PUBLIC.LOCAL')
    case 'CURRENT_VERSION':
      return value('9.40.1')
    case 'LAST_QUERY_ID':
      return value(session.lastQueryId)
    case 'CURRENT_TIMESTAMP':
    case 'GETDATE':
    case 'LOCALTIMESTAMP':
      return 'now()'
    case 'SYSDATE':
      return "(now() AT TIME ZONE 'UTC')"
    case 'CURRENT_DATE':
      return 'current_date'
    default:
      return undefined
  }
}

const FRAME_END = ['UNBOUNDED PRECEDING', 'UNBOUNDED FOLLOWING', 'CURRENT ROW']

function windowOf(c: Cursor): string {
  expect(c, '(')
  const parts: string[] = []
  if (accept(c, 'PARTITION', 'BY')) parts.push(`PARTITION BY ${list(c, expression).join(', ')}`)
  if (accept(c, 'ORDER', 'BY')) parts.push(`ORDER BY ${list(c, sortKey).join(', ')}`)
  if (accept(c, 'ROWS', 'BETWEEN')) {
    const bound = () =>
      choice(c, FRAME_END, '') || `${take(c).value} ${choice(c, ['PRECEDING', 'FOLLOWING'], 'PRECEDING')}`
    const from = bound()
    expect(c, 'AND')
    parts.push(`ROWS BETWEEN ${from} AND ${bound()}`)
  }
  expect(c, ')')
  return `(${parts.join(' ')})`
}

/** One key of ORDER BY: in Snowflake NULL is the largest value, in the engine it comes last unless told. */
export function sortKey(c: Cursor): string {
  const value = expression(c)
  const direction = choice(c, ['ASC', 'DESC'], 'ASC')
  return `${value} ${direction} ${choice(c, ['NULLS FIRST', 'NULLS LAST'], direction === 'DESC' ? 'NULLS FIRST' : 'NULLS LAST')}`
}

/** A marker becomes a bound value of the type it was sent with; where rows are bound, a column of them. */
function marker(c: Cursor): string {
  const { value: name } = take(c)
  const given = c.scope.binds.get(name)
  if (!given) throw new SqlError('002049', '42601', `SQL compilation error: error\nBind variable ? not set.`)
  if (Array.isArray(given.value)) return boundAs(given.type, `"bind_${name}"`)
  if (given.value === null) return 'NULL'
  c.scope.bound.set(`bound_${name}`, given.value)
  // A constant would be unfolded row by row while planning; a subquery is left to the execution.
  if (given.value.length > FOLDED_LENGTH) return `(SELECT ${boundAs(given.type, `$bound_${name}`)})`
  return boundAs(given.type, `$bound_${name}`)
}

function boundAs(type: string, value: string): string {
  const types: Readonly<Record<string, string>> = {
    FIXED: 'DECIMAL(38, 0)',
    REAL: 'DOUBLE',
    BOOLEAN: 'BOOLEAN',
    VARIANT: 'VARCHAR',
  }
  return `CAST(${value} AS ${types[type] ?? 'VARCHAR'})`
}
