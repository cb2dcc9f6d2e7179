/** Batches that were announced before they were sent, and those in doubt. */
import type { Schema } from '../sync/contract/message.ts'
import type { Told } from '../sync/contract/summary.ts'
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
      INSERT INTO intent (id, address, sync, run, entity, shape, records, state, at, amounts)
      VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?, ?) ON CONFLICT DO NOTHING`,
    drop: 'DELETE FROM intent WHERE id = ?',
    dropAll: 'DELETE FROM intent WHERE address = ?',
    set: 'UPDATE intent SET state = ?, amounts = coalesce(?, amounts) WHERE id = ?',
  })
  const toIntent = ({ shape, records, state, posting, document: _, amounts, ...row }: Tables['intent']): Intent => ({
    ...row,
    ...(amounts === null ? {} : { told: JSON.parse(amounts) as Told }),
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
      async openIntent({ id, address, sync, run, entity, schema, records, at, told }) {
        tx(() => {
          const shape = intern.shape(JSON.stringify(schema))
          put.run(
            id,
            address,
            sync,
            run,
            entity,
            shape,
            JSON.stringify(records),
            at,
            told ? JSON.stringify(told) : null,
          )
        })
      },
      intents: (address) => ask(async () => (await inOrder().where('address', '=', address).execute()).map(toIntent)),
      openPlaces: () =>
        ask(() =>
          query
            .selectFrom('intent')
            .select(['address', 'entity'])
            .distinct()
            .where('state', '=', 'open')
            .where('posting', 'is', null)
            .execute(),
        ),
      doubtful: (sync) =>
        ask(async () => {
          const found = inOrder().where('state', '<>', 'open')
          return (await (sync === undefined ? found : found.where('sync', '=', sync)).execute()).map(toIntent)
        }),
      async closeIntent(id, as, told) {
        guard(() => (as === 'absent' ? drop.run(id) : set.run(as, told ? JSON.stringify(told) : null, id)))
      },
    },
  }
}
