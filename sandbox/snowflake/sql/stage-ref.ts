import { accept, expect, fail, isNext, literal, peek, type Token, take } from '../../sql/reader.ts'
import { keyOf, nameOf, type Place, type Stage, type StageFormat } from '../catalog.ts'
import { noObject, noSuch, SqlError } from '../errors.ts'
import type { StagedFile } from '../stages.ts'
import { type Cursor, identifier, nameParts, placed, type Scope } from './cursor.ts'
import { tokenize } from './tokens.ts'

/** A stage and a path in it, as a statement names them. */
export interface StageRef {
  stage: Stage
  path: string
}

/** The stage named by `@name/path`, `@~/path` or `@%table/path`, without the `@`. */
export function findStage(scope: Scope, text: string, query: Cursor['query']): StageRef {
  const [, own = '', rest = ''] = /^([~%]?)(.*)$/s.exec(text) ?? []
  const created = 0
  const common = { format: undefined, comment: '', created }
  if (own === '~') {
    const place = { database: '', schema: '', name: `~${scope.session.user}` }
    return { stage: { ...place, ...common, id: `user-${scope.session.user}` }, path: rest.replace(/^\//, '') }
  }
  const slash = outsideQuotes(rest, '/')
  const name = slash < 0 ? rest : rest.slice(0, slash)
  const path = slash < 0 ? '' : rest.slice(slash + 1)
  const c: Cursor = { sql: name, tokens: tokenize(name), at: 0, refuse: () => noStage(text), scope, query }
  const place = placed(scope, nameParts(c))
  if (own === '%') {
    const table = scope.catalog.table(place, scope.session)
    return { stage: { ...place, ...common, name: `%${table.name}`, id: `table-${keyOf(place)}` }, path }
  }
  const stage = scope.session.stages.get(keyOf(place)) ?? scope.catalog.stages.get(keyOf(place))
  if (!stage) {
    scope.catalog.checkSchema(place.database, place.schema)
    throw noSuch('Stage', nameOf(place))
  }
  return { stage, path }
}

function noStage(text: string): never {
  throw noObject('Stage', text)
}

function outsideQuotes(text: string, char: string): number {
  let quoted = false
  for (const [index, found] of [...text].entries()) {
    if (found === '"') quoted = !quoted
    else if (found === char && !quoted) return index
  }
  return -1
}

export const isStage = ({ kind, value }: Token) => kind === 'stage' || (kind === 'string' && value.startsWith('@'))

/** A stage reference, as `@..` or as a quoted text. */
export function stageRef(c: Cursor, privilege: 'READ' | 'WRITE'): StageRef {
  const token = take(c)
  if (!isStage(token)) {
    c.at -= 1
    fail(c)
  }
  const found = findStage(c.scope, token.value.replace(/^@/, ''), c.query)
  c.scope.stageUses.push({ stage: found.stage, privilege })
  return found
}

/** `@stage/path (FILE_FORMAT => 'f', PATTERN => '..')`, the way a query reads files. */
export function stageFiles(c: Cursor): { files: StagedFile[]; isList: boolean } {
  const { stage, path } = stageRef(c, 'READ')
  let format = c.scope.format ?? stage.format
  let pattern: RegExp | undefined
  if (isNext(c, '(') && ['FILE_FORMAT', 'PATTERN'].includes(peek(c, 1).value)) {
    c.at += 1
    do {
      const key = take(c).value
      expect(c, '=>')
      if (key === 'PATTERN') pattern = new RegExp(`^(?:${take(c).value})$`)
      else format = namedFormat(c)
    } while (accept(c, ','))
    expect(c, ')')
  }
  const files = c.scope.stages.files(stage.id, path).filter((file) => pattern?.test(file.path) ?? true)
  if (format?.type !== 'JSON') {
    throw new SqlError(
      '001147',
      '0A000',
      `SQL compilation error:\nOnly files of type JSON can be queried here; the file format is ${format?.type ?? 'CSV'}.`,
    )
  }
  return { files, isList: format.options.STRIP_OUTER_ARRAY === 'TRUE' }
}

/** The name of a file format, as text or identifier. */
export function namedFormat(c: Cursor): StageFormat {
  const token = peek(c)
  const place: Place =
    token.kind === 'string'
      ? placed(c.scope, nameParts({ ...c, sql: take(c).value, tokens: tokenize(token.value), at: 0 }))
      : placed(c.scope, nameParts(c))
  const found = c.scope.catalog.formats.get(keyOf(place))
  if (!found) throw noObject('File format', nameOf(place))
  return found.format
}

/** `(TYPE = JSON STRIP_OUTER_ARRAY = TRUE)` or `(FORMAT_NAME = 'f')`: options of a file format, keys in upper case. */
export function fileFormat(c: Cursor): StageFormat {
  const options: Record<string, string> = {}
  let named: StageFormat | undefined
  expect(c, '(')
  while (!accept(c, ')')) {
    const key = identifier(c)
    expect(c, '=')
    if (key === 'FORMAT_NAME') named = namedFormat(c)
    else options[key] = optionValue(c)
    accept(c, ',')
  }
  return named ?? { type: (options.TYPE ?? 'CSV').toUpperCase(), options }
}

/** One option's value as text; a list's members separated by commas. */
export function optionValue(c: Cursor): string {
  if (!accept(c, '(')) {
    const token = take(c)
    return token.kind === 'string' ? token.value : token.value.toUpperCase()
  }
  const members: string[] = []
  while (!accept(c, ')')) {
    members.push(take(c).value)
    accept(c, ',')
  }
  return members.map(literal).join(',')
}
