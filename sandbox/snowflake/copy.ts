import { readFile as readDisk } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { run, type Work } from '../sql/engine.ts'
import { literal, quote } from '../sql/reader.ts'
import type { Column, Table } from './catalog.ts'
import { unfit } from './error-log.ts'
import { fromEngine, jsonError, SqlError, unsupported } from './errors.ts'
import { type Outcome, status, TYPE_IDS, table } from './results.ts'
import { cursor, type Scope } from './sql/cursor.ts'
import { type Copy, column } from './sql/dml.ts'
import { engineFormat } from './sql/formats.ts'
import { parseQuery } from './sql/query.ts'
import { assignTo } from './sql/types.ts'
import { readFile } from './staged.ts'
import type { StagedFile, Stages } from './stages.ts'

/** How long Snowflake remembers that a file was loaded. */
const MEMORY_MS = 64 * 86_400_000

export interface LoadedFile {
  file: string
  parsed: number
  loaded: number
  errors: number
  first: FirstError | undefined
}

interface FirstError {
  text: string
  line: number
  column: string
}

interface Load {
  work: Work
  copy: Copy
  scope: Scope
  /** Undoes what a failed try left behind in the engine. */
  recover: () => Promise<void>
}

/** The files that a COPY INTO is about: those of its list, or all below its path, but for what was loaded before. */
export function filesToLoad(copy: Copy, stages: Stages): StagedFile[] {
  const { stage, path } = copy.from
  const here = stages.files(stage.id, path)
  let files = here
  if (copy.files) {
    const folder = path === '' || path.endsWith('/') ? path : `${path}/`
    files = copy.files.flatMap((name) => {
      const found = here.find((file) => file.path === folder + name) ?? here.find((file) => file.path === path + name)
      if (found) return [found]
      if (onError(copy) === 'ABORT_STATEMENT') throw notFound(folder + name)
      return []
    })
  }
  if (copy.pattern !== undefined) {
    const pattern = new RegExp(`^(?:${copy.pattern})$`)
    files = files.filter((file) => pattern.test(file.path))
  }
  if (copy.options.FORCE === 'TRUE') return files
  const oldest = Date.now() - MEMORY_MS
  return files.filter((file) => {
    const loaded = copy.table.loads[file.key]
    return loaded?.etag !== file.etag || loaded.at < oldest
  })
}

const onError = ({ options }: Copy) => options.ON_ERROR ?? 'ABORT_STATEMENT'

function notFound(name: string): SqlError {
  return new SqlError(
    '091016',
    '22000',
    `Remote file '${name}' was not found. There are several potential causes. The file might not exist. The required credentials may be missing or invalid. If you are running a copy command, please make sure files are not deleted when they are being loaded or files are not being loaded into two different tables concurrently with auto purge option.`,
  )
}

export function checkCopy(copy: Copy): void {
  const { table: target, options, transform, format, columns } = copy
  if (target.errorLogging)
    throw new SqlError(
      '002140',
      '0A000',
      `SQL compilation error:\nCOPY INTO is not supported for table '${target.name}' with ERROR_LOGGING enabled.`,
    )
  const byName = matching(copy)
  if (byName !== 'NONE' && (transform !== undefined || options.VALIDATION_MODE))
    throw new SqlError(
      '002185',
      '22000',
      'SQL compilation error:\nMATCH_BY_COLUMN_NAME copy option is not supported for COPY statements with transformations.',
    )
  if (format?.type !== 'JSON') throw unsupported(`COPY of ${format?.type ?? 'CSV'} files in this sandbox`)
  const width = (columns ?? target.columns).length
  if (
    byName === 'NONE' &&
    transform === undefined &&
    (width !== 1 || (columns ?? target.columns)[0]?.type.engine !== 'JSON')
  )
    throw new SqlError(
      '002164',
      '22000',
      'SQL compilation error: JSON file format can produce one and only one column of type variant, object, or array. Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with transformation.',
    )
}

const matching = ({ options }: Copy) => options.MATCH_BY_COLUMN_NAME ?? 'NONE'

/** Loads the files one after the other, as ON_ERROR says. */
export async function loadFiles(load: Load, files: readonly StagedFile[]): Promise<LoadedFile[]> {
  const done: LoadedFile[] = []
  for (const file of files) done.push(await loadFile(load, file))
  return done
}

async function loadFile(load: Load, file: StagedFile): Promise<LoadedFile> {
  const { work, copy, recover } = load
  try {
    const source = await sourceOf(load, file)
    const { rowsChanged } = await run(work, insertOf(copy, source.columns, source.sql, source.types))
    return { file: file.path, parsed: rowsChanged, loaded: rowsChanged, errors: 0, first: undefined }
  } catch (error) {
    const failure = fromEngine(error)
    if (work.signal?.aborted || failure.code === '000604' || copy.transform !== undefined) throw failure
    await recover()
    return await loadGoodRows(load, file)
  }
}

interface Source {
  columns: Column[]
  sql: string
  types: (string | undefined)[]
}

