/** What snowflake-merge writes to: a table, or the tables of a document, for each entity. */
import type { TableName } from '../../../vendor/warehouse/dialect.ts'
import { sqlTarget } from '../../../vendor/warehouse/sql-target.ts'
import { VERSION_COLUMNS } from '../../../vendor/warehouse/technical-columns.ts'
import { createWarehouse, eachConnection, type SqlTarget } from '../../../vendor/warehouse/warehouse.ts'
import type { Connection } from './connection.ts'
import { createDialect } from './dialect.ts'
import { tableName } from './sql.ts'
import { stagePath } from './stage.ts'
import { mergeStaging } from './staged.ts'
import { versionsLoading } from './versions.ts'

export interface SnowflakeTargetOptions {
  /** `merge`: typed tables. `append`: every version of each record as VARIANT. */
  readonly mode: 'merge' | 'append'
  readonly database: string
  readonly schema: string
  /** Such as `{database}.{schema}.{entity}`. */
  readonly pattern: string
  /** Other patterns for single entities, lists included. */
  readonly patterns?: Readonly<Record<string, string>>
  /** `@~/tieout` unless told: the stage of the user, which everybody has. */
  readonly stage?: string
  readonly maxBindBytes?: number
  /** How long an account that does not answer is asked again; absent: the engine's rule. */
  readonly retryMs?: number
}

const MAX_BIND_BYTES = 50_000

const warehouseOf = eachConnection((connection: Connection) => createWarehouse(createDialect(connection)))

export function createSnowflakeTarget(
  connection: Connection,
  options: SnowflakeTargetOptions,
): (entity: string) => SqlTarget {
  const { database, schema, mode, retryMs, maxBindBytes = MAX_BIND_BYTES } = options
  const stage = stagePath(options.stage || '@~')
  const staging = mergeStaging(connection, { stage, maxBindBytes })
  const loading = versionsLoading(connection, stage)
  return (entity) => {
    const pattern = options.patterns?.[entity] ?? options.pattern
    const tableOf = (table: string): TableName => tableName(pattern, { database, schema, entity: table })
    return sqlTarget(
      warehouseOf(connection),
      entity,
      mode === 'append'
        ? { mode, tableOf, columns: VERSION_COLUMNS, loading, retryMs }
        : { mode, tableOf, staging, retryMs },
    )
  }
}
