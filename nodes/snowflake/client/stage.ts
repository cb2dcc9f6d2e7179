/** Brings the rows of a batch to Snowflake: as one JSON bind, or as a file uploaded from memory when there are more. */
import { createHash } from 'node:crypto'
import { syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { checkCount } from '../../../vendor/warehouse/append-target.ts'
import type { TableName, Tags, Work } from '../../../vendor/warehouse/dialect.ts'
import { arrayText, gzipped, type PackedRows } from '../../../vendor/warehouse/staged-rows.ts'
import type { Connection } from './connection.ts'
import { foundType, literal, MOMENT, noDefault, plainTable, quote, quoteTable, splitName, stored } from './sql.ts'

/** The temporary table that a batch is staged in: texts only, so that loading cannot fail on a value. */
interface StagedColumns {
  readonly name: TableName
  /** Stored names of its columns. `n` is never null: a file whose names do not match would give rows of nulls. */
  readonly fields: readonly string[]
}

export interface StagingTable extends StagedColumns {
  /** Schemas in which it was read back that texts of a temporary table compare by their bytes. */
  readonly checked: Set<string>
}

export interface StageOptions {
  /** Stage path for files: `@~/tieout`, `@FINANCE.PUBLIC.LOAD/tieout`. */
  readonly stage: string
  /** Rows up to so many bytes travel inside the statement; requests are not compressed. */
  readonly maxBindBytes: number
}

export const FILE = 'rows.json.gz'

/** Table name of its own for each target: a temporary table hides one of the same name. */
export const stagingName = (table: TableName): TableName => ({
  ...table,
  table: `TIEOUT_STAGE_${createHash('sha256').update(plainTable(table)).digest('hex').slice(0, 16).toUpperCase()}`,
})

export const createStaging = ({ name, fields }: StagedColumns): string =>
  `CREATE OR REPLACE TEMPORARY TABLE ${quoteTable(name)} (${fields.map((field) => `${quote(field)} VARCHAR COLLATE ''${field === 'n' ? ' NOT NULL' : ''}`).join(', ')})`

export const insertStaged = ({ name, fields }: StagedColumns): string =>
  `INSERT INTO ${quoteTable(name)} (${fields.map(quote).join(', ')}) SELECT ${fields.map((field) => `CAST(f.value:${quote(field)} AS VARCHAR)`).join(', ')} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) AS f`

/**
 * The format is spelt out: by default the text \N would become null, and the account says how a time is written. The file is named, which is fastest and fails when it is
 * missing; a temporary table has no memory of loaded files.
 */
export const copyFile = (table: TableName, path: string, purge: boolean): string =>
  `COPY INTO ${quoteTable(table)} FROM ${literal(`${path}/`)} FILES = (${literal(FILE)}) FILE_FORMAT = (TYPE = JSON COMPRESSION = GZIP NULL_IF = () TIMESTAMP_FORMAT = ${literal(MOMENT)}) MATCH_BY_COLUMN_NAME = CASE_SENSITIVE ON_ERROR = ABORT_STATEMENT${purge ? ' PURGE = TRUE' : ''}`

export const putFile = (path: string): string =>
  `PUT 'file://${FILE}' ${literal(path)} SOURCE_COMPRESSION = GZIP AUTO_COMPRESS = FALSE OVERWRITE = TRUE`

/** Stage paths by what the user typed: `@~/tieout` for the user's own, `DB.SCHEMA.STAGE` for a named one. */
export function stagePath(text: string): string {
  const trimmed = text.trim().replace(/^@/, '').replace(/\/+$/, '')
  const [name = '', ...path] = trimmed.split('/')
  const parts = name === '~' ? [] : (splitName(name) ?? [''])
  if (path.some((part) => !/^[\w-]+$/.test(part)) || parts.length > 3 || parts.some((part) => part === ''))
    throw syncError('config', 'snowflake.stage', `Field stage: ${text.slice(0, 100)} is no stage.`, {
      field: 'stage',
      hint: 'Leave it empty for the stage of the user, or name one: FINANCE.PUBLIC.TIEOUT_STAGE',
    })
  const root = name === '~' ? '~' : parts.map((part) => quote(stored(part))).join('.')
  return `@${[root, ...(path.length > 0 ? path : ['tieout'])].join('/')}`
}

/** Folder of a batch: the same on every attempt, of no other batch. */
export const batchPath = (stage: string, batchId: string, purpose = ''): string =>
  `${stage}/${batchId.replace(/[^A-Za-z0-9-]+/g, '-').slice(0, 120)}${purpose}`

/** The rows of a batch, ready to go: few as the text of a bind, more as a file. */
export interface ReadyRows {
  readonly count: number
  readonly what: string
  readonly text?: string
  readonly file?: Buffer
  readonly path: string
  readonly tags: Tags
  /** The file is on the stage. */
  isUp: boolean
}

export async function readyRows(
  packed: PackedRows,
  path: string,
  { maxBindBytes }: Pick<StageOptions, 'maxBindBytes'>,
  what: string,
  tags: Tags,
): Promise<ReadyRows> {
  const ready = { count: packed.rows, what, path, tags, isUp: false }
  return packed.bytes < maxBindBytes
    ? { ...ready, text: arrayText(packed) }
    : { ...ready, file: await gzipped(packed.files.flat()) }
}

/** Stages rows in the temporary table, which is made anew. Throws when another number of rows arrived. */
export async function stageRows(
  connection: Connection,
  work: Work,
  table: StagingTable,
  rows: ReadyRows,
): Promise<void> {
  const { count, what, text, path } = rows
  await work.run({ sql: createStaging(table), what: `Temporary table for ${what}`, kind: 'write' })
  await checkStaging(work, table, what)
  if (text !== undefined) {
    const [result] = await work.run({
      sql: insertStaged(table),
      values: [['rows', text]],
      what: `Rows for ${what}`,
      kind: 'write',
    })
    return checkCount('snowflake', count, Number(result?.['number of rows inserted']), what)
  }
  if (!rows.isUp) await uploadAhead(connection, rows, work.context)
  // COPY takes the file away: what is done again in another session goes up again
  rows.isUp = false
  const [result] = await work.run({
    sql: copyFile(table.name, path, true),
    what: `COPY of the rows for ${what}`,
    kind: 'write',
  })
  checkCount('snowflake', count, Number(result?.rows_loaded), what)
}

/** Rows are told apart by the texts of their keys here too. What overrules that is set for a schema, or above it. */
async function checkStaging(work: Work, table: StagingTable, what: string): Promise<void> {
  const schema = plainTable({ ...table.name, table: '' })
  if (table.checked.has(schema)) return
  const sql = `DESCRIBE TABLE ${quoteTable(table.name)}`
  const columns = await work.run({ sql, what: `Columns of the temporary table for ${what}`, kind: 'read' })
  const found = columns.map((row) => foundType(String(row.type)).collation).find((collation) => collation !== '')
  if (found !== undefined) throw defaultCollation(table.name, found)
  table.checked.add(schema)
}

const defaultCollation = (name: TableName, collation: string) =>
  syncError(
    'config',
    'snowflake.collation',
    `The temporary table ${plainTable(name)} has the collation '${collation}' although it was made with COLLATE '': DEFAULT_DDL_COLLATION of the account, database or schema wins. Nothing is written, since keys that differ only in case, accents or the like would be one row.`,
    { hint: `${noDefault(name)} Then run again.` },
  )

/** Brings the file, if there is one, to the stage. */
export async function uploadAhead(connection: Connection, rows: ReadyRows, context: WriteContext): Promise<void> {
  if (rows.file === undefined) return
  await connection.run({ ...putRows(rows), tags: rows.tags }, context)
  rows.isUp = true
}

/** Takes away a file that was not loaded, as well as it can: one that stays costs space and is never loaded. */
export function removeLater(connection: Connection, rows: ReadyRows): void {
  if (!rows.isUp) return
  rows.isUp = false
  const context: WriteContext = { signal: AbortSignal.timeout(30_000), waiting: () => undefined }
  const remove = { sql: `REMOVE ${literal(`${rows.path}/`)}`, what: `Removal of the rows for ${rows.what}` }
  connection.run(remove, context).catch(() => undefined)
}

export const putRows = ({ path, file, what }: Pick<ReadyRows, 'path' | 'file' | 'what'>) => ({
  sql: putFile(path),
  ...(file ? { file } : {}),
  what: `Upload of the rows for ${what}`,
})
