/** Read numbers: the versions of records. */

/** Numbers that only grow: each request for data takes the next one. */
export interface ReadNumbers {
  /** The next read number: microseconds since 1970 or the last one plus 1, whichever is greater; survives restarts and clocks set back. */
  nextRead(): number
  /** No record can have been read under a higher number: the last one given, or what the clock would give now. */
  lastRead(): number
  /** No higher number was given before this ledger was opened; 0: none was. Rows with a higher one were written after its copy was taken. */
  readonly readBefore: number
  /** Makes every later number greater than this one (the highest of a target's mark). */
  raiseRead(above: number): void
}
