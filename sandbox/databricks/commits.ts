import { SqlError, type TableName } from './errors.ts'
import { atomically, type Work } from './store.ts'

/** How many commits of changing statements each table has seen begin and end, by `schema.table`. */
export type Commits = Map<string, number>

/**
 * Runs a statement that changes rows of a table it has read (MERGE, UPDATE, DELETE) and gives the number of rows touched.
 * Of two that overlap in time the later to commit fails and leaves nothing behind: it may have read what the other changed,
 * or missed what it added. This is the isolation level WriteSerializable, at which rows that were only appended meanwhile
 * are no conflict (docs.databricks.com/aws/en/optimizations/isolation/isolation-levels); row-level concurrency, which lets
 * some of these pairs pass, is left out.
 */
export async function changing<T>(
  work: Work,
  commits: Commits,
  table: TableName,
  action: () => Promise<T>,
  touched: (result: T) => number,
): Promise<T> {
  const key = `${table.schema}.${table.name}`
  const seen = commits.get(key) ?? 0
  return await atomically(work, action, async (result, commit) => {
    // What changes no row writes no version, and so conflicts with nothing.
    if (touched(result) === 0) return await commit()
    const now = commits.get(key) ?? 0
    if (now !== seen) throw concurrentAppend()
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
