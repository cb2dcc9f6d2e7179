/** What became of what was sent: of a post whose answer did not come, and of all rows of a run. */
import type { Resolution, WriteContext } from '../../../sync/contract/target.ts'
import { whatArrived } from './counts.ts'
import { counting, type EntityState } from './entity-state.ts'
import type { Poster } from './posts.ts'
import { watchPost } from './watch.ts'

/** Asks what became of a batch's post, and how the engine is to go on. */
export async function resolvePost(
  state: EntityState,
  poster: Poster,
  batchId: string,
  records: number,
  context: WriteContext,
): Promise<Resolution> {
  const { options, notes, connection } = state
  const post = poster.pending(batchId)
  // after a crash only the header tells: it comes last, so that with it everything is in
  const question = post ?? { id: batchId, table: { name: state.header }, rows: records }
  const rows = new Map([[question.table.name, question.rows]])
  const found = options.ask
    ? await whatArrived(counting(state), { by: '_sync_batch', value: question.id, rows }, context)
    : 'cannot'
  if (found === 'all') return post === undefined || poster.confirm(batchId) ? 'delivered' : 'absent'
  if (found === 'none') {
    if (post && notes) await watchPost(notes, post, connection.clock.now())
    return 'absent'
  }
  if (found === 'cannot' && options.doubt === 'repeat') return 'repeat'
  poster.forget(batchId)
  return 'in-doubt'
}

/**
 * Waits until queries see what a run sent; false where they are not allowed. Asked once for all tables of a run: its totals
 * are compared table by table at the same moment.
 */
export function createVisible(
  state: EntityState,
  poster: Poster,
): (run: string, context: WriteContext) => Promise<boolean> {
  let seen: { readonly run: string; readonly rows: string; readonly there: Promise<boolean> } | undefined
  return (run, context) => {
    const rows = poster.sent(run)
    const text = JSON.stringify([...rows])
    if (seen?.run === run && seen.rows === text) return seen.there
    const there =
      rows.size === 0
        ? Promise.resolve(true)
        : whatArrived(counting(state), { by: '_sync_run', value: run, rows }, context).then(
            (found) => found !== 'cannot',
          )
    seen = { run, rows: text, there }
    there.catch(() => {
      seen = undefined
    })
    return there
  }
}
