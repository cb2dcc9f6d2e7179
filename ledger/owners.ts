/** Which records stand in which table: one entity or list, and of one source name those of one system and folder. */
import { type Database, prepared } from './database.ts'
import type { TableOwner, TableOwners } from './ledger.ts'

export function createOwners(db: Database): TableOwners {
  const { guard, tx } = db
  const { find, put, drop } = prepared(db, {
    find: `
      SELECT place AS "table", source, list, entity, sync, source_address AS sourceAddress FROM table_owner
      WHERE place = ?`,
    put: `
      INSERT INTO table_owner (place, source, list, entity, sync, source_address) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET sync = excluded.sync, source_address = excluded.source_address`,
    drop: 'DELETE FROM table_owner WHERE place = ?',
  })
  const of = (table: string): TableOwner[] => find.all(table) as unknown as TableOwner[]

  return {
    claimTables: async (claims) =>
      tx(() => {
        const against = claims.flatMap((claim) => of(claim.table).filter((owner) => standsAgainst(owner, claim)))
        if (against.length === 0)
          for (const { table, source, list, entity, sync, sourceAddress } of claims)
            put.run(table, source, list, entity, sync, sourceAddress)
        return against
      }),
    ownersOf: async (table) => guard(() => of(table)),
    async releaseTables(tables) {
      guard(() => {
        for (const table of tables) drop.run(table)
      })
    },
  }
}

/** A sync may move to another address: whoever started it was asked. */
const standsAgainst = (owner: TableOwner, claim: TableOwner): boolean =>
  owner.entity !== claim.entity ||
  owner.list !== claim.list ||
  (owner.source === claim.source && owner.sourceAddress !== claim.sourceAddress && owner.sync !== claim.sync)
