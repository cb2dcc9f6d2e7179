/** What became of a post, by counting its rows: asked at once, and again until the settling wait is over. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { timeText } from '../../../sync/contract/wait.ts'
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
): Promise<(nth: number) => number> {
  const [row] = await connection.query(`${datasetPath(workspace, dataset)}/executeQueries`, dax, what, context)
  return (nth) => {
    const count = Number(row?.[`[n${nth}]`] ?? 0)
    if (Number.isSafeInteger(count)) return count
    throw syncError('transient', 'powerbi.reply', `${what}: the answer is no count`)
  }
}

export const rowsOfPost = async (
  deps: CountDeps,
  table: string,
  post: string,
  context: WriteContext,
): Promise<number> =>
  (await ask(deps, countWhere([table], '_sync_batch', post), `Rows of a post in ${table}`, context))(0)

/** A table, and whether rows were sent to it. */
export interface CountedTable {
  readonly name: string
  readonly sent: boolean
}

/**
 * Rows of tables, by one question; undefined where that cannot be asked. Rows become visible a while after they were taken:
 * that a table which got some has none is believed only when the settling wait is over.
 */
export async function rowsOfTables(
  deps: CountDeps,
  tables: readonly CountedTable[],
  context: WriteContext,
): Promise<readonly number[] | undefined> {
  const names = tables.map(({ name }) => name)
  try {
    return await untilSettled(deps, countRows(names), `Rows of ${names.join(', ')}`, context, (found) => {
      const counts = tables.map((_, nth) => found(nth))
      return { value: counts, isSure: counts.every((count, nth) => count > 0 || !tables[nth]?.sent) }
    })
  } catch (error) {
    if (isNoQueries(error)) return undefined
    throw error
  }
}

export interface Awaited {
  /** A post by its id, or all rows of a run. */
  readonly by: '_sync_batch' | '_sync_run'
  readonly value: string
  /** Rows expected by table. */
  readonly rows: ReadonlyMap<string, number>
}

/**
 * Zero is believed only after it was said twice with the settling wait between: rows become visible to queries a while after
 * they were taken. The rows expected end the waiting at once.
 */
export async function whatArrived(
  deps: CountDeps,
  { by, value, rows }: Awaited,
  context: WriteContext,
): Promise<Arrived> {
  const tables = [...rows.keys()]
  const expected = [...rows.values()]
  const what = `Rows of a ${by === '_sync_run' ? 'run' : 'post'} in ${tables.join(', ')}`
  try {
    return await untilSettled<Arrived>(deps, countWhere(tables, by, value), what, context, (found) => {
      const counts = expected.map((_, nth) => found(nth))
      if (counts.every((count, nth) => count === expected[nth])) return { value: 'all', isSure: true }
      if (counts.some((count, nth) => count > (expected[nth] as number))) return { value: 'other', isSure: true }
      return { value: counts.every((count) => count === 0) ? 'none' : 'other', isSure: false }
    })
  } catch (error) {
    if (isNoQueries(error)) return 'cannot'
    throw error
  }
}

/** Asks again and again until what the answer says is sure, or the settling wait is over. */
async function untilSettled<T>(
  deps: CountDeps,
  dax: string,
  what: string,
  context: WriteContext,
  judge: (found: (nth: number) => number) => { readonly value: T; readonly isSure: boolean },
): Promise<T> {
  const { clock } = deps.connection
  const until = clock.now() + deps.settleMs
  let pause = SHORTEST_PAUSE_MS
  for (;;) {
    const late = clock.now() >= until
    const { value, isSure } = judge(await ask(deps, dax, what, context))
    if (isSure || late) return value
    const left = until - clock.now()
    context.waiting(`${what}: waiting until they are visible, ${timeText(Math.max(left, 0))} left`)
    await clock.wait(Math.max(1, Math.min(pause, left)), context.signal)
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
  }
}
