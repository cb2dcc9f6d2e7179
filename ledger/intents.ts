/** Batches that were announced before they were sent, and those in doubt. */
import type { Schema } from '../sync/contract/message.ts'
import { type Database, prepared } from './database.ts'
import type { Intern } from './intern.ts'
import type { Intent, Intents } from './ledger.ts'
import type { Tables } from './tables.ts'

export interface IntentBook {
  readonly topic: Intents
  /** Inside a transaction: the batch has arrived, or is gone. */
  end(id: string): void
  forget(address: string): void
}

export function createIntents(db: Database, intern: Intern): IntentBook {
  const { query, guard, ask, tx } = db
  const { put, drop, dropAll, set } = prepared(db, {
    put: `
      INSERT INTO intent (id, address, sync, run, entity, shape, records, state, at)
      VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?) ON CONFLICT DO NOTHING`,
    drop: 'DELETE FROM intent WHERE id = ?',
    dropAll: 'DELETE FROM intent WHERE address = ?',
    set: 'UPDATE intent SET state = ? WHERE id = ?',
  })
  const toIntent = ({ shape, records, state, posting, document: _, ...row }: Tables['intent']): Intent => ({
    ...row,
    schema: JSON.parse(intern.shapeJson(shape)) as Schema,
    records: JSON.parse(records) as Intent['records'],
    state: state as Intent['state'],
    ...(posting !== null && { posting: true as const }),
  })
  const inOrder = () => query.selectFrom('intent').selectAll().orderBy('at')
  return {
    end: (id) => drop.run(id),
    forget(address) {
      guard(() => dropAll.run(address))
    },
    topic: {
      async openIntent({ id, address, sync, run, entity, schema, records, at }) {
        tx(() => {
          const shape = intern.shape(JSON.stringify(schema))
          put.run(id, address, sync, run, entity, shape, JSON.stringify(records), at)
        })
      },
      intents: (address) => ask(async () => (await inOrder().where('address', '=', address).execute()).map(toIntent)),
      doubtful: (sync) =>
        ask(async () => {
          const found = inOrder().where('state', '<>', 'open')
          return (await (sync === undefined ? found : found.where('sync', '=', sync)).execute()).map(toIntent)
        }),
      async closeIntent(id, as) {
        guard(() => (as === 'absent' ? drop.run(id) : set.run(as, id)))
      },
    },
  }
}
