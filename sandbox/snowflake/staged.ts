import { literal, quote } from '../sql/reader.ts'
import { engineName } from './sql/names.ts'
import type { StagedFile } from './stages.ts'

/** Files in a stage that a select reads as a table; `ref` stands for them in the SQL until it is known what is read. */
export interface StagedFiles {
  ref: string
  files: StagedFile[]
  /** `STRIP_OUTER_ARRAY`: a file is one list instead of one document per line. */
  isList: boolean
}

/** `$1`, `$1:key` or `$1:key::TYPE`; `ref` stands for it in the SQL until it is known what it is a column of. */
export interface Dollar {
  ref: string
  column: number
  key: string | undefined
  /** Only its text is asked for. */
  asText: boolean
}

export const ROW_NUMBER = 'METADATA$FILE_ROW_NUMBER'
const FILE_NAME = 'METADATA$FILENAME'

const path = (key: string) => literal(`$."${key.replaceAll('"', '\\"')}"`)
const isSafe = (key: string) => /^[\w $-]+$/.test(key)

/** Puts the staged files into a select, reading from each line only what the select asks for. */
export function resolveStaged(select: string, staged: readonly StagedFiles[], dollars: readonly Dollar[]): string {
  let sql = select
  const source = staged[0]
  for (const dollar of dollars) {
    const column = source ? stagedColumn(dollar) : valuesColumn(dollar)
    sql = sql.replaceAll(dollar.ref, () => column)
  }
  for (const one of staged) {
    const numbered = select.includes(ROW_NUMBER)
    sql = sql.replace(one.ref, () => relation(one, dollars, numbered))
  }
  return sql
}

const columnName = ({ column, key, asText }: Dollar) =>
  quote(key === undefined ? `$${column}` : `${engineName(`$${column}:${key}`)}#${asText ? 't' : 'j'}`)

function stagedColumn(dollar: Dollar): string {
  return columnName(dollar)
}

function valuesColumn({ column, key, asText }: Dollar): string {
  const name = quote(`COLUMN${column}`)
  return key === undefined ? name : `${asText ? 'json_extract_string' : 'json_extract'}(${name}, ${path(key)})`
}

function relation({ files, isList }: StagedFiles, dollars: readonly Dollar[], numbered: boolean): string {
  const wanted = [...new Map(dollars.map((dollar) => [columnName(dollar), dollar])).entries()]
  const keys = [...new Set(dollars.flatMap(({ key }) => (key === undefined ? [] : [key])))]
  const folded = new Set(keys.map((key) => key.toLowerCase()))
  const isWhole =
    keys.length === 0 ||
    folded.size < keys.length ||
    !keys.every(isSafe) ||
    dollars.some((one) => one.key === undefined)
  if (files.length === 0) {
    const empty = wanted.map(([name, { asText }]) => `CAST(NULL AS ${asText ? 'VARCHAR' : 'JSON'}) AS ${name}`)
    const columns = [...empty, `'' AS ${quote(FILE_NAME)}`, `0 AS ${quote(ROW_NUMBER)}`]
    return `(SELECT ${columns.join(', ')} WHERE false)`
  }
  const types = new Map(
    keys.map((key) => [key, dollars.some((one) => one.key === key && !one.asText) ? 'JSON' : 'VARCHAR']),
  )
  const columns = wanted.map(([name, { key, asText }]) => {
    if (key === undefined) return `json AS ${name}`
    if (isWhole) return `${asText ? 'json_extract_string' : 'json_extract'}(json, ${path(key)}) AS ${name}`
    return types.get(key) === 'JSON' && asText ? `(${quote(key)} ->> '$') AS ${name}` : `${quote(key)} AS ${name}`
  })
  const parts = files.map((file) => {
    const own = [
      ...columns,
      `${literal(file.path)} AS ${quote(FILE_NAME)}`,
      ...(numbered ? [`row_number() OVER () AS ${quote(ROW_NUMBER)}`] : []),
    ]
    return `SELECT ${own.join(', ')} FROM ${readFile(file, isList, isWhole ? undefined : types)}`
  })
  return `(${parts.join(' UNION ALL ')})`
}

/** The engine's reader for one file: whole documents, or the keys of `types`. */
export function readFile(file: StagedFile, isList: boolean, types?: ReadonlyMap<string, string>): string {
  const options = [
    literal(file.disk),
    `format = '${isList ? 'array' : 'newline_delimited'}'`,
    `compression = '${file.gzip ? 'gzip' : 'none'}'`,
    'maximum_object_size = 134217728',
  ]
  if (!types) return `read_json_objects(${options.join(', ')})`
  const columns = [...types].map(([key, type]) => `${literal(key)}: '${type}'`)
  return `read_json(${[...options, `columns = {${columns.join(', ')}}`].join(', ')})`
}