/** A select over one file that gives the columns in order, as text or JSON. */
async function sourceOf({ work, copy, scope }: Load, file: StagedFile): Promise<Source> {
  const isList = copy.format?.options.STRIP_OUTER_ARRAY === 'TRUE'
  const columns = copy.columns ?? copy.table.columns
  if (copy.transform !== undefined) {
    const inner: Scope = { ...scope, uses: [], stageUses: [], stages: { files: () => [file] }, format: copy.format }
    const c = cursor(copy.transform, inner, parseQuery)
    return { columns, sql: parseQuery(c), types: [] }
  }
  if (matching(copy) === 'NONE') return { columns, sql: `SELECT json FROM ${readFile(file, isList)}`, types: ['JSON'] }
  const keys = await keysOf(work, copy, file, isList)
  const found = copy.table.columns.flatMap((one) => {
    const own = keys(one.name)
    return own.length === 0 ? [] : [{ column: one, keys: own }]
  })
  const all = found.flatMap((one) => one.keys)
  const clash = new Set(all.map((key) => key.toLowerCase())).size < all.length
  const kind = (one: Column) => (one.type.engine === 'JSON' ? 'JSON' : 'VARCHAR')
  const types = new Map(found.flatMap((one) => one.keys.map((key) => [key, kind(one.column)] as const)))
  const values = found.map(({ column: one, keys: own }) => {
    const read = own.map((key) =>
      clash
        ? `${kind(one) === 'JSON' ? 'json_extract' : 'json_extract_string'}(json, ${literal(`$."${key}"`)})`
        : quote(key),
    )
    return read.length > 1 ? `coalesce(${read.join(', ')})` : (read[0] ?? 'NULL')
  })
  return {
    columns: found.map((one) => one.column),
    sql: `SELECT ${values.map((value, index) => `${value} AS ${quote(`v${index}`)}`).join(', ')} FROM ${readFile(file, isList, clash ? undefined : types)}`,
    types: found.map((one) => kind(one.column)),
  }
}

/** Which keys of the file's documents fill a column of this name. */
async function keysOf(work: Work, copy: Copy, file: StagedFile, isList: boolean): Promise<(name: string) => string[]> {
  if (matching(copy) === 'CASE_SENSITIVE') return (name) => [name]
  const reader = await run(work, `SELECT DISTINCT unnest(json_keys(json)) FROM ${readFile(file, isList)}`)
  const keys = (reader.getColumnsJson()[0] ?? []).map(String)
  return (name) => keys.filter((key) => key.toUpperCase() === name.toUpperCase())
}

/** The format option of the file's format for a column, in the engine's words; without one the session's is taken. */
function formatFor({ format }: Copy, { type }: Column): string | undefined {
  const kind = type.kind.startsWith('timestamp') ? 'TIMESTAMP' : type.kind.toUpperCase()
  const given = format?.options[`${kind}_FORMAT`]
  return given === undefined || given.toUpperCase() === 'AUTO' ? undefined : engineFormat(given, 'in')
}

function insertOf(copy: Copy, columns: readonly Column[], sql: string, types: readonly (string | undefined)[]): string {
  const names = columns.map((_, index) => quote(`v${index}`))
  const values = columns.map((one, index) => assignTo(names[index] ?? '', one.type, types[index], formatFor(copy, one)))
  return `INSERT INTO ${copy.table.engine} (${columns.map((one) => column(one.name)).join(', ')}) SELECT ${values.join(', ')} FROM (${sql}) AS source(${names.join(', ')})`
}

