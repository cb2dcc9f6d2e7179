/** Keys under which targets hold something else than the newest version that a sync read. */
import type { Amounts } from '../sync/contract/summary.ts'
import { type Database, prepared } from './database.ts'
import type { DecisionBook } from './decisions.ts'
import type { Commit, StandingKey, StandingKeys } from './ledger.ts'

export interface StandingBook {
  readonly topic: StandingKeys
  /** Inside a transaction: what a settled batch puts there, and what of it takes the place of what stood there. */
  settle(address: string, commit: Pick<Commit, 'deliveries' | 'pushed'>): void
  /** The address has no row any more. */
  clear(address: string): void
}

interface StandingRow extends Omit<StandingKey, 'amounts' | 'sinkName'> {
  readonly sink_name: string
  readonly amounts: string | null
}

export function createStanding(db: Database, { write: decide }: Pick<DecisionBook, 'write'>): StandingBook {
  const { tx, guard } = db
  const { anyAt, put, over, drop, gone, list, allow, pushed } = prepared(db, {
    anyAt: 'SELECT 1 FROM standing WHERE address = ? LIMIT 1',
    put: `
      INSERT OR REPLACE INTO standing (address, key, kind, sync, entity, sink_name, read, amounts)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    over: `
      DELETE FROM standing WHERE address = ?1 AND EXISTS (
        SELECT 1 FROM json_each(?2) AS j WHERE j.value ->> 0 = standing.key AND j.value ->> 1 >= standing.read)`,
    drop: 'DELETE FROM standing WHERE address = ?',
    gone: `
      DELETE FROM standing WHERE address = ?1 AND NOT EXISTS (
        SELECT 1 FROM address AS a JOIN delivery AS d ON d.address = a.id
        WHERE a.address = ?1 AND d.key = standing.key AND d.hash IS NOT NULL)`,
    list: `
      SELECT * FROM standing WHERE (?1 IS NULL OR sync = ?1) AND (?2 IS NULL OR address = ?2)
      ORDER BY address, key LIMIT 10000`,
    allow: 'INSERT INTO pushed_allowed (sync) VALUES (?) ON CONFLICT DO NOTHING',
    pushed: `
      SELECT entity, address, count(*) AS count, min(key) AS first FROM standing
      WHERE sync = ? AND kind = 'pushed' GROUP BY entity, address`,
  })
  const keep = (keys: readonly StandingKey[]): void => {
    for (const { address, key, kind, sync, entity, sinkName, read, amounts } of keys)
      put.run(address, key, kind, sync, entity, sinkName, read, amounts ? JSON.stringify(amounts) : null)
  }
  return {
    settle(address, { deliveries = [], pushed: keys }) {
      if (keys === undefined) {
        if (deliveries.length === 0 || anyAt.get(address) === undefined) return
        over.run(address, JSON.stringify(deliveries.map(({ key, read }) => [key, read])))
      } else keep(keys)
    },
    clear(address) {
      guard(() => drop.run(address))
    },
    topic: {
      standing: async ({ sync, address }) =>
        (guard(() => list.all(sync ?? null, address ?? null)) as unknown as StandingRow[]).map(
          ({ sink_name: sinkName, amounts, ...row }) => ({
            ...row,
            sinkName,
            ...(amounts !== null && { amounts: JSON.parse(amounts) as Amounts }),
          }),
        ),
      async keepStanding(keys) {
        tx(() => keep(keys))
      },
      async forgetGone(address) {
        guard(() => gone.run(address))
      },
      allowPushed: async (sync, who) =>
        tx(() => {
          const found = pushed.all(sync) as { entity: string; address: string; count: number; first: string }[]
          // Who allows nothing has allowed nothing of what comes later.
          if (found.length > 0) allow.run(sync)
          for (const { entity, address, count, first } of found)
            decide({
              ...who,
              kind: 'pushed',
              sync,
              entity,
              sink: address,
              about: `${count} record(s), such as ${first}`,
            })
          return found.reduce((sum, { count }) => sum + count, 0)
        }),
    },
  }
}
