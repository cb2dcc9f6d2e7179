/** Posts that were sent again because nothing was seen of the first attempt, which may still come. */
import type { WriteContext } from '../../../sync/contract/target.ts'
import { rowsOfPost } from './counts.ts'
import { counting, type EntityState } from './entity-state.ts'
import type { Notes, Watched } from './note.ts'
import type { Post } from './post.ts'

/** A post that was sent again is looked at until so many settling waits are over. */
const WATCH_FROM = 2
const WATCH_UNTIL = 20

export interface Watch {
  /** Those whose rows are there twice now. At most once in a settling wait. */
  lookAgain(notes: Notes, context: WriteContext): Promise<Watched[]>
}

export function createWatch(state: EntityState): Watch {
  const { clock } = state.connection
  const { settleMs } = state.options
  let lookAgainAt = 0
  return {
    async lookAgain(notes, context) {
      const { watch } = await notes.get()
      const now = clock.now()
      if (watch.length === 0 || now < lookAgainAt) return []
      lookAgainAt = now + settleMs
      const twice: Watched[] = []
      const keep: Watched[] = []
      for (const post of watch) {
        const age = now - Date.parse(post.at)
        if (age < WATCH_FROM * settleMs) keep.push(post)
        else if ((await rowsOfPost(counting(state), post.table, post.id, context)) > post.rows) twice.push(post)
        else if (age < WATCH_UNTIL * settleMs) keep.push(post)
      }
      if (keep.length < watch.length) await notes.put({ watch: keep })
      return twice
    },
  }
}

/** From now on it is looked for: it is about to be sent again. */
export async function watchPost(notes: Notes, post: Post, now: number): Promise<void> {
  const { watch } = await notes.get()
  const entry = {
    id: post.id,
    table: post.table.name,
    rows: post.rows,
    at: new Date(now).toISOString(),
    records: [...post.records],
  }
  await notes.put({ watch: [...watch.filter(({ id }) => id !== post.id), entry] })
}
