/** Which tables rows were delivered into, and what follows when they are not there any more. */
import { type Database, prepared } from './database.ts'
import type { DeliveryMemory } from './deliveries.ts'
import type { SourceMemory } from './known.ts'
import type { Filled, FilledTables, TargetSums } from './ledger.ts'
import type { StandingBook } from './standing.ts'

export interface FilledMemory {
  readonly topic: FilledTables
  /** Inside a transaction. */
  write(address: string, by: readonly Filled[]): void
  forget(address: string): void
}

export function createFilled(
  db: Database,
  deliveries: Pick<DeliveryMemory, 'clear' | 'doubt'>,
  sums: Pick<TargetSums, 'doubtSums'>,
  known: Pick<SourceMemory, 'lose'>,
  standing: Pick<StandingBook, 'clear'>,
  nextRead: () => number,
): FilledMemory {
  const { guard, tx } = db
  const { find, put, drop } = prepared(db, {
    find: 'SELECT list, sync, entity FROM filled WHERE address = ?',
    put: 'INSERT INTO filled (address, list, sync, entity) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    drop: 'DELETE FROM filled WHERE address = ?',
  })
  const of = (address: string): Filled[] => guard(() => find.all(address)) as unknown as Filled[]
  const write: FilledMemory['write'] = (address, by) => {
    for (const { list, sync, entity } of by) put.run(address, list, sync, entity)
  }
  return {
    write,
    forget(address) {
      guard(() => drop.run(address))
    },
    topic: {
      filled: async (address) => of(address),
      async saveFilled(address, by) {
        tx(() => write(address, by))
      },
      async loseRows(address, what, by, within = false) {
        const writers = by ? [...of(address), by] : of(address)
        // Above all that is on its way: what is settled later was read before, and may be among what is lost.
        const read = nextRead()
        tx(() => {
          for (const { sync, entity } of writers) known.lose(sync, entity, what, read)
        })
        // Last: as long as something is remembered there, the tables are found without it again.
        if (within) deliveries.doubt(address)
        else {
          deliveries.clear(address)
          await sums.doubtSums(address, read)
        }
        guard(() => drop.run(address))
        standing.clear(address)
      },
    },
  }
}
