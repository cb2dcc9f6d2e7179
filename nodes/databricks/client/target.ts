/** What databricks-write writes to: a table, or the tables of a document, for each entity. */
import type { TableName } from '../../../vendor/warehouse/dialect.ts'
import { createMarks } from '../../../vendor/warehouse/marks.ts'
import { sqlTarget } from '../../../vendor/warehouse/sql-target.ts'
import { createWarehouse, eachConnection, type SqlTarget } from '../../../vendor/warehouse/warehouse.ts'
import type { Connection } from './connection.ts'
import { createDialect } from './dialect.ts'
import { volumeOf } from './files.ts'
import { type JsonType, tableName } from './sql.ts'
import { mergeStaging } from './staged.ts'
import { COLUMNS, versionsLoading } from './versions.ts'

export interface DatabricksTargetOptions {
  /** `merge`: typed tables. `append`: every version of each record as JSON text. */
  readonly mode: 'merge' | 'append'
  readonly catalog: string
  readonly schema: string
  /** Such as `{catalog}.{schema}.{entity}`, or `{catalog}.{schema}.x3_{entity}`. */
  readonly pattern: string
  /** `catalog.schema.volume` or `/Volumes/...`; needed to append and for batches that do not fit into a parameter. */
  readonly volume?: string
  readonly json?: JsonType
  readonly maxParameterBytes?: number
  readonly rowsPerFile?: number
  /** How long a warehouse that does not answer is asked again; absent: the engine's rule. */
  readonly retryMs?: number
}

/** Databricks documents 1 MB for the parameters of a statement; some room is left for the others. */
const MAX_PARAMETER_BYTES = 900_000
const ROWS_PER_FILE = 50_000

/** By how JSON is kept. Marks have none: both write them together. */
const warehousesOf = eachConnection((connection: Connection) => {
  const string = createDialect(connection, 'string')
  const marks = createMarks(string)
  return {
    string: createWarehouse(string, marks),
    variant: createWarehouse(createDialect(connection, 'variant'), marks),
  }
})

export function createDatabricksTarget(
  connection: Connection,
  options: DatabricksTargetOptions,
): (entity: string) => SqlTarget {
  const { catalog, schema, pattern, json = 'string', retryMs } = options
  const tableOf = (entity: string): TableName => tableName(pattern, { catalog, schema, entity })
  const volume = options.volume ? volumeOf(options.volume) : undefined
  if (options.mode === 'append') {
    const loading = versionsLoading(connection, volume)
    return (entity) =>
      sqlTarget(warehousesOf(connection).string, entity, {
        mode: 'append',
        tableOf,
        columns: COLUMNS,
        loading,
        retryMs,
      })
  }
  const staging = mergeStaging(connection, {
    json,
    maxParameterBytes: options.maxParameterBytes ?? MAX_PARAMETER_BYTES,
    rowsPerFile: options.rowsPerFile ?? ROWS_PER_FILE,
    ...(volume ? { volume } : {}),
  })
  return (entity) => sqlTarget(warehousesOf(connection)[json], entity, { mode: 'merge', tableOf, staging, retryMs })
}
