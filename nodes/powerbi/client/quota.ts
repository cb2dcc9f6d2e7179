/** The published limits on POST rows of one dataset, kept by a book, so that Power BI need not refuse (learn.microsoft.com, push-datasets-limitations). */
import type { Clock } from '../../../sync/contract/wait.ts'

export interface QuotaLimits {
  readonly rowsPerHour: number
  readonly postsPerMinute: number
  /** Once a table has `bigRows` rows. */
  readonly postsPerHour: number
  readonly bigRows: number
}

export const PUBLISHED: QuotaLimits = {
  rowsPerHour: 1_000_000,
  postsPerMinute: 120,
  postsPerHour: 120,
  bigRows: 250_000,
}

export interface Quota {
  /** How long a post of so many rows must wait, and for which limit; undefined: it may go. `big`: a table has many rows, or may have. */
  pause(rows: number, big: boolean): { readonly ms: number; readonly why: string } | undefined
  /** A post was answered: it counts from now on, which is never earlier than when Power BI counted it. */
  took(rows: number): void
}

const MINUTE = 60_000
const HOUR = 3_600_000
/** Power BI's window may close a moment later than ours. */
const MARGIN = 250

export function createQuota(limits: QuotaLimits, clock: Pick<Clock, 'now'>): Quota {
  /** Posts of the last hour, oldest first. */
  let posts: { readonly at: number; readonly rows: number }[] = []

  /** When the `count`th newest post is older than the window. */
  const free = (count: number, window: number): number => {
    const post = posts[posts.length - count]
    return post === undefined ? 0 : post.at + window + MARGIN
  }
  const rowsFree = (rows: number): number => {
    let sum = rows
    for (let i = posts.length - 1; i >= 0; i--) {
      const post = posts[i] as (typeof posts)[number]
      sum += post.rows
      if (sum > limits.rowsPerHour) return post.at + HOUR + MARGIN
    }
    return 0
  }
  return {
    pause(rows, big) {
      const now = clock.now()
      const first = posts.findIndex(({ at }) => at + HOUR + MARGIN > now)
      posts = first === -1 ? [] : first === 0 ? posts : posts.slice(first)
      const waits = [
        { until: rowsFree(rows), why: `limit of ${limits.rowsPerHour.toLocaleString('en-US')} rows an hour` },
        { until: free(limits.postsPerMinute, MINUTE), why: `limit of ${limits.postsPerMinute} posts a minute` },
        {
          until: big ? free(limits.postsPerHour, HOUR) : 0,
          why: `limit of ${limits.postsPerHour} posts an hour (a table with ${limits.bigRows.toLocaleString('en-US')} rows)`,
        },
      ]
      const longest = waits.reduce((a, b) => (b.until > a.until ? b : a))
      return longest.until > now ? { ms: longest.until - now, why: longest.why } : undefined
    },
    took(rows) {
      posts.push({ at: clock.now(), rows })
    },
  }
}
