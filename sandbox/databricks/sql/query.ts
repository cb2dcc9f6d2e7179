import { accept, bracketed, choice, expect, fail, isNext, list, peek, quote, take, text } from '../../sql/reader.ts'
import { type Cursor, engineName, identifier, tableName, use } from './cursor.ts'
import { expression, sortKey } from './expression.ts'

/** Words that end a select item or a relation and so cannot be an alias without AS. */
const CLAUSES = new Set(
  'FROM WHERE GROUP HAVING QUALIFY ORDER LIMIT OFFSET UNION EXCEPT MINUS INTERSECT JOIN INNER LEFT RIGHT FULL CROSS ON USING WHEN LATERAL SET VALUES SELECT FILEFORMAT THEN AS'.split(
    ' ',
  ),
)

const SET_OPERATORS: Readonly<Record<string, string>> = {
  UNION: 'UNION',
  EXCEPT: 'EXCEPT',
  MINUS: 'EXCEPT',
  INTERSECT: 'INTERSECT',
}

/** Reads a whole query, WITH and ORDER BY included, and gives it in the engine's SQL. */
export function parseQuery(c: Cursor): string {
  const outer = c.scope.ctes
  c.scope.ctes = new Map(outer)
  const ctes = parseWith(c)
  let query = ctes + term(c)
  while (peek(c).kind === 'word') {
    const operator = SET_OPERATORS[peek(c).value]
    if (!operator) break
    c.at += 1
    const all = choice(c, ['ALL', 'DISTINCT'], '') === 'ALL' ? ' ALL' : ''
    query += ` ${operator}${all} ${term(c)}`
  }
  if (accept(c, 'ORDER', 'BY')) query += ` ORDER BY ${list(c, sortKey).join(', ')}`
  if (accept(c, 'LIMIT')) query += ` LIMIT ${expression(c)}`
  if (accept(c, 'OFFSET')) query += ` OFFSET ${expression(c)}`
  c.scope.ctes = outer
  return query
}

/** `WITH a AS (..), b AS (..)` if it comes next; its names hold until the caller restores `scope.ctes`. */
export function parseWith(c: Cursor): string {
  if (!accept(c, 'WITH')) return ''
  const parts = list(c, () => {
    const name = identifier(c)
    const columns = isNext(c, '(') ? `(${bracketed(c, identifier).map(quote).join(', ')})` : ''
    accept(c, 'AS')
    expect(c, '(')
    const from = c.scope.reads.length
    const query = parseQuery(c)
    expect(c, ')')
    c.scope.ctes.set(name.toLowerCase(), c.scope.reads.slice(from))
    return `${quote(name)}${columns} AS (${query})`
  })
  return `WITH ${parts.join(', ')} `
}

function term(c: Cursor): string {
  if (accept(c, '(')) {
    const query = parseQuery(c)
    expect(c, ')')
    return `(${query})`
  }
  if (isNext(c, 'VALUES')) return valuesRows(c)
  return select(c)
}

export function valuesRows(c: Cursor): string {
  expect(c, 'VALUES')
  const rows = list(c, () => (isNext(c, '(') ? bracketed(c, expression) : [expression(c)]))
  return `VALUES ${rows.map((row) => `(${row.join(', ')})`).join(', ')}`
}

function select(c: Cursor): string {
  expect(c, 'SELECT')
  const distinct = choice(c, ['ALL', 'DISTINCT'], '') === 'DISTINCT' ? 'DISTINCT ' : ''
  const items = list(c, selectItem)
  let query = `SELECT ${distinct}${items.join(', ')}`
  const filters: string[] = []
  if (accept(c, 'FROM')) {
    query += ` FROM ${list(c, (at) => joined(at, filters)).join(', ')}`
    while (accept(c, 'LATERAL', 'VIEW')) query += lateralView(c)
  }
  if (accept(c, 'WHERE')) filters.push(expression(c))
  if (filters.length > 0) query += ` WHERE ${filters.join(' AND ')}`
  if (accept(c, 'GROUP', 'BY')) query += ` GROUP BY ${accept(c, 'ALL') ? 'ALL' : list(c, expression).join(', ')}`
  if (accept(c, 'HAVING')) query += ` HAVING ${expression(c)}`
  if (accept(c, 'QUALIFY')) query += ` QUALIFY ${expression(c)}`
  return query
}

function selectItem(c: Cursor): string {
  const start = c.at
  if (accept(c, '*')) return `*${exceptColumns(c)}`
  let ahead = 0
  while (['word', 'quoted'].includes(peek(c, ahead).kind) && peek(c, ahead + 1).text === '.') ahead += 2
  if (ahead > 0 && peek(c, ahead).text === '*') {
    const parts = [identifier(c)]
    while (accept(c, '.') && !accept(c, '*')) parts.push(identifier(c))
    return `${parts.map(quote).join('.')}.*${exceptColumns(c)}`
  }
  const value = expression(c)
  const first = c.tokens[start]
  const isColumn = c.tokens
    .slice(start, c.at)
    .every((token) => ['word', 'quoted'].includes(token.kind) || token.text === '.')
  const given = alias(c)
  if (given) return `${value} AS ${quote(given)}`
  if (isColumn || first?.value === 'INLINE') return value
  if (first?.value === 'EXPLODE') return `${value} AS "col"`
  return `${value} AS ${quote(sourceText(c, start))}`
}

