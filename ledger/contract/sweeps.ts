/** Which entities were swept, and which have to be. */

/** When an entity was swept, and what a sweep has to find: targets in doubt, rows that were lost. */
export interface Sweeps {
  /** When the last sweep that was carried through began; undefined: none was, or the targets are in doubt since. */
  sweptAt(sync: string, entity: string): Promise<string | undefined>
  /** A target of the entity holds what another ledger wrote, or a newer copy of this one: until the next sweep that is carried through. */
  doubtTargets(sync: string, entity: string): Promise<void>
  areTargetsInDoubt(sync: string, entity: string): Promise<boolean>
  /** It was carried through: nothing is in doubt or lost any more. */
  saveSwept(sync: string, entity: string, at: string): Promise<void>
  /** What was lost and not read again since, as `loseRows` was told. */
  lostRows(sync: string, entity: string): Promise<string | undefined>
  /** All of the entity was read and delivered again. */
  saveRepaired(sync: string, entity: string): Promise<void>
}
