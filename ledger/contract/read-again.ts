/** What the next run reads by key. */

/** Source's keys that a person said a target lacks, or of which it holds something else than was delivered. */
export interface ReadAgain {
  addToReadAgain(sync: string, entity: string, keys: readonly string[]): Promise<void>
  /** Source's keys that the next run reads by key, whatever their stamps. */
  keysToReadAgain(sync: string, entity: string): Promise<readonly string[]>
  /** Gives back how many there were. `all`: those too of which nobody knows the source's key. */
  forgetToReadAgain(sync: string, entity: string, keys: readonly string[] | 'all'): Promise<number>
}
