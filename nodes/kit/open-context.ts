/** What surrounds a connection when it is opened. */
import type { Ledger } from '../../ledger/ledger.ts'
import type { Log } from './log.ts'

export interface OpenContext {
  /** The config node's name, or its type. */
  readonly name: string
  readonly log: Log
  /** Aborted when the node is closed, or when the dialog that asked is gone. */
  readonly signal: AbortSignal
  /** What this runtime has once under a key, whichever connection asks first. */
  readonly once: <T>(key: string, make: () => T) => T
  /** The ledger of a `sync-ledger` node, by its id: it stays open for as long as a deployed connection that asked. */
  readonly ledger: (id: string) => Promise<Ledger>
}
