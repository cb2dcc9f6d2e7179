/** Which tables rows were delivered into. */

/** A table of an address that rows were delivered into, and the entity of a sync that did. */
export interface Filled {
  /** `''` the header's, else the list's name. */
  readonly list: string
  readonly sync: string
  readonly entity: string
}

/** Tables that have rows, and what follows when they have none any more. */
export interface FilledTables {
  /** Tables of an address that rows were delivered into. */
  filled(address: string): Promise<readonly Filled[]>
  saveFilled(address: string, by: readonly Filled[]): Promise<void>
  /**
   * Rows that were delivered to an address are not there any more. What is remembered of its deliveries is forgotten, or, within
   * the run that delivered some of them (`within`), only equals nothing any more. Every entity of a sync that delivered
   * there, `by` among them, has no stamp known any more, so that a sweep, which is due at once, reads all of it again.
   *
   * @param what which tables, in words
   */
  loseRows(
    address: string,
    what: string,
    by: { readonly sync: string; readonly entity: string } | undefined,
    within?: boolean,
  ): Promise<void>
}
