/** What a target keeps in the ledger: the dataset it made or took, the columns it gave it, and posts that were sent twice. */
import { z } from 'zod'
import type { PrepareContext } from '../../../sync/contract/target.ts'

const watched = z.object({
  /** Id of the post. */
  id: z.string(),
  table: z.string(),
  rows: z.number(),
  /** When it was sent again, ISO. */
  at: z.string(),
  records: z.array(z.object({ key: z.string(), read: z.number() })),
})
export type Watched = z.output<typeof watched>

const note = z.object({
  /** Id of the dataset; absent: none yet. */
  id: z.string().optional(),
  /** A dataset of this name is being made: if one is there after a crash, it is ours. */
  creating: z.boolean().default(false),
  /** This ledger made it: its columns are known, and may be added to. */
  owned: z.boolean().default(false),
  /** `name type` of the columns of each table, as made. */
  tables: z.record(z.string(), z.array(z.string())).default({}),
  /** How `_sync_key` and `_sync_version` have keys: as they are, or in a form of which no two are alike for DAX (`apart`). */
  keys: z.enum(['plain', 'apart']).default('plain'),
  /** Its tables are being emptied: until that is done and told, nothing in them counts. */
  clearing: z.boolean().default(false),
  /** Posts whose first attempt was believed lost, and may still come. */
  watch: z.array(watched).default([]),
})
export type Note = z.output<typeof note>

export interface Notes {
  /** As it is now; read once. */
  get(): Promise<Note>
  /** Changes some of it; on disk when it resolves. */
  put(change: Partial<Note>): Promise<Note>
}

/** What is kept, as it is now. */
export const readNote = async (store: Pick<PrepareContext['note'], 'read'>): Promise<Note> =>
  note.parse(JSON.parse((await store.read()) ?? '{}'))

/** `store` is that of the first run; it stays the same for an address. */
export function createNotes(store: PrepareContext['note']): Notes {
  let current: Note | undefined
  const get = async (): Promise<Note> => {
    current ??= await readNote(store)
    return current
  }
  return {
    get,
    async put(change) {
      const next = { ...(await get()), ...change }
      await store.save(JSON.stringify(next))
      current = next
      return next
    },
  }
}
