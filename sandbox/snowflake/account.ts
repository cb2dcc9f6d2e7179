import type { Catalog } from './catalog.ts'
import type { Locks } from './locks.ts'
import type { Parameters } from './parameters.ts'
import type { Rights } from './rights.ts'
import type { Session } from './session.ts'
import type { Stages } from './stages.ts'
import type { Store } from './store.ts'

/** What all sessions of the account share. */
export interface Account {
  name: string
  store: Store
  catalog: Catalog
  rights: Rights
  stages: Stages
  locks: Locks
  warehouses: readonly string[]
  roles: readonly string[]
  parameters: Parameters
  /** Whether `COLLATE ''` leaves a column the collation that is the default where it is. */
  keepsDefaultCollation: () => boolean
  /** Statements left to fail because the warehouse cannot be used. */
  suspended: number
  /** Commits by table. */
  versions: Map<string, number>
  sessions: number
  /** Sessions that have not been ended. */
  open: Set<Session>
  /** A transaction that others wait for is rolled back after this long without a statement; five minutes in Snowflake. */
  idleMs: () => number
  transactions: number
  /** Definitions run one after the other: concurrent ones would conflict in the engine, not in Snowflake. */
  definitions: { last: Promise<unknown> }
}
