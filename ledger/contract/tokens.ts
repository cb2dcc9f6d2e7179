/** Logins that change with each use: what stands on disk of them decides whether a connection lives on. */

/** A rotating login as it was stored last. */
export interface StoredToken {
  /** Grows by one with each renewal. */
  readonly version: number
  /** What its owner keeps of it; sealed at rest. Empty where only a note was stored. */
  readonly text: string
  /** Version whose renewal was begun and of which no result was stored. */
  readonly noted?: number
  /** The ledger could not take it: it stands in the file beside the ledger. */
  readonly beside?: true
}

/** Rotating logins, by the name of whom they belong to. */
export interface RotatingTokens {
  /** The higher version of those in the ledger and in the file beside it. */
  token(name: string): Promise<StoredToken | undefined>
  /** The renewal of a version is about to be asked for; on disk when it returns. */
  noteRenewal(name: string, version: number): Promise<void>
  /**
   * Stores a version and ends its note; on disk when it returns. Where the ledger cannot take it, it is stored sealed in a
   * file beside the ledger, and `beside` is given back. Throws where neither can.
   */
  saveToken(name: string, version: number, text: string): Promise<'ledger' | 'beside'>
  /** The highest version that this installation has stored, whatever this ledger knows of it; 0: none. */
  highestToken(name: string): Promise<number>
  /**
   * Why this ledger must be taken for an old copy, as far as this login goes, in words; undefined: it is the one that stored it
   * last.
   */
  tokenDoubt(name: string, version: number): Promise<string | undefined>
  /** Forgets it, here and beside. */
  forgetToken(name: string): Promise<void>
}
