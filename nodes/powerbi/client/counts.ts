/** What became of a post, by counting its rows: asked at once, and again until the settling wait is over. */
import { syncError } from '../../../sync/errors.ts'
import type { WriteContext } from '../../../sync/target.ts'
import { timeText } from './clock.ts'
import { type Connection, isNoQueries } from './connection.ts'
import { datasetPath } from './datasets.ts'
import { countRows, countWhere } from './dax.ts'

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
  ask(deps, countWhere(table, '_sync_batch', post), `Rows of a post in ${table}`, context)

/** Rows of a table, or undefined where that cannot be asked. */
export async function rowsOfTable(deps: CountDeps, table: string, context: WriteContext): Promise<number | undefined> {
  try {
    return await ask(deps, countRows(table), `Rows of ${table}`, context)
  } catch (error) {
    if (isNoQueries(error)) return undefined
    throw error
  }
}

export interface Awaited {
  readonly table: string
  /** A post by its id, or all rows of a run. */
  readonly by: '_sync_batch' | '_sync_run'
  readonly value: string
  readonly rows: number
}

/**
 * Zero is believed only after it was said twice with the settling wait between: rows become visible to queries a while after
 * they were taken. The rows expected end the waiting at once.
 */
export async function whatArrived(
  deps: CountDeps,
  { table, by, value, rows }: Awaited,
  context: WriteContext,
): Promise<Arrived> {
  const { clock } = deps.connection
  const pause = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, deps.settleMs / 8))
  const until = clock.now() + deps.settleMs
  const dax = countWhere(table, by, value)
  try {
    for (;;) {
      const late = clock.now() >= until
      const count = await ask(deps, dax, `Rows of a ${by === '_sync_run' ? 'run' : 'post'} in ${table}`, context)
      if (count === rows) return 'all'
      if (count > rows) return 'other'
      if (late) return count === 0 ? 'none' : 'other'
      const left = until - clock.now()
      context.waiting(`waiting until rows are visible in ${table}, ${timeText(Math.max(left, 0))} left`)
      await clock.wait(Math.max(1, Math.min(pause, left)), context.signal)
    }
  } catch (error) {
    if (isNoQueries(error)) return 'cannot'
    throw error
  }
}
