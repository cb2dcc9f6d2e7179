/** Which records stand in which table: one entity or list, and of one source name those of one system and folder. */
import type { Database } from './database.ts'

/** Whose records stand in a table. */
export interface TableOwner {
  /** Its address, as `TargetTable` has it. */
  readonly table: string
  /** Source name: the first part of the keys; `''` where messages of the flow's own are written. */
  readonly source: string
  /** `''` the header of the entity, else the list's name. */
  readonly list: string
  readonly entity: string
  readonly sync: string
  readonly sourceAddress: string
}

export interface Owners {
  /**
   * Writes down who writes into tables. Gives back those that stand against it, and then writes nothing down: another entity
   * or list, or another sync that brings records of the same source name from another system or folder.
   */
  claimTables(claims: readonly TableOwner[]): Promise<readonly TableOwner[]>
  /** They have no row any more: nobody's records stand there. */
  releaseTables(tables: readonly string[]): Promise<void>
}

export function createOwners({ raw, guard, tx }: Database): Owners {
  const find = raw.prepare(
    'SELECT place AS "table", source, list, entity, sync, source_address AS sourceAddress FROM table_owner WHERE place = ?',
  )
  const put = raw.prepare(`
    INSERT INTO table_owner (place, source, list, entity, sync, source_address) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET sync = excluded.sync, source_address = excluded.source_address`)
  const drop = raw.prepare('DELETE FROM table_owner WHERE place = ?')
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
