/** What a server of Snowflake keeps while it runs: sessions with their tokens, and statements. */
import type { FaultPlan } from '../faults.ts'
import type { Account, Session } from './account.ts'
import type { LoggedStatement, Tuning } from './api.ts'
import type { Login } from './login.ts'

/** A session and the tokens that open it. */
export interface Ticket {
  session: Session
  token: string
  master: string
  /** When the session token expires, and the master token. */
  expires: number
  masterExpires: number
  /** Its statements by request, so that a repeated request is not run again. */
  requests: Map<string, Query>
}

/** What all requests of one server share. */
export interface Running {
  account: Account
  login: Login
  faults: FaultPlan
  tuning: Tuning
  /** Sessions by token and by master token. */
  tickets: Map<string, Ticket>
  masters: Map<string, Ticket>
  queries: Map<string, Query>
  /** Credentials of the storage that are still good. */
  storageTokens: Set<string>
  /** Requests by kind. */
  counts: Record<string, number>
  statements: number
  log: LoggedStatement[]
  texts: Set<string>
  onText: (text: string) => void
  /** Address of the server. */
  url: string
}

/** One statement on its way, and its answer for who asks again. */
export interface Query {
  id: string
  requestId: string
  state: 'running' | 'succeeded' | 'failed'
  abort: AbortController
  started: number
  ended: number
  text: string
  /** Settles when the statement ends, however it ends. */
  done: Promise<void>
  body: object
  /** Rows that are fetched apart. */
  chunks: (string | null)[][][]
  error: string | undefined
  /** Its text has not been seen before. */
  isNew: boolean
}
