/** How far each entity of a sync was read. */
import { type Database, prepared } from './database.ts'
import type { Position, Positions } from './ledger.ts'

export interface PositionBook {
  readonly topic: Positions
  /** Inside a transaction. */
  write(sync: string, entity: string, position: Position): void
}

export function createPositions(db: Database): PositionBook {
  const { query, guard, ask } = db
  const { put, delivered, adopt } = prepared(db, {
    put: `
      INSERT INTO position (sync, entity, identity, read_through, read_at, window, contract) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET identity = excluded.identity, read_through = excluded.read_through,
        read_at = excluded.read_at, window = excluded.window, contract = excluded.contract`,
    delivered: 'SELECT 1 FROM run JOIN batch ON batch.run = run.seq WHERE run.sync = ? AND batch.delivered > 0 LIMIT 1',
    adopt: 'INSERT INTO adopted VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET read = excluded.read',
  })
  const write: PositionBook['write'] = (sync, entity, position) => {
    const { identity, readThrough, readAt = null, window, contract = null } = position
    put.run(sync, entity, identity, readThrough, readAt, window && JSON.stringify(window), contract)
  }
  return {
    write,
    topic: {
      position: (sync, entity) =>
        ask(async () => {
          const all = query.selectFrom('position').selectAll()
          const row = await all.where('sync', '=', sync).where('entity', '=', entity).executeTakeFirst()
          return (
            row && {
              identity: row.identity,
              readThrough: row.read_through,
              readAt: row.read_at,
              window: row.window === null ? null : (JSON.parse(row.window) as Position['window']),
              ...(row.contract === null ? {} : { contract: row.contract }),
            }
          )
        }),
      async savePosition(sync, entity, position) {
        guard(() => write(sync, entity, position))
      },
      async clearPositions(sync) {
        await ask(() => query.deleteFrom('position').where('sync', '=', sync).execute())
      },
      async hasMemory(sync) {
        return guard(() => delivered.get(sync)) !== undefined
      },
      adopted: (sync) => ask(() => query.selectFrom('adopted').selectAll().where('sync', '=', sync).execute()),
      async adopt({ sync, entity, ledger, read }) {
        guard(() => adopt.run(sync, entity, ledger, read))
      },
    },
  }
}
