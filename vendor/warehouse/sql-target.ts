/** What every warehouse with SQL writes to: typed tables that are merged, or every version of each record, appended. */
import { type AppendOptions, createAppendTarget } from './append-target.ts'
import { createMergeTarget, type MergeOptions } from './merge-target.ts'
import type { SqlTarget, Warehouse } from './warehouse.ts'

/** How a target writes: `merge` holds the newest of each record in typed tables, `append` every version as JSON. */
export type SqlTargetOptions<R> =
  | ({ readonly mode: 'merge' } & MergeOptions<R>)
  | ({ readonly mode: 'append' } & AppendOptions)

export interface SqlTargetMore {
  /** How long a warehouse that does not answer is asked again; absent: the engine's rule. */
  readonly retryMs?: number | undefined
}

export function sqlTarget<R>(
  warehouse: Warehouse,
  entity: string,
  options: SqlTargetOptions<R> & SqlTargetMore,
): SqlTarget {
  const { retryMs } = options
  const retry = retryMs === undefined ? {} : { retry: { totalMs: retryMs } }
  return options.mode === 'append'
    ? { ...retry, ...createAppendTarget(warehouse, entity, options) }
    : { ...retry, ...createMergeTarget(warehouse, entity, options) }
}
