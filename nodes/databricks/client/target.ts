/** What databricks-write writes to: a table, or the tables of a document, for each entity. */
import type { Target } from '../../../sync/contract/target.ts'
import { createBronzeTarget } from './bronze.ts'
import type { Connection } from './connection.ts'
import { volumeOf } from './files.ts'
import { createSilverTarget } from './silver.ts'
import { type JsonType, type TableName, tableName } from './sql.ts'

export interface DatabricksTargetOptions {
  /** `silver`: typed tables by MERGE. `bronze`: the records as JSON text, appended. */
  readonly mode: 'silver' | 'bronze'
  readonly catalog: string
  readonly schema: string
  /** Such as `{catalog}.{schema}.{entity}`, or `{catalog}.{schema}.x3_{entity}`. */
  readonly pattern: string
  /** `catalog.schema.volume` or `/Volumes/...`; needed for bronze and for batches that do not fit into a parameter. */
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

export function createDatabricksTarget(
  connection: Connection,
  options: DatabricksTargetOptions,
): (entity: string) => Target {
  const tableOf = (entity: string): TableName =>
    tableName(options.pattern, { catalog: options.catalog, schema: options.schema, entity })
  const volume = options.volume ? volumeOf(options.volume) : undefined
  const retry = options.retryMs === undefined ? {} : { retry: { totalMs: options.retryMs } }
  return (entity) => ({
    ...retry,
    ...(options.mode === 'bronze'
      ? createBronzeTarget(connection, entity, { tableOf, volume })
      : createSilverTarget(connection, entity, {
          tableOf,
          json: options.json ?? 'string',
          maxParameterBytes: options.maxParameterBytes ?? MAX_PARAMETER_BYTES,
          rowsPerFile: options.rowsPerFile ?? ROWS_PER_FILE,
          ...(volume ? { volume } : {}),
        })),
  })
}
