/** What targets keep for themselves. */
import { type Database, prepared } from './database.ts'
import type { Notes } from './ledger.ts'

export function createNotes(db: Database): Notes {
  const { find, put } = prepared(db, {
    find: 'SELECT text FROM note WHERE address = ?',
    put: 'INSERT INTO note VALUES (?, ?) ON CONFLICT DO UPDATE SET text = excluded.text',
  })
  return {
    note: async (address) => (db.guard(() => find.get(address)) as { text: string } | undefined)?.text,
    async saveNote(address, text) {
      db.guard(() => put.run(address, text))
    },
  }
}
