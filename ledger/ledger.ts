/** The durable record of runs, windows, batches, deliveries, held records, intents, totals and alerts: the sum of its topics. */

import type { AddedCodes } from './contract/added-codes.ts'
import type { AlertMessages } from './contract/alert-messages.ts'
import type { Alerts } from './contract/alerts.ts'
import type { Commits } from './contract/commit.ts'
import type { Copies } from './contract/copies.ts'
import type { Decisions } from './contract/decisions.ts'
import type { Deliveries } from './contract/deliveries.ts'
import type { FilledTables } from './contract/filled.ts'
import type { GroupSums } from './contract/group-sums.ts'
import type { HeldRecords } from './contract/held.ts'
import type { Inboxes } from './contract/inbox.ts'
import type { Intents } from './contract/intents.ts'
import type { KnownKeys } from './contract/known-keys.ts'
import type { Makings } from './contract/makings.ts'
import type { Notes } from './contract/notes.ts'
import type { ReadNumbers } from './contract/numbers.ts'
import type { OpenItems } from './contract/open-items.ts'
import type { TableOwners } from './contract/owners.ts'
import type { Positions } from './contract/positions.ts'
import type { Postings } from './contract/postings.ts'
import type { ReadAgain } from './contract/read-again.ts'
import type { Results } from './contract/results.ts'
import type { Runs } from './contract/runs.ts'
import type { StandingKeys } from './contract/standing.ts'
import type { Sweeps } from './contract/sweeps.ts'
import type { TargetSums } from './contract/target-sums.ts'
import type { RotatingTokens } from './contract/tokens.ts'
import type { Ways } from './contract/ways.ts'

export type * from './contract/added-codes.ts'
export type * from './contract/alert-messages.ts'
export type * from './contract/alerts.ts'
export type * from './contract/commit.ts'
export type * from './contract/copies.ts'
export type * from './contract/decisions.ts'
export type * from './contract/deliveries.ts'
export type * from './contract/filled.ts'
export type * from './contract/group-sums.ts'
export type * from './contract/held.ts'
export type * from './contract/inbox.ts'
export type * from './contract/intents.ts'
export type * from './contract/known-keys.ts'
export type * from './contract/makings.ts'
export type * from './contract/notes.ts'
export type * from './contract/numbers.ts'
export type * from './contract/open-items.ts'
export type * from './contract/owners.ts'
export type * from './contract/positions.ts'
export type * from './contract/postings.ts'
export type * from './contract/read-again.ts'
export type * from './contract/results.ts'
export type * from './contract/runs.ts'
export type * from './contract/standing.ts'
export type * from './contract/sweeps.ts'
export type * from './contract/target-sums.ts'
export type * from './contract/tokens.ts'
export type * from './contract/ways.ts'

export interface Ledger
  extends ReadNumbers,
    Copies,
    Positions,
    Runs,
    Deliveries,
    TargetSums,
    Commits,
    FilledTables,
    GroupSums,
    TableOwners,
    StandingKeys,
    KnownKeys,
    Sweeps,
    Intents,
    Postings,
    Inboxes,
    Notes,
    HeldRecords,
    OpenItems,
    Results,
    Decisions,
    AddedCodes,
    ReadAgain,
    RotatingTokens,
    Ways,
    Makings,
    AlertMessages,
    Alerts {
  /** Random id made when the ledger was created. */
  readonly id: string
  /**
   * Takes out what is older than the retention: runs, batches, closed held records, the content of what is left out, cleared
   * alerts; decisions of people after `decisionYears` (10). Deliveries of merge sinks may be emptied, those of append sinks never.
   */
  purge(olderThanDays: number, decisionYears?: number): Promise<void>
  close(): Promise<void>
}
