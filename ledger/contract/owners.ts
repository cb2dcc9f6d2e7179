/** Whose records stand in which table. */

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

/** Tables and who writes them. */
export interface TableOwners {
  /**
   * Writes down who writes into tables. Gives back those that stand against it, and then writes nothing down: another entity
   * or list, or another sync that brings records of the same source name from another system or folder.
   */
  claimTables(claims: readonly TableOwner[]): Promise<readonly TableOwner[]>
  /** Whose records stand in a table, by source name. */
  ownersOf(table: string): Promise<readonly TableOwner[]>
  /** They have no row any more: nobody's records stand there. */
  releaseTables(tables: readonly string[]): Promise<void>
}
