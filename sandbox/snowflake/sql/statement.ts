import { accept, bracketed, end, expect, fail, isNext, list, peek, take, text } from '../../sql/reader.ts'
import type { Place, Table } from '../catalog.ts'
import { type Cursor, cursor, identifier, nameParts, place, type Scope, table } from './cursor.ts'
import { type Definition, parseDefinition } from './ddl.ts'
import {
  type Change,
  type Copy,
  type Insert,
  type Merge,
  parseChange,
  parseCopy,
  parseInsert,
  parseMerge,
} from './dml.ts'
import { expression } from './expression.ts'
import { alias, parseQuery } from './query.ts'
import { optionValue, type StageRef, stageRef } from './stage-ref.ts'

export interface Show {
  kind: 'show'
  what: string
  like: string | undefined
  inside: { kind: string; parts: string[] } | undefined
}

export type Statement =
  | { kind: 'query'; sql: string }
  | { kind: 'wait'; seconds: number }
  | { kind: 'abort-transaction'; id: string; column: string }
  | Insert
  | Change
  | { kind: 'truncate'; table: Table }
  | Merge
  | Copy
  | { kind: 'list' | 'remove'; from: StageRef; pattern: string | undefined }
  | Definition
  | { kind: 'set-session'; values: Record<string, string> }
  | { kind: 'unset-session'; names: string[] }
  | { kind: 'set-level'; level: 'account' | 'user'; values: Record<string, string> }
  | { kind: 'use'; what: 'ROLE' | 'WAREHOUSE' | 'DATABASE' | 'SCHEMA'; parts: string[] }
  | { kind: 'transaction'; act: 'BEGIN' | 'COMMIT' | 'ROLLBACK' }
  | Show
  | { kind: 'describe-table'; table: Table }
  | { kind: 'describe-stage'; place: Place }
  | { kind: 'nothing' }

export type StatementKind =
  | 'select'
  | 'insert'
  | 'change'
  | 'merge'
  | 'copy'
  | 'put'
  | 'ddl'
  | 'transaction'
  | 'session'
  | 'file'

const KINDS: Readonly<Record<string, StatementKind>> = {
  INSERT: 'insert',
  UPDATE: 'change',
  DELETE: 'change',
  TRUNCATE: 'change',
  MERGE: 'merge',
  COPY: 'copy',
  PUT: 'put',
  GET: 'put',
  LIST: 'file',
  LS: 'file',
  REMOVE: 'file',
  RM: 'file',
  CREATE: 'ddl',
  DROP: 'ddl',
  COMMENT: 'ddl',
  BEGIN: 'transaction',
  START: 'transaction',
  COMMIT: 'transaction',
  ROLLBACK: 'transaction',
  USE: 'session',
  SET: 'session',
}

