/** Copies of the ledger as it is while others write into it. */

export interface Copies {
  /** Makes the file, for its owner alone, with all that is settled when it ends. Throws where it is there or cannot be written. */
  copyTo(file: string): Promise<void>
}
