/** What the next run reads by key, because a person said that a target lacks it. */
import { type Database, prepared } from './database.ts'
import type { ReadAgain } from './ledger.ts'

export interface ReadAgainBook {
  readonly topic: ReadAgain
  /** Inside a transaction. `found`: they are the source's keys. */
  add(sync: string, entity: string, keys: readonly string[], found: boolean): void
}

export function createReadAgain(db: Database, at: () => string): ReadAgainBook {
  const { put, list, drop, dropAll } = prepared(db, {
    put: 'INSERT INTO again (sync, entity, key, since, found) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    list: 'SELECT key FROM again WHERE sync = ? AND entity = ? AND found = 1 ORDER BY key',
    drop: `
      DELETE FROM again WHERE sync = ? AND entity = ? AND found = 1 AND key IN (SELECT value FROM json_each(?))`,
    dropAll: 'DELETE FROM again WHERE sync = ? AND entity = ?',
  })
  const add: ReadAgainBook['add'] = (sync, entity, keys, found) => {
    for (const key of keys) put.run(sync, entity, key, at(), found ? 1 : 0)
  }
  return {
    add,
    topic: {
      async addToReadAgain(sync, entity, keys) {
        db.tx(() => add(sync, entity, keys, true))
      },
      keysToReadAgain: async (sync, entity) =>
        (db.guard(() => list.all(sync, entity)) as { key: string }[]).map(({ key }) => key),
      forgetToReadAgain: async (sync, entity, keys) =>
        db.guard(() =>
          Number((keys === 'all' ? dropAll.run(sync, entity) : drop.run(sync, entity, JSON.stringify(keys))).changes),
        ),
    },
  }
}
