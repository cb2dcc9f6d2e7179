import { fail, peek, type Reader, type Token, take } from '../../sql/reader.ts'
import type { Catalog, Place, Stage, StageFormat, Table } from '../catalog.ts'
import { noCurrent, syntaxError } from '../errors.ts'
import type { Dollar, StagedFiles } from '../staged.ts'
import type { Locator } from '../stages.ts'
import { tokenize } from './tokens.ts'

/** One bound value as it travels; `value` is a list where rows are bound. */
export interface Bind {
  type: string
  value: string | null | (string | null)[]
}

/** What the session lends to a statement. */
export interface SessionView {
  database: string | undefined
  schema: string | undefined
  role: string
  warehouse: string | undefined
  user: string
  account: string
  id: string
  parameters: ReadonlyMap<string, string>
  temporary: ReadonlyMap<string, Table>
  /** Temporary stages. */
  stages: ReadonlyMap<string, Stage>
  variables: ReadonlyMap<string, string>
  lastQueryId: string
}

/** What one statement is understood in, and what it turned out to use. */
export interface Scope {
  session: SessionView
  catalog: Catalog
  stages: Locator
  binds: ReadonlyMap<string, Bind>
  /** Values to bind, by the marker's name in the engine's SQL. */
  bound: Map<string, string | null>
  uses: { table: Table; privilege: string }[]
  stageUses: { stage: Stage; privilege: 'READ' | 'WRITE' }[]
  /** The relations of the select at hand that are staged files. */
  staged: StagedFiles[]
  /** Its references such as `$1:key`. */
  dollars: Dollar[]
  /** Counts the stand-ins given out. */
  count: number
  ctes: Set<string>
  /** Set inside of COPY INTO: its own file format, whatever that of the stage. */
  format?: StageFormat | undefined
  /** Words for `Cannot perform SELECT`. */
  verb: string
}

export interface Cursor extends Reader {
  scope: Scope
  /** Reads a query; held here because expressions contain queries and queries expressions. */
  query: (c: Cursor) => string
}

export function cursor(sql: string, scope: Scope, query: (c: Cursor) => string): Cursor {
  return { sql, tokens: tokenize(sql), at: 0, refuse, scope, query }
}

function refuse(sql: string, { text, at }: Token): never {
  throw syntaxError(text, sql, at)
}

/** Words that cannot be a name without quotes. */
const RESERVED = new Set(
  'ALL ALTER AND ANY AS BETWEEN BY CASE CAST CHECK COLUMN CONNECT CONSTRAINT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DELETE DISTINCT DROP ELSE EXISTS FALSE FOLLOWING FOR FROM FULL GRANT GROUP HAVING ILIKE IN INCREMENT INNER INSERT INTERSECT INTO IS JOIN LATERAL LEFT LIKE LOCALTIME LOCALTIMESTAMP MINUS NATURAL NOT NULL OF ON OR ORDER QUALIFY REGEXP REVOKE RIGHT RLIKE ROW ROWS SAMPLE SELECT SET SOME START TABLE TABLESAMPLE THEN TO TRIGGER TRUE TRY_CAST UNION UNIQUE UPDATE USING VALUES WHEN WHENEVER WHERE WITH'.split(
    ' ',
  ),
)

export const isReserved = (word: string) => RESERVED.has(word)

/** A name: upper case unless quoted; with QUOTED_IDENTIFIERS_IGNORE_CASE always. */
export function identifier(c: Cursor): string {
  const token = peek(c)
  if (token.kind === 'word' && !RESERVED.has(token.value)) return take(c).value
  if (token.kind !== 'quoted' || token.text.startsWith('$')) fail(c)
  c.at += 1
  const ignoreCase = c.scope.session.parameters.get('QUOTED_IDENTIFIERS_IGNORE_CASE') === 'true'
  return ignoreCase ? token.value.toUpperCase() : token.value
}

/** A name in up to `most` parts; `IDENTIFIER('..')` and `IDENTIFIER(?)` too. */
export function nameParts(c: Cursor, most = 3): string[] {
  const first = peek(c)
  if (first.value === 'IDENTIFIER' && peek(c, 1).text === '(') {
    c.at += 2
    const token = take(c)
    const bind = token.kind === 'param' ? c.scope.binds.get(token.value)?.value : token.value
    if (typeof bind !== 'string' || take(c).text !== ')') fail(c)
    return nameParts(cursor(bind, c.scope, c.query), most)
  }
  const parts = [identifier(c)]
  while (parts.length < most && peek(c).text === '.' && peek(c).kind === 'op') {
    c.at += 1
    // `db..table` means the schema PUBLIC.
    parts.push(peek(c).text === '.' ? 'PUBLIC' : identifier(c))
  }
  return parts
}

/** Database, schema and name, filled up from the session. */
export function placed(scope: Scope, parts: readonly string[]): Place {
  const [name = '', schema = scope.session.schema, database = scope.session.database] = [...parts].reverse()
  if (database === undefined) throw noCurrent('database', scope.verb)
  if (schema === undefined) throw noCurrent('schema', scope.verb)
  return { database, schema, name }
}

export function place(c: Cursor): Place {
  return placed(c.scope, nameParts(c))
}

/** A table that must be there, and the privilege that the statement needs on it. */
export function table(c: Cursor, privilege: string): Table {
  const found = c.scope.catalog.table(place(c), c.scope.session)
  c.scope.uses.push({ table: found, privilege })
  return found
}
