import { accept, bracketed, choice, expect, fail, isNext, list, literal, peek, quote, take } from '../../sql/reader.ts'
import { errorTable, type Table } from '../catalog.ts'
import { noObject, unsupported } from '../errors.ts'
import { isInformationView, viewOf } from '../information.ts'
import { resolveStaged } from '../staged.ts'
import { type Cursor, identifier, isReserved, nameParts, placed, table } from './cursor.ts'
import { checkLength, expression, sortKey } from './expression.ts'
import { engineName, shown } from './names.ts'
import { isStage, stageFiles } from './stage-ref.ts'

/** Words that end a select item or a relation and so cannot be an alias without AS. */
const CLAUSES = new Set(
  'FROM WHERE GROUP HAVING QUALIFY ORDER LIMIT OFFSET FETCH UNION EXCEPT MINUS INTERSECT JOIN INNER LEFT RIGHT FULL CROSS NATURAL ASOF ON USING WHEN LATERAL SET VALUES SELECT THEN AS FILE_FORMAT PATTERN SAMPLE TABLESAMPLE PIVOT'.split(
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
  c.scope.ctes = new Set(outer)
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

function parseWith(c: Cursor): string {
  if (!accept(c, 'WITH')) return ''
  accept(c, 'RECURSIVE')
  const parts = list(c, () => {
    const name = identifier(c)
    const columns = isNext(c, '(') ? columnList(c) : ''
    expect(c, 'AS', '(')
    const query = parseQuery(c)
    expect(c, ')')
    c.scope.ctes.add(name)
    return `${quote(engineName(name))}${columns} AS (${query})`
  })
  return `WITH ${parts.join(', ')} `
}

const columnList = (c: Cursor) =>
  `(${bracketed(c, identifier)
    .map((name) => quote(engineName(name)))
    .join(', ')})`

function term(c: Cursor): string {
  if (accept(c, '(')) {
    const query = parseQuery(c)
    expect(c, ')')
    return `(${query})`
  }
  if (isNext(c, 'VALUES')) return values(c)
  return select(c)
}

/** `VALUES (..), (..)`: rows with columns COLUMN1, COLUMN2 ..; one row of markers stands for all bound rows. */
export function values(c: Cursor): string {
  expect(c, 'VALUES')
  const rows = list(c, () => bracketed(c, (inner) => (accept(inner, 'DEFAULT') ? 'NULL' : expression(inner))))
  checkLength(rows)
  const [first = []] = rows
  if (rows.some((row) => row.length !== first.length)) fail(c)
  const isBound = [...c.scope.binds.values()].some(({ value }) => Array.isArray(value))
  if (!isBound) {
    const names = first.map((_, index) => `COLUMN${index + 1}`).join(', ')
    return `SELECT * FROM (VALUES ${rows.map((row) => `(${row.join(', ')})`).join(', ')}) AS "VALUES"(${names})`
  }
  const items = first.map((value, index) => `${value} AS COLUMN${index + 1}`)
  const columns = [...c.scope.binds].map(([name, { value }]) => {
    c.scope.bound.set(`bound_${name}`, JSON.stringify(value))
    return `unnest(from_json((SELECT $bound_${name}), '["VARCHAR"]')) AS "bind_${name}"`
  })
  return `SELECT ${items.join(', ')} FROM (SELECT ${columns.join(', ')})`
}

function select(c: Cursor): string {
  expect(c, 'SELECT')
  const { scope } = c
  const outer = { staged: scope.staged, dollars: scope.dollars }
  scope.staged = []
  scope.dollars = []
  const distinct = choice(c, ['ALL', 'DISTINCT'], '') === 'DISTINCT' ? 'DISTINCT ' : ''
  const top = accept(c, 'TOP') ? ` LIMIT ${take(c).value}` : ''
  const items = list(c, selectItem)
  let query = `SELECT ${distinct}${items.join(', ')}`
  if (accept(c, 'FROM')) query += ` FROM ${list(c, joined).join(', ')}`
  if (accept(c, 'WHERE')) query += ` WHERE ${expression(c)}`
  if (accept(c, 'GROUP', 'BY')) query += ` GROUP BY ${accept(c, 'ALL') ? 'ALL' : list(c, expression).join(', ')}`
  if (accept(c, 'HAVING')) query += ` HAVING ${expression(c)}`
  if (accept(c, 'QUALIFY')) query += ` QUALIFY ${expression(c)}`
  const resolved = resolveStaged(query, scope.staged, scope.dollars)
  Object.assign(scope, outer)
  return resolved + top
}

function selectItem(c: Cursor): string {
  const start = c.at
  if (accept(c, '*')) return `*${exclude(c)}`
  let ahead = 0
  while (['word', 'quoted'].includes(peek(c, ahead).kind) && peek(c, ahead + 1).text === '.') ahead += 2
  if (ahead > 0 && peek(c, ahead).text === '*') {
    const parts = [identifier(c)]
    while (accept(c, '.') && !accept(c, '*')) parts.push(identifier(c))
    return `${quote(engineName(parts.at(-1) ?? ''))}.*${exclude(c)}`
  }
  const value = expression(c)
  const tokens = c.tokens.slice(start, c.at)
  const isColumn = tokens.every(
    (token) => (['word', 'quoted'].includes(token.kind) && !token.text.startsWith('$')) || token.text === '.',
  )
  const given = alias(c)
  if (given !== undefined) return `${value} AS ${quote(engineName(given))}`
  if (isColumn && value.startsWith('"')) return value
  return `${value} AS ${quote(engineName(sourceText(c, start)))}`
}

/** Snowflake names an unnamed expression by its text, in upper case outside of quotes. */
function sourceText(c: Cursor, start: number): string {
  const from = c.tokens[start]?.at ?? 0
  const last = c.tokens[c.at - 1]
  const source = c.sql.slice(from, (last?.at ?? from) + (last?.text.length ?? 0))
  return source
    .replace(/'[^']*'|"[^"]*"|[^'"]+/g, (part) => (/^['"]/.test(part) ? part : part.toUpperCase()))
    .slice(0, 255)
}

