/** The parts that a floor is put together from: a source that is read, and a target that is written. */
import type { Schema } from '../sync/contract/message.ts'
import type { Recorded } from './recorded.ts'
import type { Accounts } from './sandbox.ts'

/** What the flow did, as the floor needs it to do the same. */
export interface Script {
  /** Bodies of its requests, in order. */
  readonly requests: readonly string[]
  /** Records in each batch, by entity. */
  readonly batches: Readonly<Record<string, readonly number[]>>
  /** Value of the `source` column. */
  readonly source: string
  readonly accounts: Accounts
  /** Its statements beside those that carry rows, in order; none where they are not recorded. */
  readonly statements: readonly Recorded[]
}

/** Rows of one batch as JSON texts, by list; `''` is the header. */
export interface FloorBatch {
  readonly entity: string
  readonly records: number
  readonly rows: number
  readonly tables: Readonly<Record<string, string[]>>
}

export interface FloorReader {
  /** Reads everything; gives batches of the size that the flow's had. */
  batches(script: Script): AsyncIterable<FloorBatch>
  /** The flow's requests with each page right before what completes it; the flow has the next page on its way meanwhile. */
  inOrder?(requests: readonly string[]): Promise<string[]>
  close(): Promise<void>
}

export interface FloorWriter {
  create(schemas: readonly Schema[]): Promise<void>
  write(batch: FloorBatch): Promise<void>
  /** Waits for what goes on beside the batches. */
  finish?(): Promise<void>
  close(): Promise<void>
}
