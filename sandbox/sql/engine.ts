import type { DuckDBConnection, DuckDBResultReader } from '@duckdb/node-api'

/** One connection with the values that a statement may bind. */
export interface Work {
  connection: DuckDBConnection
  /** By marker, whose name begins with `bound_`. */
  bound: ReadonlyMap<string, string | null>
  signal?: AbortSignal | undefined
}

/** Those of the values whose markers the statement has: the engine refuses others. */
export function boundIn({ bound }: Work, sql: string): Record<string, string | null> | undefined {
  const names = new Set(Array.from(sql.matchAll(/\$(bound_\w+)/g), ([, name = '']) => name))
  const values = [...names].flatMap((name) => {
    const value = bound.get(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return values.length > 0 ? Object.fromEntries(values) : undefined
}

/** Runs one statement of the engine's SQL, bound to the values whose markers it has. */
export async function run(work: Work, sql: string): Promise<DuckDBResultReader> {
  work.signal?.throwIfAborted()
  const values = boundIn(work, sql)
  return values ? await work.connection.runAndReadAll(sql, values) : await work.connection.runAndReadAll(sql)
}
