/** What snowflake-merge writes to: a table, or the tables of a document, for each entity. */
import type { Target } from '../../../sync/contract/target.ts'
import { createAppendTarget } from './append.ts'
import type { Connection } from './connection.ts'
import { createMergeTarget } from './merge-target.ts'
import { createShaper } from './shape.ts'
import { type TableName, tableName } from './sql.ts'
import { stagePath } from './stage.ts'

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

export function createSnowflakeTarget(
  connection: Connection,
  options: SnowflakeTargetOptions,
): (entity: string) => Target {
  const stage = { stage: stagePath(options.stage || '@~'), maxBindBytes: options.maxBindBytes ?? MAX_BIND_BYTES }
  const retry = options.retryMs === undefined ? {} : { retry: { totalMs: options.retryMs } }
  const shapeTable = createShaper(connection)
  return (entity) => {
    const { database, schema } = options
    const pattern = options.patterns?.[entity] ?? options.pattern
    const tableOf = (table: string): TableName => tableName(pattern, { database, schema, entity: table })
    const create = options.mode === 'append' ? createAppendTarget : createMergeTarget
    return { ...retry, ...create(connection, entity, { ...stage, tableOf, shapeTable }) }
  }
}
