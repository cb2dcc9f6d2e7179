import { run, type Work } from '../sql/engine.ts'
import { literal, quote } from '../sql/reader.ts'
import { SqlError } from './errors.ts'
import type { FileSource, Scope } from './sql/cursor.ts'
import { castTo, parseSchemaText } from './sql/types.ts'
import type { VolumeFile, Volumes } from './volumes.ts'

/** Puts what the files hold in the place of each file source of a statement. */
export async function resolveFiles(work: Work, sql: string, scope: Scope, volumes: Volumes): Promise<string> {
  let resolved = sql
  for (const source of scope.files) {
    const select = await filesSelect(work, source, volumes.list(source.path), scope)
    resolved = resolved.replaceAll(source.ref, () => select)
  }
  return resolved
}

/**
 * The files as a subquery in the engine's SQL. With a schema every value is read as text and cast: under FAILFAST a
 * value that does not fit raises, otherwise it is NULL. Without one the columns are found in the files, as Spark does it.
 */
export async function filesSelect(
  work: Work,
  source: FileSource,
  files: readonly VolumeFile[],
  scope: Scope,
): Promise<string> {
  const { format = 'json', schema, mode = 'PERMISSIVE', multiline } = source.options
  if (format.toLowerCase() !== 'json') {
    throw new SqlError('UNSUPPORTED_FEATURE.FILE_FORMAT', '0A000', `The sandbox reads JSON files only, not ${format}.`)
  }
  if (files.length === 0) {
    throw new SqlError(
      'COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED',
      '42KD9',
      `The source directory ${source.path} did not contain any parsable files of type JSON.`,
    )
  }
  const failFast = mode.toUpperCase() === 'FAILFAST'
  const paths = `[${files.map((file) => literal(file.disk)).join(', ')}]`
  const shape = `format = ${multiline?.toLowerCase() === 'true' ? `'auto'` : `'newline_delimited'`}${failFast ? '' : ', ignore_errors = true'}`
  if (schema !== undefined) {
    const fields = parseSchemaText(schema, scope).fields ?? []
    const columns = fields.map(({ name, type }) => `${literal(name)}: ${literal(engineType(type.texts))}`)
    const values = fields.map(({ name, type }) =>
      type.engine === 'VARCHAR' ? quote(name) : `${castTo(quote(name), type, !failFast)} AS ${quote(name)}`,
    )
    return `(SELECT ${values.join(', ')} FROM read_json(${paths}, ${shape}, columns = {${columns.join(', ')}}))`
  }
  const inferred = await run(work, `SELECT json_group_structure(json) FROM read_json_objects(${paths}, ${shape})`)
  const structure: unknown = JSON.parse(String(inferred.getRowsJson()[0]?.[0] ?? '{}'))
  const columns = Object.entries(isObject(structure) ? structure : {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, shapeOf]) => `${literal(name)}: ${literal(engineType(shapeOf))}`)
  return `(SELECT * FROM read_json(${paths}, ${shape}, columns = {${columns.join(', ')}}))`
}

/** A JSON structure as an engine type: integers of any width are bigint, only-null fields text. */
function engineType(shape: unknown): string {
  if (Array.isArray(shape)) return `${engineType(shape[0])}[]`
  if (isObject(shape)) {
    return `STRUCT(${Object.entries(shape)
      .map(([name, inner]) => `${quote(name)} ${engineType(inner)}`)
      .join(', ')})`
  }
  const type = String(shape)
  if (/^U?(BIGINT|HUGEINT)$/.test(type)) return 'BIGINT'
  return type === 'NULL' || type === 'JSON' ? 'VARCHAR' : type
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