function exclude(c: Cursor): string {
  if (!accept(c, 'EXCLUDE')) return ''
  return ` EXCLUDE ${isNext(c, '(') ? columnList(c) : `(${quote(engineName(identifier(c)))})`}`
}

/** An alias if one comes next, with or without AS. */
export function alias(c: Cursor): string | undefined {
  if (accept(c, 'AS')) return identifier(c)
  const token = peek(c)
  if (token.kind === 'quoted' && !token.text.startsWith('$')) return identifier(c)
  if (token.kind === 'word' && !CLAUSES.has(token.value) && !isReserved(token.value)) return identifier(c)
  return undefined
}

function joined(c: Cursor): string {
  let left = relation(c)
  while (true) {
    const kind = joinKind(c)
    if (kind === undefined) return left
    left += ` ${kind} ${relation(c)}`
    if (accept(c, 'ON')) left += ` ON ${expression(c)}`
    else if (accept(c, 'USING')) left += ` USING ${columnList(c)}`
    else if (kind !== 'CROSS JOIN') fail(c)
  }
}

function joinKind(c: Cursor): string | undefined {
  if (accept(c, 'JOIN') || accept(c, 'INNER', 'JOIN')) return 'JOIN'
  if (accept(c, 'CROSS', 'JOIN')) return 'CROSS JOIN'
  for (const side of ['LEFT', 'RIGHT', 'FULL']) {
    if (accept(c, side, 'JOIN') || accept(c, side, 'OUTER', 'JOIN')) return `${side} JOIN`
  }
  return undefined
}

/** One thing to read from, with its alias. */
export function relation(c: Cursor): string {
  const isLateral = accept(c, 'LATERAL')
  const { sql, name } = source(c)
  const given = alias(c) ?? name
  const prefix = isLateral ? 'LATERAL ' : ''
  if (given === undefined) return prefix + sql
  const columns = isNext(c, '(') ? columnList(c) : ''
  return `${prefix}${sql} AS ${quote(engineName(given))}${columns}`
}

