/** Brings the rows of one table to the warehouse: as one JSON parameter, or as files of the staging volume when there are more. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { Schema } from '../../../sync/contract/message.ts'
import type { WriteBatch, WriteContext } from '../../../sync/contract/target.ts'
import {
  arrayText,
  compileSerializer,
  packRows,
  stagedFields,
  type TableRows,
} from '../../../vendor/warehouse/staged-rows.ts'
import type { Connection } from './connection.ts'
import { fileName, removeLater, upload, type Volume } from './files.ts'
import { literal } from './sql.ts'

/** Rows that a statement can read: a SELECT of the staged fields, and the values it needs. */
export interface Staged {
  readonly select: string
  readonly values: readonly (readonly [name: string, value: string])[]
  /** Takes the files away again, without waiting; once. */
  readonly drop: () => void
}

export interface StageOptions {
  readonly volume?: Volume
  /** Databricks documents 1 MB for all parameters of a statement. */
  readonly maxParameterBytes: number
  readonly rowsPerFile: number
}

export interface Stager {
  stage(batch: WriteBatch, context: WriteContext, purpose?: string): Promise<Staged>
}

export function createStager(
  connection: Connection,
  schema: Schema,
  table: TableRows,
  name: string,
  options: StageOptions,
): Stager {
  const serialize = compileSerializer(schema, table)
  const fields = stagedFields(table.columns)
  const struct = `array<struct<${fields.map((field) => `${field}:string`).join(',')}>>`
  const fromParameter = `SELECT ${fields.map((field) => `j.${field} AS ${field}`).join(', ')} FROM (SELECT explode(from_json(:rows, ${literal(struct)}, map('mode', 'FAILFAST'))) AS j) AS p`
  const fileSchema = literal(fields.map((field) => `${field} STRING`).join(', '))
  const fromFile = (path: string): string =>
    `SELECT ${fields.join(', ')} FROM read_files(${literal(path)}, format => 'json', schema => ${fileSchema}, mode => 'FAILFAST')`

  let attempts = 0

  return {
    async stage(batch, context, purpose = '') {
      // Names of its own: the files of an attempt before are removed without waiting, and may go after these have come.
      const attempt = `${batch.id} ${attempts++}`
      const packed = packRows((rows) => serialize(batch.records, rows), options.rowsPerFile)
      if (packed.bytes < options.maxParameterBytes)
        return { select: fromParameter, values: [['rows', arrayText(packed)]], drop: () => undefined }
      const volume = needVolume(options.volume, batch, name, options.maxParameterBytes)
      const names = packed.files.map((_, i) => fileName(attempt, name + purpose, i))
      let isDropped = false
      const drop = (): void => {
        if (!isDropped) removeLater(connection, volume, names)
        isDropped = true
      }
      try {
        for (const [i, file] of names.entries()) await upload(connection, volume, file, packed.files[i] ?? [], context)
      } catch (error) {
        drop()
        throw error
      }
      return {
        select: names.map((file) => fromFile(`${volume.path}/${file}`)).join(' UNION ALL '),
        values: [],
        drop,
      }
    },
  }
}

export function needVolume(volume: Volume | undefined, batch: WriteBatch, name: string, limit: number): Volume {
  if (volume) return volume
  throw syncError(
    'config',
    'databricks.volume',
    `${name}: a batch of ${batch.records.length} records is larger than the ${Math.round(limit / 1000)} kB that fit into a statement, and no staging volume is chosen`,
    {
      entity: batch.entity,
      hint: 'Create a volume (CREATE VOLUME main.finance.tieout_staging), give the principal READ VOLUME and WRITE VOLUME, and choose it in the connection.',
    },
  )
}
