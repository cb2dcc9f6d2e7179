import type { Books } from '../books/types.ts'
import type { FaultPlan } from '../faults.ts'
import type { Api1Door, Api1Options } from './api1/door.ts'
import type { Audience } from './auth.ts'
import type { CustomOptions } from './custom.ts'
import type { EmptyStamp } from './folder.ts'
import type { OpenItems } from './graph/open-items.ts'
import type { Generation } from './model.ts'
import type { PoolOptions, SoapDoor } from './soap/door.ts'
import type { SoapOptions, SoapService } from './soap/service.ts'

export interface X3Options {
  books: Books
  /** The ERP's clock, ms since 1970: `Date`, the check of tokens and what is visible follow it. */
  clock: { now(): number }
  port?: number
  /** Name of the folder that holds `books`; the default one. */
  folder?: string
  /** Further folders on the same server. */
  folders?: Readonly<Record<string, Books>>
  clientId?: string
  secret?: string
  user?: string
  audience?: Audience
  /** Where given, Basic authentication is taken too. */
  basic?: { user: string; password: string }
  /** "Tokens validity" of the connected application, 600. */
  tokenSeconds?: number
  generation?: Generation
  /** How open items are published, `dated`. */
  openItems?: OpenItems
  latencyMs?: number
  faults?: FaultPlan
  /** Greatest `first` of a query, 1000. */
  maxFirst?: number
  emptyStamp?: EmptyStamp
  /** Change stamps with `.000`. */
  milliseconds?: boolean
  /** Requests that touch a table before its right is lost in mid-run, 2. */
  lostAfter?: number
  /** Keep each reply and serve it again to the same request, for benches on books that stand still. */
  keepReplies?: boolean
  /** How the web services are set up. */
  soap?: SoapOptions & PoolOptions
  /** Operations of the customer's own, by GraphQL: `zTieout.journal.postJournal` and its likes. They need the wide shape. */
  custom?: CustomOptions
  /** How api1 is set up; it takes the login of `basic`. */
  api1?: Api1Options
}

export interface X3Stats {
  requests: number
  /** Queries by node, such as `x3Finance.journalEntry`. */
  byNode: Record<string, number>
  byStatus: Record<string, number>
  ambushes: number
  /** The last requests, without credentials. */
  last: { folder: string; query: string; variables: unknown; status: number }[]
}

export interface X3Sandbox {
  /** Where to post to. */
  url: string
  port: number
  folder: string
  clientId: string
  secret: string
  user: string
  /** Where web services are posted to, and the names under which they stand. */
  soap: { readonly url: string } & Pick<SoapService, 'pool' | 'publication' | 'accountant'> &
    Pick<SoapDoor, 'lateCommits'>
  /** REST: where it is, and what it has been asked. */
  api1: { readonly url: string } & Pick<Api1Door, 'sessions' | 'endSessions' | 'requests' | 'set'>
  stats(): X3Stats
  /** Takes the right to read a node (`journalEntryLine`) away, in every folder. */
  deny(node: string): void
  /** Gives it back; all of them without a name. */
  allow(node?: string): void
  denied(): string[]
  /** Call when the books have moved on a business day. */
  newDay(): void
  /** Bodies of the requests whose replies are kept (`keepReplies`), in the order of their first coming. */
  keptRequests(): string[]
  setFaults(plan: FaultPlan | undefined): void
  setLatency(ms: number): void
  close(): Promise<void>
}
