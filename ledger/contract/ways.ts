/** By which way what stands at a target came there: a line for each batch and address, and the look-up by number. */

/** What a batch was on its way, kept as long as decisions. */
export interface Way {
  readonly run: string
  readonly sync: string
  /** When its run began, ISO. */
  readonly started: string
  readonly entity: string
  /** Absent: of a message that came without a run. */
  readonly batch?: number
  readonly sinkName: string
  /** When it was settled last, ISO. */
  readonly at: string
  /** What the target called its statements and requests, as far as it says so. */
  readonly statements: readonly string[]
  readonly requests: readonly string[]
  /** Versions of the mappings that it went through. */
  readonly mappings: readonly string[]
}

/** What a target was called by its owner while a batch was written, and versions of what made its rows: fields and mappings. */
export type Trace = Pick<Way, 'statements' | 'requests' | 'mappings'>

/** The last version of a document at an address. */
export interface FoundDelivery {
  readonly address: string
  readonly key: string
  /** Who delivers there, where it is known. */
  readonly sync?: string
  readonly entity?: string
  /** Its read number, and when that was given (ISO). */
  readonly read: number
  readonly readAt: string
  /** The record was deleted there. */
  readonly gone: boolean
  /** A person had edited it. */
  readonly edited: boolean
  /** Absent: delivered by a version before, or longer ago than ways are kept. */
  readonly way?: Way
}

/** Where a look-up goes on: an address and a key, opaque. */
export interface FoundPage {
  readonly found: readonly FoundDelivery[]
  /** Ids of what is held or left out under such a key; with the first page. */
  readonly held: readonly string[]
  /** Absent: everything was looked through. */
  readonly next?: string
}

export interface Ways {
  /**
   * The last version of what has `number` as the last part of its key, or this as its whole key, at each address (of an entity). It jumps over keys that
   * begin alike, and gives what it has after a few milliseconds, so that it never holds the process up: `after` goes on.
   */
  findDeliveries(asked: {
    readonly number: string
    readonly entity?: string
    readonly after?: string
  }): Promise<FoundPage>
}