/** What a statement is for, as far as its first words tell. */
export function statementKind(sql: string): StatementKind {
  const words = sql
    .replace(/^(?:\s+|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/, '')
    .slice(0, 40)
    .toUpperCase()
    .split(/[^A-Z_]+/)
  if (words[0] === 'ALTER') return words[1] === 'SESSION' ? 'session' : 'ddl'
  return KINDS[words[0] ?? ''] ?? 'select'
}

/** Reads one statement; what it uses is noted in the scope. */
export function parseStatement(sql: string, scope: Scope): Statement {
  const c = cursor(sql, scope, parseQuery)
  const found = statement(c)
  end(c)
  return found
}

function statement(c: Cursor): Statement {
  const word = peek(c).value
  if (isNext(c, 'SELECT', 'SYSTEM$WAIT', '(')) {
    c.at += 2
    const [seconds = 0] = bracketed(c, (inner) => {
      const value = take(inner).value
      return Number(value)
    })
    return { kind: 'wait', seconds }
  }
  if (isNext(c, 'SELECT', 'SYSTEM$ABORT_TRANSACTION', '(')) {
    c.at += 2
    const [id = ''] = bracketed(c, (inner) => take(inner).value)
    return { kind: 'abort-transaction', id, column: alias(c) ?? `SYSTEM$ABORT_TRANSACTION(${id})` }
  }
  switch (word) {
    case 'INSERT':
      return parseInsert(c)
    case 'UPDATE':
    case 'DELETE':
      return parseChange(c)
    case 'MERGE':
      return parseMerge(c)
    case 'COPY':
      return parseCopy(c)
    case 'TRUNCATE': {
      c.at += 1
      accept(c, 'TABLE')
      if (accept(c, 'IF', 'EXISTS') && !c.scope.catalog.find(place({ ...c }), c.scope.session)) {
        nameParts(c)
        return { kind: 'nothing' }
      }
      return { kind: 'truncate', table: table(c, 'TRUNCATE') }
    }
    case 'LIST':
    case 'LS':
    case 'REMOVE':
    case 'RM': {
      c.at += 1
      const isList = word.startsWith('L')
      const from = stageRef(c, isList ? 'READ' : 'WRITE')
      let pattern: string | undefined
      if (accept(c, 'PATTERN')) {
        expect(c, '=')
        pattern = text(c)
      }
      return { kind: isList ? 'list' : 'remove', from, pattern }
    }
    case 'CREATE':
    case 'DROP':
    case 'COMMENT':
      return parseDefinition(c)
    case 'ALTER':
      if (isNext(c, 'ALTER', 'SESSION')) return alterSession(c)
      return isNext(c, 'ALTER', 'ACCOUNT') || isNext(c, 'ALTER', 'USER') ? alterLevel(c) : parseDefinition(c)
    case 'USE':
      return use(c)
    case 'BEGIN':
    case 'START':
    case 'COMMIT':
    case 'ROLLBACK':
      return transaction(c, word)
    case 'SHOW':
      return show(c)
    case 'DESCRIBE':
    case 'DESC':
      return describe(c)
    default:
      return { kind: 'query', sql: parseQuery(c) }
  }
}

function transaction(c: Cursor, word: string): Statement {
  c.at += 1
  if (word === 'START') expect(c, 'TRANSACTION')
  else if (!accept(c, 'TRANSACTION')) accept(c, 'WORK')
  if (accept(c, 'NAME')) identifier(c)
  return { kind: 'transaction', act: word === 'COMMIT' || word === 'ROLLBACK' ? word : 'BEGIN' }
}

function alterSession(c: Cursor): Statement {
  c.at += 2
  if (accept(c, 'UNSET')) return { kind: 'unset-session', names: list(c, identifier) }
  return { kind: 'set-session', values: settings(c) }
}

/** `SET a = 1 b = 2` */
function settings(c: Cursor): Record<string, string> {
  expect(c, 'SET')
  const values: Record<string, string> = {}
  do {
    const key = identifier(c)
    expect(c, '=')
    values[key] = optionValue(c)
    accept(c, ',')
  } while (peek(c).kind === 'word')
  return values
}

/** `ALTER ACCOUNT SET ..`, `ALTER USER [name] SET ..`: there is one user. */
function alterLevel(c: Cursor): Statement {
  c.at += 1
  const level = accept(c, 'ACCOUNT') ? 'account' : 'user'
  if (level === 'user') expect(c, 'USER')
  if (!isNext(c, 'SET')) identifier(c)
  return { kind: 'set-level', level, values: settings(c) }
}

function use(c: Cursor): Statement {
  c.at += 1
  if (accept(c, 'SECONDARY', 'ROLES')) {
    take(c)
    return { kind: 'nothing' }
  }
  for (const what of ['ROLE', 'WAREHOUSE', 'DATABASE', 'SCHEMA'] as const) {
    if (accept(c, what)) return { kind: 'use', what, parts: nameParts(c, 2) }
  }
  const parts = nameParts(c, 2)
  return { kind: 'use', what: parts.length === 2 ? 'SCHEMA' : 'DATABASE', parts }
}

const PLACES = ['ACCOUNT', 'DATABASE', 'SCHEMA', 'TABLE', 'USER', 'ROLE', 'WAREHOUSE', 'SESSION']

/** `SHOW [TERSE] things [LIKE '..'] [IN place] [STARTS WITH ..] [LIMIT ..]`. */
function show(c: Cursor): Show {
  c.at += 1
  accept(c, 'TERSE')
  let what = take(c).value
  if (what === 'PRIMARY' || what === 'FILE' || what === 'IMPORTED') what += ` ${take(c).value}`
  if (what === 'GRANTS' && (accept(c, 'ON') || accept(c, 'TO') || accept(c, 'OF'))) {
    const kind = take(c).value
    return { kind: 'show', what, like: undefined, inside: { kind, parts: peek(c).kind === 'end' ? [] : nameParts(c) } }
  }
  accept(c, 'HISTORY')
  const found: Show = { kind: 'show', what, like: accept(c, 'LIKE') ? text(c) : undefined, inside: undefined }
  if (accept(c, 'IN') || accept(c, 'FOR')) {
    const kind = PLACES.find((one) => accept(c, one))
    found.inside = { kind: kind ?? (what === 'COLUMNS' || what === 'PRIMARY KEYS' ? 'TABLE' : 'SCHEMA'), parts: [] }
    if (peek(c).kind !== 'end' && !isNext(c, 'LIMIT')) found.inside.parts = nameParts(c)
  }
  if (accept(c, 'STARTS', 'WITH')) found.like = `${text(c)}%`
  if (accept(c, 'LIMIT')) expression(c)
  return found
}

function describe(c: Cursor): Statement {
  c.at += 1
  c.scope.verb = 'DESCRIBE'
  if (accept(c, 'STAGE')) return { kind: 'describe-stage', place: place(c) }
  if (!accept(c, 'TABLE')) accept(c, 'VIEW')
  const found = table(c, 'SELECT')
  if (accept(c, 'TYPE')) {
    expect(c, '=')
    if (take(c).value !== 'COLUMNS') fail(c)
  }
  return { kind: 'describe-table', table: found }
}
