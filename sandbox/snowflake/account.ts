/** What the account holds, its sessions and their transactions. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Catalog, Stage, Table } from './catalog.ts'
import type { Locks } from './locks.ts'
import type { Rights } from './rights.ts'
import type { SessionView } from './sql/cursor.ts'
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

/** Where a parameter is set; the later one wins. */
export type Level = 'account' | 'user'

/** What an account and its user have set. */
export type Parameters = Readonly<Record<Level, Map<string, string>>>

/** One session: what USE and ALTER SESSION change, its temporary tables and its transaction. */
export interface Session extends SessionView {
  connection: DuckDBConnection
  parameters: Map<string, string>
  /** What the engine was told of them. */
  applied: Map<string, string>
  temporary: Map<string, Table>
  stages: Map<string, Stage>
  transaction: Transaction | undefined
  /** Its statements run one after the other. */
  last: Promise<unknown>
  /** Statements under way or waiting their turn. */
  busy: number
  lastUsed: number
  ended: boolean
}

/** An open transaction of a session. */
export interface Transaction {
  id: string
  explicit: boolean
  /** A statement failed in it, and TRANSACTION_ABORT_ON_ERROR was set: nothing but its end is taken. */
  aborted?: boolean
  /** What it has done so far, to be done again where the engine has lost it. */
  actions: (() => Promise<unknown>)[]
  /** The commits that its snapshot holds, by table. */
  seen: Map<string, number>
  started: number
  wrote: Set<string>
  /** What is to be remembered once it is committed. */
  after: (() => void)[]
}
