import type { FaultPlan } from '../faults.ts'
import type { Level } from './account.ts'

export interface SnowflakeOptions {
  /** 0, the default, takes a free port. */
  port?: number
  /** Database file to keep the tables in; its stages lie in `<file>.stages`. In memory without. */
  file?: string
  /** `TIEOUT-SANDBOX` unless told. */
  account?: string
  /** `TIEOUT_LOADER` unless told. */
  user?: string
  /** The warehouses; `LOAD_WH` unless told, the first is the user's own. */
  warehouses?: string[]
  /** The user's roles; `LOADER` unless told, the first is the user's own. */
  roles?: string[]
  /** The one database, `FINANCE` unless told. */
  database?: string
  /** Schemas that are there from the start, besides `PUBLIC`. */
  schemas?: string[]
  /** The user's RSA key, PKCS#8 PEM and encrypted where there is a passphrase; made anew unless given. */
  privateKey?: { pem: string; passphrase?: string }
  /** Programmatic access token. */
  token?: string
  clientId?: string
  clientSecret?: string
  /** Life time of OAuth access tokens; ten minutes unless told. */
  tokenSeconds?: number
  /** Life time of session tokens; an hour unless told. */
  sessionSeconds?: number
  /** Added to every statement. */
  latencyMs?: number
  /** A statement that takes longer is answered as running, and polled; 1000 unless told. */
  directMs?: number
  /** Every n-th statement is answered as running; 3 with `faults`, otherwise 0 for none. */
  pendingEvery?: number
  /** Rows of a result that are sent at once; more come in chunks. 1000 unless told. */
  inlineRows?: number
  faults?: FaultPlan
  /** Session parameters that are set for the account and for its user; for the account also DEFAULT_DDL_COLLATION. */
  parameters?: Partial<Record<Level, Readonly<Record<string, string>>>>
}

/** Settings of the running server. */
export interface Tuning {
  latencyMs: number
  directMs: number
  pendingEvery: number
  inlineRows: number
  tokenSeconds: number
  sessionSeconds: number
  /** Array binds of more values than this the driver sends through a stage; 65,280 as Snowflake documents it. */
  bindThreshold: number
  /** A transaction that others wait for is rolled back after this long without a statement; five minutes unless told. */
  idleMs: number
  /** `COLLATE ''` leaves a column the default collation: the other way to read what Snowflake says of it. */
  keepsDefaultCollation: boolean
}

/** One statement as the log keeps it; `rows` is what it touched or gave. */
export interface LoggedStatement {
  kind: string
  text: string
  rows: number
  ms: number
  session: string
  requestId: string
  queryTag: string
  /** `002003 (42S02): text` where it failed. */
  error?: string
}

/** Whole numbers that fit are numbers; decimals, longer numbers, dates, times and VARIANT are text, times UTC without zone. */
export type Value = string | number | boolean | null

export interface SnowflakeSandbox {
  host: string
  port: number
  /** `http://host:port`, the driver's `accessUrl`. */
  url: string
  account: string
  user: string
  warehouse: string
  role: string
  database: string
  schema: string
  /** PKCS#8, encrypted with `passphrase`. */
  privateKeyPem: string
  passphrase: string
  /** Programmatic access token. */
  token: string
  clientId: string
  clientSecret: string
  /** The authorization server's token endpoint, for client credentials. */
  tokenUrl: string
  /** Requests of all kinds, statements, and requests by kind such as `execute:merge`. */
  stats(): { requests: number; statements: number } & Record<string, number>
  /** The last statements, oldest first. */
  log(): LoggedStatement[]
  /** Every distinct statement text so far, bind stages and the driver's own included. */
  statements(): string[]
  /** Runs a query of Snowflake's SQL beside the driver: no faults, no rights, not counted, outside any session. */
  query(sql: string): Promise<{ columns: string[]; rows: Value[][] }>
  /** The same for a query with many rows, a few thousand at a time. */
  stream(sql: string): AsyncGenerator<Value[][]>
  /**
   * Takes a right (`USAGE`, `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `CREATE TABLE`, `CREATE STAGE`, `OWNERSHIP` ..) from the
   * role, on a warehouse, database, schema, table or stage: `FINANCE`, `FINANCE.PUBLIC`, `FINANCE.PUBLIC.T`, `LOAD_WH`.
   */
  deny(privilege: string, on: string): void
  /** Gives it back; all rights without arguments. */
  allow(privilege?: string, on?: string): void
  /** ALTER ACCOUNT SET or ALTER USER SET, as an administrator; sessions that are open keep what they began with. */
  setParameters(level: Level, values: Readonly<Record<string, string>>): void
  /** The next `statements` that need the warehouse fail with 000606. */
  suspend(statements: number): void
  /** Ends the token's life: later logins with it are refused, as expired or as revoked. */
  endToken(how: 'expired' | 'revoked'): void
  /** Replaces the user's public key, as an administrator would: the key pair of the client no longer opens anything. */
  rotateKey(): void
  /** Session tokens given so far are expired (390112), master tokens too when told (390114); `gone` forgets the sessions. */
  expireSessions(how?: 'session' | 'master' | 'gone'): void
  /** Another session holds a lock on the table, as a crashed one does; until `release`. */
  lock(table: string): { release(): void }
  faults(): FaultPlan
  /** Replaces the plan; without one nothing goes wrong from now on. */
  setFaults(plan?: FaultPlan): void
  tune(tuning: Partial<Tuning>): void
  close(): Promise<void>
}