/** The slow way, for a file with errors: line by line, good rows and bad ones apart. */
async function loadGoodRows(load: Load, file: StagedFile): Promise<LoadedFile> {
  const { work, copy } = load
  const content = await readDisk(file.disk)
  const text = (file.gzip ? gunzipSync(content) : content).toString('utf8')
  const lines = text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [{ line: index + 1, text: line }]))
  const errors: FirstError[] = []
  const good = lines.filter(({ line, text: one }) => {
    try {
      const found: unknown = JSON.parse(one)
      if (typeof found === 'object' && found !== null) return true
      errors.push({ text: jsonError(`not an object: ${one.slice(0, 100)}`).message, line, column: '' })
    } catch {
      errors.push({ text: jsonError(`incomplete or invalid value, pos ${one.length}`).message, line, column: '' })
    }
    return false
  })
  const columns = copy.columns ?? copy.table.columns
  const isByName = matching(copy) !== 'NONE'
  const key = (one: Column) => (matching(copy) === 'CASE_SENSITIVE' ? one.name : undefined)
  const given = columns.map((one, index) => ({
    column: one,
    raw: quote(`v${index}`),
    format: formatFor(copy, one),
    from: isByName && one.type.engine !== 'JSON' ? 'VARCHAR' : 'JSON',
  }))
  const rows = good.map(({ line, text: one }) => {
    const found = JSON.parse(one) as Record<string, unknown>
    const values = columns.map((target) => {
      if (!isByName) return one
      const name =
        key(target) ?? Object.keys(found).find((candidate) => candidate.toUpperCase() === target.name.toUpperCase())
      const value = name === undefined ? null : (found[name] ?? null)
      if (value === null) return null
      return target.type.engine === 'JSON' || typeof value === 'object' ? JSON.stringify(value) : String(value)
    })
    return [String(line), ...values]
  })
  const bound = new Map([['bound_rows', JSON.stringify(rows)]])
  const values = given.map(({ raw, from }, index) => `CAST(r[${index + 2}] AS ${from}) AS ${raw}`)
  await run(
    { ...work, bound },
    `CREATE TEMPORARY TABLE copy_rows AS SELECT CAST(r[1] AS INTEGER) AS line, ${values.join(', ')} FROM (SELECT unnest(from_json((SELECT CAST($bound_rows AS VARCHAR)), '[["VARCHAR"]]')) AS r)`,
  )
  const reason = unfit(given) ?? 'NULL'
  const bad = await run(
    work,
    `SELECT line, reason ->> '$.message', reason ->> '$.column' FROM (SELECT line, ${reason} AS reason FROM temp.copy_rows) WHERE reason IS NOT NULL ORDER BY line`,
  )
  for (const [line, message, name] of bad.getRowsJson())
    errors.push({
      text: String(message),
      line: Number(line),
      column: `"${copy.table.name}"["${name}":${1 + columns.findIndex((one) => one.name === name)}]`,
    })
  errors.sort((a, b) => a.line - b.line)
  const [first] = errors
  const result: LoadedFile = { file: file.path, parsed: lines.length, loaded: 0, errors: errors.length, first }
  if (first && onError(copy) === 'ABORT_STATEMENT') throw abort(first, file, errors)
  if (!isSkipped(copy, errors.length, lines.length)) {
    const lost = new Set(errors.map(({ line }) => line))
    const keep = `SELECT ${given.map(({ raw }) => raw).join(', ')} FROM temp.copy_rows WHERE line NOT IN (${[...lost, -1].join(', ')})`
    const { rowsChanged } = await run(
      work,
      insertOf(
        copy,
        columns,
        keep,
        given.map(({ from }) => from),
      ),
    )
    result.loaded = rowsChanged
  }
  await run(work, 'DROP TABLE temp.copy_rows')
  return result
}

/** `SKIP_FILE`, `SKIP_FILE_10`, `SKIP_FILE_10%`. */
function isSkipped(copy: Copy, errors: number, rows: number): boolean {
  const [, limit, percent] = /^'?SKIP_FILE(?:_(\d+)(%)?)?/.exec(onError(copy)) ?? []
  if (!onError(copy).startsWith('SKIP_FILE') || errors === 0) return false
  if (limit === undefined) return true
  return percent ? errors > (rows * Number(limit)) / 100 : errors >= Number(limit)
}

function abort({ text, line, column: name }: FirstError, file: StagedFile, errors: readonly FirstError[]): SqlError {
  const code = /not recognized/.test(text)
    ? ['100038', '22018']
    : /too long/.test(text)
      ? ['100078', '22000']
      : /JSON/.test(text)
        ? ['100069', '22P02']
        : ['100072', '22000']
  const [number = '', state = ''] = code
  return new SqlError(
    number,
    state,
    `${text}\n  File '${file.path}', line ${line}, character 1\n  Row ${errors.length === 0 ? 0 : line}${name === '' ? '' : `, column ${name}`}\n  If you would like to continue loading when an error is encountered, use other values such as 'SKIP_FILE' or 'CONTINUE' for the ON_ERROR option. For more information on loading options, please run 'info loading_data' in a SQL client.`,
  )
}

const COLUMNS =
  'file status rows_parsed rows_loaded error_limit errors_seen first_error first_error_line first_error_character first_error_column_name'.split(
    ' ',
  )
const NUMBERS = [
  'rows_parsed',
  'rows_loaded',
  'error_limit',
  'errors_seen',
  'first_error_line',
  'first_error_character',
]

export function copyOutcome(files: readonly LoadedFile[], prefix: string): Outcome {
  if (files.length === 0) return { ...status('Copy executed with 0 files processed.', TYPE_IDS.copy), modified: 0 }
  const rows = files.map(({ file, parsed, loaded, errors, first }) => {
    const state = errors === 0 ? 'LOADED' : loaded === 0 ? 'LOAD_FAILED' : 'PARTIALLY_LOADED'
    return [
      prefix + file,
      state,
      parsed,
      loaded,
      errors === 0 ? 1 : parsed,
      errors,
      first?.text ?? null,
      first?.line ?? null,
      first ? 1 : null,
      first?.column ?? null,
    ]
  })
  const outcome = table(COLUMNS, rows, TYPE_IDS.copy, NUMBERS)
  return { ...outcome, modified: files.reduce((sum, { loaded }) => sum + loaded, 0) }
}

/** Notes the loaded files, so that they are not loaded again. */
export function remember(target: Table, files: readonly StagedFile[]): void {
  const at = Date.now()
  for (const file of files) target.loads[file.key] = { etag: file.etag, at }
}