/** Databricks names an unnamed expression by its text: `count(1)`, `sum(amount)`. */
function sourceText(c: Cursor, start: number): string {
  const from = c.tokens[start]?.at ?? 0
  const last = c.tokens[c.at - 1]
  const source = c.sql.slice(from, (last?.at ?? from) + (last?.text.length ?? 0))
  return source.replace(/^count\(\s*\*\s*\)$/i, 'count(1)').replace(/^(\w+)\(/, (call) => call.toLowerCase())
}

function exceptColumns(c: Cursor): string {
  return accept(c, 'EXCEPT') ? ` EXCLUDE (${bracketed(c, identifier).map(quote).join(', ')})` : ''
}

/** An alias if one comes next, with or without AS. */
export function alias(c: Cursor): string | undefined {
  if (accept(c, 'AS')) return identifier(c)
  const token = peek(c)
  if (token.kind === 'quoted' || (token.kind === 'word' && !CLAUSES.has(token.value))) return identifier(c)
  return undefined
}

function lateralView(c: Cursor): string {
  const value = expression(c)
  const table = identifier(c)
  const column = accept(c, 'AS') ? identifier(c) : 'col'
  return `, LATERAL (SELECT ${value} AS ${quote(column)}) AS ${quote(table)}`
}

/**
 * A table and what is joined to it. A semi or anti join only leaves rows out, and is given to the engine as a filter: as a
 * join it would compare every row with every other where the condition is more than comparisons of columns.
 */
function joined(c: Cursor, filters: string[]): string {
  let left = relation(c)
  while (true) {
    const kind = joinKind(c)
    if (kind === undefined) return left
    const right = relation(c)
    if (kind === 'SEMI JOIN' || kind === 'ANTI JOIN') {
      expect(c, 'ON')
      filters.push(`${kind === 'ANTI JOIN' ? 'NOT ' : ''}EXISTS (SELECT 1 FROM ${right} WHERE ${expression(c)})`)
      continue
    }
    // a filter holds for the rows so far, not for those that such a join adds
    if (filters.length > 0 && /^(RIGHT|FULL)/.test(kind)) fail(c)
    left += ` ${kind} ${right}`
    if (accept(c, 'ON')) left += ` ON ${expression(c)}`
    else if (accept(c, 'USING')) left += ` USING (${bracketed(c, identifier).map(quote).join(', ')})`
    else if (kind !== 'CROSS JOIN') fail(c)
  }
}

function joinKind(c: Cursor): string | undefined {
  if (accept(c, 'JOIN') || accept(c, 'INNER', 'JOIN')) return 'JOIN'
  if (accept(c, 'CROSS', 'JOIN')) return 'CROSS JOIN'
  if (accept(c, 'LEFT', 'SEMI', 'JOIN')) return 'SEMI JOIN'
  if (accept(c, 'LEFT', 'ANTI', 'JOIN')) return 'ANTI JOIN'
  for (const side of ['LEFT', 'RIGHT', 'FULL']) {
    if (accept(c, side, 'JOIN') || accept(c, side, 'OUTER', 'JOIN')) return `${side} JOIN`
  }
  return undefined
}

/** One thing to read from, with its alias. */
export function relation(c: Cursor): string {
  const { sql, name } = source(c)
  const given = alias(c) ?? name
  if (given === undefined) return sql
  const columns = isNext(c, '(') ? `(${bracketed(c, identifier).map(quote).join(', ')})` : ''
  return `${sql} AS ${quote(given)}${columns}`
}

/** The same without alias; `name` is what the thing is called when it gets none. */
export function source(c: Cursor): { sql: string; name: string | undefined } {
  if (accept(c, '(')) {
    const query = parseQuery(c)
    expect(c, ')')
    return { sql: `(${query})`, name: undefined }
  }
  if (isNext(c, 'VALUES')) return { sql: `(${valuesRows(c)})`, name: undefined }
  if (isNext(c, 'READ_FILES', '(')) return { sql: readFiles(c), name: undefined }
  if (isNext(c, 'EXPLODE', '(') || isNext(c, 'INLINE', '(')) {
    const isExplode = isNext(c, 'EXPLODE')
    const call = expression(c)
    return { sql: `(SELECT ${call}${isExplode ? ' AS "col"' : ''})`, name: undefined }
  }
  if (c.scope.copyFormat && peek(c).kind === 'string') {
    return { sql: files(c, text(c), c.scope.copyFormat), name: undefined }
  }
  if (isNext(c, 'JSON', '.') && peek(c, 2).kind === 'quoted') {
    c.at += 2
    return { sql: files(c, take(c).value, { format: 'json' }), name: undefined }
  }
  const cte = peek(c)
  const known =
    cte.kind !== 'op' && peek(c, 1).text !== '.'
      ? c.scope.ctes.get((cte.kind === 'word' ? cte.text : cte.value).toLowerCase())
      : undefined
  if (known) {
    c.scope.reads.push(...known)
    const name = identifier(c)
    return { sql: quote(name), name }
  }
  if (peek(c).kind !== 'quoted' && CLAUSES.has(peek(c).value)) fail(c)
  const table = use(c, tableName(c), 'SELECT')
  c.scope.reads.push(table)
  return { sql: engineName(table), name: table.name }
}

function readFiles(c: Cursor): string {
  c.at += 1
  expect(c, '(')
  const path = text(c)
  const options: Record<string, string> = {}
  while (accept(c, ',')) {
    const key = identifier(c).toLowerCase()
    expect(c, '=>')
    options[key] = take(c).value
  }
  expect(c, ')')
  return files(c, path, options)
}

/** Stands for files until their columns are known. */
export function files(c: Cursor, path: string, options: Record<string, string>): string {
  const ref = `\u0001files${c.scope.files.length}\u0001`
  c.scope.files.push({ ref, path, options })
  return ref
}
