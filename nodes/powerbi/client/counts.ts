/** What became of a post, by counting its rows: asked at once, and again until the settling wait is over. */
import { syncError } from '../../../sync/errors.ts'
import type { WriteContext } from '../../../sync/target.ts'
import { timeText } from './clock.ts'
import { type Connection, isNoQueries } from './connection.ts'
import { datasetPath } from './datasets.ts'
import { countPost, countRows } from './dax.ts'

export interface CountDeps {
  readonly connection: Connection
  readonly workspace: string
  readonly dataset: string
  readonly settleMs: number
}

/** `none` after the settling wait; `other`: some of it, or more than once; `cannot`: queries are not allowed here. */
export type Arrived = 'all' | 'none' | 'other' | 'cannot'

const LONGEST_PAUSE_MS = 15_000
const SHORTEST_PAUSE_MS = 100

async function ask(
  { connection, workspace, dataset }: CountDeps,
  dax: string,
  what: string,
  context: WriteContext,
): Promise<number> {
  const rows = await connection.query(`${datasetPath(workspace, dataset)}/executeQueries`, dax, what, context)
  const count = rows[0]?.['[n]'] ?? 0
  if (Number.isSafeInteger(Number(count))) return Number(count)
  throw syncError('transient', 'powerbi.reply', `${what}: the answer is no count`)
}

export const rowsOfPost = (deps: CountDeps, table: string, post: string, context: WriteContext): Promise<number> =>
  ask(deps, countPost(table, post), `Rows of a post in ${table}`, context)

/** Rows of a table, or undefined where that cannot be asked. */
export async function rowsOfTable(deps: CountDeps, table: string, context: WriteContext): Promise<number | undefined> {
  try {
    return await ask(deps, countRows(table), `Rows of ${table}`, context)
  } catch (error) {
    if (isNoQueries(error)) return undefined
    throw error
  }
}

/**
 * Zero is believed only after it was said twice with the settling wait between: rows become visible to queries a while after
 * they were taken. `expected` rows end the waiting at once.
 */
export async function whatArrived(
  deps: CountDeps,
  table: string,
  post: string,
  expected: number,
  context: WriteContext,
): Promise<Arrived> {
  const { clock } = deps.connection
  const pause = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, deps.settleMs / 8))
  const until = clock.now() + deps.settleMs
  try {
    for (;;) {
      const late = clock.now() >= until
      const count = await rowsOfPost(deps, table, post, context)
      if (count === expected) return 'all'
      if (count > expected) return 'other'
      if (late) return count === 0 ? 'none' : 'other'
      const left = until - clock.now()
      context.waiting(`asking whether a post is in, ${timeText(Math.max(left, 0))} left`)
      await clock.wait(Math.max(1, Math.min(pause, left)), context.signal)
    }
  } catch (error) {
    if (isNoQueries(error)) return 'cannot'
    throw error
  }
}
