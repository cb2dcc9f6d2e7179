import type { Work } from '../sql/engine.ts'
import { SqlError, type TableName } from './errors.ts'
import { atomically } from './store.ts'

/** How many commits of changing statements each table has seen begin and end, by `schema.table`. */
export type Commits = Map<string, number>

/** Runs what a statement does to a table in a transaction; `touched` counts the rows that it changed. */
export type Change = <T>(
  work: Work,
  table: TableName,
  action: () => Promise<T>,
  touched: (result: T) => number,
) => Promise<T>

/**
 * Begins a statement, which may change rows of a table it reads (MERGE, UPDATE, DELETE). Of two that overlap in time the later
 * to commit fails and leaves nothing behind: it may have read what the other changed, or missed what it added. This is the
 * isolation level WriteSerializable, at which rows that were only appended meanwhile are no conflict
 * (docs.databricks.com/aws/en/optimizations/isolation/isolation-levels); row-level concurrency, which lets some of these
 * pairs pass, is left out.
 */
export function beginChange(commits: Commits): Change {
  const seen = new Map(commits)
  return (work, { schema, name }, action, touched) =>
    atomically(work, action, async (result, commit) => {
      // What changes no row writes no version, and so conflicts with nothing.
      if (touched(result) === 0) return await commit()
      const key = `${schema}.${name}`
      const now = commits.get(key) ?? 0
      if (now !== (seen.get(key) ?? 0)) throw concurrentAppend()
      // Counted before and after: who begins in between cannot know whether its snapshot holds this commit.
      commits.set(key, now + 1)
      try {
        await commit()
      } finally {
        commits.set(key, now + 2)
      }
    })
}

export function concurrentAppend(): SqlError {
  return new SqlError(
    'DELTA_CONCURRENT_APPEND.WITHOUT_HINT',
    '2D521',
    'Transaction conflict detected. Files were added to the root of the table by a concurrent update. Please try the operation again.',
  )
}
