/** What one settled batch changes. */

import type { Outcome } from '../../sync/contract/message.ts'
import type { NewDecision } from './decisions.ts'
import type { Delivery } from './deliveries.ts'
import type { GroupChange } from './group-sums.ts'
import type { HeldRecord } from './held.ts'
import type { KnownKey } from './known-keys.ts'
import type { Position } from './positions.ts'
import type { NewPosting } from './postings.ts'
import type { NewAccepted } from './results.ts'
import type { StandingKey } from './standing.ts'
import type { Trace } from './ways.ts'

/** Everything one settled batch changes, in one transaction. */
export interface Commit {
  readonly run: string
  readonly sync: string
  readonly entity: string
  /** Id of the node that settles. */
  readonly sinkId: string
  readonly sinkName: string
  /** Absent for a push run. */
  readonly batch?: number
  readonly address?: string
  readonly deliveries?: readonly Delivery[]
  /** By how much the deliveries whose counts are known change the sums of the address. */
  readonly sums?: GroupChange | undefined
  readonly held?: readonly Omit<HeldRecord, 'id' | 'state' | 'attempts' | 'heldAt'>[]
  readonly outcomes: Partial<Record<Outcome, number>>
  readonly rows?: number
  /** Progress that this settlement allows: the contiguous prefix reached so far. */
  readonly position?: { readonly entity: string; readonly position: Position }
  /** Keys of the rows that this settlement brings into the contiguous prefix. */
  readonly known?: readonly KnownKey[]
  /** Two stages: what the target has accepted of them. */
  readonly accepted?: readonly NewAccepted[]
  /** What was posted there. */
  readonly posted?: readonly NewPosting[]
  /** Documents of a source's inbox that everybody has answered for, by the keys of their records. */
  readonly inbox?: { readonly source: string; readonly recordKeys: readonly string[] }
  /** What a message without `msg.sync` has written under the source name of a sync. */
  readonly pushed?: readonly StandingKey[] | undefined
  /** Intent that these deliveries close. */
  readonly intent?: string
  /** A person decided so. */
  readonly decision?: NewDecision
  /** Tables of the address that got a row by these deliveries: `''` the header's, else the list's name. */
  readonly filled?: readonly string[]
  readonly state?: 'received' | 'settled'
  /** What the target called its statements and requests for this batch so far. */
  readonly trace?: Trace
}

/** Settling. */
export interface Commits {
  commit(commit: Commit): Promise<void>
}