/** The same without alias; `name` is what the thing is called when it gets none. */
export function source(c: Cursor): { sql: string; name: string | undefined } {
  if (accept(c, '(')) {
    const query = isNext(c, 'VALUES') ? values(c) : parseQuery(c)
    expect(c, ')')
    return { sql: `(${query})`, name: undefined }
  }
  if (isNext(c, 'VALUES')) return { sql: `(${values(c)})`, name: undefined }
  if (isNext(c, 'TABLE', '(')) {
    c.at += 2
    const found = tableFunction(c)
    expect(c, ')')
    return { sql: found, name: undefined }
  }
  if (isNext(c, 'FLATTEN', '(') || isNext(c, 'ERROR_TABLE', '(')) return { sql: tableFunction(c), name: undefined }
  if (isStage(peek(c))) {
    const found = stageFiles(c)
    c.scope.count += 1
    const ref = `\u0001${c.scope.count}\u0001`
    c.scope.staged.push({ ...found, ref })
    return { sql: ref, name: undefined }
  }
  const cte = peek(c)
  if (cte.kind !== 'op' && peek(c, 1).text !== '.' && c.scope.ctes.has(cte.value)) {
    const name = identifier(c)
    return { sql: quote(engineName(name)), name }
  }
  return named(c)
}

function named(c: Cursor): { sql: string; name: string } {
  const start = c.at
  const parts = nameParts(c)
  const [name = '', schema] = [...parts].reverse()
  if (schema === 'INFORMATION_SCHEMA') {
    const place = placed(c.scope, parts)
    c.scope.catalog.checkSchema(place.database, place.schema)
    if (!isInformationView(name)) throw noObject('Object', shown(place.database, place.schema, name))
    return { sql: viewOf(name, c.scope), name }
  }
  c.at = start
  const found = table(c, 'SELECT')
  return { sql: found.engine, name: found.name }
}

/** `FLATTEN(input => ..)`, `GENERATOR(ROWCOUNT => ..)`, `ERROR_TABLE(t)`. */
function tableFunction(c: Cursor): string {
  const name = take(c).value
  expect(c, '(')
  if (name === 'ERROR_TABLE') {
    const found: Table = table(c, 'SELECT')
    expect(c, ')')
    if (!found.errorLogging) throw noObject('Object', `ERROR_TABLE(${shown(found.name)})`)
    return errorTable(found)
  }
  const args: Record<string, string> = {}
  do {
    const isNamed = peek(c, 1).text === '=>'
    const key = isNamed ? take(c).value : 'INPUT'
    if (isNamed) expect(c, '=>')
    args[key] = expression(c)
  } while (accept(c, ','))
  expect(c, ')')
  if (name === 'GENERATOR') return `range(${args.ROWCOUNT ?? '0'})`
  if (name === 'FLATTEN') return flatten(args)
  throw unsupported(`TABLE(${name})`)
}

function flatten({ INPUT = 'NULL', PATH, OUTER }: Record<string, string>): string {
  const input = PATH === undefined ? INPUT : `json_extract(${INPUT}, '$.' || ${PATH})`
  const items = `CASE json_type(j) WHEN 'ARRAY' THEN from_json(j, '["JSON"]') WHEN 'OBJECT' THEN list_transform(json_keys(j), k -> json_extract(j, '$."' || k || '"')) END`
  const filled = OUTER === 'true' ? `coalesce(l, [NULL::JSON])` : 'l'
  const names = {
    KEY: 'k',
    PATH: "coalesce(k, '[' || i || ']')",
    INDEX: 'CASE WHEN k IS NULL THEN i END',
    VALUE: 'v',
    THIS: 'j',
  }
  const columns = Object.entries(names).map(([name, sql]) => `${sql} AS ${literal(name).replaceAll("'", '"')}`)
  return `(SELECT 1 AS "SEQ", ${columns.join(', ')} FROM (SELECT j, unnest(${filled}) AS v, generate_subscripts(${filled}, 1) - 1 AS i, CASE json_type(j) WHEN 'OBJECT' THEN unnest(json_keys(j)) END AS k FROM (SELECT j, ${items} AS l FROM (SELECT ${input} AS j))))`
}
